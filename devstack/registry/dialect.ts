import type { Row } from './database';
import type { Migrations } from './migrations';
import type { Endpoint } from './operations';
import type { Caller, View } from './resource';
import type { Tutorial } from './tutorial';

export const DIALECT_NAMES = ['E23', 'E25', 'HEAD'] as const;

/** A generation of MedPerf's server, as `docs/stand-in.md` tells them apart. */
export type DialectName = (typeof DIALECT_NAMES)[number];

/** What one generation has of its own; how it is served is the same for all. */
export interface Dialect {
  readonly name: DialectName;
  /** Whether users sign in at the server itself, by name and password; else with tokens of an issuer. */
  readonly passwords: boolean;
  readonly migrations: Migrations;
  readonly endpoints: readonly Endpoint[];
  readonly benchmarks: View;
  /** Makes the tutorial's benchmark and what it consists of. @returns the benchmark's row. */
  readonly seed: (owner: Caller, tutorial: Tutorial) => Promise<Row>;
}
