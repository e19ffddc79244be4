import { resolve } from 'node:path';
import type { AsyncEntry } from '@napi-rs/keyring';
import { z } from 'zod';
import { MedperfError } from '../contract';
import { CREDENTIALS } from './credentials';
import type { Credentials } from './credentials';
import { own, readRecord, refuseReadableByOthers, writeRecord } from './profile-files';

/** Where a profile's credentials are kept: a file of mode 0600, or the keyring of the operating system. */
export const CREDENTIAL_STORES = ['file', 'keyring'] as const;
export type CredentialStoreKind = (typeof CREDENTIAL_STORES)[number];

/** Credentials by a profile's name. Who writes has the configuration directory's turn. */
export interface CredentialStore {
  read(name: string): Promise<Credentials | null>;
  write(name: string, credentials: Credentials): Promise<void>;
  remove(name: string): Promise<void>;
}

const FILE = 'credentials.json';
const BY_PROFILE = z.record(z.string(), CREDENTIALS);
const SERVICE = 'temporal-medperf';

/** @throws MedperfError `NeedsAttention` for a file that is damaged or that others may read. */
export function credentialsFile(directory: string): CredentialStore {
  const readAll = async (): Promise<z.infer<typeof BY_PROFILE>> => {
    await refuseReadableByOthers(directory, FILE);
    return readRecord(directory, FILE, BY_PROFILE);
  };
  return {
    read: async (name) => own(await readAll(), name) ?? null,
    write: async (name, credentials) => writeRecord(directory, FILE, { ...(await readAll()), [name]: credentials }),
    remove: async (name) => {
      const { [name]: removed, ...others } = await readAll();
      if (removed !== undefined) await writeRecord(directory, FILE, others);
    },
  };
}

/**
 * The keyring of the signed-in user of this machine: Secret Service, Keychain or Credential Manager.
 * @throws MedperfError `NeedsAttention` where none runs or it is locked.
 */
export function systemKeyring(directory: string): CredentialStore {
  const withEntry = async <T>(name: string, work: (entry: AsyncEntry) => Promise<T>): Promise<T> => {
    try {
      const { AsyncEntry: Entry } = await import('@napi-rs/keyring');
      // The other store that Linux has forgets at the next start of the machine.
      const options = { linux: { store: 'secret-service' } } as const;
      return await work(new Entry(SERVICE, `${name} in ${resolve(directory)}`, options));
    } catch (error) {
      throw withoutKeyring(error);
    }
  };
  return {
    read: async (name) => {
      const text = await withEntry(name, (entry) => entry.getPassword());
      if (text === null) return null;
      const parsed = CREDENTIALS.safeParse(parse(text));
      return parsed.success ? parsed.data : null;
    },
    write: (name, credentials) => withEntry(name, (entry) => entry.setPassword(JSON.stringify(credentials))),
    remove: async (name) => {
      await withEntry(name, (entry) => entry.deletePassword());
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withoutKeyring(error: unknown): MedperfError {
  const found = error instanceof Error ? error.message : String(error);
  return new MedperfError(
    'NeedsAttention',
    {
      what: "The system's keyring cannot be used here.",
      expected: 'a keyring service that runs and is unlocked, such as GNOME Keyring or KWallet (Secret Service)',
      found,
      next: 'Start or unlock it, or keep the sign-in in a file: temporal-medperf login --credentials file',
    },
    { cause: error },
  );
}
