import { openRegistry } from '../registry';
import type { MedperfRegistry, Profiles, Registry } from '../registry';

/** Open sessions of the registries that this worker's activities use, one for each sign-in. */
export class Registries {
  private readonly sessions = new Map<string, MedperfRegistry>();

  constructor(private readonly profiles: Profiles) {}

  /** Reads the profile afresh, so that a new sign-in needs no restart, and keeps the connections of an unchanged one. */
  readonly open = async (profile: string): Promise<Registry> => {
    const { server, token } = await this.profiles.get(profile);
    const key = JSON.stringify([server, token]);
    const known = this.sessions.get(key);
    if (known !== undefined) return known;
    const session = openRegistry({ server, token });
    this.sessions.set(key, session);
    return session;
  };

  async close(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => session.close()));
  }
}
