import type {
  BlobRef,
  Cube,
  Digest,
  HostedCube,
  HostingCheck,
  HostingCheckInput,
  HostInput,
  PackagedCube,
  PackageInput,
  PublishedFiles,
  PublishedImage,
  RegisteredCube,
  SubmitInput,
} from '../contract';
import { checkedFiles, filesToHost, hostedFiles } from './hosted-files';
import { obtainImage, onSomeHost } from './host-claims';
import { byteMoving, onHost, registryCalls } from './proxies';
import type { StageRecorder } from './progress-recorder';

/** Prepares the files of a cube that need to be hosted. */
export function packageStage({ cube, type, format }: PackageInput, stage: StageRecorder): Promise<PackagedCube> {
  return stage.step('package', `check and package ${cube.label}`, () =>
    byteMoving['medperf.packageCube'].executeWithOptions({ activityId: 'package', summary: cube.label }, [
      { tree: cube.tree, label: cube.label, ...(type === undefined ? {} : { type }), format: format ?? null },
    ]),
  );
}

/** Publishes the packaged files; the activity fetches each back and compares its hash before it says done. */
export async function hostStage(input: HostInput, stage: StageRecorder): Promise<HostedCube> {
  const published = input.withImage === true ? await publishImage(input, stage) : null;
  const packaged = published?.packaged ?? input.packaged;
  const { urls, findings } = await publishFiles(input.name, filesToHost(packaged), stage);
  const image = published?.image;
  return { files: hostedFiles(packaged, urls, image), findings, ...(image === undefined ? {} : { image }) };
}

async function publishFiles(
  name: string,
  files: Readonly<Record<string, BlobRef>>,
  stage: StageRecorder,
): Promise<PublishedFiles> {
  const count = Object.keys(files).length;
  if (count === 0) return { urls: {}, findings: [] };
  return stage.step('publish', `publish ${count} files and fetch them back`, () =>
    byteMoving['medperf.publish'].executeWithOptions({ activityId: 'publish', summary: name }, [{ name, files }]),
  );
}

/** On a container host, where the image is or comes to be. */
async function publishImage(
  { packaged, name }: HostInput,
  stage: StageRecorder,
): Promise<{ packaged: PackagedCube; image: string }> {
  const { format, image, manifest } = packaged;
  const published: PublishedImage = await onSomeHost(0, stage, (host) =>
    stage.step('publish-image', `push the image of ${name}`, () =>
      onHost(host)['medperf.publishImage'].executeWithOptions({ activityId: 'publish-image', summary: image }, [
        { name, format, image, manifest },
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
  const { profile, name, files, operational } = input;
  const cube: Cube = await stage.step('fetch-hosted', `download and check ${name}`, () =>
    byteMoving['medperf.fetchCube'].executeWithOptions({ activityId: 'fetch-hosted', summary: name }, [
      { cube: { kind: 'hosted', name, files }, tasks: [], offline: false },
    ]),
  );
  const imageId = await hostedImageId(cube, stage);
  const record = await stage.step('register', `register ${name}`, () =>
    registryCalls['medperf.registerCube'].executeWithOptions({ activityId: 'register', summary: name }, [
      { profile, name, files: checkedFiles(files, cube, imageId), operational },
    ]),
  );
  return { ...record, tree: cube.tree, imageId };
}

/** Null where the image is hosted as an archive, whose own hash is recorded. */
async function hostedImageId(cube: Cube, stage: StageRecorder): Promise<Digest | null> {
  if (cube.image.archive !== undefined) return null;
  const { imageId } = await onSomeHost(0, stage, (host) => obtainImage(host, 'model', cube, false, stage));
  return imageId;
}
