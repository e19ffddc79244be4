import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PROGRAM = join(__dirname, 'keyring-program.js');
/** A keyring that nobody else sees, unlocked, and the program beside it. */
const UNLOCKED = 'printf pw | gnome-keyring-daemon --unlock --components=secrets > /dev/null; exec "$@"';
const hasKeyring = ['dbus-run-session', 'gnome-keyring-daemon'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
);

// Debian's packages dbus and gnome-keyring; where they are not, jest reports the test as skipped.
(hasKeyring ? it : it.skip)('keeps a sign-in in a keyring that runs, and nowhere else', async () => {
  const home = await mkdtemp(join(tmpdir(), 'medperf-keyring-'));
  try {
    const config = join(home, 'config');
    const { stdout } = await promisify(execFile)(
      'dbus-run-session',
      ['--', 'sh', '-c', UNLOCKED, 'sh', process.execPath, PROGRAM, config],
      { env: { ...process.env, HOME: home, XDG_DATA_HOME: join(home, 'data'), XDG_RUNTIME_DIR: home } },
    );
    expect(JSON.parse(stdout)).toEqual({
      signedIn: 'Token secret-word',
      signedOut: 'The profile "default" is signed out.',
    });
    expect(await readdir(config)).toEqual(['profiles.json']);
    expect(await readFile(join(config, 'profiles.json'), 'utf8')).not.toContain('secret-word');
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
