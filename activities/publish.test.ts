import type { BlobRef, Heartbeat } from '../contract';
import type { PublishedFile, Publisher, PublishOptions } from '../hosting/publisher';
import { publish } from './publish';

const BLOB: BlobRef = { digest: `sha256:${'a'.repeat(64)}`, size: 1 };
const PUBLISHED: PublishedFile = {
  url: 'http://files/mlcube.yaml',
  findings: [{ severity: 'warning', code: 'private-host', file: 'f', message: 'm', fix: 'x' }],
};
const INPUT = { name: 'model', files: { 'mlcube.yaml': BLOB } };

function publishWith(publisher: Publisher | null, before?: Heartbeat, isCancelled = () => false) {
  const told: Heartbeat[] = [];
  const signal = new AbortController().signal;
  const tell = (details: Heartbeat): void => void told.push(details);
  return { told, published: publish({ publisher, signal, tell, before, isCancelled }, INPUT) };
}

describe('publish', () => {
  it('goes on with what the last attempt told, and tells what the next one has to know', async () => {
    let asked: PublishOptions = {};
    const publisher: Publisher = {
      publish: (_folder, _files, options = {}) => {
        asked = options;
        options.onUnfinished?.({ key: 'another' });
        return Promise.resolve({ 'mlcube.yaml': PUBLISHED });
      },
    };
    const { told, published } = publishWith(publisher, { uploads: { key: 'begun' } });
    expect(await published).toEqual({ urls: { 'mlcube.yaml': PUBLISHED.url }, findings: PUBLISHED.findings });
    expect(asked.unfinished).toEqual({ key: 'begun' });
    // Told at once, so that an attempt that dies early does not lose it.
    expect(told).toEqual([{ uploads: { key: 'begun' } }, { uploads: { key: 'another' } }]);
  });

  it.each([
    [true, false],
    [false, true],
  ])('cancelled by somebody: %j, so that unfinished uploads are kept: %j', async (cancelled, kept) => {
    let keep: boolean | undefined;
    const publisher: Publisher = {
      publish: (_folder, _files, options) => {
        keep = options?.keepUnfinished?.();
        return Promise.resolve({ 'mlcube.yaml': PUBLISHED });
      },
    };
    await publishWith(publisher, undefined, () => cancelled).published;
    expect(keep).toBe(kept);
  });

  it('says what to do on a worker without a place for files', async () => {
    await expect(publishWith(null).published).rejects.toMatchObject({
      type: 'InvalidRequest',
      facts: { next: expect.stringContaining('--host-s3-bucket') as string },
    });
  });
});
