import { readFile } from 'node:fs/promises';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { z } from 'zod';
import { MedperfError, TASKS } from '../contract';
import type { Finding } from '../contract';
import type { ContainerUser } from '../engine/container-options';
import type { RunLimits } from '../engine/engine';
import { GpuSourceSchema } from '../engine/gpu-inventory';
import type { GpuSource } from '../engine/gpu-inventory';
import type { Reuse } from '../activities/run-task';
import { isPrivateHost } from '../store/private-addresses';
import type { PolicyRule } from './policy-rules';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Temporal ends a step after it, whatever the policy says. */
const LONGEST_STEP_MS = 14 * 24 * HOUR_MS;
/** Docker refuses to make a container with less memory. */
const LEAST_MEMORY = 6 * MIB;
const LAST_ID = 2 ** 32 - 2;

const count = z.int().positive();
const duration = z.int().positive().max(LONGEST_STEP_MS);
const userId = z.int().positive({ error: 'containers never run as root: give a number above 0' }).max(LAST_ID);
const LIMITS = {
  memoryBytes: z.int().min(LEAST_MEMORY),
  cpus: z.number().min(0.01),
  pids: count,
  wallClockMs: duration,
  idleMs: duration,
  outputBytes: count,
  outputFiles: count,
  logBytes: count,
  tmpBytes: count,
  shmBytes: count,
};

const LimitsSchema = z.strictObject({
  memoryBytes: LIMITS.memoryBytes.default(8 * GIB),
  cpus: LIMITS.cpus.default(4),
  pids: LIMITS.pids.default(512),
  wallClockMs: LIMITS.wallClockMs.default(24 * HOUR_MS),
  idleMs: LIMITS.idleMs.default(2 * HOUR_MS),
  outputBytes: LIMITS.outputBytes.default(64 * GIB),
  outputFiles: LIMITS.outputFiles.default(1_000_000),
  logBytes: LIMITS.logBytes.default(64 * MIB),
  tmpBytes: LIMITS.tmpBytes.default(GIB),
  shmBytes: LIMITS.shmBytes.default(GIB),
}) satisfies z.ZodType<RunLimits>;

const RuleSchema = z
  .strictObject({
    task: z.enum(TASKS).exactOptional(),
    cube: z
      .string()
      .regex(/^[^*]+\*?$/, { error: "a cube's name, or the beginning of names with one * at its end" })
      .exactOptional(),
    benchmark: count.exactOptional(),
    limits: z
      .strictObject({
        memoryBytes: LIMITS.memoryBytes.exactOptional(),
        cpus: LIMITS.cpus.exactOptional(),
        pids: LIMITS.pids.exactOptional(),
        wallClockMs: LIMITS.wallClockMs.exactOptional(),
        idleMs: LIMITS.idleMs.exactOptional(),
        outputBytes: LIMITS.outputBytes.exactOptional(),
        outputFiles: LIMITS.outputFiles.exactOptional(),
        logBytes: LIMITS.logBytes.exactOptional(),
        tmpBytes: LIMITS.tmpBytes.exactOptional(),
        shmBytes: LIMITS.shmBytes.exactOptional(),
      })
      .exactOptional(),
    gpus: z.int().nonnegative().exactOptional(),
  })
  .refine(({ limits, gpus }) => limits !== undefined || gpus !== undefined, {
    error: 'the rule changes nothing: give it limits or gpus',
  })
  .refine(({ task, gpus }) => gpus === undefined || task !== undefined, {
    path: ['gpus'],
    error: 'name the task that gets the GPUs, or every task of the runs would hold them',
  }) satisfies z.ZodType<PolicyRule>;

