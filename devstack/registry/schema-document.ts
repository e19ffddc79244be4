import type { Dialect } from './dialect';
import { LARGEST_INTEGER } from './field-values';
import type { Endpoint, Method, Operation, Shape } from './operations';
import type { Field, Resource, View } from './resource';
import { isWritten } from './validation';

type Json = Readonly<Record<string, unknown>>;

/**
 * The OpenAPI document of a dialect, made from the same tables that serve it.
 * @param challenge the scheme in which callers identify themselves, as in `WWW-Authenticate`.
 */
export function schemaDocument({ endpoints }: Dialect, challenge: string): Json {
  const components: Record<string, Json> = {};
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const operations = METHODS.flatMap((method) => {
      const operation = endpoint[method];
      return operation ? [[method.toLowerCase(), described(endpoint, method, operation, components)] as const] : [];
    });
    paths[`/api/v0${endpoint.path.replaceAll(/:(\w+)/g, '{$1}')}`] = Object.fromEntries(operations);
  }
  return {
    openapi: '3.0.3',
    info: { title: 'MedPerf API', version: 'v0' },
    paths,
    components: { schemas: components, securitySchemes: { credentials: securityOf(challenge) } },
    security: [{ credentials: [] }],
  };
}

function securityOf(challenge: string): Json {
  return challenge.startsWith('Bearer')
    ? { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }
    : { type: 'apiKey', in: 'header', name: 'Authorization' };
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const satisfies readonly Method[];

type Components = Record<string, Json>;

function described(endpoint: Endpoint, method: Method, operation: Operation, components: Components): Json {
  const { request, status, response, query = [], statuses = [] } = operation.document;
  const numbers = [...endpoint.path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const paged = response !== undefined && 'page' in response;
  const failures = new Set([
    401,
    ...(operation.permit ? [403] : []),
    ...(numbers.length > 0 ? [404] : []),
    ...statuses,
  ]);
  if (request) for (const failure of [400, 415]) failures.add(failure);
  const schema = response && schemaOf(response, components);
  return {
    operationId: `${method} ${endpoint.path}`
      .toLowerCase()
      .replaceAll(/[^a-z]+/g, '_')
      .replaceAll(/^_|_$/g, ''),
    parameters: [
      ...numbers.map((name) => ({ name, in: 'path', required: true, schema: ID })),
      ...(paged ? ['limit', 'offset'].map((name) => ({ name, in: 'query', schema: { type: 'integer' } })) : []),
      ...query.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
    ],
    ...(request && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(request, components) } } },
    }),
    responses: {
      [status]: { description: 'Done', ...(schema && { content: { 'application/json': { schema } } }) },
      ...Object.fromEntries([...failures].map((failure) => [failure, FAILURES[failure]])),
    },
  };
}

const ID: Json = { type: 'integer', minimum: 0, maximum: LARGEST_INTEGER };
const DETAIL: Json = { type: 'object', required: ['detail'], properties: { detail: { type: 'string' } } };
const PAGE_OF_TEXT: Json = { 'text/html': { schema: { type: 'string' } } };

const FAILURES: Readonly<Record<number, Json>> = {
  400: {
    description: 'What the request says is wrong',
    content: { 'application/json': { schema: { oneOf: [{ type: 'object' }, { type: 'array' }] } } },
  },
  401: { description: 'Nobody is signed in', content: { 'application/json': { schema: DETAIL } } },
  403: { description: 'Not permitted', content: { 'application/json': { schema: DETAIL } } },
  404: { description: 'Not there', content: { 'application/json': { schema: DETAIL }, ...PAGE_OF_TEXT } },
  415: { description: 'Not JSON', content: { 'application/json': { schema: DETAIL } } },
  500: { description: 'What the server does not foresee', content: PAGE_OF_TEXT },
};

function schemaOf(shape: Shape, components: Components): Json {
  if ('schema' in shape) return shape.schema as Json;
  if ('one' in shape) return viewSchema(shape.one, components);
  if ('items' in shape) return { type: 'array', items: schemaOf(shape.items, components) };
  if ('page' in shape) return pageOf(viewSchema(shape.page, components));
  if ('creation' in shape) return requestSchema(shape.creation, 'create', true, components);
  return requestSchema(shape.change, 'update', shape.completeness === 'complete', components);
}

function pageOf(items: Json): Json {
  const link = { type: 'string', format: 'uri', nullable: true };
  return {
    type: 'object',
    required: ['count', 'next', 'previous', 'results'],
    properties: { count: { type: 'integer' }, next: link, previous: link, results: { type: 'array', items } },
  };
}

function viewSchema(view: View, components: Components): Json {
  const { schema, resource, columns, nested } = view;
  if (components[schema] === undefined) {
    components[schema] = {}; // Taken, for what refers to itself.
    const properties = columns.map((name) => {
      const inner = nested[name];
      const field = resource.fields[name];
      if (field === undefined) return [name, { type: 'integer', readOnly: true }] as const;
      if (inner) return [name, orNull(field, viewSchema(inner, components))] as const;
      return [name, { ...propertyOf(field), ...(isServers(field) && { readOnly: true }) }] as const;
    });
    const required = columns.filter((name) => {
      const field = resource.fields[name];
      return field === undefined || field.required === true || isServers(field);
    });
    components[schema] = { type: 'object', properties: Object.fromEntries(properties), required: required.sort() };
  }
  return { $ref: `#/components/schemas/${schema}` };
}

function isServers({ writable }: Field): boolean {
  return writable === 'never';
}

function requestSchema(resource: Resource, by: 'create' | 'update', complete: boolean, components: Components): Json {
  const name = `${resource.schema}${by === 'create' ? 'Creation' : 'Change'}`;
  if (components[name] === undefined) {
    const written = Object.entries(resource.fields).filter(([, field]) => isWritten(field, by));
    const required = written.filter(([, field]) => complete && field.required).map(([field]) => field);
    const properties = written.map(([field, description]) => [field, requested(description, by, components)]);
    components[name] = {
      type: 'object',
      properties: Object.fromEntries(properties),
      ...(required.length > 0 && { required }),
    };
  }
  return { $ref: `#/components/schemas/${name}` };
}

function requested(field: Field, by: 'create' | 'update', components: Components): Json {
  if (field.kind !== 'nested' || by === 'update') return propertyOf(field);
  return orNull(field, requestSchema(field.resource, by, true, components));
}

function orNull({ nullable }: Field, schema: Json): Json {
  return nullable ? { nullable: true, allOf: [schema] } : schema;
}

function propertyOf(field: Field): Json {
  return { ...kindOf(field), ...(field.nullable && { nullable: true }) };
}

function kindOf(field: Field): Json {
  switch (field.kind) {
    case 'text':
      return {
        type: 'string',
        ...(field.max !== null && { maxLength: field.max }),
        ...(!field.blank && { minLength: 1 }),
      };
    case 'choice':
      return { type: 'string', enum: field.values };
    case 'time':
      return { type: 'string', format: 'date-time' };
    case 'json':
      return {};
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer', minimum: -LARGEST_INTEGER - 1, maximum: LARGEST_INTEGER };
    case 'nested':
    case 'reference':
      return { type: 'integer' };
  }
}
