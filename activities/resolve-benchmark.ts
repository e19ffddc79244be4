import { z } from 'zod';
import { MedperfError } from '../contract';
import type { BenchmarkFacts, CubeFormat, ResolveBenchmarkInput } from '../contract';
import type { BenchmarkRecord, Registry } from '../registry/registry';
import type { Store } from '../store/store';

const BenchmarkFactsSchema: z.ZodType<BenchmarkFacts> = z.object({
  uid: z.int(),
  name: z.string(),
  approved: z.boolean(),
  operational: z.boolean(),
  demoDatasetUrl: z.string(),
  demoDatasetHash: z.string(),
  demoDatasetPrepared: z.boolean(),
  format: z.enum(['mlcube', 'container']),
  dataPreparator: z.int(),
  referenceModel: z.int(),
  evaluator: z.int(),
});

/** Looks a benchmark up and keeps the record, so that a later test can run offline. */
export async function resolveBenchmark(
  { store, registry }: { store: Store; registry: Registry },
  { benchmark, offline }: ResolveBenchmarkInput,
  signal: AbortSignal,
): Promise<BenchmarkFacts> {
  const recordName = `benchmarks/${registry.server}/${benchmark}`;
  if (offline) return knownBenchmark(await store.readRecord(recordName), benchmark);
  const facts = benchmarkFacts(await registry.benchmark(benchmark, signal), registry.format);
  await store.writeRecord(recordName, facts);
  return facts;
}

function knownBenchmark(record: unknown, benchmark: number): BenchmarkFacts {
  const known = BenchmarkFactsSchema.safeParse(record);
  if (known.success) return known.data;
  throw new MedperfError('InvalidRequest', {
    what: `Benchmark ${benchmark} is not known here, and --offline forbids asking the registry.`,
    next: 'run the test once without --offline; after that the record is kept.',
  });
}

/** What the workflows need of a record; an inactive or invalid benchmark is refused here. */
export function benchmarkFacts(record: BenchmarkRecord, format: CubeFormat): BenchmarkFacts {
  if (!record.isValid || !record.isActive) {
    throw new MedperfError('InvalidRequest', {
      what: `Benchmark ${record.uid}, ${record.name}, is marked as ${record.isValid ? 'inactive' : 'invalid'} in the registry.`,
      next: 'choose another benchmark (`temporal-medperf benchmark ls`) or ask its owner.',
    });
  }
  return {
    uid: record.uid,
    name: record.name,
    approved: record.approvalStatus === 'APPROVED',
    operational: record.state === 'OPERATION',
    demoDatasetUrl: record.demoDatasetUrl,
    demoDatasetHash: record.demoDatasetHash,
    demoDatasetPrepared: record.demoDatasetPrepared,
    format,
    dataPreparator: record.dataPreparator,
    referenceModel: record.referenceModel,
    evaluator: record.evaluator,
  };
}
