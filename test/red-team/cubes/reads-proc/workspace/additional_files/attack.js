'use strict';

const fs = require('node:fs');
const { attempt, facts, record } = require('./recorder');

/** Only opened, never written to: that it opens is bad enough. */
const SWITCHES = [
  '/proc/sysrq-trigger',
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/kernel/hostname',
  '/proc/sys/vm/panic_on_oom',
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sys/fs/binfmt_misc/register',
  '/proc/irq/default_smp_affinity',
  '/sys/kernel/uevent_helper',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes',
  '/sys/fs/cgroup/pids/pids.max',
  '/sys/fs/cgroup/memory/release_agent',
  '/sys/fs/cgroup/release_agent',
  '/sys/fs/cgroup/cgroup.procs',
  '/sys/power/state',
];
const SECRETS = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/timer_list',
  '/proc/sched_debug',
  '/proc/kmsg',
  '/proc/1/mem',
  '/dev/mem',
  '/dev/kmsg',
  '/dev/vda',
  '/dev/sda',
  '/dev/loop-control',
  '/dev/fuse',
  '/dev/vsock',
  '/dev/kvm',
  '/sys/firmware/dmi/tables/DMI',
  '/sys/kernel/security',
  '/sys/kernel/debug/tracing/trace',
];

async function main() {
  const processes = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  record('processes it sees', { did: processes.map((id) => readIfThere(`/proc/${id}/comm`).trim()).join(' ') });
  record('mounts it sees', { did: fs.readFileSync('/proc/self/mountinfo', 'utf8') });
  for (const file of SWITCHES) await attempt(`open ${file} to write`, () => fs.openSync(file, fs.constants.O_WRONLY));
  for (const file of SECRETS) await attempt(`read ${file}`, () => readSome(file));
  // These open for whoever owns the process; what is written decides.
  await attempt('be root in its user namespace', () => fs.writeFileSync('/proc/self/uid_map', '0 0 1'));
  await attempt('hide from the out-of-memory killer', () => fs.writeFileSync('/proc/self/oom_score_adj', '-1000'));
  for (const way of ['/proc/1/root', '/proc/self/root', '/proc/self/cwd/..', '/mlcube_io0/../..', '/mlcube_io2/..'])
    await attempt(`reach the host by ${way}`, () => fs.readFileSync(way + facts.secretFile, 'utf8'));
}

function readIfThere(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** A masked file is an empty one, a masked folder an empty folder: neither gives anything away. */
function readSome(place) {
  if (fs.statSync(place).isDirectory()) {
    const names = fs.readdirSync(place);
    if (names.length === 0) throw Object.assign(new Error(), { code: 'EMPTY' });
    return names;
  }
  const file = fs.openSync(place, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const buffer = Buffer.alloc(64);
  const bytes = fs.readSync(file, buffer);
  if (bytes === 0) throw Object.assign(new Error(), { code: 'EMPTY' });
  return buffer.subarray(0, bytes).toString('hex');
}

void main();
