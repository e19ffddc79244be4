import { z } from 'zod';
import { MedperfError } from '../contract';
import { accepted, unavailable } from './answers';
import { decideAssociation, newestOfEach, requestAssociation } from './association-request';
import { CubeRegistration } from './cube-registration';
import type { Authorization } from './credentials';
import { HttpSession } from './http-session';
import type { SessionOptions } from './http-session';
import { ASSOCIATION, BENCHMARK, CUBE, PAGE, USER, later, pairRow } from './records';
import type { Dialect } from './server-dialect';
import type { AssociationRecord, BenchmarkRecord, CubeRecord, NewCube, Registry, User } from './registry';

/** Rows of a page; MedPerf's own client asks for as many. */
const PAGE_SIZE = 32;
/** Many times what a registry holds. */
const MAX_PAGES = 3000;

/** MedPerf's server of the MLCube generations (E23, E25), signed in with a token. */
export class MedperfRegistry implements Registry {
  readonly dialect: Dialect;
  private readonly session: HttpSession;

  constructor({
    dialect = 'E25',
    ...options
  }: SessionOptions & { readonly authorization: Authorization; readonly dialect?: Dialect }) {
    this.dialect = dialect;
    this.session = new HttpSession(options);
  }

  get server(): string {
    return this.session.server;
  }

  me(signal?: AbortSignal): Promise<User> {
    return this.read('/me/', USER, 'Your own user could not be read.', signal);
  }

  benchmark(uid: number, signal?: AbortSignal): Promise<BenchmarkRecord> {
    return this.read(`/benchmarks/${uid}/`, BENCHMARK, `Benchmark ${uid} could not be read.`, signal);
  }

  benchmarks({ mine = false }: { mine?: boolean } = {}, signal?: AbortSignal): AsyncIterable<BenchmarkRecord> {
    return this.list(mine ? '/me/benchmarks/' : '/benchmarks/', BENCHMARK, 'benchmarks', signal);
  }

  cube(uid: number, signal?: AbortSignal): Promise<CubeRecord> {
    return this.read(`/mlcubes/${uid}/`, CUBE, `Cube ${uid} could not be read.`, signal);
  }

  cubes({ mine = false }: { mine?: boolean } = {}, signal?: AbortSignal): AsyncIterable<CubeRecord> {
    return this.list(mine ? '/me/mlcubes/' : '/mlcubes/', CUBE, 'cubes', signal);
  }

  async registerCube(cube: NewCube, signal?: AbortSignal): Promise<{ record: CubeRecord; adopted: boolean }> {
    return new CubeRegistration(this.session, this, cube, signal).register();
  }

  async associations(signal?: AbortSignal): Promise<readonly AssociationRecord[]> {
    const rows: AssociationRecord[] = [];
    for await (const row of this.list('/me/mlcubes/associations/', ASSOCIATION, 'associations', signal)) rows.push(row);
    return newestOfEach(rows);
  }

  async association(modelUid: number, benchmark: number, signal?: AbortSignal): Promise<AssociationRecord | null> {
    const what = `The association of cube ${modelUid} with benchmark ${benchmark} could not be read.`;
    const rows = z.array(pairRow(modelUid, benchmark));
    const history = await this.read(`/mlcubes/${modelUid}/benchmarks/${benchmark}/`, rows, what, signal);
    const [first, ...others] = history;
    return first === undefined ? null : others.reduce(later, first);
  }

  requestAssociation(
    request: Parameters<Registry['requestAssociation']>[0],
    signal?: AbortSignal,
  ): Promise<{ record: AssociationRecord; adopted: boolean }> {
    return requestAssociation(this.session, this, request, signal);
  }

  decideAssociation(
    modelUid: number,
    benchmark: number,
    status: 'APPROVED' | 'REJECTED',
    signal?: AbortSignal,
  ): Promise<AssociationRecord> {
    return decideAssociation(this.session, this, { modelUid, benchmark }, status, signal);
  }

  /** Gives the connections back; what is under way ends first. */
  close(): Promise<void> {
    return this.session.close();
  }

  private async read<T>(path: string, schema: z.ZodType<T>, what: string, signal?: AbortSignal): Promise<T> {
    return accepted(await this.session.get(path, signal), schema, what);
  }

  /** Rows move between pages when somebody edits them meanwhile; one that comes twice is given once. */
  private async *list<T>(path: string, schema: z.ZodType<T>, rows: string, signal?: AbortSignal): AsyncGenerator<T> {
    const what = `The list of ${rows} could not be read.`;
    const seen = new Set<number>();
    for (let pages = 0, offset = 0; pages < MAX_PAGES; pages += 1) {
      const page = await this.read(`${path}?limit=${PAGE_SIZE}&offset=${offset}`, PAGE, what, signal);
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
      next: "Check that the profile's server address is a MedPerf server of the MLCube generation.",
    });
  }
}
