import { z } from 'zod';
import type { CubeHashes, CubeUrls } from '../contract';
import { ASSOCIATION_FIELDS, associationOf, BENCHMARK_FIELDS, benchmarkOf, STATE, UID } from './records';
import type { Fields } from './records';
import type { CubeRecord, ModelRecord, NewCube } from './registry';
import type { Dialect } from './server-dialect';

/** Cubes and benchmarks of a server of the MLCube generations; fields that we do not read are ignored. */
export const MLCUBE = z
  .object({
    id: UID,
    name: z.string(),
    owner: UID,
    git_mlcube_url: z.string(),
    mlcube_hash: z.string(),
    git_parameters_url: z.string().default(''),
    parameters_hash: z.string().default(''),
    image_tarball_url: z.string().default(''),
    image_tarball_hash: z.string().default(''),
    image_hash: z.string().default(''),
    additional_files_tarball_url: z.string().default(''),
    additional_files_tarball_hash: z.string().default(''),
    state: STATE,
    is_valid: z.boolean(),
    created_at: z.string(),
  })
  .transform((row): CubeRecord => ({
    uid: row.id,
    name: row.name,
    owner: row.owner,
    content: {
      format: 'mlcube',
      urls: present<CubeUrls>({
        manifestUrl: row.git_mlcube_url,
        parametersUrl: row.git_parameters_url,
        additionalFilesUrl: row.additional_files_tarball_url,
        imageTarballUrl: row.image_tarball_url,
      }),
      hashes: present<CubeHashes>({
        manifestHash: row.mlcube_hash,
        parametersHash: row.parameters_hash,
        additionalFilesHash: row.additional_files_tarball_hash,
        imageTarballHash: row.image_tarball_hash,
        imageHash: row.image_hash,
      }),
    },
    state: row.state,
    isValid: row.is_valid,
    createdAt: row.created_at,
  }));

export const MLCUBE_MODEL = MLCUBE.transform((cube): ModelRecord => {
  const { uid, name, owner, state, isValid, createdAt } = cube;
  return { uid, name, owner, state, isValid, createdAt, cube };
});

export const MLCUBE_BENCHMARK = z
  .object({ ...BENCHMARK_FIELDS, reference_model_mlcube: UID })
  .transform((row) => benchmarkOf(row, row.reference_model_mlcube));

export const MLCUBE_ASSOCIATION = z
  .object({ ...ASSOCIATION_FIELDS, model_mlcube: UID })
  .transform((row) => associationOf(row.model_mlcube, row.benchmark, row));

/** A cube as it is sent; all hash keys that the server wants to see are there. E23 does not know of an image's id. */
export function mlcubeFields({ name, content, state }: NewCube, dialect: Dialect): Fields {
  if (content.format !== 'mlcube') throw new TypeError(`${dialect} registers cubes by the URLs of their files`);
  const { urls, hashes } = content;
  const texts = {
    name,
    git_mlcube_url: urls.manifestUrl,
    mlcube_hash: hashes.manifestHash,
    git_parameters_url: urls.parametersUrl,
    parameters_hash: hashes.parametersHash,
    image_tarball_url: urls.imageTarballUrl,
    image_tarball_hash: hashes.imageTarballHash,
    ...(dialect === 'E23' ? {} : { image_hash: hashes.imageHash }),
    additional_files_tarball_url: urls.additionalFilesUrl,
    additional_files_tarball_hash: hashes.additionalFilesHash,
    state,
  };
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text?.trim() ?? '']));
}

/** Without the parts that are empty. */
function present<T extends object>(parts: T): T {
  return Object.fromEntries(Object.entries(parts).filter(([, text]) => text !== '')) as T;
}
