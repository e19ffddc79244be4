import { acceptedFormats, judgeWrittenCube } from './written-cube';
import type { WrittenCube } from './written-cube';

const FILES = { hasParameters: false, additionalFiles: [] };
const MANIFEST = `docker: {image: 'a/b:1'}
tasks:
  infer:
    parameters:
      inputs: {data_path: data/}
      outputs: {output_path: predictions/}
  train: {}
`;

function judged(text: string, wanted: WrittenCube['wanted']): string[] {
  const { findings } = judgeWrittenCube({ format: 'mlcube', wanted, text, files: FILES });
  return findings.map(({ severity, file, line, message }) => `${file}:${line ?? '-'}: ${severity}: ${message}`);
}

it('takes what a server takes, and an mlcube where nobody says which server', () => {
  expect(acceptedFormats('mlcube')).toEqual(['mlcube']);
  expect(acceptedFormats('container')).toEqual(['container', 'mlcube']);
  expect(acceptedFormats(null)).toEqual(['mlcube', 'container']);
});

it("says of an mlcube what today's MedPerf would not take over, where it is for one of its servers", () => {
  expect(judged(MANIFEST, null)).toEqual([]);
  expect(judged(MANIFEST, 'container')).toEqual([
    'mlcube.yaml:7: warning: the task train is left out: MedPerf does not run it',
  ]);
  const preparator = `docker: {image: 'a/b:1'}
tasks:
  prepare:
    parameters:
      inputs: {data_path: d/, labels_path: l/}
      outputs: {output_path: o/, output_labels_path: p/, report_file: {type: file, default: r.yaml}}
  sanity_check: {parameters: {inputs: {data_path: d/, labels_path: l/, report_file: {type: file, default: r.yaml}}}}
  statistics:
    parameters:
      inputs: {data_path: d/, labels_path: l/}
      outputs: {output_path: {type: file, default: s.yaml}}
`;
  expect(judged(preparator, 'mlcube')).toEqual([]);
  expect(judged(preparator, 'container')).toEqual([
    'mlcube.yaml:7: error: today\'s MedPerf gives sanity_check no "report_file"',
  ]);
});

it('tells once what the manifest itself lacks', () => {
  const imageless = MANIFEST.replace(/docker.*\n/, '');
  expect(judged(imageless, 'container')).toEqual(['mlcube.yaml:-: error: docker.image is missing']);
});
