import { parseManifest } from './manifest';
import { imageLine, pinImage } from './image-pin';

const PINNED = `images.example.org:5000/a/b@sha256:${'ab'.repeat(32)}`;

describe('pinImage', () => {
  it.each([
    [
      'docker:\n  image: a/b:1   # the image\n  gpu_args: "--gpus=all"\n',
      `docker:\n  image: ${PINNED}   # the image\n  gpu_args: "--gpus=all"\n`,
    ],
    ['# top\ndocker: { image: "a/b:1", build_file: x }\n', `# top\ndocker: { image: "${PINNED}", build_file: x }\n`],
    ["docker: {image: 'a'}", `docker: {image: '${PINNED}'}`],
    ['docker:\r\n  image: a\r\nname: x\r\n', `docker:\r\n  image: ${PINNED}\r\nname: x\r\n`],
    ['docker:\n  image: >-\n    a/b\nname: x\n', `docker:\n  image: ${PINNED}\nname: x\n`],
    ['x: &i a\ndocker: {image: *i }\n', `x: &i a\ndocker: {image: ${PINNED} }\n`],
    ['docker:\n  image: ${name}:1\nname: x', `docker:\n  image: ${PINNED}\nname: x`],
    ['docker:\n  image:\n    a\n', `docker:\n  image:\n    ${PINNED}\n`],
  ])('changes that one value of %j', (text, expected) => {
    const pinned = pinImage(text, PINNED);
    expect(pinned).toBe(expected);
    expect(parseManifest(pinned).manifest.docker?.image).toBe(PINNED);
    expect(pinImage(pinned, PINNED)).toBe(pinned);
  });

  it('refuses aliases that grow without bound', () => {
    const levels = Array.from({ length: 12 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at}, `.repeat(9)}]`);
    expect(() => pinImage(['docker: {image: a}', 'l0: &l0 x', ...levels].join('\n'), PINNED)).toThrow(
      'repeat too much',
    );
  });

  it('quotes what would be a list', () => {
    expect(pinImage('docker: {image: a}', '[::1]:5000/a:1')).toBe("docker: {image: '[::1]:5000/a:1'}");
  });

  it.each(['', 'docker: {}', 'docker: [', 'docker: {image: [a]}', 'docker: {image: &i a}\nother: *i\n'])(
    'refuses %j',
    (text) => {
      expect(() => pinImage(text, PINNED)).toThrow('cannot be pinned');
    },
  );

  it('knows the line of the image', () => {
    expect(imageLine('name: x\ndocker:\n  # c\n  image: a\n')).toBe(4);
    expect(imageLine('name: x')).toBeNull();
  });
});
