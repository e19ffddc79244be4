import type { HostRecord } from './host-steps';
import { claimHost, hostRecordName } from './host-steps';

const SIGNAL = new AbortController().signal;
const MINUTE_MS = 60_000;

type Other = Pick<HostRecord, 'host' | 'gpus'> & { readonly minutesAgo?: number };

/** A claim that the worker of host `here` answers. */
function claim(
  here: { gpus: number; down?: boolean },
  others: readonly (Other | { broken: unknown })[],
  input: { gpus: number; avoid?: readonly string[] },
) {
  const records = new Map<string, unknown>(
    others.map((other, at) => {
      if ('broken' in other) return [hostRecordName(`broken-${at}`), other.broken];
      const { host, gpus, minutesAgo = 1 } = other;
      const seenAt = new Date(Date.now() - minutesAgo * MINUTE_MS).toISOString();
      return [hostRecordName(host), { host, gpus, cpus: 4, seenAt }];
    }),
  );
  return claimHost(
    {
      engine: {
        ping: () => (here.down === true ? Promise.reject(new Error('no daemon')) : Promise.resolve()),
        hostName: () => Promise.resolve('here'),
        gpuCount: () => here.gpus,
      },
      store: {
        listRecords: (prefix) => Promise.resolve([...records.keys()].filter((name) => name.startsWith(prefix))),
        readRecord: (name) => Promise.resolve(records.get(name) ?? null),
      },
      givenUpAfterMs: 5,
    },
    { avoid: [], ...input },
    SIGNAL,
  );
}

describe('claimHost', () => {
  it('gives the host of the worker that answers, when it has enough GPUs', async () => {
    const others = [{ host: 'big', gpus: 8 }];
    expect(await claim({ gpus: 0 }, others, { gpus: 0 })).toEqual({ host: 'here', givenUpAfterMs: 5 });
    expect(await claim({ gpus: 2 }, others, { gpus: 2 })).toMatchObject({ host: 'here' });
  });

  it('gives nothing while its Docker does not answer', async () => {
    await expect(claim({ gpus: 0, down: true }, [], { gpus: 0 })).rejects.toThrow('no daemon');
  });

  it('sends on to a host that has enough and was seen lately', async () => {
    const others = [
      { host: 'small', gpus: 1 },
      { host: 'gone', gpus: 8, minutesAgo: 4 },
      { broken: { host: 'old-version' } },
      { host: 'big', gpus: 2 },
    ];
    expect(await claim({ gpus: 0 }, others, { gpus: 2 })).toMatchObject({ host: 'big' });
  });

  it('spreads claims over the hosts that fit', async () => {
    const others = [
      { host: 'a', gpus: 1 },
      { host: 'b', gpus: 1 },
    ];
    const given = new Set<string>();
    for (let claims = 0; claims < 200; claims++) given.add((await claim({ gpus: 0 }, others, { gpus: 1 })).host);
    expect([...given].sort()).toEqual(['a', 'b']);
  });

  it('refuses at once what no host has, and names what each has', async () => {
    const others = [
      { host: 'small', gpus: 1 },
      { host: 'gone', gpus: 8, minutesAgo: 60 },
    ];
    await expect(claim({ gpus: 0 }, others, { gpus: 2 })).rejects.toMatchObject({
      type: 'InvalidRequest',
      facts: { found: 'here with 0, small with 1', expected: 'a host with 2 GPU(s)' },
    });
  });

  it('prefers hosts that were not given up', async () => {
    const other = { host: 'other', gpus: 0 };
    expect(await claim({ gpus: 0 }, [other], { gpus: 0, avoid: ['here'] })).toMatchObject({ host: 'other' });
    // Its worker answers, so it is back or was only busy.
    expect(await claim({ gpus: 0 }, [], { gpus: 0, avoid: ['here'] })).toMatchObject({ host: 'here' });
    const both = { gpus: 0, avoid: ['here', 'other'] };
    expect(await claim({ gpus: 0 }, [other], both)).toMatchObject({ host: 'here' });
  });

  it('waits for a host that it has given up when only that one has the GPUs', async () => {
    const lost = { host: 'big', gpus: 2, minutesAgo: 20 };
    await expect(claim({ gpus: 0 }, [lost], { gpus: 2, avoid: ['big'] })).rejects.toMatchObject({
      type: 'HostLost',
      facts: { found: expect.stringContaining('big, last seen at 2') as string },
    });
  });
});
