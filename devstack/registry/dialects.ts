import type { Dialect, DialectName } from './dialect';
import { E23 } from './e23';
import { E25 } from './e25';
import { HEAD } from './head';

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = { E23, E25, HEAD };
