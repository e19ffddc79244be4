import { openRegistry } from '../registry';
import type { MedperfRegistry, Profile, Profiles, Registry } from '../registry';

interface SignedIn extends Pick<Profile, 'server' | 'ca' | 'dialect'> {
  readonly session: MedperfRegistry;
}

/** Open sessions of the registries that this worker's activities use, one a profile. */
export class Registries {
  private readonly sessions = new Map<string, SignedIn>();
  private readonly closing = new Set<Promise<void>>();

  constructor(private readonly profiles: Profiles) {}

  /**
   * Reads the profile afresh, and its credentials at each request, so that a new sign-in needs no restart. The session with
   * another server of an earlier sign-in ends after the requests under way; a step that makes more of them is tried again.
   */
  readonly open = async (profile: string): Promise<Registry> => {
    const signedIn = await this.profiles.get(profile);
    const { server, ca, dialect } = signedIn;
    const known = this.sessions.get(profile);
    if (known?.server === server && known.ca === ca && known.dialect === dialect) return known.session;
    const session = openRegistry(this.profiles, signedIn);
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
