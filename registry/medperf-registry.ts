import { z } from 'zod';
import { MedperfError } from '../contract';
import type { CubeFormat, JsonValue } from '../contract';
import { accepted, unavailable } from './answers';
import { setPriority } from './association-priority';
import { decideAssociation, newestOfEach, requestAssociation } from './association-request';
import type { Authorization } from './credentials';
import { DATASET, RESULT } from './dataset-records';
import { DIALECT_FORMS } from './dialect-forms';
import type { DialectForm } from './dialect-forms';
import { HttpSession } from './http-session';
import type { SessionOptions } from './http-session';
import { PAGE, USER, later, pairRow } from './records';
import { cubeKind, modelKind, Registration } from './registration';
import { newestResults, sentRow } from './sent-results';
import type { Dialect } from './server-dialect';
import type {
  AssociationRecord,
  BenchmarkRecord,
  CubeRecord,
  DatasetRecord,
  ModelRecord,
  NewCube,
  Registry,
  ResultRecord,
  User,
} from './registry';

/** Rows of a page; MedPerf's own client asks for as many. */
const PAGE_SIZE = 32;
/** Many times what a registry holds. */
const MAX_PAGES = 3000;

/** MedPerf's server of one of its generations, signed in with a token. */
export class MedperfRegistry implements Registry {
  readonly dialect: Dialect;
  private readonly form: DialectForm;
  private readonly session: HttpSession;

  constructor({
    dialect = 'E25',
    ...options
  }: SessionOptions & { readonly authorization: Authorization; readonly dialect?: Dialect }) {
    this.dialect = dialect;
    this.form = DIALECT_FORMS[dialect];
    this.session = new HttpSession(options);
  }

  get server(): string {
    return this.session.server;
  }

  get format(): CubeFormat {
    return this.form.format;
  }

  get nameLength(): number {
    return this.form.nameLength;
  }

  me(signal?: AbortSignal): Promise<User> {
    return this.read('/me/', USER, 'Your own user could not be read.', signal);
  }

  benchmark(uid: number, signal?: AbortSignal): Promise<BenchmarkRecord> {
    return this.read(`/benchmarks/${uid}/`, this.form.benchmark, `Benchmark ${uid} could not be read.`, signal);
  }

  benchmarks({ mine = false }: { mine?: boolean } = {}, signal?: AbortSignal): AsyncIterable<BenchmarkRecord> {
    return this.list(mine ? '/me/benchmarks/' : '/benchmarks/', this.form.benchmark, 'benchmarks', signal);
  }

  cube(uid: number, signal?: AbortSignal): Promise<CubeRecord> {
    return this.read(`/mlcubes/${uid}/`, this.form.cube, `Cube ${uid} could not be read.`, signal);
  }

  async *cubes(
    { mine = false, name }: { mine?: boolean; name?: string } = {},
    signal?: AbortSignal,
  ): AsyncGenerator<CubeRecord> {
    const filter = name !== undefined && this.form.findsByName ? { name } : {};
    const rows = this.list(mine ? '/me/mlcubes/' : '/mlcubes/', this.form.cube, 'cubes', signal, filter);
    for await (const cube of rows) if (name === undefined || cube.name === name) yield cube;
  }

  async registerCube(cube: NewCube, signal?: AbortSignal): Promise<{ record: CubeRecord; adopted: boolean }> {
    const kind = cubeKind(this, this.form, signal);
    return new Registration(this.session, this, this.form, kind, cube, signal).register();
  }

  model(uid: number, signal?: AbortSignal): Promise<ModelRecord> {
    return this.read(`/${this.form.models}/${uid}/`, this.form.model, `Model ${uid} could not be read.`, signal);
  }

  models({ mine = false }: { mine?: boolean } = {}, signal?: AbortSignal): AsyncIterable<ModelRecord> {
    return this.list(`${mine ? '/me' : ''}/${this.form.models}/`, this.form.model, 'models', signal);
  }

  async registerModel(cube: NewCube, signal?: AbortSignal): Promise<{ record: ModelRecord; adopted: boolean }> {
    const kind = modelKind(this, this.form, signal);
    return new Registration(this.session, this, this.form, kind, cube, signal).register();
  }

