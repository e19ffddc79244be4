import { hostedFileNames } from '../contract';
import type { Digest, JsonValue } from '../contract';
import { canonicalYaml } from '../mlcube/canonical-yaml';
import type { Store, TreeEntry } from '../store/store';

export interface ContainerParts {
  readonly config: JsonValue;
  /** Null where there are none. */
  readonly parameters: JsonValue;
  /** Tree, or null. */
  readonly additionalFiles: Digest | null;
}

/** A container's tree; the same whether its parts come from a folder or from a server's record. */
export async function containerTree(
  store: Store,
  { config, parameters, additionalFiles }: ContainerParts,
): Promise<Digest> {
  const workspace: Record<string, TreeEntry> = {};
  if (parameters !== null) workspace[hostedFileNames.parameters] = await textFile(store, parameters);
  if (additionalFiles !== null) workspace['additional_files'] = { kind: 'directory', digest: additionalFiles };
  const { digest } = await store.composeTree(workspace);
  const tree = await store.composeTree({
    [hostedFileNames.containerConfig]: await textFile(store, config),
    workspace: { kind: 'directory', digest },
  });
  return tree.digest;
}

async function textFile(store: Store, value: JsonValue): Promise<TreeEntry> {
  return { kind: 'file', ...(await store.putBytes(canonicalYaml(value))), executable: false };
}
