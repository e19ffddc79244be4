import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract';
import type { AssociateInput, HostInput, OnboardInput, PackageInput, SubmitInput, TestRunInput } from '../contract';

/** The server's host and port as part of an id: two profiles of one server name the same records. */
export function serverPart(server: string): string {
  return server.replace(/^https?:\/\//, '').replace(/[^A-Za-z0-9.-]+/g, '_');
}

export function digestPart(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16);
}

/**
 * Business ids: asking twice for the same thing attaches to one workflow. What the registry knows by name or uid is
 * identified by that, so that two requests which would collide there meet here first.
 */
export const workflowId = {
  testRun: (server: string, input: TestRunInput): string => `medperf-test/${serverPart(server)}/${digestPart(input)}`,
  package: (input: PackageInput): string => `medperf-package/${digestPart(input)}`,
  host: (input: HostInput): string => `medperf-host/${input.name}/${digestPart(input)}`,
  submit: (server: string, { name }: SubmitInput): string => `medperf-submit/${serverPart(server)}/${name}`,
  associate: (server: string, { benchmark, modelUid }: AssociateInput): string =>
    `medperf-associate/${serverPart(server)}/${benchmark}-${modelUid}`,
  onboard: (server: string, { benchmark, name }: OnboardInput): string =>
    `medperf-onboard/${serverPart(server)}/${benchmark}-${name}`,
};
