import { join } from 'node:path';
import { fetchCube } from '../activities/fetch-cube';
import type { MedperfClient } from '../client';
import type { HostedMlcube } from '../contract';
import { RegistryImagePublisher } from '../hosting/image-publisher';
import { ImageRegistries } from '../hosting/oci-registry';
import { pinImage } from '../mlcube/image-pin';
import { EmbeddedStack, EXAMPLE_CUBES } from './embedded-stack';
import { ImageRegistry } from './image-registry';

const MODEL = join(EXAMPLE_CUBES, 'chestxray_mlp', 'mlcube');

describe('publishing a cube with its image', () => {
  const registries = new ImageRegistries();
  let images: ImageRegistry;
  let stack: EmbeddedStack;
  let owner: MedperfClient;
  let pulled: string | undefined;

  beforeAll(async () => {
    images = await ImageRegistry.start();
    const place = `${images.host}/medperf`;
    stack = await EmbeddedStack.start(
      (engine) =>
        new RegistryImagePublisher({ registries, place, archive: (id) => ({ open: () => engine.saveImage(id) }) }),
    );
    owner = await stack.clientOf('modelOwner');
  });
  afterAll(async () => {
    if (pulled !== undefined) await stack.docker.getImage(pulled).remove();
    await stack.stop();
    await registries.close();
    await images.stop();
  });

  it('hosts a manifest that names the image by its digest, and the cube is registered with that image', async () => {
    const cube = await owner.ingestCube(MODEL, 'chestxray_mlp');
    const packaged = await (await owner.startPackage({ cube })).result();
    const run = await owner.startHost({ packaged, name: 'My_Model', withImage: true });
    const { files, image } = await run.result();
    expect(image).toMatch(new RegExp(`^${images.host}/medperf/my-model@sha256:[0-9a-f]{64}$`));

    const written = (await stack.store.readBytes(packaged.manifest.digest)).toString();
    const hosted = await (await fetch((files as HostedMlcube).urls.manifestUrl)).text();
    expect(hosted).toBe(pinImage(written, image!));
    expect(hosted).not.toBe(written);
    const steps = (await owner.progress(run.id)).stages.flatMap((stage) => stage.steps);
    expect(steps.map(({ activityId }) => activityId)).toEqual(['claim-host', 'publish-image', 'publish']);

    const submitted = await owner.startSubmit({ name: 'with-image', files, operational: true });
    const { imageId } = await submitted.result();
    pulled = image;
    expect(imageId).toBe((await stack.docker.getImage(packaged.image).inspect()).Id);
  });

  it("names it so in a container_config, whose cube then is pinned to the digest that today's server records", async () => {
    const cube = await owner.ingestCube(MODEL, 'chestxray_mlp');
    const packaged = await (await owner.startPackage({ cube, format: 'container' })).result();
    const run = await owner.startHost({ packaged, name: 'my-container', withImage: true });
    const { files, image = '' } = await run.result();
    const digest = image.slice(image.indexOf('@') + 1);
    expect(files).toMatchObject({ format: 'container', imageHash: digest });
    const place = { store: stack.store, downloads: stack.downloads, signal: new AbortController().signal };
    const hosted = { kind: 'hosted', name: 'my-container', files } as const;
    const fetched = await fetchCube({ ...place, tell: () => undefined }, { cube: hosted, tasks: [], offline: false });
    expect(fetched.image).toEqual({ reference: image, expectedId: null });
    expect(fetched.hashes).toMatchObject({ imageHash: digest });
  });
});