  dataset(uid: number, signal?: AbortSignal): Promise<DatasetRecord> {
    return this.read(`/datasets/${uid}/`, DATASET, `Dataset ${uid} could not be read.`, signal);
  }

  datasets({ mine = false }: { mine?: boolean } = {}, signal?: AbortSignal): AsyncIterable<DatasetRecord> {
    return this.list(mine ? '/me/datasets/' : '/datasets/', DATASET, 'datasets', signal);
  }

  result(uid: number, signal?: AbortSignal): Promise<ResultRecord> {
    return this.read(`/results/${uid}/`, RESULT, `Result ${uid} could not be read.`, signal);
  }

  results({ benchmark }: { benchmark?: number } = {}, signal?: AbortSignal): AsyncIterable<ResultRecord> {
    const path = benchmark === undefined ? '/me/results/' : `/benchmarks/${benchmark}/results/`;
    return this.list(path, RESULT, 'results', signal);
  }

  async associations(signal?: AbortSignal): Promise<readonly AssociationRecord[]> {
    const path = `/me/${this.form.models}/associations/`;
    return newestOfEach(this.list(path, this.form.association, 'associations', signal));
  }

  sentResults(modelUid: number, benchmark: number, signal?: AbortSignal): Promise<JsonValue> {
    const path = `/me/${this.form.models}/associations/`;
    return newestResults(this.list(path, sentRow(this.form), 'associations', signal), { modelUid, benchmark });
  }

  async association(modelUid: number, benchmark: number, signal?: AbortSignal): Promise<AssociationRecord | null> {
    const what = `The association of model ${modelUid} with benchmark ${benchmark} could not be read.`;
    const rows = z.array(pairRow(modelUid, benchmark));
    const history = await this.read(`/${this.form.models}/${modelUid}/benchmarks/${benchmark}/`, rows, what, signal);
    const [first, ...others] = history;
    return first === undefined ? null : others.reduce(later, first);
  }

  requestAssociation(
    request: Parameters<Registry['requestAssociation']>[0],
    signal?: AbortSignal,
  ): ReturnType<Registry['requestAssociation']> {
    return requestAssociation(this.session, this.form, this, request, signal);
  }

  decideAssociation(
    modelUid: number,
    benchmark: number,
    status: 'APPROVED' | 'REJECTED',
    signal?: AbortSignal,
  ): ReturnType<Registry['decideAssociation']> {
    return decideAssociation(this.session, this.form, this, { modelUid, benchmark }, status, signal);
  }

  setPriority(modelUid: number, benchmark: number, priority: number, signal?: AbortSignal): Promise<AssociationRecord> {
    return setPriority(this.session, this.form, this, { modelUid, benchmark }, priority, signal);
  }

  /** Gives the connections back; what is under way ends first. */
  close(): Promise<void> {
    return this.session.close();
  }

  private async read<T>(path: string, schema: z.ZodType<T>, what: string, signal?: AbortSignal): Promise<T> {
    return accepted(await this.session.get(path, signal), schema, what);
  }

  /** Rows move between pages when somebody edits them meanwhile; one that comes twice is given once. */
  private async *list<T>(
    path: string,
    schema: z.ZodType<T>,
    rows: string,
    signal?: AbortSignal,
    filter: Readonly<Record<string, string>> = {},
  ): AsyncGenerator<T> {
    const what = `The list of ${rows} could not be read.`;
    const seen = new Set<number>();
    for (let pages = 0, offset = 0; pages < MAX_PAGES; pages += 1) {
      const query = new URLSearchParams({ ...filter, limit: String(PAGE_SIZE), offset: String(offset) }).toString();
      const page = await this.read(`${path}?${query}`, PAGE, what, signal);
      const known = seen.size;
      for (const row of page.results) {
        if (seen.has(row.id)) continue;
        seen.add(row.id);
        yield accepted({ status: 200, body: row, location: null }, schema, what);
      }
      if (page.next === null) return;
      if (seen.size === known) throw unavailable(what, `a page at ${offset} without a new row, and a next one`);
      offset += page.results.length;
    }
    throw new MedperfError('RegistryRejected', {
      what,
      expected: `at most ${MAX_PAGES} pages`,
      found: 'one more',
      next: "Check that the profile's server address is a MedPerf server.",
    });
  }
}
