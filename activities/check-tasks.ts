import { MedperfError } from '../contract';
import type { Cube, Task } from '../contract';
import type { CubeKinds, TaskPlan } from '../mlcube/task-plan';
import { TASK_CONTRACT } from '../mlcube/task-contract';
import type { Store } from '../store/store';
import { knownDescriptionFile, OPTIONAL_INPUTS, planDescribed, readDescription } from './plan-cube-task';
import type { CubeDescription } from './plan-cube-task';

/** The tasks whose output the next step of a test reads. */
const READ_ON: ReadonlySet<Task> = new Set(['prepare', 'infer', 'evaluate']);
const OUTPUT = 'output_path';

/**
 * Plans what a test is going to run of a cube from its description alone, so that a cube without a task, an input or an
 * output that the test needs is found before its image is there.
 * @param name the cube's, for people.
 * @throws MedperfError as planning the run would throw it; `IncompatibleModel` for an output that is missing.
 */
export async function checkTasks(name: string, description: CubeDescription, tasks: readonly Task[]): Promise<void> {
  try {
    await planAll(description, tasks);
  } catch (error) {
    if (!(error instanceof MedperfError)) throw error;
    const what = `The cube ${name} does not fit its part: ${error.facts.what}`;
    throw new MedperfError(error.type, { ...error.facts, what }, { cause: error });
  }
}

/** The same of a cube whose files may be here. */
export async function checkKnownTasks(
  store: Store,
  { name, tree }: Pick<Cube, 'name' | 'tree'>,
  tasks: readonly Task[],
): Promise<void> {
  const file = await knownDescriptionFile(store, tree);
  if (file !== null) await checkTasks(name, await readDescription(store, file), tasks);
}

async function planAll(description: CubeDescription, tasks: readonly Task[]): Promise<void> {
  let prepared: TaskPlan | null = null;
  for (const task of tasks) {
    const plan = await planDescribed(description, task, givenTo(task, prepared), anyKinds);
    if (READ_ON.has(task)) requireOutput(plan);
    if (task === 'prepare') prepared = plan;
  }
}

/** Where the test does not prepare the data itself, only the data tells what comes with it. */
function givenTo(task: Task, prepared: TaskPlan | null): ReadonlySet<string> {
  const isGiven = (name: string): boolean =>
    !OPTIONAL_INPUTS.has(name) || prepared === null || Object.hasOwn(prepared.outputs, name);
  return new Set(Object.keys(TASK_CONTRACT[task].inputs).filter(isGiven));
}

/** The files are not there yet; a directory fits wherever its kind is left open. */
function anyKinds(paths: readonly string[]): Promise<CubeKinds> {
  return Promise.resolve(new Map(paths.map((path) => [path, 'directory'])));
}

function requireOutput({ task, outputs }: TaskPlan): void {
  if (Object.hasOwn(outputs, OUTPUT)) return;
  throw new MedperfError('IncompatibleModel', {
    what: `its task ${task} has no output ${OUTPUT}.`,
    expected: `an output ${OUTPUT}, from which the test goes on`,
    found: Object.keys(outputs).join(', ') || 'no outputs',
    next: 'declare the output and write to it, or use a cube of the right type.',
  });
}
