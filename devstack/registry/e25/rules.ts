import { afterwards } from '../resource';
import type { Rule } from '../resource';

/** The image comes as a tarball or under its own hash, not both. */
export const imageOneWay: Rule = (change) => {
  const { image_tarball_hash: tarball, image_hash: image } = afterwards(change);
  if (tarball === '' && image === '') return 'Image hash or image tarball hash must be provided';
  return tarball !== '' && image !== '' ? "Image hash and image tarball hash can't both be provided" : null;
};
