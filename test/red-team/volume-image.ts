import type Docker from 'dockerode';
import { Header } from 'tar';
import type { Digest } from '../../contract';

/** An image with a folder of its own that everybody may write to, declared as a volume: Docker gives it the host's disk. */
export async function imageWithVolume(docker: Docker, from: Digest): Promise<Digest> {
  const container = await docker.createContainer({ Image: from, Cmd: ['/bin/node'] });
  try {
    await container.putArchive(folderArchive('data'), { path: '/' });
    const { Id: id } = (await container.commit({ changes: 'VOLUME /data' })) as { Id: Digest };
    return id;
  } finally {
    await container.remove({ force: true, v: true });
  }
}

function folderArchive(name: string): Buffer {
  const header = new Header({ path: `${name}/`, mode: 0o777, type: 'Directory', size: 0 });
  const archive = Buffer.alloc(3 * 512);
  header.encode(archive, 0);
  return archive;
}
