import type { LiveProgress } from '../client';
import type { Output } from './output';
import { fitted, progressChanges, renderProgress } from './progress-view';

const NO_WORKER = 'waiting for a worker (start one: temporal-medperf worker start)';

/** Repaints one block on a terminal; elsewhere prints a line for each change. */
export class ProgressPainter {
  private painted = 0;
  private last: LiveProgress | null = null;
  private toldOfWorker = false;

  constructor(private readonly output: Output) {}

  paint(progress: LiveProgress): void {
    if (this.repaints) this.repaint(renderProgress(progress, new Date()));
    else for (const line of progressChanges(this.last, progress)) this.output.note(line);
    this.last = progress;
    this.toldOfWorker = false;
  }

  waitForWorker(): void {
    if (this.toldOfWorker) return;
    this.toldOfWorker = true;
    if (this.repaints) this.repaint([NO_WORKER]);
    else this.output.note(NO_WORKER);
  }

  /** Leaves the last block where it is. */
  end(): void {
    this.painted = 0;
  }

  private get repaints(): boolean {
    return process.stderr.isTTY && !this.output.json;
  }

  private repaint(lines: readonly string[]): void {
    // A terminal that does not know its size says 0.
    const columns = process.stderr.columns || 80;
    const rows = process.stderr.rows || 24;
    const shown = fitted(lines, columns).slice(-Math.max(1, rows - 1));
    const back = this.painted === 0 ? '' : `\x1b[${this.painted}F\x1b[J`;
    process.stderr.write(`${back}${shown.join('\n')}\n`);
    this.painted = shown.length;
  }
}
