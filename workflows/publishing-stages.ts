import type {
  Cube,
  CubeHashes,
  Digest,
  HostedCube,
  HostingCheck,
  HostingCheckInput,
  HostInput,
  PackagedCube,
  PackageInput,
  PublishedImage,
  RegisteredCube,
  SubmitInput,
} from '../contract';
import { hostedFileNames, toMedperfHash } from '../contract';
import { obtainImage, onSomeHost } from './host-claims';
import { byteMoving, onHost, registryCalls } from './proxies';
import type { StageRecorder } from './progress-recorder';

/** Prepares the files of a cube that need to be hosted. */
export function packageStage({ cube, type }: PackageInput, stage: StageRecorder): Promise<PackagedCube> {
  return stage.step('package', `check and package ${cube.label}`, () =>
    byteMoving['medperf.packageCube'].executeWithOptions({ activityId: 'package', summary: cube.label }, [
      { tree: cube.tree, label: cube.label, ...(type === undefined ? {} : { type }) },
    ]),
  );
}

/** Publishes the packaged files; the activity fetches each back and compares its hash before it says done. */
export async function hostStage(input: HostInput, stage: StageRecorder): Promise<HostedCube> {
  const { name } = input;
  const published = input.withImage === true ? await publishImage(input, stage) : null;
  const packaged = published?.packaged ?? input.packaged;
  const files = {
    [hostedFileNames.manifest]: packaged.manifest,
    ...(packaged.parameters === null ? {} : { [hostedFileNames.parameters]: packaged.parameters }),
    ...(packaged.additionalFiles === null ? {} : { [hostedFileNames.additionalFiles]: packaged.additionalFiles }),
  };
  const { urls, findings } = await stage.step(
    'publish',
    `publish ${Object.keys(files).length} files and fetch them back`,
    () => byteMoving['medperf.publish'].executeWithOptions({ activityId: 'publish', summary: name }, [{ name, files }]),
  );
  const hashes: CubeHashes = {
    manifestHash: toMedperfHash(packaged.manifest.digest),
    ...(packaged.parameters === null ? {} : { parametersHash: toMedperfHash(packaged.parameters.digest) }),
    ...(packaged.additionalFiles === null
      ? {}
      : { additionalFilesHash: toMedperfHash(packaged.additionalFiles.digest) }),
  };
  return { urls, hashes, findings, ...(published === null ? {} : { image: published.image }) };
}

/** On a container host, where the image is or comes to be. */
async function publishImage(
  { packaged, name }: HostInput,
  stage: StageRecorder,
): Promise<{ packaged: PackagedCube; image: string }> {
  const { image, manifest } = packaged;
  const published: PublishedImage = await onSomeHost(0, stage, (host) =>
    stage.step('publish-image', `push the image of ${name}`, () =>
      onHost(host)['medperf.publishImage'].executeWithOptions({ activityId: 'publish-image', summary: image }, [
        { name, image, manifest },
      ]),
    ),
  );
  return { packaged: { ...packaged, manifest: published.manifest }, image: published.pinned };
}

/** Looks at URLs as everybody will who fetches what they name; what is wrong is in the answer. */
export function hostingCheckStage(
  { urls, sha256 }: HostingCheckInput,
  stage: StageRecorder,
): Promise<readonly HostingCheck[]> {
  return Promise.all(
    urls.map((url, at) =>
      stage.step(`check-${at + 1}`, `fetch and check URL ${at + 1} of ${urls.length}`, () =>
        byteMoving['medperf.checkHosting'].executeWithOptions({ activityId: `check-${at + 1}` }, [
          { url, ...(sha256 === undefined ? {} : { sha256 }) },
        ]),
      ),
    ),
  );
}

/** Downloads, checks and hashes what the URLs name, just as a data owner's client will, and registers it once. */
export async function submitStage(input: SubmitInput, stage: StageRecorder): Promise<RegisteredCube> {
  const { profile, name, urls, operational } = input;
  const cube: Cube = await stage.step('fetch-hosted', `download and check ${name}`, () =>
    byteMoving['medperf.fetchCube'].executeWithOptions({ activityId: 'fetch-hosted', summary: name }, [
      { cube: { kind: 'hosted', name, urls, hashes: input.hashes ?? {} }, offline: false },
    ]),
  );
  const imageId = await hostedImageId(cube, stage);
  const hashes = { ...cube.hashes, ...(imageId === null ? {} : { imageHash: toMedperfHash(imageId) }) };
  const record = await stage.step('register', `register ${name}`, () =>
    registryCalls['medperf.registerCube'].executeWithOptions({ activityId: 'register', summary: name }, [
      { profile, name, urls, hashes, operational },
    ]),
  );
  return { ...record, tree: cube.tree, imageId };
}

/** E25 records either the image's id or, where the image is hosted as an archive, that archive's hash. */
async function hostedImageId(cube: Cube, stage: StageRecorder): Promise<Digest | null> {
  if (cube.image.archive !== undefined) return null;
  const { imageId } = await onSomeHost(0, stage, (host) => obtainImage(host, 'model', cube, false, stage));
  return imageId;
}
