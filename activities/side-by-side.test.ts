import { sideBySide } from './side-by-side';

const never = new AbortController().signal;

it('gives what each came to', async () => {
  expect(await sideBySide(never, () => [Promise.resolve(1), Promise.resolve('two')] as const)).toEqual([1, 'two']);
});

it('stops the others at the first failure, and ends after them', async () => {
  const ended: string[] = [];
  const attempt = sideBySide(never, (signal) => [
    new Promise<void>((_, reject) => {
      signal.addEventListener('abort', () => {
        setImmediate(() => {
          ended.push('stopped');
          reject(new Error('late'));
        });
      });
    }),
    Promise.reject(new Error('first')),
  ]);
  await expect(attempt).rejects.toThrow('first');
  expect(ended).toEqual(['stopped']);
});

it('stops all when its own signal aborts', async () => {
  const outer = new AbortController();
  const attempt = sideBySide(outer.signal, (signal) => [
    new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  ]);
  outer.abort(new Error('stop'));
  await expect(attempt).rejects.toThrow('stop');
});
