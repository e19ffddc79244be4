import { MedperfError } from '../contract';
import type { Digest } from '../contract';
import type { Store } from '../store/store';
import { shownBytes } from './byte-sizes';
import { openStore, openUpkeep } from './open-store';
import type { Cli } from './session';
import { table } from './tables';

const SHOWN = 100;

/** Results and records that keep contents, the latest used first. */
export async function listKeepers(cli: Cli): Promise<void> {
  const upkeep = openUpkeep(cli.places, false);
  const { keepers } = await upkeep.contents().finally(upkeep.close);
  const shown = keepers
    .filter(({ digests }) => digests.length > 0)
    .sort((a, b) => b.usedAt - a.usedAt)
    .map(({ kind, name, usedAt, digests }) => ({ kind, name, used: new Date(usedAt).toISOString(), digests }));
  cli.output.result(shown, () => {
    const rows = shown.slice(0, SHOWN).map(({ kind, name, used, digests }) => [kind, name, used, digests.length]);
    const more = shown.length > SHOWN ? `\n… and ${shown.length - SHOWN} more: --json shows all` : '';
    return table(['Kind', 'Name', 'Used', 'Digests'], rows) + more;
  });
}

/** The members of a folder, or what a file is. */
export async function listEntry(cli: Cli, digest: Digest, path: string): Promise<void> {
  const { store, close } = openStore(cli.places);
  await showEntry(cli, store, digest, path).finally(close);
}

async function showEntry(cli: Cli, store: Store, digest: Digest, path: string): Promise<void> {
  const size = await store.sizeOf(digest);
  if (size === null) throw absent(`${digest} is not in the store.`);
  const entry = await lookUp(store, digest, path);
  if (entry === null) throw absent(`${digest} holds nothing at ${JSON.stringify(path)}.`);
  if (entry.kind === 'file') {
    cli.output.result(entry, () => `file ${entry.digest} ${shownBytes(entry.size)}`);
    return;
  }
  const members = await store.listDirectory(entry.digest);
  cli.output.result(members, () =>
    table(
      ['Name', 'Size', 'Contents'],
      Object.entries(members).map(([name, member]) =>
        member.kind === 'file' ? [name, shownBytes(member.size), member.digest] : [`${name}/`, '', member.digest],
      ),
    ),
  );
}

/** A blob that is no directory's listing is a file. */
async function lookUp(store: Store, digest: Digest, path: string): ReturnType<Store['lookUp']> {
  const size = await store.sizeOf(digest);
  const isTree = await store.listDirectory(digest).then(
    () => true,
    (error: unknown) => {
      if (error instanceof MedperfError && error.type === 'InvalidRequest') return false;
      throw error;
    },
  );
  if (isTree || size === null) return store.lookUp(digest, path);
  return path === '' ? { kind: 'file', digest, size, executable: false } : null;
}

function absent(what: string): MedperfError {
  return new MedperfError('InvalidRequest', { what, next: 'look at what is there: temporal-medperf store ls' });
}
