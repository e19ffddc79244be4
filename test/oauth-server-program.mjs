/**
 * `node oauth-server-program.mjs AUDIENCE TOKEN_SECONDS`: an OAuth server with device flow under the paths of MedPerf's own. Whoever
 * types a name into its login page is that user. Writes its address as JSON on one line, and a line for each grant.
 */
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const [audience, tokenSeconds] = process.argv.slice(2);
const server = createServer();
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: 'medperf-client',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    cookies: { keys: ['a key of this test'] },
    jwks: { keys: [await signingKey()] },
    routes: {
      code_verification: '/activate',
      device_authorization: '/oauth/device/code',
      jwks: '/.well-known/jwks.json',
      revocation: '/oauth/revoke',
      token: '/oauth/token',
    },
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: '',
          audience,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
      revocation: { enabled: true },
    },
    claims: { email: ['email'] },
    conformIdTokenClaims: false,
    extraTokenClaims: (_context, token) => ({ 'https://medperf.org/email': emailOf(token.accountId) }),
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, email: emailOf(id) }) }),
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: Number(tokenSeconds),
      DeviceCode: 600,
      Grant: 3600,
      IdToken: 600,
      RefreshToken: 3600,
      Session: 3600,
    },
  });
  provider.on('grant.success', ({ oidc }) => console.log(JSON.stringify({ granted: oidc.params.grant_type })));
  provider.on('grant.error', (_context, error) => console.log(JSON.stringify({ refused: error.error })));
  server.on('request', provider.callback());
  console.log(JSON.stringify({ url }));
});

function emailOf(name) {
  return `${name}@example.com`;
}

async function signingKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'RS256', kid: 'one', use: 'sig' };
}
