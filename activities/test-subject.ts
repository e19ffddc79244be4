import type { Digest, TestSubject } from '../contract';
import type { BenchmarkRecord, CubeContent, ModelRecord, Registry } from '../registry/registry';
import { digestOf } from './action-key';

/** Reads what a test of the pair would read now; null stands for a model that is not registered yet. */
export async function readSubject(
  registry: Registry,
  pair: { readonly benchmark: number; readonly modelUid: number },
  signal: AbortSignal,
): Promise<TestSubject> {
  const [benchmark, model] = await Promise.all([
    registry.benchmark(pair.benchmark, signal),
    registry.model(pair.modelUid, signal),
  ]);
  return testSubject(registry, benchmark, model, signal);
}

export async function testSubject(
  registry: Registry,
  benchmark: BenchmarkRecord,
  model: ModelRecord | null,
  signal: AbortSignal,
): Promise<TestSubject> {
  const [dataPreparator, evaluator, reference] = await Promise.all([
    registry.cube(benchmark.dataPreparator, signal),
    registry.cube(benchmark.evaluator, signal),
    registry.model(benchmark.referenceModel, signal),
  ]);
  return {
    benchmark: digestOf({
      demoData: benchmark.demoDatasetHash || benchmark.demoDatasetUrl,
      prepared: benchmark.demoDatasetPrepared,
      dataPreparator: contentParts(dataPreparator.content),
      evaluator: contentParts(evaluator.content),
      reference: modelParts(reference),
    }),
    model: model === null ? null : modelDigest(model),
  };
}

function modelDigest(model: ModelRecord): Digest {
  return digestOf(modelParts(model));
}

/** A model that is an asset has no container whose content could be compared. */
function modelParts({ uid, cube }: ModelRecord): unknown {
  return cube === null ? { asset: uid } : contentParts(cube.content);
}

/** A file is what its hash says, wherever it lies. */
function contentParts(content: CubeContent): unknown {
  if (content.format === 'container') {
    const { config, parameters, additionalFiles, imageHash } = content;
    return { config, parameters, additionalFiles: additionalFiles?.hash || additionalFiles?.url, imageHash };
  }
  const { urls, hashes } = content;
  return {
    manifest: hashes.manifestHash ?? urls.manifestUrl,
    parameters: hashes.parametersHash ?? urls.parametersUrl,
    additionalFiles: hashes.additionalFilesHash ?? urls.additionalFilesUrl,
    imageTarball: hashes.imageTarballHash ?? urls.imageTarballUrl,
    imageHash: hashes.imageHash,
  };
}
