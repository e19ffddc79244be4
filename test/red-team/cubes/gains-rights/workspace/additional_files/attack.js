'use strict';

const fs = require('node:fs');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { attempt, output, record, systemCall } = require('./recorder');

const CLONE_NEWNS = 0x20000;
const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWNET = 0x40000000;
const SIGCHLD = 17;
const AT_FDCWD = -100;
const [S_IFCHR, S_IFBLK] = [0o020000, 0o060000];
const zeros = () => Buffer.alloc(128);

/** Name, number (x86-64) and arguments; each harmless also where it is not refused. */
const CALLS = [
  ['mount', 165, 'none', '/tmp', 'tmpfs', 0, 0],
  ['mount read-write over', 165, 'none', '/mlcube_io0', 'none', 0x20 | 0x1000, 0],
  ['umount', 166, '/mlcube_io0', 0],
  ['pivot_root', 155, '/tmp', '/tmp'],
  ['chroot', 161, '/tmp'],
  ['open_tree', 428, AT_FDCWD, '/mlcube_io0', 1],
  ['fsopen', 430, 'tmpfs', 0],
  ['unshare users', 272, CLONE_NEWUSER],
  ['unshare mounts', 272, CLONE_NEWNS],
  ['unshare network', 272, CLONE_NEWNET],
  ['clone users', 56, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0],
  [
    'clone3 users',
    435,
    Buffer.from(new BigUint64Array([BigInt(CLONE_NEWUSER), 0n, 0n, 0n, 17n, 0n, 0n, 0n]).buffer),
    64,
  ],
  ['ptrace its own first process', 101, 0x4206, 1, 0, 0],
  ['process_vm_readv', 310, 1, zeros(), 0, zeros(), 0, 0],
  ['add_key', 248, 'user', 'medperf', 'x', 1, -4],
  ['keyctl', 250, 0, -3, 0],
  ['request_key', 249, 'user', 'medperf', 'x', -4],
  ['bpf', 321, 0, zeros(), 72],
  ['perf_event_open', 298, zeros(), 0, -1, -1, 0],
  ['userfaultfd', 323, 0],
  ['io_uring_setup', 425, 1, zeros()],
  ['init_module', 175, zeros(), 0, ''],
  ['finit_module', 313, -1, '', 0],
  ['delete_module', 176, 'medperf_absent', 0],
  ['kexec_load', 246, 0, 0, 0, -1],
  ['reboot with wrong magic', 169, 0, 0, 0, 0],
  ['swapon', 167, '/tmp/absent', 0],
  ['sethostname', 170, 'stolen', 6],
  ['settimeofday', 164, 0, Buffer.alloc(8)],
  ['syslog', 103, 3, zeros(), 64],
  ['iopl', 172, 3],
  ['ioperm', 173, 0, 1, 1],
  ['setuid', 105, 0],
  ['setgid', 106, 0],
  ['setgroups', 116, 1, Buffer.alloc(4)],
  ['chown to root', 92, '/tmp/own', 0, 0],
  ['real-time scheduling', 144, 0, 1, Buffer.from([1, 0, 0, 0])],
  ['higher priority', 141, 0, 0, -20],
  ['unlimited file size', 302, 0, 1, Buffer.alloc(16, 0xff), 0],
  ['name_to_handle_at', 303, AT_FDCWD, '/mlcube_io0', Buffer.from([128, 0, 0, 0]), Buffer.alloc(8), 0],
  ['open_by_handle_at', 304, AT_FDCWD, Buffer.from([8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]), 0],
  ['fanotify_init', 300, 0, 0],
  ['raw socket', 41, 2, 3, 1],
  ['packet socket', 41, 17, 3, 0x300],
  ['socket to the hypervisor', 41, 40, 1, 0],
  ['a character device in the outputs', 259, AT_FDCWD, `${output}/kmsg`, S_IFCHR | 0o666, 0x10b],
  ['a block device in /tmp', 259, AT_FDCWD, '/tmp/disk', S_IFBLK | 0o666, 0xfe00],
  ['a character device in /dev', 259, AT_FDCWD, '/dev/medperf', S_IFCHR | 0o666, 0x10b],
];

async function main() {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  for (const field of [
    'Uid',
    'Gid',
    'Groups',
    'CapInh',
    'CapPrm',
    'CapEff',
    'CapBnd',
    'CapAmb',
    'NoNewPrivs',
    'Seccomp',
  ])
    record(field, { did: new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)[1].trim() });
  // That the program works is what makes its refusals worth something.
  await attempt('getuid', () => systemCall(102));
  fs.writeFileSync('/tmp/own', '');
  for (const [name, ...call] of CALLS) await attempt(name, () => systemCall(...call));
  for (const [name, change] of [
    ['process.setuid', () => process.setuid(0)],
    ['process.setgid', () => process.setgid(0)],
    ['process.setgroups', () => process.setgroups([0])],
    ['process.initgroups', () => process.initgroups(0, 0)],
  ])
    await attempt(name, change);
  for (const folder of ['/tmp', '/dev/shm', output]) {
    const program = path.join(folder, 'setuid');
    await attempt(`become root by a setuid program in ${folder === output ? 'the outputs' : folder}`, () => {
      fs.copyFileSync(path.join(__dirname, 'system-call'), program);
      fs.chmodSync(program, 0o6755);
      const message = Buffer.alloc(1024);
      message.writeBigInt64LE(107n, 0);
      const { stdout, error } = spawnSync(program, { input: message });
      fs.rmSync(program);
      if (error) throw error;
      const user = Number(stdout.readBigInt64LE(0));
      if (user !== 0) throw Object.assign(new Error(), { code: 'still itself' });
    });
  }
}

void main();
