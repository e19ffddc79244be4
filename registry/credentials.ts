import { z } from 'zod';

/** What a profile is signed in with; kept in a file that only its owner may read. */
export type Credentials = z.infer<typeof CREDENTIALS>;

/** With user name and password at the server, with a file of a development server's tokens, or in a browser (device flow). */
export const SIGN_IN_KINDS = ['password', 'local', 'device'] as const;
export type SignInKind = (typeof SIGN_IN_KINDS)[number];

/** Where a MedPerf server's users sign in: the settings of MedPerf's own profiles (reference: medperf.md, 3). */
export interface SignInPlace {
  /** Host of the issuer, such as `auth.medperf.org`; with a scheme where it is not https. */
  readonly domain: string;
  readonly clientId: string;
  readonly audience: string;
  /** Of its keys; under the domain unless given. */
  readonly jwksUrl?: string;
  /** That its tokens name; the domain's own address unless given. */
  readonly issuer?: string;
}

const text = z.string().min(1);
const milliseconds = z.number().nonnegative();
export const SIGN_IN_PLACE = z.object({
  domain: text,
  clientId: text,
  audience: text,
  jwksUrl: text.exactOptional(),
  issuer: text.exactOptional(),
});

export const CREDENTIALS = z.union([
  /** A token that the server itself gave for user name and password. */
  z.object({ kind: z.literal('password'), token: text }),
  /** A token of a development server's own issuer. */
  z.object({ kind: z.literal('local'), token: text }),
  /** Tokens that the device flow gave. Times in milliseconds since 1970. */
  z.object({
    kind: z.literal('device'),
    accessToken: text,
    refreshToken: text,
    expiresAt: milliseconds,
    signedInAt: milliseconds,
  }),
  // As the first versions wrote it.
  text.transform((token) => ({ kind: 'password' as const, token })),
]);

export type DeviceCredentials = Credentials & { readonly kind: 'device' };

/** The value of the header `Authorization`, asked for at each request. */
export type Authorization = (signal?: AbortSignal) => Promise<string>;

/** The header's value as it is now, whether it still counts or not. */
export function authorizationOf(credentials: Credentials): string {
  switch (credentials.kind) {
    case 'password':
      return `Token ${credentials.token}`;
    case 'local':
      return `Bearer ${credentials.token}`;
    case 'device':
      return `Bearer ${credentials.accessToken}`;
  }
}
