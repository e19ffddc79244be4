import { MedperfError } from '../contract';
import type { Digest, HostedFiles, JsonValue, RegisterCubeInput, RegisterCubeResult } from '../contract';
import { plainYaml } from '../mlcube/plain-yaml';
import { requireContainerDefinition } from '../mlcube/container-definition';
import type { CubeContent, Registry } from '../registry/registry';
import type { Store } from '../store/store';
import { descriptionText, parametersText } from './cube-files';
import { sha1Hashes } from './promised-hashes';

interface Place {
  readonly store: Store;
  readonly registry: Registry;
}

/** Registers the cube once, even when an answer of the registry is lost; what infers is registered as a model. */
export async function registerCube(
  place: Place,
  { name, files, operational }: RegisterCubeInput,
  signal: AbortSignal,
): Promise<RegisterCubeResult> {
  const { registry } = place;
  refuseOtherFormat(registry, files);
  const { content, isModel } = await contentOf(place, files);
  const cube = { name, content, state: operational ? 'OPERATION' : 'DEVELOPMENT' } as const;
  const { record, adopted } = isModel
    ? await registry.registerModel(cube, signal)
    : await registry.registerCube(cube, signal);
  return { kind: isModel ? 'model' : 'cube', uid: record.uid, name: record.name, adopted };
}

async function contentOf(
  { store, registry }: Place,
  files: HostedFiles,
): Promise<{ readonly content: CubeContent; readonly isModel: boolean }> {
  if (files.format === 'mlcube') {
    const hashes = registry.dialect === 'E23' ? await sha1Hashes(store, files.hashes) : files.hashes;
    return { content: { ...files, hashes }, isModel: false };
  }
  const { format, additionalFiles, imageHash } = files;
  if (imageHash === undefined) throw new TypeError('a container was checked without its image');
  const text = await descriptionText(store, files.config);
  const definition = requireContainerDefinition(text);
  return {
    content: {
      format,
      config: plainYaml(text, 'container_config.yaml'),
      parameters: files.parameters === null ? null : await parametersOf(store, files.parameters),
      additionalFiles: additionalFiles === null ? null : { url: additionalFiles.url, hash: additionalFiles.hash ?? '' },
      imageHash,
    },
    isModel: Object.hasOwn(definition.tasks, 'infer'),
  };
}

async function parametersOf(store: Store, parameters: Digest): Promise<JsonValue> {
  return plainYaml(await parametersText(store, parameters), 'parameters.yaml');
}

function refuseOtherFormat(registry: Registry, { format }: HostedFiles): void {
  if (format === registry.format) return;
  const [expected, found] =
    registry.format === 'mlcube'
      ? ['the URL of an mlcube.yaml', 'a container_config']
      : ['a container_config', 'the URL of an mlcube.yaml'];
  throw new MedperfError('InvalidRequest', {
    what: `The registry at ${registry.server} is of another generation than what is to be registered.`,
    expected,
    found,
    next:
      registry.format === 'mlcube'
        ? 'submit its mlcube.yaml: temporal-medperf mlcube submit --mlcube-file URL'
        : 'convert it (temporal-medperf mlcube convert), and submit that: temporal-medperf mlcube submit --container-config FILE',
  });
}
