import type Docker from 'dockerode';

/** How often a container was started since (seconds since 1970), as far as the daemon remembers. */
export async function containerStarts(docker: Docker, container: string, since: number): Promise<number> {
  const events = (await docker.getEvents({
    since,
    until: Date.now() / 1000,
    filters: { container: [container], event: ['start'] },
  })) as AsyncIterable<Buffer>;
  let text = '';
  for await (const chunk of events) text += String(chunk);
  return text.split('\n').filter((line) => line !== '').length;
}
