import { hostedFileNames, toMedperfHash } from '../contract';
import type { BlobRef, Cube, CubeUrls, Digest, HostedFiles, PackagedCube } from '../contract';

/** What is to be hosted by name: today's server keeps configuration and parameters itself. */
export function filesToHost({
  format,
  manifest,
  parameters,
  additionalFiles,
}: PackagedCube): Readonly<Record<string, BlobRef>> {
  const additional = additionalFiles === null ? {} : { [hostedFileNames.additionalFiles]: additionalFiles };
  if (format === 'container') return additional;
  return {
    [hostedFileNames.manifest]: manifest,
    ...(parameters === null ? {} : { [hostedFileNames.parameters]: parameters }),
    ...additional,
  };
}

/** @param image `…@sha256:…` where the image was published too. */
export function hostedFiles(
  { format, manifest, parameters, additionalFiles }: PackagedCube,
  urls: Readonly<Record<string, string>>,
  image: string | undefined,
): HostedFiles {
  const additionalFilesUrl = urls[hostedFileNames.additionalFiles];
  const additional =
    additionalFiles === null || additionalFilesUrl === undefined
      ? null
      : { url: additionalFilesUrl, hash: toMedperfHash(additionalFiles.digest) };
  if (format === 'container') {
    return {
      format,
      config: manifest.digest,
      parameters: parameters?.digest ?? null,
      additionalFiles: additional,
      ...(image === undefined ? {} : { imageHash: image.slice(image.indexOf('@') + 1) }),
    };
  }
  return {
    format,
    urls: mlcubeUrls(urls),
    hashes: {
      manifestHash: toMedperfHash(manifest.digest),
      ...(parameters === null ? {} : { parametersHash: toMedperfHash(parameters.digest) }),
      ...(additional === null ? {} : { additionalFilesHash: additional.hash }),
    },
  };
}

function mlcubeUrls(urls: Readonly<Record<string, string>>): CubeUrls {
  const manifestUrl = urls[hostedFileNames.manifest];
  if (manifestUrl === undefined) throw new TypeError('a packaged cube was published without its manifest');
  const parametersUrl = urls[hostedFileNames.parameters];
  const additionalFilesUrl = urls[hostedFileNames.additionalFiles];
  return {
    manifestUrl,
    ...(parametersUrl === undefined ? {} : { parametersUrl }),
    ...(additionalFilesUrl === undefined ? {} : { additionalFilesUrl }),
  };
}

/** With the hashes of what was really there, which the registry is told. */
export function checkedFiles(files: HostedFiles, { hashes = {} }: Cube, imageId: Digest | null): HostedFiles {
  if (files.format === 'mlcube') {
    const image = imageId === null ? {} : { imageHash: toMedperfHash(imageId) };
    return { ...files, hashes: { ...hashes, ...image } };
  }
  const { additionalFilesHash, imageHash } = hashes;
  const additional = files.additionalFiles;
  return {
    ...files,
    additionalFiles:
      additional === null || additionalFilesHash === undefined ? null : { ...additional, hash: additionalFilesHash },
    ...(imageHash === undefined ? {} : { imageHash }),
  };
}
