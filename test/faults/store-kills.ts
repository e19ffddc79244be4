import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSound, verifyStore } from '../../store/verify';
import { seeded } from './seeded';
import { WORKS } from './store-works';
import type { PreparedWork, WorkKind } from './store-works';

const MOST_KILLS = 3;

interface Made {
  readonly digest: string;
  /** How often it did each kind of step that changes the file system. */
  readonly steps: Readonly<Record<string, number>>;
}

/** What came of one seed. */
export interface Survival {
  /** How often. */
  readonly killed: number;
  /** False when the last run had to do all of it again. */
  readonly resumed: boolean;
}

/** One kind of the store's work, done in a process of its own that is killed. */
export class StoreKills {
  static async open(kind: WorkKind): Promise<StoreKills> {
    const scratch = await mkdtemp(join(tmpdir(), `store-kills-${kind}-`));
    const work = await WORKS[kind](scratch);
    const kills = new StoreKills(kind, scratch, work);
    const store = join(scratch, 'undisturbed');
    await work.begin(store);
    const made = await kills.run(store);
    if (made === 'killed') throw new Error('the undisturbed work was killed');
    await rm(store, { recursive: true });
    return Object.assign(kills, { undisturbed: made });
  }

  private readonly undisturbed: Made = { digest: '', steps: {} };

  private constructor(
    private readonly kind: WorkKind,
    private readonly scratch: string,
    private readonly work: PreparedWork,
  ) {}

  /**
   * Does the work in a new store, killed one to three times at steps that the seed chooses, until it is done.
   * @throws Error that names the seed when the store is not sound after a kill, or the work's end is another one.
   */
  async survive(seed: number): Promise<Survival> {
    const random = seeded(seed);
    const store = join(this.scratch, `seed-${seed}`);
    const kills = 1 + Math.floor(random() * MOST_KILLS);
    let killed = 0;
    try {
      await this.work.begin(store);
      for (let kill = 0; kill < kills; kill += 1) {
        const when = random() < 0.5 ? 'before' : 'during';
        const ended = await this.run(store, { KILL_AT_STEP: this.chooseStep(random), KILL_WHEN: when });
        if (ended === 'killed') killed += 1;
        await this.expectSound(store);
      }
      const resumes = await this.work.resumption(store);
      const made = await this.run(store);
      if (made === 'killed' || made.digest !== this.undisturbed.digest) throw new Error('it made something else');
      await this.expectSound(store);
      return { killed, resumed: await resumes() };
    } catch (error) {
      throw new Error(`${this.kind} with FAULT_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    } finally {
      await rm(store, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await this.work.close();
    await rm(this.scratch, { recursive: true, force: true });
  }

  /** Each kind of step is as likely as any other: there are few renames among thousands of writes. */
  private chooseStep(random: () => number): string {
    const steps = Object.entries(this.undisturbed.steps).filter(([, count]) => count > 0);
    const [step = '', count = 0] = steps[Math.floor(random() * steps.length)] ?? [];
    return `${step} ${1 + Math.floor(random() * count)}`;
  }

  private async expectSound(store: string): Promise<void> {
    const report = await verifyStore(store);
    if (!isSound(report)) throw new Error(`the store is not sound: ${JSON.stringify(report, null, 1)}`);
  }

  private run(store: string, kill: NodeJS.ProcessEnv = {}): Promise<Made | 'killed'> {
    const [program, preload] = ['store-work.js', 'kill-at-step.js'].map((name) => join(__dirname, name));
    const args = ['--require', preload!, program!, this.work.name, store, ...this.work.args(store)];
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, args, { env: { ...process.env, ...kill }, stdio: 'pipe' });
      const told = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const)
        child[name].setEncoding('utf8').on('data', (text: string) => (told[name] += text));
      child.on('error', reject);
      child.on('close', (code, signal) => {
        if (signal === 'SIGKILL') resolve('killed');
        else if (code === 0) resolve(JSON.parse(told.stdout) as Made);
        else reject(new Error(`the work ended with ${code ?? signal}: ${told.stderr}`));
      });
    });
  }
}
