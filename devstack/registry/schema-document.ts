import type { Field } from './fields';
import { CUBES } from './resources';

/** As much of the OpenAPI document as tells one generation of MedPerf's server from another. */
export const SCHEMA_DOCUMENT = {
  openapi: '3.0.3',
  info: { title: 'MedPerf API', version: 'v0' },
  paths: {},
  components: {
    schemas: {
      MlCube: {
        type: 'object',
        properties: {
          id: { type: 'integer', readOnly: true },
          ...Object.fromEntries(Object.entries(CUBES.fields).map(([name, field]) => [name, propertyOf(field)])),
          owner: { type: 'integer', nullable: true, readOnly: true },
          created_at: { type: 'string', format: 'date-time', readOnly: true },
          modified_at: { type: 'string', format: 'date-time', readOnly: true },
        },
        required: [
          'created_at',
          'id',
          'modified_at',
          'owner',
          ...Object.keys(CUBES.fields).filter((name) => CUBES.fields[name]?.required),
        ].sort(),
      },
    },
    securitySchemes: { tokenAuth: { type: 'apiKey', in: 'header', name: 'Authorization' } },
  },
} as const;

function propertyOf(field: Field): Readonly<Record<string, unknown>> {
  switch (field.kind) {
    case 'text':
      return { type: 'string', maxLength: field.max };
    case 'choice':
      return { type: 'string', enum: field.values };
    case 'json':
      return { nullable: field.nullable };
    default:
      return { type: field.kind === 'boolean' ? 'boolean' : 'integer' };
  }
}
