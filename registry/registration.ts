import type { z } from 'zod';
import { canonicalJson, MedperfError } from '../contract';
import { accepted, refusalOf } from './answers';
import type { Answer } from './answers';
import type { DialectForm } from './dialect-forms';
import { LostAnswer } from './http-session';
import type { HttpSession } from './http-session';
import type { Fields } from './records';
import type { CubeRecord, ModelRecord, NewCube, Registry, State } from './registry';

interface Registered {
  readonly uid: number;
  readonly name: string;
  readonly owner: number;
  readonly state: State;
}

/** What is registered: cubes, or cubes that are models. */
export interface RegistrationKind<R extends Registered> {
  readonly noun: 'cube' | 'model';
  readonly resource: 'mlcubes' | 'models';
  readonly schema: z.ZodType<R>;
  readonly all: (options: { mine: boolean }) => AsyncIterable<R>;
  readonly read: (uid: number) => Promise<R>;
  /** Null for what no cube can be compared with. */
  readonly cubeOf: (record: R) => CubeRecord | null;
  readonly body: (fields: Fields) => Fields;
}

type Reading = Pick<Registry, 'cubes' | 'cube' | 'models' | 'model' | 'me'>;

export function cubeKind(registry: Reading, form: DialectForm, signal?: AbortSignal): RegistrationKind<CubeRecord> {
  return {
    noun: 'cube',
    resource: 'mlcubes',
    schema: form.cube,
    all: (options) => registry.cubes(options, signal),
    read: (uid) => registry.cube(uid, signal),
    cubeOf: (cube) => cube,
    body: (fields) => fields,
  };
}

export function modelKind(registry: Reading, form: DialectForm, signal?: AbortSignal): RegistrationKind<ModelRecord> {
  return {
    noun: 'model',
    resource: form.models,
    schema: form.model,
    all: (options) => registry.models(options, signal),
    read: (uid) => registry.model(uid, signal),
    cubeOf: ({ cube }) => cube,
    body: form.modelBody,
  };
}

/** Registers a cube once, whatever becomes of the server's answers; see `Registry.registerCube`. */
export class Registration<R extends Registered> {
  private readonly fields: Fields;
  private readonly name: string;

  constructor(
    private readonly session: HttpSession,
    private readonly registry: Reading,
    private readonly form: DialectForm,
    private readonly kind: RegistrationKind<R>,
    cube: NewCube,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.fields = form.fields(cube);
    this.name = cube.name.trim();
    refuseUnregistrableName(this.name, form.nameLength);
  }

  async register(): Promise<{ record: R; adopted: boolean }> {
    const own = await this.adoptOwn();
    if (own !== null) return { record: own, adopted: true };
    const { resource, schema, body } = this.kind;
    try {
      const answer = await this.session.change('POST', `/${resource}/`, body(this.fields), this.signal);
      if (answer.status === 400) return { record: await this.adoptAfterRefusal(answer), adopted: true };
      return { record: accepted(answer, schema, this.failed()), adopted: false };
    } catch (error) {
      if (!(error instanceof LostAnswer)) throw error;
      const found = await this.adoptOwn();
      if (found === null) throw error.failure;
      return { record: found, adopted: true };
    }
  }

  /** One's own of that name, when it has the same content; another content is refused. */
  private async adoptOwn(): Promise<R | null> {
    const own = await first(this.kind.all({ mine: true }), ({ name }) => name === this.name);
    if (own === null) return null;
    const differing = this.differences(own);
    if (differing.length === 0) return own;
    if (differing.length === 1 && differing[0] === 'state') return this.changeState(own);
    const { noun } = this.kind;
    throw new MedperfError('RegistryRejected', {
      what: `You have registered "${this.name}" already, as ${noun} ${own.uid} with other content.`,
      found: `other values of ${differing.join(', ')}`,
      next: `Choose a new name (at most ${this.form.nameLength} characters) for the new version: a registered ${noun} stays as it is.`,
    });
  }

