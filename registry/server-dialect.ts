import { z } from 'zod';
import { MedperfError } from '../contract';
import type { HttpSession } from './http-session';

/** Generations of MedPerf's API: passwords and SHA-1 (2023), mlcubes and JWT (2025), containers and models (from 2026). */
export const DIALECTS = ['E23', 'E25', 'HEAD'] as const;
export type Dialect = (typeof DIALECTS)[number];

const documentSchema = z.object({
  components: z.object({
    schemas: z.object({ MlCube: z.object({ properties: z.record(z.string(), z.unknown()) }) }),
  }),
});
const NOT_THERE = 404;
const UNAUTHENTICATED = 401;

/**
 * Finds out without credentials which dialect a server speaks: from its OpenAPI document, since its `/version` says the same
 * in every generation; where it does not show that document, from what it answers to whoever is not signed in. Null where
 * that tells nothing either.
 * @throws MedperfError `RegistryRejected` for a server between two generations.
 */
export async function readDialect(session: HttpSession, signal?: AbortSignal): Promise<Dialect | null> {
  const document = documentSchema.safeParse(await readDocument(session, signal));
  if (!document.success) return fromRefusals(session, signal);
  const has = (field: string): boolean => Object.hasOwn(document.data.components.schemas.MlCube.properties, field);
  if (has('git_mlcube_url')) return has('image_hash') ? 'E25' : 'E23';
  if (!has('container_config')) return null;
  // Without credentials it is refused where it exists.
  const models = await session.get('/models/', signal);
  if (models.status === NOT_THERE) throw betweenGenerations(session.server);
  return 'HEAD';
}

async function fromRefusals(session: HttpSession, signal: AbortSignal | undefined): Promise<Dialect | null> {
  if ((await session.get('/models/', signal)).status === UNAUTHENTICATED) return 'HEAD';
  const { status, challenge } = await session.get('/mlcubes/', signal);
  if (status !== UNAUTHENTICATED || typeof challenge !== 'string') return null;
  if (challenge.startsWith('Bearer')) return 'E25';
  return challenge.startsWith('Token') ? 'E23' : null;
}

async function readDocument(session: HttpSession, signal: AbortSignal | undefined): Promise<unknown> {
  try {
    return (await session.getOutside('/schema/?format=json', signal)).body;
  } catch (error) {
    if (error instanceof MedperfError && error.type === 'RegistryUnavailable') return null;
    throw error;
  }
}

function betweenGenerations(server: string): MedperfError {
  return new MedperfError('RegistryRejected', {
    what: `${server} runs a MedPerf server between two generations, which no client of either understands.`,
    expected: 'cubes with URLs (until November 2025), or models beside containers (from March 2026)',
    found: 'containers without models',
    next: 'Ask its operator to bring the server up to date.',
  });
}
