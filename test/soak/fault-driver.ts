import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../devstack/process-identity';
import type { ProcessIdentity } from '../../devstack/process-identity';
import type { StackRecord } from '../../devstack/stack-record';
import { dyingAt, MOMENTS } from '../faults/moments';
import type { Moment } from '../faults/moments';
import { eventually } from '../medperf-stack';
import type { MedperfStack } from '../medperf-stack';
import type { ContainerLedger } from './container-ledger';

const OTHERS = ['worker killed at any time', 'worker drained', 'Temporal server killed'] as const;
type Fault = Moment | (typeof OTHERS)[number];

const LONGEST_UNTIL_KILL_MS = 12_000;
/** A moment may not come when little work is left. */
const MOMENT_COMES_WITHIN_S = 60;

/** Does one harm after the other to a running stack, and mends it each time. */
export class FaultDriver {
  readonly done = new Map<Fault, number>();
  private count = 0;

  constructor(
    private readonly stack: MedperfStack,
    private readonly ledger: ContainerLedger,
    private readonly random: () => number,
  ) {}

  /** Until `isOver` says so; ends with a stack that is whole. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const faults = [...MOMENTS, ...OTHERS];
      const fault = faults[Math.floor(this.random() * faults.length)]!;
      if (await this.inflict(fault, isOver)) this.done.set(fault, (this.done.get(fault) ?? 0) + 1);
      await this.mend();
    }
  }

  private inflict(fault: Fault, isOver: () => boolean): Promise<boolean> {
    switch (fault) {
      case 'worker killed at any time':
        return this.endWorker('SIGKILL');
      case 'worker drained':
        return this.endWorker('SIGTERM');
      case 'Temporal server killed':
        return this.killTemporal();
      default:
        return this.killAt(fault, isOver);
    }
  }

  private async killAt(moment: Moment, isOver: () => boolean): Promise<boolean> {
    const mark = join(this.stack.home, `mark-${++this.count}`);
    await this.endWorker('SIGTERM');
    await this.stack.expectDone(['dev', 'start'], '', dyingAt(moment, mark));
    const worker = await this.worker();
    const end = Date.now() + MOMENT_COMES_WITHIN_S * 1000;
    await eventually(
      () => isAlive(worker),
      (alive) => !alive || isOver() || Date.now() > end,
      2 * MOMENT_COMES_WITHIN_S,
    );
    await this.ledger.noteSurvivors();
    return access(mark).then(
      () => true,
      () => false,
    );
  }

  private async endWorker(signal: NodeJS.Signals): Promise<boolean> {
    await this.whileWorking();
    const worker = await this.worker();
    if (!(await isAlive(worker))) return false;
    process.kill(worker.pid, signal);
    await this.gone(worker);
    await this.ledger.noteSurvivors();
    return true;
  }

  private async killTemporal(): Promise<boolean> {
    await this.whileWorking();
    const { temporal } = await this.stack.readState<StackRecord>('dev-stack.json');
    process.kill(temporal.process.pid, 'SIGKILL');
    await this.gone(temporal.process);
    return true;
  }

  private async mend(): Promise<void> {
    await this.stack.expectDone(['dev', 'start']);
  }

  private worker(): Promise<ProcessIdentity> {
    return this.stack.readState<ProcessIdentity>('worker.json');
  }

  /** Any moment is as good as another. */
  private whileWorking(): Promise<void> {
    return delay(this.random() * LONGEST_UNTIL_KILL_MS);
  }

  private async gone(process: ProcessIdentity): Promise<void> {
    await eventually(
      () => isAlive(process),
      (alive) => !alive,
    );
  }
}
