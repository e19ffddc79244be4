import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { OnboardResult } from '../../contract';
import { leftBehind } from '../faults/left-behind';
import { faultSeed, seeded } from '../faults/seeded';
import { eventually, MedperfStack } from '../medperf-stack';
import { ContainerLedger } from './container-ledger';
import { FaultDriver } from './fault-driver';
import { Onboardings } from './onboardings';

const COUNT = Number(process.env['SOAK_ONBOARDINGS'] ?? 200);
const AT_ONCE = 10;
const WITHIN_MS = 4 * 60 * 60 * 1000;

it(
  `${COUNT} onboardings end right, whatever is killed meanwhile`,
  async () => {
    const seed = faultSeed();
    const random = seeded(seed);
    const docker = new Docker();
    const stack = await MedperfStack.start();
    const ledger = await ContainerLedger.open(docker);
    const onboardings = await Onboardings.open(stack, random);
    const begun = performance.now();
    try {
      const { result: undisturbed } = await onboardings.onboard('undisturbed');
      const driver = new FaultDriver(stack, ledger, random);
      const names = Array.from({ length: COUNT }, (_, at) => `soak-${at + 1}`);
      const ended = new Map<string, { id: string; result: OnboardResult }>();
      const waiting = [...names];
      const takeNext = async (): Promise<void> => {
        for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
          ended.set(name, await onboardings.onboard(name));
          if (ended.size % 10 === 0) process.stdout.write(`${ended.size} of ${COUNT} onboardings have ended\n`);
        }
      };
      const work = Promise.all(Array.from({ length: AT_ONCE }, takeNext));
      let isOver = false;
      const worked = work.finally(() => (isOver = true));
      await Promise.all([worked, driver.run(() => isOver)]);

      const outcomes = [...ended.values()].map(({ result }) => result);
      expect(outcomes.filter(({ association }) => association.decision !== 'APPROVED')).toEqual([]);
      const results = new Set(outcomes.map(({ test }) => test.candidate.results));
      expect([...results]).toEqual([undisturbed.test.candidate.results]);
      const { cubes, associations } = await onboardings.records();
      expect(cubes.map(({ name }) => name).sort()).toEqual([...names, 'undisturbed'].sort());
      expect(associations.map(({ modelUid }) => modelUid).sort()).toEqual(cubes.map(({ uid }) => uid).sort());
      const restarted = [...ledger.starts].filter(([, starts]) => starts !== 1);
      expect(restarted).toEqual([]);
      await eventually(
        () =>
          leftBehind(
            docker,
            stack.home,
            [...ended.values()].map(({ id }) => id),
          ),
        (left) => Object.values(left).flat().length === 0,
      );
      const faults = [...driver.done, ['client killed', onboardings.clientsKilled] as const];
      await report(seed, (performance.now() - begun) / 1000, faults, ledger);
    } finally {
      await onboardings.close();
      ledger.close();
      await stack.stop();
    }
  },
  WITHIN_MS,
);

/** As Markdown, for docs/reliability.md. */
async function report(
  seed: number,
  seconds: number,
  faults: readonly (readonly [string, number])[],
  ledger: ContainerLedger,
): Promise<void> {
  const reattached = [...ledger.outlivedWorker].filter((name) => ledger.starts.has(name)).length;
  const rows = [
    ['onboardings, all approved, each with one cube and one association', String(COUNT)],
    ['duration', `${Math.round(seconds / 60)} min`],
    ...[...faults].sort().map(([fault, times]) => [`fault: ${fault}`, String(times)]),
    ['containers started', String(ledger.starts.size)],
    ['containers started a second time', '0'],
    ['containers that outlived a worker and were attached to or collected by another one', String(reattached)],
    ['containers, scratch folders and mounts left behind', '0'],
  ];
  const lines = ['| figure | value |', '| --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)];
  const text = `FAULT_SEED=${seed}\n\n${lines.join('\n')}\n`;
  process.stdout.write(text);
  const file = process.env['SOAK_REPORT'];
  if (file !== undefined) await writeFile(join(process.cwd(), file), text);
}
