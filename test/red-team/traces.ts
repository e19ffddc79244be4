import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type Docker from 'dockerode';
import { eventually } from '../medperf-stack';

/** Fails when a released container left itself, a volume, a process, a folder, a mount or a loop device on this host. */
export async function expectNoTrace(
  docker: Docker,
  { Id: id, Name: name, Mounts: mounts }: Docker.ContainerInspectInfo,
  workDirectory: string,
): Promise<void> {
  await expect(docker.getContainer(id).inspect()).rejects.toMatchObject({ statusCode: 404 });
  for (const { Type: type, Name: volume } of mounts) {
    if (type !== 'volume' || volume === undefined) continue;
    await expect(docker.getVolume(volume).inspect()).rejects.toMatchObject({ statusCode: 404 });
  }
  const scratch = name.replace(/^\//, '');
  const left = (await fs.readdir(workDirectory)).filter((entry) => entry.startsWith(scratch));
  expect({ scratch: left, mounts: await linesWith('/proc/self/mountinfo', scratch) }).toEqual({
    scratch: [],
    mounts: [],
  });
  // Linux frees a device when the last one closes it, which may be somebody who lists all devices just then.
  const held = await eventually(
    () => loopDevicesOf(scratch),
    (devices) => devices.length === 0,
  );
  expect(held).toEqual([]);
  expect(await processesWith('cgroup', id)).toEqual([]);
}

/** Ids of this host's processes whose `/proc` file holds a text. */
export async function processesWith(file: 'cgroup' | 'cmdline', text: string): Promise<string[]> {
  const ids = (await fs.readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const held = await Promise.all(ids.map((id) => linesWith(`/proc/${id}/${file}`, text)));
  return ids.filter((_, at) => (held[at] ?? []).length > 0);
}

async function loopDevicesOf(scratch: string): Promise<string[]> {
  const devices = (await fs.readdir('/sys/block')).filter((device) => device.startsWith('loop'));
  const held = await Promise.all(
    devices.map((device) => linesWith(path.join('/sys/block', device, 'loop/backing_file'), scratch)),
  );
  return held.flat();
}

async function linesWith(file: string, text: string): Promise<string[]> {
  const content = await fs.readFile(file, 'utf8').catch(() => '');
  return content.split('\n').filter((line) => line.includes(text));
}
