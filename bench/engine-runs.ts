import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { DockerEngine } from '../engine/docker-engine';
import { FileStore } from '../store/file-store';
import { ensureNodeImage } from '../test/node-image';
import { scriptedRun, SCRIPT_LIMITS } from '../test/scripted-run';
import { compare } from './figures';
import type { Figure } from './figures';

const execute = promisify(execFile);
const PAIRS = 30;
const CROWD = 20;
const CROWD_PAIRS = 5;
const USER = 65_532;
const SCRIPT = `setTimeout(() => fs.writeFileSync('/out/result', '42'), 1000);`;

/** One container of a second, alone and twenty at once, through the engine and through `docker run`. */
export async function benchEngineRuns(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'medperf-bench-'));
  const docker = new Docker();
  const image = await ensureNodeImage(docker);
  const store = new FileStore(join(folder, 'store'));
  const work = join(folder, 'work');
  const engine = await DockerEngine.connect({ docker, store, workDirectory: work, gpus: 'none', slots: CROWD });
  let runs = 0;
  const runOne = async (): Promise<void> => {
    const request = scriptedRun({ imageId: image.id, owner: `bench ${runs++}` }, SCRIPT);
    const { exitCode, outputs } = await engine.run(request);
    const { result } = outputs;
    if (exitCode !== 0 || result === undefined) throw new Error('the run has no output');
    if ((await store.lookUp(result, 'result')) === null) throw new Error('the output is empty');
    await engine.release(request);
  };
  const outputFolder = async (): Promise<string> => {
    const out = join(folder, 'out', String(runs++));
    await mkdir(out, { recursive: true });
    await chmod(out, 0o755);
    await chown(out, USER, USER);
    return out;
  };
  try {
    return [
      await compare(
        'a container of 1 s through the engine against docker run',
        PAIRS,
        1.1,
        { name: 'engine', run: runOne },
        {
          name: 'docker run --rm',
          run: async () => {
            await execute('docker', dockerRun(await outputFolder(), image.id));
          },
        },
      ),
      await compare(
        `${CROWD} at once through the engine against xargs -P${CROWD}`,
        CROWD_PAIRS,
        1.1,
        {
          name: 'engine',
          run: async () => {
            await Promise.all(Array.from({ length: CROWD }, runOne));
          },
        },
        {
          name: `xargs -P${CROWD} docker run --rm`,
          run: async () => {
            const folders = await Promise.all(Array.from({ length: CROWD }, outputFolder));
            await xargs(folders, image.id);
          },
        },
      ),
    ];
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function xargs(folders: readonly string[], image: string): Promise<void> {
  const command = ['-P', String(CROWD), '-I', '{}', 'docker', ...dockerRun('{}', image)];
  const child = spawn('xargs', command, { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(`${folders.join('\n')}\n`);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`xargs ended with ${String(code)}`);
}

/** What `engine/container-options.ts` asks for, as flags. */
function dockerRun(output: string, image: string): string[] {
  const { memoryBytes, pids, shmBytes, tmpBytes, outputBytes } = SCRIPT_LIMITS;
  return [
    ...['run', '--rm', '--init', '--hostname', 'medperf', '--network', 'none', '--ipc', 'private', '--read-only'],
    ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--user', `${USER}:${USER}`],
    ...['--memory', String(memoryBytes), '--memory-swap', String(memoryBytes), '--cpus', '2'],
    ...['--pids-limit', String(pids), '--shm-size', String(shmBytes), '--no-healthcheck'],
    ...['--tmpfs', `/tmp:rw,nosuid,nodev,mode=1777,size=${tmpBytes}`],
    ...['--ulimit', 'nofile=16384:16384', '--ulimit', 'core=0:0', '--ulimit', `fsize=${outputBytes}:${outputBytes}`],
    ...['--log-opt', 'max-size=256m', '--log-opt', 'max-file=1', '--env', 'HOME=/tmp'],
    ...['--volume', `${output}:/out`, '--entrypoint', '/bin/node', image],
    ...['-e', `const fs = require('node:fs'); ${SCRIPT}`],
  ];
}
