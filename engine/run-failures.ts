import { MedperfError } from '../contract';

export function foreignContainer(name: string): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: `A container named ${name} is there already and belongs to somebody else.`,
    next: 'Rename or remove that container, then start the run again.',
  });
}

/** The place lost the container: `how` says what is known of it. */
export function vanished(name: string, how: string): MedperfError {
  return new MedperfError('EngineUnavailable', {
    what: `The container ${name} is lost: ${how}.`,
    next: 'Nothing; the task is run again by itself.',
  });
}

export function detached(): MedperfError {
  return new MedperfError('EngineUnavailable', {
    what: 'The worker stops and lets go of the running container.',
    next: "Nothing; the host's next worker goes on with it.",
  });
}

export function unknownRuntime(name: string, known: readonly string[]): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: `This host's Docker has no runtime named ${name}.`,
    expected: `one of ${known.join(', ')}`,
    found: name,
    next: "Register it with the Docker daemon (runtimes in daemon.json), or correct the policy's runtime.",
  });
}
