import { openRegistry } from '../registry';
import type { MedperfRegistry, Profiles, Registry, SignedInProfile } from '../registry';

interface SignedIn extends Pick<SignedInProfile, 'server' | 'token' | 'ca'> {
  readonly session: MedperfRegistry;
}

/** Open sessions of the registries that this worker's activities use, one a profile. */
export class Registries {
  private readonly sessions = new Map<string, SignedIn>();
  private readonly closing = new Set<Promise<void>>();

  constructor(private readonly profiles: Profiles) {}

  /**
   * Reads the profile afresh, so that a new sign-in needs no restart, and keeps the connections of an unchanged one. The
   * session of an earlier sign-in ends after the requests under way; a step that makes more of them is tried again.
   */
  readonly open = async (profile: string): Promise<Registry> => {
    const signedIn = await this.profiles.get(profile);
    const { server, token, ca } = signedIn;
    const known = this.sessions.get(profile);
    if (known?.server === server && known.token === token && known.ca === ca) return known.session;
    const session = openRegistry(signedIn);
    this.sessions.set(profile, { ...signedIn, session });
    if (known !== undefined) this.retire(known.session);
    return session;
  };

  /** Under which name results of the profile's user are kept where users do not share them: as this worker signed in. */
  readonly scopeOf = async (profile: string): Promise<string> => {
    const { server, username } = await this.profiles.get(profile);
    return `${username} at ${server}`;
  };

  async close(): Promise<void> {
    for (const { session } of this.sessions.values()) this.retire(session);
    this.sessions.clear();
    await Promise.all(this.closing);
  }

  private retire(session: MedperfRegistry): void {
    const closing = session.close().finally(() => this.closing.delete(closing));
    this.closing.add(closing);
  }
}
