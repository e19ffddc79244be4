import type { HostFacts, SpaceFacts, UrlFacts } from './pre-flight-facts';
import type { PreFlightCode, PreFlightFinding, PreFlightOwner } from './pre-flight-findings';

const MIB = 1024 ** 2;

/** Whether what has to come to each place fits there. */
export function judgeSpace(spaces: readonly SpaceFacts[]): PreFlightFinding[] {
  return spaces
    .filter(({ freeBytes, neededBytes }) => neededBytes > freeBytes)
    .map(({ place, freeBytes, neededBytes }) => ({
      severity: 'error',
      code: 'disk-space',
      owner: 'operator',
      message: `the disk of ${place} has ${mib(freeBytes)} free, and about ${mib(neededBytes)} come to it`,
      fix: 'free some space there; the work would wait for it',
    }));
}

const MOVED: Readonly<Record<UrlFacts['owner'], string>> = {
  benchmark: 'tell its owner: the file has moved or is not public',
  model: 'host it where everybody can fetch it, and write its URL',
};

/** Files that others need, and cannot get. */
export function judgeUrls(urls: readonly UrlFacts[]): PreFlightFinding[] {
  return urls.flatMap(({ what, owner, url, answer }) => {
    if (answer.ok) return [];
    const message = `${what} cannot be fetched from ${url}: ${answer.found}`;
    const fix = answer.definite ? MOVED[owner] : 'try again later';
    return [{ severity: answer.definite ? 'error' : 'unknown', code: 'url', owner, message, fix } as const];
  });
}

/** Whether anybody is there to run the cube. */
export function judgeHosts(hosts: readonly HostFacts[]): PreFlightFinding[] {
  if (hosts.length > 0) return [];
  return [
    {
      severity: 'warning',
      code: 'hosts',
      owner: 'operator',
      message: 'no container host is known, neither this machine nor one that has said in the store that it is there',
      fix: 'start a worker on a host with Docker: temporal-medperf worker start --role containers',
    },
  ];
}

/** A check that could not be made. */
export function couldNotCheck(
  code: PreFlightCode,
  owner: PreFlightOwner,
  what: string,
  why: string,
  next: string,
): PreFlightFinding {
  return { severity: 'unknown', code, owner, message: `${what} could not be checked: ${why}`, fix: next };
}

function mib(bytes: number): string {
  return bytes < 10_240 * MIB ? `${Math.ceil(bytes / MIB)} MiB` : `${(bytes / MIB / 1024).toFixed(1)} GiB`;
}
