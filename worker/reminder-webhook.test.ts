import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SentReminder } from '../activities/remind';
import { reminderWebhook } from './reminder-webhook';

const REMINDER: SentReminder = {
  what: 'committee-decision',
  from: 'the benchmark committee',
  message: 'my-model asks to be associated with chestxray',
  since: '2026-11-20T08:00:00.000Z',
  until: '2026-12-20T08:00:00.000Z',
  count: 2,
  benchmark: 1,
  modelUid: 4,
  run: 'medperf-associate/medperf.example/1-4',
};

describe('reminders to a webhook', () => {
  let server: Server;
  let address: string;
  let status: number;
  const bodies: unknown[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => (text += part));
      request.on('end', () => {
        bodies.push({ method: request.method, path: request.url, body: JSON.parse(text) as unknown });
        response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('thanks');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/secret-token`;
  });
  beforeEach(() => {
    status = 200;
    bodies.length = 0;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  function send(): Promise<void> {
    return reminderWebhook(address)(REMINDER, new AbortController().signal);
  }

  it('posts a sentence for people and the facts for programs', async () => {
    await send();
    const text =
      'Reminder 2 to the benchmark committee: my-model asks to be associated with chestxray. This waits since ' +
      '2026-11-20T08:00:00.000Z, and is given up at 2026-12-20T08:00:00.000Z (run medperf-associate/medperf.example/1-4).';
    expect(bodies).toEqual([{ method: 'POST', path: '/hooks/secret-token', body: { text, ...REMINDER } }]);
  });

  it.each([302, 404, 500])(
    'takes %i for a reminder that was not taken, follows nothing, and tells no secret',
    async (code) => {
      status = code;
      const refused = send();
      await expect(refused).rejects.toMatchObject({ type: 'NeedsAttention', facts: { found: `status ${code}` } });
      await expect(refused).rejects.not.toThrow('secret-token');
      expect(bodies).toHaveLength(1);
    },
  );

  it('tells of a place that does not answer, and no secret', async () => {
    const nobody = reminderWebhook('http://127.0.0.1:1/hooks/secret-token');
    const failed = nobody(REMINDER, new AbortController().signal);
    await expect(failed).rejects.toMatchObject({ type: 'NeedsAttention', facts: { found: 'ECONNREFUSED' } });
    await expect(failed).rejects.not.toThrow('secret-token');
  });

  it.each([
    '',
    'nonsense',
    'ftp://chat.example/secret-token',
    'http://chat.example/secret-token',
    'http://127.example/x',
  ])('refuses the address %j at the start, without repeating it', (wrong) => {
    expect(() => reminderWebhook(wrong)).toThrow('cannot be used');
    expect(() => reminderWebhook(wrong)).not.toThrow('secret-token');
  });

  it.each(['https://chat.example/secret-token', 'http://localhost:8080/x', 'http://[::1]:8080/x'])(
    'takes %s',
    (right) => {
      expect(reminderWebhook(right)).toBeInstanceOf(Function);
    },
  );
});
