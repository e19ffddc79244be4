import type { CubeContent } from '../registry';
import { hashOf } from './registry-fixtures';

/** A model whose files are nowhere, different for every name, as a server of this dialect registers it. */
export function modelContent(name: string, dialect: 'E25' | 'HEAD'): CubeContent {
  const manifestHash = hashOf(`files of ${name}`);
  if (dialect === 'HEAD') {
    const config = { container_type: 'DockerImage', image: 'images.example/a:1', tasks: { infer: {} } };
    const imageHash = `sha256:${hashOf('image')}`;
    return { format: 'container', config, parameters: { manifestHash }, additionalFiles: null, imageHash };
  }
  const urls = { manifestUrl: 'https://h.example/mlcube.yaml' };
  return { format: 'mlcube', urls, hashes: { manifestHash, imageHash: hashOf('image') } };
}
