import { createHash } from 'node:crypto';
import type { DialectName } from './dialect';
import type { ContainerTutorial, CubeTutorial, Tutorial, TutorialContainer, TutorialCube } from './tutorial';

/** A tutorial whose records are complete and whose files are nowhere: to try the API, not to run anything. */
export function exampleTutorial(dialect: 'HEAD'): ContainerTutorial;
export function exampleTutorial(dialect: 'E23' | 'E25'): CubeTutorial;
export function exampleTutorial(dialect: DialectName): Tutorial;
export function exampleTutorial(dialect: DialectName): Tutorial {
  const hash = (text: string): string =>
    createHash(dialect === 'E23' ? 'sha1' : 'sha256')
      .update(text)
      .digest('hex');
  const benchmark = {
    demoDatasetUrl: 'https://files.example/demo.tar.gz',
    demoDatasetHash: hash('demo'),
    demoDatasetGeneratedUid: hash('prepared'),
  };
  if (dialect === 'HEAD') {
    const container = (label: string): TutorialContainer => ({
      containerConfig: { container_type: 'DockerImage', image: `images.example/${label}:1`, tasks: {} },
      parametersConfig: null,
      imageHash: `sha256:${hash(label)}`,
    });
    return { ...parts(container), benchmark };
  }
  const cube = (label: string): TutorialCube => ({
    manifestUrl: `https://files.example/${label}/mlcube.yaml`,
    manifestHash: hash(label),
    imageHash: hash(`${label} image`),
  });
  return { ...parts(cube), benchmark };
}

function parts<Part>(part: (label: string) => Part): { dataPreparator: Part; referenceModel: Part; metrics: Part } {
  return { dataPreparator: part('prep'), referenceModel: part('model'), metrics: part('metrics') };
}
