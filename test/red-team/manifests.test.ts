import * as fs from 'node:fs';
import * as path from 'node:path';
import { MedperfError } from '../../contract';
import type { Finding } from '../../contract';
import { requireManifest } from '../../mlcube/manifest';
import { planTask } from '../../mlcube/task-plan';

const FOLDER = path.join(__dirname, 'manifests');
const MARK = /# refused: (\S+)$/;

/** What stops the manifest before anything of it could run. */
function complaintsAbout(text: string): readonly Finding[] {
  try {
    planTask(requireManifest(text), 'infer', new Set(['data_path']));
  } catch (error) {
    if (error instanceof MedperfError && error.type === 'InvalidManifest') return error.facts.findings ?? [];
    throw error;
  }
  return [];
}

describe('a manifest that asks for more than the sandbox', () => {
  it.each(fs.readdirSync(FOLDER))('is refused, with its line and what it asked for: %s', (file) => {
    const text = fs.readFileSync(path.join(FOLDER, file), 'utf8');
    const lines = text.split('\n');
    const at = lines.findIndex((line) => MARK.test(line));
    const option = MARK.exec(lines[at] ?? '')?.[1] ?? '';
    expect(option).not.toBe('');
    const complaints = complaintsAbout(text).filter(({ severity }) => severity === 'error');
    expect(complaints).toContainEqual(
      expect.objectContaining({ line: at + 1, message: expect.stringContaining(option) as unknown }),
    );
  });

  it('would be taken without what it asks for', () => {
    const text = fs.readFileSync(path.join(FOLDER, 'privileged.yaml'), 'utf8');
    expect(complaintsAbout(text.replace(/^.*# refused.*\n/m, ''))).toEqual([]);
  });
});
