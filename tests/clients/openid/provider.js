// A real OpenID provider behind TLS, with what a test needs beside it below /control.
//
// In: a file of settings (issuer, port, certificate, key, lifetimes). Out: `ready` on a line of its own. Whoever signs in is whom he says he is, with any password.
// Source: the documentation of `oidc-provider` 9.
'use strict';

const { generateKeyPairSync, randomBytes } = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const { CompactSign, importJWK } = require('jose');
const { Provider } = require('oidc-provider');

const settings = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
if (settings.pid) fs.writeFileSync(settings.pid, String(process.pid));

// what the cookies of its own sessions are signed with: they outlive a change of keys
const cookieKeys = [randomBytes(32).toString('hex')];
let generation = 0;
let keys;
let current;

// what the provider remembers: the one that it comes with forgets it when keys change
const remembered = new Map();
class Memory {
  constructor(model) {
    this.key = (id) => `${model} ${id}`;
  }
  async upsert(id, payload) {
    remembered.set(this.key(id), payload);
  }
  async find(id) {
    return remembered.get(this.key(id));
  }
  async findByUid(uid) {
    const all = [...remembered].filter(([key]) => key.startsWith(this.key('')));
    return all.map(([, payload]) => payload).find((payload) => payload.uid === uid);
  }
  async consume(id) {
    remembered.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    remembered.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of remembered) {
      if (payload.grantId === grantId) remembered.delete(key);
    }
  }
}

const kinds = {
  RSA: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  Ed25519: () => generateKeyPairSync('ed25519'),
};

// one key of each kind, by other names than before
function roll() {
  generation += 1;
  keys = Object.entries(kinds).map(([kind, make]) => ({
    ...make().privateKey.export({ format: 'jwk' }),
    kid: `${kind}-${generation}`,
    use: 'sig',
  }));
  current = new Provider(settings.issuer, {
    adapter: Memory,
    jwks: { keys },
    cookies: { keys: cookieKeys },
    clients: [
      {
        client_id: 'spoor',
        client_secret: 'a secret: with/all+sorts',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: settings.redirect_uris,
        post_logout_redirect_uris: [],
      },
      {
        client_id: 'spoor-public',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        redirect_uris: settings.redirect_uris,
        id_token_signed_response_alg: 'ES256',
      },
      {
        client_id: 'tool',
        client_secret: 'tools-own',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['preferred_username'],
      groups: ['groups'],
    },
    scopes: ['openid', 'offline_access'],
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.com`,
        email_verified: true,
        preferred_username: id,
        groups: ['tracing', `team-of-${id}`],
      }),
    }),
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'ES256'],
    },
    features: {
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          scope: 'read',
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: settings.seconds,
      IdToken: settings.seconds,
      ClientCredentials: 600,
      RefreshToken: 3600,
      Grant: 3600,
      Interaction: 600,
      Session: 3600,
    },
  });
}

// signs what the test gives, as the provider would
async function sign({ header, claims }) {
  const kind = { R: 'RSA', P: 'RSA', ES256: 'P-256', ES384: 'P-384', E: 'Ed25519' };
  const { alg } = header;
  const name = kind[alg] || kind[alg[0]];
  const jwk = keys.find((key) => key.kid.startsWith(`${name}-`));
  const text = new TextEncoder().encode(JSON.stringify(claims));
  const token = new CompactSign(text);
  token.setProtectedHeader({ kid: jwk.kid, ...header });
  return token.sign(await importJWK(jwk, alg));
}

async function control(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const answer = {
    '/control/roll': async () => roll(),
    '/control/sign': async () => sign(JSON.parse(Buffer.concat(parts))),
  }[request.url];
  response.end(String(await answer()));
}

roll();
const tls = { cert: fs.readFileSync(settings.cert), key: fs.readFileSync(settings.key) };
const server = https.createServer(tls, (request, response) => {
  if (request.url.startsWith('/control/')) {
    control(request, response).catch((error) => response.writeHead(500).end(String(error)));
  } else {
    current.callback()(request, response);
  }
});
server.on('error', (error) => {
  console.error(error.code === 'EADDRINUSE' ? 'already in use' : error);
  process.exit(1);
});
server.listen(settings.port, '127.0.0.1', () => console.log('ready'));
