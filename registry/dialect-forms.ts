import type { z } from 'zod';
import type { CubeFormat } from '../contract';
import { CONTAINER, containerFields, MODEL, MODEL_ASSOCIATION, MODEL_BENCHMARK, modelBody } from './container-records';
import { MLCUBE, MLCUBE_ASSOCIATION, MLCUBE_BENCHMARK, mlcubeFields, MLCUBE_MODEL } from './mlcube-records';
import type { Fields } from './records';
import type { AssociationRecord, BenchmarkRecord, CubeRecord, ModelRecord, NewCube } from './registry';
import type { Dialect } from './server-dialect';

/** How one generation of MedPerf's server says what all of them say. */
export interface DialectForm {
  readonly format: CubeFormat;
  /** Longest name, in characters. */
  readonly nameLength: number;
  readonly cube: z.ZodType<CubeRecord>;
  readonly model: z.ZodType<ModelRecord>;
  readonly benchmark: z.ZodType<BenchmarkRecord>;
  readonly association: z.ZodType<AssociationRecord>;
  /** Resource of the models, and the field of an association that names one. */
  readonly models: 'mlcubes' | 'models';
  readonly modelField: 'model_mlcube' | 'model';
  /** A cube as the server has it. */
  readonly fields: (cube: NewCube) => Fields;
  /** What makes a model of these. */
  readonly modelBody: (fields: Fields) => Fields;
  /** Two cubes that have these in common are the same to the server. */
  readonly identity: readonly string[];
  /** Whether the list of cubes can be asked for one name. */
  readonly findsByName: boolean;
}

const FILE_HASHES = ['mlcube_hash', 'parameters_hash', 'image_tarball_hash', 'additional_files_tarball_hash'];

function ofMlcubes(dialect: 'E23' | 'E25'): DialectForm {
  return {
    format: 'mlcube',
    nameLength: 20,
    cube: MLCUBE,
    model: MLCUBE_MODEL,
    benchmark: MLCUBE_BENCHMARK,
    association: MLCUBE_ASSOCIATION,
    models: 'mlcubes',
    modelField: 'model_mlcube',
    fields: (cube) => mlcubeFields(cube, dialect),
    modelBody: (fields) => fields,
    identity: dialect === 'E23' ? FILE_HASHES : [...FILE_HASHES, 'image_hash'],
    findsByName: false,
  };
}

export const DIALECT_FORMS: Readonly<Record<Dialect, DialectForm>> = {
  E23: ofMlcubes('E23'),
  E25: ofMlcubes('E25'),
  HEAD: {
    format: 'container',
    nameLength: 128,
    cube: CONTAINER,
    model: MODEL,
    benchmark: MODEL_BENCHMARK,
    association: MODEL_ASSOCIATION,
    models: 'models',
    modelField: 'model',
    fields: containerFields,
    modelBody,
    identity: ['image_hash', 'additional_files_tarball_hash', 'container_config', 'parameters_config'],
    findsByName: true,
  },
};
