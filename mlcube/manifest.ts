import { isMap, isScalar } from 'yaml';
import type { Node, Pair, YAMLMap } from 'yaml';
import { MedperfError } from '../contract';
import type { Finding } from '../contract';
import { readDockerArguments } from './docker-arguments';
import type { DockerArguments } from './docker-arguments';
import { interpolated } from './interpolation';
import { YamlSource } from './yaml-source';

export type ParameterType = 'file' | 'directory' | 'unknown';

/** One input or output of a task. */
export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  /** Path relative to the workspace, as written. */
  readonly default: string;
  readonly line?: number;
}

export interface TaskDefinition {
  readonly name: string;
  readonly entrypoint?: string;
  readonly inputs: readonly Parameter[];
  readonly outputs: readonly Parameter[];
  readonly line?: number;
}

/** What of an mlcube.yaml decides how its tasks run (reference: mlcube.md, part 2). */
export interface Manifest {
  readonly name: string;
  readonly docker?: { readonly image: string; readonly arguments: DockerArguments };
  readonly hasSingularityImage: boolean;
  /** Requests GPUs in MLCube's own runner; here only a wish. */
  readonly acceleratorCount: number;
  readonly tasks: Readonly<Record<string, TaskDefinition>>;
}

/** Reads a manifest; bad content gives findings, each with its line, and never throws. */
export function parseManifest(text: string, file = 'mlcube.yaml'): { manifest: Manifest; findings: Finding[] } {
  const source = new YamlSource(text, file);
  const manifest = new ManifestReader(source).read();
  return { manifest, findings: source.findings };
}

/**
 * Reads a manifest whose tasks shall run.
 * @throws MedperfError `InvalidManifest` with every finding when one is an error.
 */
export function requireManifest(text: string, file = 'mlcube.yaml'): Manifest {
  const { manifest, findings } = parseManifest(text, file);
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return manifest;
  throw new MedperfError('InvalidManifest', {
    what: `${file} cannot be used: ${errors.length} error(s).`,
    findings,
    next: 'mend each line above.',
  });
}

class ManifestReader {
  constructor(private readonly source: YamlSource) {}

  read(): Manifest {
    const { source } = this;
    const { root } = source;
    const docker = this.readDocker(root);
    return {
      name: this.text(source.member(root, 'name')?.value ?? null) ?? '',
      ...(docker === null ? {} : { docker }),
      hasSingularityImage: source.member(this.map(root, 'singularity'), 'image') !== null,
      acceleratorCount: this.readAcceleratorCount(root),
      tasks: this.readTasks(root),
    };
  }

  private readDocker(root: YAMLMap | null): NonNullable<Manifest['docker']> | null {
    const { source } = this;
    const docker = this.map(root, 'docker');
    if (docker === null) return null;
    const image = this.text(source.member(docker, 'image')?.value ?? null);
    const dockerArguments = readDockerArguments(source, docker);
    if (image !== null && image !== '') return { image, arguments: dockerArguments };
    source.error(docker, 'docker names no image', 'add docker.image, such as org/name:tag');
    return null;
  }

  private readAcceleratorCount(root: YAMLMap | null): number {
    const count = this.source.member(this.map(root, 'platform'), 'accelerator_count');
    if (count === null || count.value === null) return 0;
    const value = this.source.plain(count.value);
    if (typeof value === 'number' && Number.isInteger(value)) return Math.max(0, value);
    this.source.error(count.pair, 'platform.accelerator_count is no whole number', 'write a number without quotes');
    return 0;
  }

  private readTasks(root: YAMLMap | null): Record<string, TaskDefinition> {
    const { source } = this;
    const tasks = this.map(root, 'tasks');
    if (root !== null && tasks === null) source.error(root, 'there are no tasks', 'add tasks, such as infer');
    const read: Record<string, TaskDefinition> = {};
    for (const { key, value, pair } of tasks === null ? [] : source.members(tasks)) {
      if (key === '') source.error(pair, 'a task has no name', 'give it one');
      else read[key] = this.readTask(key, value, pair);
    }
    return read;
  }

  private readTask(name: string, node: Node | null, pair: Pair): TaskDefinition {
    const { source } = this;
    if (!isMap(node)) {
      source.error(pair, `the task ${name} is no mapping`, 'give it parameters with inputs and outputs');
      return { name, inputs: [], outputs: [] };
    }
    const entrypoint = this.text(source.member(node, 'entrypoint')?.value ?? null);
    const parameters = this.map(node, 'parameters');
    const line = source.lineOf(pair);
    return {
      name,
      ...(entrypoint === null ? {} : { entrypoint }),
      inputs: this.readParameters(parameters, 'inputs', name),
      outputs: this.readParameters(parameters, 'outputs', name),
      ...(line === undefined ? {} : { line }),
    };
  }

  private readParameters(parameters: YAMLMap | null, side: 'inputs' | 'outputs', task: string): Parameter[] {
    const map = this.map(parameters, side);
    return map === null ? [] : this.source.members(map).map((member) => this.readParameter(member, side, task));
  }

  private readParameter(
    { key: name, value, pair }: { key: string; value: Node | null; pair: Pair },
    side: 'inputs' | 'outputs',
    task: string,
  ): Parameter {
    const { source } = this;
    const described = isMap(value) ? value : null;
    const where = described === null ? value : (source.member(described, 'default')?.value ?? null);
    const path = this.text(where) ?? name;
    const stated = described === null ? null : this.text(source.member(described, 'type')?.value ?? null);
    if (stated !== null && !['file', 'directory', 'unknown'].includes(stated)) {
      source.error(pair, `${task}.${side}.${name} has type ${stated}`, 'write file or directory');
    }
    const type = parameterType(stated, path);
    if (side === 'outputs' && type === 'unknown') {
      const fix = 'add type: file or type: directory, or end the path with /';
      source.error(pair, `the output ${name} of ${task} is neither a file nor a directory`, fix);
    }
    const line = source.lineOf(pair);
    return { name, type, default: path, ...(line === undefined ? {} : { line }) };
  }

  private map(parent: YAMLMap | null, key: string): YAMLMap | null {
    const member = this.source.member(parent, key);
    if (member === null || member.value === null) return null;
    if (isMap(member.value)) return member.value;
    if (isScalar(member.value) && member.value.value === null) return null;
    this.source.error(member.pair, `${key} is no mapping`, 'indent its keys below it');
    return null;
  }

  private text(node: Node | null): string | null {
    const text = this.source.text(node);
    return node === null || text === null ? null : interpolated(this.source, node, text);
  }
}

/** An explicit type wins; else a trailing slash means a directory (reference: mlcube.md, part 3). */
function parameterType(stated: string | null, path: string): ParameterType {
  if (stated === 'file' || stated === 'directory') return stated;
  return path.endsWith('/') || path.endsWith('\\') ? 'directory' : 'unknown';
}
