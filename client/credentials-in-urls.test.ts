import type { Client } from '@temporalio/client';
import type { Store } from '../store/store';
import { MedperfClient } from './medperf-client';

const WITH_CREDENTIALS = [
  'https://user:password@h.example/mlcube.yaml',
  'https://token@h.example/mlcube.yaml',
  'https://:password@h.example/mlcube.yaml',
  'direct:https://user:password@h.example/mlcube.yaml',
  '  HTTPS://user:password@h.example/mlcube.yaml',
  'ht\ntps://user:password@h.example/mlcube.yaml',
  'https:\\\\user:password@h.example/mlcube.yaml',
  'https:user:password@h.example/mlcube.yaml',
  'https://user:password@/mlcube.yaml',
  'ftp://user:password@h.example/mlcube.yaml',
];
const PLAIN = [
  'https://h.example/mlcube.yaml',
  'https://h.example/@scope/mlcube.yaml',
  'https://h.example/mlcube.yaml?signature=a@b',
  'direct:https://h.example/mlcube.yaml',
  'not a URL',
  'registry.example:5000/image@sha256:abc',
  'image:tag@sha256:abc',
];
const HASH = 'a'.repeat(64);

/** Answers the workflows' inputs that reached Temporal. */
function recording(): { client: MedperfClient; started: object[] } {
  const started: object[] = [];
  const start = (_type: string, { args, memo }: { args: object[]; memo: object }): Promise<object> => {
    started.push(...args);
    return Promise.resolve({ describe: () => Promise.resolve({ memo }), workflowId: '' });
  };
  const temporal = { workflow: { start } } as unknown as Client;
  const profile = { name: 'default', server: 'https://h.example', username: 'owner' };
  return { client: new MedperfClient({ client: temporal, store: {} as Store, profile }), started };
}

describe('a URL in a request', () => {
  it.each(WITH_CREDENTIALS)('is refused with credentials, before it is sent: %j', async (url) => {
    const { client, started } = recording();
    const files = { format: 'mlcube', urls: { manifestUrl: url }, hashes: {} } as const;
    const refused = [
      client.startSubmit({ name: 'model', files, operational: true }),
      client.startSubmit({
        name: 'model',
        files: { ...files, urls: { manifestUrl: 'https://h.example/m', parametersUrl: url } },
        operational: true,
      }),
      client.startTestRun({ benchmark: 1, demoDatasetUrl: url, demoDatasetHash: HASH }),
    ];
    for (const request of refused) {
      await expect(request).rejects.toMatchObject({ type: 'InvalidRequest' });
      await expect(request).rejects.not.toThrow(/token@|:password/);
    }
    expect(started).toEqual([]);
  });

  it.each(PLAIN)('is taken without: %j', async (url) => {
    const { client, started } = recording();
    const files = { format: 'mlcube', urls: { manifestUrl: url }, hashes: {} } as const;
    await client.startSubmit({ name: 'model', files, operational: true });
    expect(started).toMatchObject([{ files: { urls: { manifestUrl: url } } }]);
  });
});
