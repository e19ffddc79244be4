import { MedperfError } from '../contract';
import { accepted, refusalOf } from './answers';
import type { Answer } from './answers';
import { LostAnswer } from './http-session';
import type { HttpSession } from './http-session';
import { CUBE, cubeBody } from './records';
import type { CubeRecord, NewCube, Registry } from './registry';

/** The server's limit, in characters. */
export const CUBE_NAME_LENGTH = 20;

type Cubes = Pick<Registry, 'cubes' | 'me' | 'dialect'>;

/** Registers a cube once, whatever becomes of the server's answers; see `Registry.registerCube`. */
export class CubeRegistration {
  private readonly body: Readonly<Record<string, string>>;
  private readonly name: string;

  constructor(
    private readonly session: HttpSession,
    private readonly cubes: Cubes,
    cube: NewCube,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.body = cubeBody(cube, cubes.dialect);
    this.name = cube.name.trim();
    refuseUnregistrableName(this.name);
  }

  async register(): Promise<{ record: CubeRecord; adopted: boolean }> {
    const own = await this.adoptOwn();
    if (own !== null) return { record: own, adopted: true };
    try {
      const answer = await this.session.change('POST', '/mlcubes/', this.body, this.signal);
      if (answer.status === 400) return { record: await this.adoptAfterRefusal(answer), adopted: true };
      return { record: accepted(answer, CUBE, this.failed()), adopted: false };
    } catch (error) {
      if (!(error instanceof LostAnswer)) throw error;
      const found = await this.adoptOwn();
      if (found === null) throw error.failure;
      return { record: found, adopted: true };
    }
  }

  /** One's own cube of that name, when it has the same content; another content is refused. */
  private async adoptOwn(): Promise<CubeRecord | null> {
    const own = await this.find((cube) => cube.name === this.name, true);
    if (own === null) return null;
    const differing = this.differences(own);
    if (differing.length === 0) return own;
    if (differing.length === 1 && differing[0] === 'state') return this.changeState(own);
    throw new MedperfError('RegistryRejected', {
      what: `You have registered "${this.name}" already, as cube ${own.uid} with other content.`,
      found: `other values of ${differing.join(', ')}`,
      next: `Choose a new name (at most ${CUBE_NAME_LENGTH} characters) for the new version: a registered cube stays as it is.`,
    });
  }

  private differences(cube: CubeRecord): string[] {
    const registered = cubeBody(cube, this.cubes.dialect);
    return Object.keys(this.body).filter((key) => this.body[key] !== registered[key]);
  }

  /** The same files: only the way from DEVELOPMENT to OPERATION is open. */
  private async changeState(own: CubeRecord): Promise<CubeRecord> {
    if (own.state === 'OPERATION') {
      throw new MedperfError('RegistryRejected', {
        what: `Cube ${own.uid} ("${own.name}") with the same content is operational already.`,
        expected: 'a cube in development',
        found: 'state OPERATION, which a cube does not leave',
        next: `Use cube ${own.uid} as it is, or submit it as operational.`,
      });
    }
    try {
      const answer = await this.session.change('PUT', `/mlcubes/${own.uid}/`, { state: 'OPERATION' }, this.signal);
      return accepted(answer, CUBE, `Cube ${own.uid} could not be made operational.`);
    } catch (error) {
      throw error instanceof LostAnswer ? error.failure : error;
    }
  }

  /** Somebody, perhaps oneself a moment ago, has the name or the very same files. */
  private async adoptAfterRefusal(answer: Answer): Promise<CubeRecord> {
    const own = await this.adoptOwn();
    if (own !== null) return own;
    if (names(answer, 'name')) await this.refuseTakenName(answer);
    if (/unique set/i.test(JSON.stringify(answer.body))) await this.refuseSameFiles(answer);
    throw refusalOf(answer, this.failed());
  }

  private async refuseTakenName(answer: Answer): Promise<void> {
    const other = await this.find((cube) => cube.name === this.name, false);
    if (other === null) return;
    const next = `Choose another name (at most ${CUBE_NAME_LENGTH} characters).`;
    throw refusalOf(answer, `The name "${this.name}" is taken by cube ${other.uid} of user ${other.owner}.`, next);
  }

  private async refuseSameFiles(answer: Answer): Promise<void> {
    const same = await this.find((cube) => this.differences(cube).every((key) => !key.endsWith('_hash')), false);
    if (same === null) return;
    const mine = (await this.cubes.me(this.signal)).uid === same.owner;
    throw refusalOf(
      answer,
      `The same files are registered already, as cube ${same.uid} ("${same.name}") of ${mine ? 'your own' : `user ${same.owner}`}.`,
      mine
        ? `Use cube ${same.uid}, or change the model's files.`
        : "Change the model's files (its parameters, for example): one set of files can be registered once.",
    );
  }

  private async find(is: (cube: CubeRecord) => boolean, mine: boolean): Promise<CubeRecord | null> {
    for await (const cube of this.cubes.cubes({ mine }, this.signal)) if (is(cube)) return cube;
    return null;
  }

  private failed(): string {
    return `The registry refused to register "${this.name}".`;
  }
}

/** @throws MedperfError `InvalidRequest` for a name that no registry would take. */
export function refuseUnregistrableName(name: string): void {
  const length = Array.from(name).length;
  if (length >= 1 && length <= CUBE_NAME_LENGTH) return;
  throw new MedperfError('InvalidRequest', {
    what: "The cube's name cannot be registered.",
    expected: `1 to ${CUBE_NAME_LENGTH} characters`,
    found: `${length}`,
    next: length === 0 ? 'Give the cube a name.' : 'Choose a shorter name.',
  });
}

function names(answer: Answer, field: string): boolean {
  return typeof answer.body === 'object' && answer.body !== null && field in answer.body;
}
