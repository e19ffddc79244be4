import type { Parties, Party } from './registry-parties';

interface BenchmarkRow {
  readonly data_preparation_mlcube: number;
  readonly reference_model_mlcube?: number;
  readonly reference_model?: number;
}

async function benchmarkOf(parties: Parties): Promise<BenchmarkRow> {
  return (await parties.call('dataOwner', 'GET', '/benchmarks/1/')).body as BenchmarkRow;
}

export async function changeRow(parties: Parties, party: Party, path: string, fields: object): Promise<void> {
  const { status, body } = await parties.call(party, 'PUT', path, fields);
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
}

/** Of the benchmark's own preparation cube. */
export async function newDataset(parties: Parties, name: string): Promise<number> {
  return parties.make('dataOwner', '/datasets/', {
    name,
    description: 'chests',
    location: 'here',
    input_data_hash: 'raw',
    generated_uid: name,
    split_seed: 0,
    data_preparation_mlcube: (await benchmarkOf(parties)).data_preparation_mlcube,
    ...(parties.server.dialect === 'E23' ? { state: 'OPERATION' } : { submitted_as_prepared: true }),
  });
}

/** A result of the reference model on a dataset, which takes part from now on. */
export async function newResult(parties: Parties, dataset: number): Promise<number> {
  if (parties.server.dialect !== 'E23')
    await changeRow(parties, 'dataOwner', `/datasets/${dataset}/`, { state: 'OPERATION' });
  const pair = { dataset, benchmark: 1, metadata: {}, approval_status: 'PENDING' };
  await parties.make('dataOwner', '/datasets/benchmarks/', pair);
  const approved = { approval_status: 'APPROVED' };
  await changeRow(parties, 'benchmarkOwner', `/datasets/${dataset}/benchmarks/1/`, approved);
  const { reference_model_mlcube, reference_model = reference_model_mlcube } = await benchmarkOf(parties);
  const result = { name: 'b1', benchmark: 1, model: reference_model, dataset, results: { AUC: 0.9 } };
  return parties.make('dataOwner', '/results/', result);
}
