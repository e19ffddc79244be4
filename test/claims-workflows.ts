import type { Cube, TestRunInput } from '../contract';
import { obtainImage, onSomeHost, sideBySide } from '../workflows/host-claims';
import { ProgressRecorder } from '../workflows/progress-recorder';

export { medperfSweep } from '../workflows';

/** What a test run does with its host, and nothing else: obtains images there, answers the host that did it in the end. */
export function obtainsImages(cubes: readonly Cube[], { gpus = 0 }: Pick<TestRunInput, 'gpus'>): Promise<string> {
  const progress = new ProgressRecorder('model', null, ['test']);
  return progress.during('test', (stage) =>
    onSomeHost(gpus, stage, async (host) => {
      await sideBySide(cubes.map((cube) => () => obtainImage(host, cube.name, cube, false, stage)));
      return host.host;
    }),
  );
}
