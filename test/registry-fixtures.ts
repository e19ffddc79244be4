import { createHash } from 'node:crypto';

/** A hash as the registry knows them, different for every text. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The fields that a cube needs at least, in the server's own names. */
export function cubeFields(name: string, changes: object = {}): Record<string, unknown> {
  return {
    name,
    git_mlcube_url: 'https://h.example/mlcube.yaml',
    mlcube_hash: hashOf(name),
    parameters_hash: '',
    image_tarball_hash: '',
    image_hash: hashOf('image'),
    additional_files_tarball_hash: '',
    ...changes,
  };
}
