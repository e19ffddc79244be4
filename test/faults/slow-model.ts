import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXAMPLE_CUBES } from '../embedded-stack';

/**
 * Makes a copy of the tutorial's model that works for so long before it infers; `mark` makes it another model, whose results
 * are the same. Answers its folder.
 */
export async function slowModel(folder: string, mark: string, milliseconds: number): Promise<string> {
  await cp(join(EXAMPLE_CUBES, 'chestxray_mlp', 'mlcube'), folder, { recursive: true });
  const manifest = await readFile(join(folder, 'mlcube.yaml'), 'utf8');
  const entrypoint = "  infer:\n    entrypoint: '/usr/local/bin/node /mlcube_io2/slow-infer.js'\n";
  await writeFile(join(folder, 'mlcube.yaml'), manifest.replace('  infer:\n', entrypoint));
  const program = `// ${mark}
console.log('begins');
setTimeout(() => {
  process.argv.splice(2, 0, 'infer');
  require('/cube/model/main.js');
}, ${milliseconds});
`;
  await writeFile(join(folder, 'workspace', 'additional_files', 'slow-infer.js'), program);
  return folder;
}
