import type { Dialect, DialectName } from './dialect';
import { E25 } from './e25';

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = { E25 };
