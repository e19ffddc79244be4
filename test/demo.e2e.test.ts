import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../devstack/package-root';

function demo(stateHome: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(PACKAGE_ROOT, 'lib', 'cli', 'demo.js')], {
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
  it('goes through the tutorial to the approved association, and does so again', async () => {
    const stateHome = await mkdtemp(join(tmpdir(), 'medperf-demo-'));
    try {
      for (let time = 0; time < 2; time++) {
        const { code, output } = await demo(stateHome);
        expect({ code, end: output.slice(-2000) }).toMatchObject({ code: 0 });
        expect(output).toMatch(/^4\s+my-modelref-cube\s+OPERATION/m);
        expect(output).toMatch(/^4\s+1\s+3\s+APPROVED/m);
        expect(metric(output, 'Accuracy')).toHaveLength(2);
        expect(new Set(metric(output, 'Accuracy')).size).toBe(2);
      }
    } finally {
      await rm(stateHome, { recursive: true, force: true });
    }
  });
});

/** The candidate's and the reference's value of one metric. */
function metric(output: string, name: string): string[] {
  return new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(output)?.slice(1, 3) ?? [];
}
