import type Docker from 'dockerode';
import { z } from 'zod';

/** What a container has taken since its start. */
export const ContainerUseSchema = z.object({
  cpuSeconds: z.number().nonnegative(),
  peakMemoryBytes: z.number().nonnegative(),
  readBytes: z.number().nonnegative(),
  writtenBytes: z.number().nonnegative(),
});

export type ContainerUse = Readonly<z.infer<typeof ContainerUseSchema>>;

export const NO_USE: ContainerUse = { cpuSeconds: 0, peakMemoryBytes: 0, readBytes: 0, writtenBytes: 0 };

const LOOP_DEVICES = 7;
const count = z.number().nonnegative();
const transfer = z.object({ major: z.number(), op: z.string(), value: count });

/** The parts of the daemon's answer that count; a container that has ended has none of them. */
const StatsSchema = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: count }) }),
  memory_stats: z.object({
    usage: count.default(0),
    max_usage: count.default(0),
    stats: z.object({ total_inactive_file: count.optional(), inactive_file: count.optional() }).default({}),
  }),
  blkio_stats: z.object({ io_service_bytes_recursive: z.array(transfer).nullish() }).optional(),
});

/** One look, which the daemon may take a second for; null for a container that does not run. */
export async function readUse(container: Docker.Container, signal: AbortSignal): Promise<ContainerUse | null> {
  const options = { stream: false, 'one-shot': true, abortSignal: signal } as const;
  return useOf(await container.stats(options));
}

export function useOf(answer: unknown): ContainerUse | null {
  const { cpu_stats: cpu, memory_stats: memory, blkio_stats: transfers } = StatsSchema.parse(answer);
  if (cpu.cpu_usage.total_usage === 0) return null;
  // As `docker stats` counts: the cache of files that nobody uses is not the container's need.
  const cache = memory.stats.total_inactive_file ?? memory.stats.inactive_file ?? 0;
  const moved = transfers?.io_service_bytes_recursive ?? [];
  return {
    cpuSeconds: cpu.cpu_usage.total_usage / 1e9,
    peakMemoryBytes: Math.max(Math.max(memory.usage, memory.max_usage) - cache, 0),
    readBytes: bytesOf(moved, 'read'),
    writtenBytes: bytesOf(moved, 'write'),
  };
}

/** All of it only grows, also where a look found less than an earlier one. */
export function mostOf(one: ContainerUse, other: ContainerUse): ContainerUse {
  return {
    cpuSeconds: Math.max(one.cpuSeconds, other.cpuSeconds),
    peakMemoryBytes: Math.max(one.peakMemoryBytes, other.peakMemoryBytes),
    readBytes: Math.max(one.readBytes, other.readBytes),
    writtenBytes: Math.max(one.writtenBytes, other.writtenBytes),
  };
}

/** What passes through a loop device passes through the disk below it as well, and is counted once. */
function bytesOf(moved: readonly z.infer<typeof transfer>[], op: string): number {
  let [loops, disks] = [0, 0];
  for (const { major, value } of moved.filter((each) => each.op.toLowerCase() === op)) {
    if (major === LOOP_DEVICES) loops += value;
    else disks += value;
  }
  return Math.max(loops, disks);
}
