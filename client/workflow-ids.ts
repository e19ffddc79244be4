import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract';
import type {
  ApproveInput,
  AssociateInput,
  HostingCheckInput,
  HostInput,
  OnboardInput,
  PackageInput,
  SubmitInput,
  TestRunInput,
} from '../contract';

/** The server's host and port as part of an id: two profiles of one server name the same records. */
export function serverPart(server: string): string {
  return server.replace(/^https?:\/\//, '').replace(/[^A-Za-z0-9.-]+/g, '_');
}

export function digestPart(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16);
}

/** What decides a test: a folder's bytes and not its name, a user and not the name of a profile. */
export function testIdentity({ profile: _profile, ...input }: TestRunInput): object {
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, withoutLabel(value)]));
}

function withoutLabel(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('label' in value)) return value;
  return { ...value, label: undefined };
}

/**
 * Business ids: asking twice for the same thing attaches to one workflow. What the registry knows by name or uid is
 * identified by that, so that two requests which would collide there meet here first.
 */
export const workflowId = {
  testRun: (server: string, username: string, input: TestRunInput): string =>
    `medperf-test/${serverPart(server)}/${digestPart({ username, ...testIdentity(input) })}`,
  package: (input: PackageInput): string => `medperf-package/${digestPart(input)}`,
  host: (input: HostInput): string => `medperf-host/${input.name}/${digestPart(input)}`,
  checkHosting: (input: HostingCheckInput): string => `medperf-check-url/${digestPart(input)}`,
  submit: (server: string, { name }: SubmitInput): string => `medperf-submit/${serverPart(server)}/${name}`,
  associate: (server: string, { benchmark, modelUid }: AssociateInput): string =>
    `medperf-associate/${serverPart(server)}/${benchmark}-${modelUid}`,
  approve: (server: string, { benchmark, modelUid }: ApproveInput): string =>
    `medperf-approve/${serverPart(server)}/${benchmark}-${modelUid}`,
  onboard: (server: string, { benchmark, name }: OnboardInput): string =>
    `medperf-onboard/${serverPart(server)}/${benchmark}-${name}`,
};
