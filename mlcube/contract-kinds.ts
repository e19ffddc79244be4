import { quote } from './complaints';
import type { Complaints } from './complaints';
import type { Parameter, TaskSection } from './task-section';
import { isContractTask, TASK_CONTRACT } from './task-contract';
import type { ValueKind } from './task-contract';
import { baseName, workspacePath } from './workspace-path';

/** File or directory, as MedPerf's contract has it for a parameter of a task; null for those it does not know. */
export function contractKind(task: string, side: 'inputs' | 'outputs', name: string): ValueKind | null {
  if (!isContractTask(task)) return null;
  const values = TASK_CONTRACT[task][side];
  return Object.hasOwn(values, name) ? (values[name] ?? null) : null;
}

/** Whether a task's parameters can hold what MedPerf gives and reads; errors are added to the complaints. */
export function checkKinds(task: string, { inputs, outputs }: TaskSection, complaints: Complaints): void {
  for (const input of inputs) checkKind(task, 'inputs', input, complaints);
  for (const output of outputs) {
    checkKind(task, 'outputs', output, complaints);
    checkOutput(task, output, complaints);
  }
}

function checkKind(task: string, side: 'inputs' | 'outputs', parameter: Parameter, complaints: Complaints): void {
  const kind = contractKind(task, side, parameter.name);
  if (kind === null || parameter.type === 'unknown' || parameter.type === kind) return;
  const message = `${parameter.name} of ${task} is a ${parameter.type}; MedPerf's is a ${kind}`;
  complaints.error(parameter.line, message, `write type: ${kind}`);
}

function checkOutput(task: string, { name, type, default: path, line }: Parameter, complaints: Complaints): void {
  if (type === 'unknown') {
    const message = `the output ${name} of ${task} does not say whether it is a file or a directory`;
    complaints.error(line, message, 'add type: file or type: directory, or end a directory with a slash');
  } else if (type === 'file' && fileName(path) === null) {
    complaints.error(
      line,
      `the output ${name} of ${task}, ${quote(path)}, names no file`,
      'write a path in the workspace',
    );
  }
}

/** Name of the file that a file parameter's path ends in; null when it ends in none. */
export function fileName(path: string): string | null {
  const resolved = workspacePath(path);
  return 'problem' in resolved || /[/\\]$|(?:^|\/)\.{1,2}$/.test(path) ? null : baseName(resolved.path);
}
