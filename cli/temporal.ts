import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { temporal } from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../contract';
import { readDevStack } from '../devstack/stack-record';
import type { Places } from './places';
import { TemporalUnavailable } from './temporal-unavailable';

export interface OpenTemporal {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
  readonly address: string;
  readonly options: ClientConnectConfig['connectionOptions'];
}

const CONNECT_TIMEOUT = '5 seconds';
const DEFAULT_ADDRESS = '127.0.0.1:7233';
const DEFAULT_NAMESPACE = 'default';

/**
 * Connects as the standard environment or `temporal.toml` says, else to the dev stack that runs here.
 * @throws TemporalUnavailable within seconds when nothing answers.
 */
export async function openTemporal({ state }: Places): Promise<OpenTemporal> {
  const { connectionOptions, namespace = DEFAULT_NAMESPACE } = loadClientConnectConfig();
  const address = connectionOptions.address ?? (await readDevStack(state))?.temporal.address ?? DEFAULT_ADDRESS;
  const options = { ...connectionOptions, address };
  try {
    const connection = await Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT });
    return { client: new Client({ connection, namespace }), connection, namespace, address, options };
  } catch (cause) {
    throw new TemporalUnavailable(address, cause);
  }
}

/** Names of our search attributes that the server's namespace lacks. */
export async function missingSearchAttributes({ connection, namespace }: OpenTemporal): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.values(SEARCH_ATTRIBUTES).filter((name) => !(name in customAttributes));
}

export async function addSearchAttributes(
  { connection, namespace }: OpenTemporal,
  names: readonly string[],
): Promise<void> {
  const keyword = temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
  const searchAttributes = Object.fromEntries(names.map((name) => [name, keyword]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
}
