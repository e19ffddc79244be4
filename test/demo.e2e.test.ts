import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../devstack/package-root';

/** Each demo takes a minute on a machine with nothing else to do. */
jest.setTimeout(600_000);

function demo(stateHome: string, args: readonly string[] = []): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(PACKAGE_ROOT, 'lib', 'cli', 'demo.js'), ...args], {
      env: { ...process.env, XDG_STATE_HOME: stateHome },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (text: string): void => void (output += text);
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

describe('npm run demo', () => {
  let stateHome: string;
  beforeEach(async () => {
    stateHome = await mkdtemp(join(tmpdir(), 'medperf-demo-'));
  });
  afterEach(() => rm(stateHome, { recursive: true, force: true }));

  /** The uids of the tutorial's user and of his own model. */
  interface Uids {
    readonly owner: number;
    readonly model: number;
  }

  async function expectTutorial(args: readonly string[], { owner, model }: Uids): Promise<void> {
    const { code, output } = await demo(stateHome, args);
    expect({ code, end: output.slice(-2000) }).toMatchObject({ code: 0 });
    expect(output).toMatch(new RegExp(`^${model}\\s+my-modelref-cube\\s.*OPERATION`, 'm'));
    expect(output).toMatch(new RegExp(`^${model}\\s+1\\s+${owner}\\s+APPROVED`, 'm'));
    expect(metric(output, 'Accuracy')).toHaveLength(2);
    expect(new Set(metric(output, 'Accuracy')).size).toBe(2);
  }

  it("goes through the tutorial to the approved association on the tutorial's own server, and does so again", async () => {
    for (let time = 0; time < 2; time++) await expectTutorial([], { owner: 3, model: 4 });
  });

  it('does so on a server of the next generation', () => expectTutorial(['--dialect', 'e25'], { owner: 4, model: 5 }));

  it("does so on today's server, with images from archives", () =>
    expectTutorial(['--dialect', 'head'], { owner: 4, model: 2 }));

  it('says which dialects there are', async () => {
    const { code, output } = await demo(stateHome, ['--dialect', 'e99']);
    expect(code).toBe(1);
    expect(output).toContain('--dialect takes e23, e25, head');
  });
});

/** The candidate's and the reference's value of one metric. */
function metric(output: string, name: string): string[] {
  return new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(output)?.slice(1, 3) ?? [];
}