/** The policy file; `docs/policy.md` describes every key. */
export const PolicySchema = z.strictObject({
  limits: LimitsSchema.prefault({}),
  gpus: GpuSourceSchema.default('detect'),
  runtime: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, { error: 'the name under which the Docker daemon knows the runtime' })
    .exactOptional(),
  user: z.strictObject({ uid: userId, gid: userId }).exactOptional(),
  hostGivenUpAfterMs: duration.min(1000).default(15 * MINUTE_MS),
  downloads: z
    .strictObject({
      privateHosts: z
        .array(
          z
            .string()
            .refine(isPrivateHost, { error: 'a host, host:port or network, such as 10.1.0.0/16; without http://' }),
        )
        .default([]),
    })
    .prefault({}),
  reuse: z.enum(['across-users', 'own']).default('across-users'),
  rules: z.array(RuleSchema).default([]),
});

/** What the operator of a container host allows; read once, when the worker starts. */
export interface Policy {
  /** Of every run, unless a rule says otherwise. */
  readonly limits: RunLimits;
  /** Where the host's GPUs are looked up. */
  readonly gpus: GpuSource;
  /** The OCI runtime that containers run in; by default the daemon's own default. */
  readonly runtime?: string;
  /** Whom containers run as; by default nobody (65532) where the worker is root, else the worker's own user. */
  readonly user?: ContainerUser;
  /** How long this host may take no step of a run before the run goes to another one. */
  readonly hostGivenUpAfterMs: number;
  /** Hosts and networks that are not on the public Internet and from which files may be fetched all the same. */
  readonly downloads: { readonly privateHosts: readonly string[] };
  /** Whether a known result is taken by whoever asks for the same action, or only by the user whose run made it. */
  readonly reuse: Reuse;
  readonly rules: readonly PolicyRule[];
}

export const DEFAULT_POLICY: Policy = PolicySchema.parse({});

/**
 * Reads the operator's policy (YAML, and so JSON too). Unknown keys are errors, so that a misspelt limit is not silently
 * absent.
 * @throws MedperfError `InvalidRequest` with every finding and its line.
 */
export async function readPolicy(file: string): Promise<Policy> {
  const lines = new LineCounter();
  const document = parseDocument(await readText(file), { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const finding = (offset: number | undefined, message: string): Finding => ({
    severity: 'error',
    file,
    ...(offset === undefined ? {} : { line: Math.max(lines.linePos(offset).line, 1) }),
    message,
    fix: 'docs/policy.md lists the keys and what they may hold',
  });
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0)
    throw invalid(
      problems.map(({ pos, message }) => finding(pos[0], message)),
      file,
    );
  const policy = PolicySchema.safeParse(plain(document) ?? {});
  if (policy.success) return policy.data;
  throw invalid(
    policy.error.issues.flatMap((issue) =>
      complaintsOf(issue).map(({ at, message }) => finding(offsetOf(document, at), message)),
    ),
    file,
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MedperfError(
      'InvalidRequest',
      { what: `The policy file ${file} cannot be read.`, next: 'give the path of a file, or leave --policy out.' },
      { cause },
    );
  }
}

/** Plain data; what cannot be made of the document, such as aliases without end, is left to the schema to refuse. */
function plain(document: Document): unknown {
  try {
    return document.toJS();
  } catch {
    return 'no plain values';
  }
}

interface Complaint {
  readonly at: readonly PropertyKey[];
  readonly message: string;
}

function complaintsOf(issue: z.core.$ZodIssue): Complaint[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const at = [...issue.path, key];
      return { at, message: `${at.join('.')} is no key of a policy` };
    });
  }
  const place = issue.path.length === 0 ? 'the policy' : issue.path.join('.');
  return [{ at: issue.path, message: `${place}: ${issue.message}` }];
}

/** Where a key stands in the text, or the nearest thing around it that does. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  if (path.length === 0) return document.contents?.range?.[0];
  const [around, key] = [path.slice(0, -1), path.at(-1)];
  const node = around.length === 0 ? document.contents : document.getIn(around, true);
  if (isMap(node)) {
    const named = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))?.key;
    if (isScalar(named)) return named.range?.[0];
  }
  const member = document.getIn(path, true);
  return isMap(member) || isScalar(member) ? member.range?.[0] : offsetOf(document, around);
}

function invalid(findings: readonly Finding[], file: string): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: `The policy file ${file} is not valid.`,
    findings,
    next: 'mend each line above; docs/policy.md lists the keys.',
  });
}
