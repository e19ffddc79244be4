import { hostedFileNames } from '../contract';
import type { CubeFormat, CubeType, Finding, Task } from '../contract';
import { Complaints } from './complaints';
import { toContainerConfig } from './container-config';
import { checkContainer } from './container-checks';
import { parseContainerDefinition, readsOwnVolume } from './container-definition';
import { cubeType } from './cube-type';
import { imageLine } from './image-pin';
import { parseManifest } from './manifest';
import type { Manifest } from './manifest';
import { checkForPackaging } from './packaging-checks';
import type { CubeFiles } from './packaging-checks';
import { readPlainYaml } from './plain-yaml';
import { TYPE_TASKS } from './task-contract';

/** The file of each format that describes a cube. */
export const DESCRIPTIONS: Readonly<Record<CubeFormat, string>> = {
  mlcube: hostedFileNames.manifest,
  container: hostedFileNames.containerConfig,
};

/**
 * The formats that a folder's cube may be written in, the one that is taken first.
 * @param wanted how the cube is to be described: an mlcube is converted where it has to be. Null takes what the folder has.
 */
export function acceptedFormats(wanted: CubeFormat | null): readonly CubeFormat[] {
  if (wanted === 'mlcube') return ['mlcube'];
  return wanted === 'container' ? ['container', 'mlcube'] : ['mlcube', 'container'];
}

/** Whether the server that the cube is for keeps its parameters itself, and not as the file that somebody wrote. */
export function keepsParameters({ format, wanted }: Pick<WrittenCube, 'format' | 'wanted'>): boolean {
  return format === 'container' || wanted === 'container';
}

/** A cube as somebody wrote it into a folder. */
export interface WrittenCube {
  readonly format: CubeFormat;
  /** As in {@link acceptedFormats}. */
  readonly wanted: CubeFormat | null;
  /** Of the file that describes it. */
  readonly text: string;
  /** Text of `workspace/parameters.yaml`; null where it is not there, and where {@link keepsParameters} is false. */
  readonly parameters: string | null;
  readonly files: CubeFiles;
  /** As given; else it is read from the tasks. */
  readonly type?: CubeType;
}

export interface JudgedCube {
  /** The file that describes it. */
  readonly file: string;
  /** Null when the tasks do not tell it. */
  readonly type: CubeType | null;
  /** Null where none is named that could be run here. */
  readonly image: WrittenImage | null;
  /** The tasks of its type that take their program from the image. */
  readonly ofImage: ReadonlyMap<Task, ProgramOfImage>;
  readonly findings: readonly Finding[];
}

export interface WrittenImage {
  /** An archive is named by its URL. */
  readonly kind: 'image' | 'archive';
  readonly name: string;
  readonly line: number | null;
}

/** Its entry point, which is handed the task's name and arguments, or whatever it starts by itself. */
export type ProgramOfImage = 'entry point' | 'whole command';

/** Everything that packaging would say of a cube, by the lines of what is written, whichever format that is. */
export function judgeWrittenCube(cube: WrittenCube): JudgedCube {
  return cube.format === 'container' ? judgeContainer(cube) : judgeMlcube(cube);
}

function judgeContainer({ text, parameters, files, type: given }: WrittenCube): JudgedCube {
  const { definition, findings } = parseContainerDefinition(text);
  const { file, kind, image: name, imageLine: line, tasks } = definition;
  const type = given ?? cubeType(definition);
  return {
    file,
    type,
    image: kind === null || name === '' ? null : { kind, name, line },
    ofImage: programsOfImage(type, tasks, ({ entrypoint, command }) =>
      entrypoint === null && command.length === 0 ? 'whole command' : null,
    ),
    findings: [
      ...findings,
      ...checkContainer(definition, type, files),
      ...judgeParameters(readsOwnVolume(definition, 'parameters_file'), parameters),
    ],
  };
}

function judgeMlcube({ wanted, text, parameters, files, type: given }: WrittenCube): JudgedCube {
  const { manifest, findings: ofManifest } = parseManifest(text);
  const type = given ?? cubeType(manifest);
  const findings = [...ofManifest, ...checkForPackaging(manifest, type, files, wanted)];
  const name = manifest.docker?.image;
  return {
    file: manifest.file,
    type,
    image: name === undefined ? null : { kind: 'image', name, line: imageLine(text) },
    ofImage: programsOfImage(type, manifest.tasks, ({ entrypoint }) =>
      entrypoint === undefined ? 'entry point' : null,
    ),
    findings: wanted === 'container' ? [...findings, ...judgeConversion(manifest, findings, parameters)] : findings,
  };
}

/** Of a line that is wrong already, the conversion adds nothing. */
function judgeConversion(manifest: Manifest, told: readonly Finding[], parameters: string | null): readonly Finding[] {
  const { findings, readsParameters } = toContainerConfig(manifest);
  const wrong = new Set(told.filter(({ severity }) => severity === 'error').map(({ line }) => line));
  return [...findings.filter(({ line }) => !wrong.has(line)), ...judgeParameters(readsParameters, parameters)];
}

/** What no task reads is left out. */
function judgeParameters(isRead: boolean, parameters: string | null): readonly Finding[] {
  const complaints = new Complaints(hostedFileNames.parameters);
  if (isRead && parameters !== null) readPlainYaml(parameters, complaints.under('cube-file'));
  return complaints.findings;
}

function programsOfImage<Section>(
  type: CubeType | null,
  tasks: Readonly<Record<string, Section>>,
  programOf: (section: Section) => ProgramOfImage | null,
): ReadonlyMap<Task, ProgramOfImage> {
  const programs = new Map<Task, ProgramOfImage>();
  for (const task of type === null ? [] : TYPE_TASKS[type]) {
    const section = Object.hasOwn(tasks, task) ? tasks[task] : undefined;
    const program = section === undefined ? null : programOf(section);
    if (program !== null) programs.set(task, program);
  }
  return programs;
}
