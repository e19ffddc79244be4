import { renderReasons } from './run-why';

const EARLIER = { at: '2026-01-01T00:00:01.500Z', host: 'h1', run: 'medperf-test/x/1' };

describe('renderReasons', () => {
  it('says in words why each step ran or did not have to', () => {
    const text = renderReasons([
      { step: 'prepare', how: 'reused', shared: 'benchmark-base/1', from: EARLIER },
      { step: 'infer-model', how: 'ran', miss: { reason: 'asked-for' } },
      { step: 'evaluate-model', how: 'running', miss: { reason: 'first' } },
    ]);
    expect(text.split('\n')).toEqual([
      'prepare         reused from the run of 2026-01-01 00:00:01 UTC on h1, medperf-test/x/1 (in the shared run benchmark-base/1)',
      'infer-model     ran: asked for with --no-cache',
      "evaluate-model  running: no earlier run of this cube's task is known",
    ]);
  });

  it('names every part that differs', () => {
    const text = renderReasons([
      {
        step: 'infer-model',
        how: 'ran',
        miss: {
          reason: 'differs',
          earlier: EARLIER,
          differences: [
            { part: 'image', was: 'sha256:a', is: 'sha256:b' },
            { part: 'input', name: 'weights', is: 'sha256:c' },
            { part: 'environment', name: 'MODE\u001b[31m', was: 'sha256:d' },
          ],
        },
      },
    ]);
    expect(text.split('\n').slice(1)).toEqual([
      '    image: was sha256:a, is sha256:b',
      '    input weights: new, sha256:c',
      expect.stringMatching(/^ {4}environment MODE.*: no longer there, was sha256:d$/),
    ]);
    expect(text).not.toContain('\u001b');
  });

  it('says when nothing has run yet', () => {
    expect(renderReasons([])).toContain('No container step');
  });
});
