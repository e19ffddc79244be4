import { z } from 'zod';
import { isDigest } from '../contract';
import type { Digest, HostedFiles } from '../contract';

const text = z.string();
const digest = z.custom<Digest>(isDigest);

/** What a cube's files are, as it is kept in the store. */
export const HostedFilesSchema = z.discriminatedUnion('format', [
  z.object({
    format: z.literal('mlcube'),
    urls: z.object({
      manifestUrl: text,
      parametersUrl: text.exactOptional(),
      additionalFilesUrl: text.exactOptional(),
      imageTarballUrl: text.exactOptional(),
    }),
    hashes: z.object({
      manifestHash: text.exactOptional(),
      parametersHash: text.exactOptional(),
      additionalFilesHash: text.exactOptional(),
      imageTarballHash: text.exactOptional(),
      imageHash: text.exactOptional(),
    }),
  }),
  z.object({
    format: z.literal('container'),
    config: digest,
    parameters: digest.nullable(),
    additionalFiles: z.object({ url: text, hash: text.exactOptional() }).nullable(),
    imageHash: text.exactOptional(),
  }),
]) satisfies z.ZodType<HostedFiles>;