  private differences(record: R): string[] {
    const cube = this.kind.cubeOf(record);
    return cube === null ? ['type'] : this.differing({ ...this.form.fields(cube), state: record.state });
  }

  private differing(registered: Fields): string[] {
    return Object.keys(this.fields).filter((key) => canonicalJson(this.fields[key]) !== canonicalJson(registered[key]));
  }

  /** The same files: only the way from DEVELOPMENT to OPERATION is open. */
  private async changeState(own: R): Promise<R> {
    const { noun, resource, read } = this.kind;
    if (own.state === 'OPERATION') {
      throw new MedperfError('RegistryRejected', {
        what: `The ${noun} ${own.uid} ("${own.name}") with the same content is operational already.`,
        expected: `a ${noun} in development`,
        found: `state OPERATION, which a ${noun} does not leave`,
        next: `Use ${noun} ${own.uid} as it is, or submit it as operational.`,
      });
    }
    try {
      const answer = await this.session.change('PUT', `/${resource}/${own.uid}/`, { state: 'OPERATION' }, this.signal);
      const changed = await read(own.uid);
      if (changed.state === 'OPERATION') return changed;
      throw refusalOf(answer, `The ${noun} ${own.uid} could not be made operational.`);
    } catch (error) {
      throw error instanceof LostAnswer ? error.failure : error;
    }
  }

  /** Somebody, perhaps oneself a moment ago, has the name or the very same files. */
  private async adoptAfterRefusal(answer: Answer): Promise<R> {
    const own = await this.adoptOwn();
    if (own !== null) return own;
    const words = JSON.stringify(answer.body);
    if (words.includes('"name":')) await this.refuseTakenName(answer);
    if (/unique set/i.test(words)) await this.refuseSameFiles(answer);
    throw refusalOf(answer, this.failed());
  }

  private async refuseTakenName(answer: Answer): Promise<void> {
    const cube = await first(this.registry.cubes({ name: this.name }, this.signal), () => true);
    const other = cube ?? (await first(this.kind.all({ mine: false }), ({ name }) => name === this.name));
    if (other === null) return;
    const noun = cube === null ? this.kind.noun : 'cube';
    const next = `Choose another name (at most ${this.form.nameLength} characters).`;
    throw refusalOf(answer, `The name "${this.name}" is taken by ${noun} ${other.uid} of user ${other.owner}.`, next);
  }

  private async refuseSameFiles(answer: Answer): Promise<void> {
    const isSame = (cube: CubeRecord): boolean => {
      const differing = this.differing(this.form.fields(cube));
      return !differing.some((key) => this.form.identity.includes(key));
    };
    const same = await first(this.registry.cubes({}, this.signal), isSame);
    if (same === null) return;
    const mine = (await this.registry.me(this.signal)).uid === same.owner;
    throw refusalOf(
      answer,
      `The same files are registered already, as cube ${same.uid} ("${same.name}") of ${mine ? 'your own' : `user ${same.owner}`}.`,
      mine
        ? `Use cube ${same.uid}, or change the model's files.`
        : "Change the model's files (its parameters, for example): one set of files can be registered once.",
    );
  }

  private failed(): string {
    return `The registry refused to register "${this.name}".`;
  }
}

async function first<T>(records: AsyncIterable<T>, is: (record: T) => boolean): Promise<T | null> {
  for await (const record of records) if (is(record)) return record;
  return null;
}

/**
 * @param longest in characters, as the registry says it.
 * @throws MedperfError `InvalidRequest` for a name that the registry would not take.
 */
export function refuseUnregistrableName(name: string, longest: number): void {
  const length = Array.from(name).length;
  if (length >= 1 && length <= longest) return;
  throw new MedperfError('InvalidRequest', {
    what: "The cube's name cannot be registered.",
    expected: `1 to ${longest} characters`,
    found: `${length}`,
    next: length === 0 ? 'Give the cube a name.' : 'Choose a shorter name.',
  });
}
