import { APPROVAL, STAMP, reference } from './field-kinds';
import type { Field, Fields } from './resource';

const MADE = { kind: 'time', writable: 'never' } as const satisfies Field;

/** A row of a pair's history. @param column the component's, in `table`. */
export function associationFields(column: string, table: string): Fields {
  return {
    [column]: { ...reference(table), writable: 'create' },
    benchmark: { ...reference('benchmarks'), writable: 'create' },
    metadata: { kind: 'json', default: {}, required: true, writable: 'create' },
    approval_status: APPROVAL,
    initiated_by: { kind: 'reference', table: 'users', writable: 'never' },
    approved_at: STAMP,
    created_at: MADE,
    modified_at: MADE,
  };
}

/** By it lists of models are ordered, the highest first. */
export const PRIORITY: Field = { kind: 'integer', default: 0, writable: 'update' };
