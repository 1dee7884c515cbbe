// A certified OpenID provider as a foreign issuer: JWT access tokens by client_credentials, in three algorithms, and
// keys that rotate on request. Prints its URL as the first line, and ends when its standard input does.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const ALGORITHMS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

const newKeys = () => Object.entries(ALGORITHMS).map(([alg, generate]) => (
  { ...generate().privateKey.export({ format: 'jwk' }), kid: `${alg}-${randomUUID()}`, use: 'sig', alg }
));

// A resource is `urn:<audience>:<algorithm>`: the test chooses both.
const resourceServer = (resource) => {
  const [, audience, alg] = resource.split(':');
  return { scope: 'sql', audience, accessTokenTTL: 600, accessTokenFormat: 'jwt', jwt: { sign: { alg } } };
};

const provider = (issuer, keys) => new Provider(issuer, {
  clients: ['agent-7', 'stranger'].map((client_id) => ({
    client_id,
    client_secret: `secret-of-${client_id}`,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })),
  jwks: { keys },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => resourceServer(resource),
    },
  },
  extraTokenClaims: () => ({ realm_access: { roles: ['agents', 'reporting'] }, risk_tier: 2 }),
});

let keys = newKeys();
let handle;

const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/_rotate') {
    // One Provider has fixed keys: a new one gets new keys in front of the old.
    keys = [...newKeys(), ...keys];
    handle = provider(server.issuer, keys).callback();
    response.end();
  } else {
    handle(request, response);
  }
});

server.listen(0, '127.0.0.1', () => {
  server.issuer = `http://127.0.0.1:${server.address().port}`;
  handle = provider(server.issuer, keys).callback();
  process.stdout.write(`${server.issuer}\n`);
});

process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
