import { mostOf, useOf } from './container-use';

const answer = {
  cpu_stats: { cpu_usage: { total_usage: 1_500_000_000 } },
  memory_stats: { usage: 100, max_usage: 400, stats: { total_inactive_file: 30, inactive_file: 20 } },
  blkio_stats: { io_service_bytes_recursive: null },
};
const moved = (major: number, op: string, value: number) => ({ major, minor: 0, op, value });

describe("the daemon's account of a container", () => {
  it('is read as cgroup v1 gives it', () => {
    expect(useOf(answer)).toEqual({ cpuSeconds: 1.5, peakMemoryBytes: 370, readBytes: 0, writtenBytes: 0 });
  });

  it('is read as cgroup v2 gives it, without a peak', () => {
    const memory = { usage: 100, stats: { inactive_file: 20 } };
    expect(useOf({ ...answer, memory_stats: memory })).toMatchObject({ peakMemoryBytes: 80 });
  });

  it('counts once what passes through a loop device to the disk below', () => {
    const transfers = [moved(8, 'Read', 5), moved(259, 'read', 6), moved(7, 'Write', 9), moved(8, 'write', 7)];
    const use = useOf({ ...answer, blkio_stats: { io_service_bytes_recursive: transfers } });
    expect(use).toMatchObject({ readBytes: 11, writtenBytes: 9 });
  });

  it('is none for a container that has ended', () => {
    const ended = { cpu_stats: { cpu_usage: { total_usage: 0 } }, memory_stats: {}, blkio_stats: {} };
    expect(useOf(ended)).toBeNull();
  });

  it('never shrinks', () => {
    const one = { cpuSeconds: 1, peakMemoryBytes: 8, readBytes: 3, writtenBytes: 6 };
    const other = { cpuSeconds: 2, peakMemoryBytes: 7, readBytes: 4, writtenBytes: 5 };
    expect(mostOf(one, other)).toEqual({ cpuSeconds: 2, peakMemoryBytes: 8, readBytes: 4, writtenBytes: 6 });
  });
});
