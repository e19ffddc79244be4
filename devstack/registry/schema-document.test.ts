import { DIALECT_NAMES } from './dialect';
import { DIALECTS } from './dialects';
import { schemaDocument } from './schema-document';

interface Document {
  readonly paths: Readonly<Record<string, object>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly properties: object }>> };
}

function documentOf(name: (typeof DIALECT_NAMES)[number]): Document {
  return schemaDocument(DIALECTS[name], 'Bearer') as unknown as Document;
}

it('tells the dialects apart as clients do', () => {
  const [e23, e25, head] = DIALECT_NAMES.map((name) =>
    Object.keys(documentOf(name).components.schemas.MlCube!.properties),
  );
  expect(e23).toContain('git_mlcube_url');
  expect(e23).not.toContain('image_hash');
  expect(e25).toEqual(expect.arrayContaining(['git_mlcube_url', 'image_hash']));
  expect(head).toContain('container_config');
  expect(head).not.toContain('git_mlcube_url');
});

it.each(DIALECT_NAMES)('names every operation of %s once, and refers to nothing that is not there', (name) => {
  const document = documentOf(name);
  const text = JSON.stringify(document);
  const operations = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
  expect(new Set(operations).size).toBe(operations.length);
  for (const [, schema = ''] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) {
    expect(Object.keys(document.components.schemas)).toContain(schema);
  }
});
