import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const TIMEOUT_MS = 30_000;

/** UUIDs of this host's GPUs as `nvidia-smi` lists them; none where the program is absent or fails. */
export async function detectGpus(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', ['--query-gpu=uuid', '--format=csv,noheader'], {
      timeout: TIMEOUT_MS,
    });
    return stdout
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('GPU-'));
  } catch {
    return [];
  }
}
