import { createFailure, engineUnavailable, pullFailure, startFailure } from './daemon-errors';

const answer = (statusCode: number, message: string) =>
  Object.assign(new Error(message), { statusCode, json: { message } });
const unreachable = Object.assign(new Error('connect ENOENT /private/docker.sock'), { code: 'ENOENT' });

describe('errors of the daemon', () => {
  it('are the place when it does not answer, without its socket', () => {
    for (const failure of [
      engineUnavailable('answer', unreachable),
      createFailure(unreachable, []),
      startFailure(unreachable, []),
      pullFailure('a/b:1', unreachable),
    ]) {
      expect(failure.type).toBe('EngineUnavailable');
      expect(failure.message).not.toContain('/private');
    }
  });

  it.each([
    [400, 'exec: "/bin/absent": no such file or directory: unknown', 'ContainerFailed'],
    [500, 'OCI runtime create failed: mkdir /in/x: read-only file system', 'ContainerFailed'],
    [500, 'OCI runtime create failed: no space left on device', 'EngineUnavailable'],
    [500, 'could not select device driver "" with capabilities: [[gpu]]', 'EngineUnavailable'],
    [500, 'something else', 'EngineUnavailable'],
  ])('at start: %d %s is %s', (status, words, type) => {
    expect(startFailure(answer(status, words), []).type).toBe(type);
  });

  it.each([
    [404, 'pull access denied for a/b, repository does not exist', 'IncompatibleModel'],
    [404, 'manifest for a/b:1 not found: manifest unknown', 'IncompatibleModel'],
    [500, 'unauthorized: authentication required', 'IncompatibleModel'],
    [500, 'dial tcp: lookup registry.example: no such host', 'EngineUnavailable'],
    [500, 'net/http: TLS handshake timeout', 'EngineUnavailable'],
  ])('at a pull: %d %s is %s', (status, words, type) => {
    expect(pullFailure('a/b:1', answer(status, words)).type).toBe(type);
  });

  it("hide the host's folders", () => {
    const failure = createFailure(answer(400, 'invalid mount: /srv/work/run/in/0 is not there'), ['/srv/work']);
    expect(failure.message).toContain('<scratch>/run/in/0');
    expect(failure.message).not.toContain('/srv');
  });
});
