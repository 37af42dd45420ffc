import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { faultsOf, load, settingsOf } from './testing/given.js';

const SECRET = 'a-secret-of-at-least-thirty-two-bytes';

const pem = (kind: 'ok' | 'short') =>
  generateKeyPairSync('rsa', { modulusLength: kind === 'ok' ? 2048 : 1024 })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();

describe('the public key', () => {
  it('may come as one line with \\n, and from a file', () => {
    const key = pem('ok');
    expect(settingsOf({ env: { AUTH_PUBLIC_KEY: key.replaceAll('\n', '\\n') } }).AUTH_PUBLIC_KEY).toBe(key);
    expect(settingsOf({ env: { AUTH_PUBLIC_KEY_FILE: 'k' }, files: { k: key } }).AUTH_PUBLIC_KEY).toBe(key.trimEnd());
  });

  it('is refused when it is too short to be safe, or of a kind without an algorithm', () => {
    const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({
      type: 'spki',
      format: 'pem',
    });
    expect(faultsOf({ env: { AUTH_PUBLIC_KEY: pem('short') } })).toHaveLength(1);
    expect(faultsOf({ env: { AUTH_PUBLIC_KEY: curve.toString() } })).toHaveLength(1);
  });
});

describe('settings that belong together', () => {
  it.each([
    ['TLS_KEY_FILE', { TLS_CERT_FILE: 'c' }],
    ['PUBLIC_URL', { NODES: '2', PUBLIC_URL: 'https://a.example' }],
    ['PROXY_80_PORT', { NODES: '2', PROXY_80_PORT: 'a.example' }],
    ['INTERNAL_ADDRESS', { NODES: '2', INTERNAL_ADDRESS: 'a:7000' }],
    ['METRICS_ADDRESS', { NODES: '2', METRICS_ADDRESS: 'a:9090' }],
    ['NODES', { NODES: '3', PORT: '65534' }],
    ['TLS_CERT_FILE', { TLS_KEY_FILE: 'c' }],
    ['TLS_KEY_FILE', { TLS_CERT_FILE: 'c', TLS_KEY_FILE: 'c' }],
    ['LINK_CA_FILE', { LINK_CA_FILE: 'gone' }],
    ['AUTH_KEYS_FILE', { AUTH_KEYS_FILE: 'c' }],
    ['LINK_SECRET', { MONGODB_URI: 'mongodb://h/db', AUTH_SECRET: SECRET }],
    ['AUTH_SECRET', { MONGODB_URI: 'mongodb://h/db', LINK_SECRET: SECRET }],
    ['MAX_FRAME_BYTES', { MAX_FRAME_BYTES: '300000', WINDOW_BYTES: '400000', PAGE_SOCKET_BYTES: '400000' }],
    ['PAGE_MESSAGES', { PAGE_MESSAGES: '1001' }],
    ['OUTBOUND_PAUSE_BYTES', { OUTBOUND_PAUSE_BYTES: '1048576' }],
    ['HEAP_NO_SOCKETS_PERCENT', { HEAP_NO_SOCKETS_PERCENT: '90' }],
    ['POLL_JITTER_MS', { POLL_INTERVAL_MS: '1000' }],
    [
      'MONGODB_TIMEOUT_MS',
      { STORE_DEADLINE_MS: '3900', MONGODB_URI: 'mongodb://h', AUTH_SECRET: SECRET, LINK_SECRET: SECRET },
    ],
  ])('blame %s for %j', (variable, env) => {
    expect(faultsOf({ env, files: { c: 'no PEM' } }).map((fault) => fault.variable)).toEqual([variable]);
  });

  it('do not bind what is not in use', () => {
    expect(load({ env: { STORE_DEADLINE_MS: '500' } }).ok).toBe(true);
    expect(load({ env: { HEAP_RETRY_LATER_PERCENT: '0' } }).ok).toBe(true);
  });

  it('are complete with a database when one kind of auth key and the link secret are given', () => {
    const env = { MONGODB_URI: 'mongodb://h/db', LINK_SECRET: SECRET, AUTH_JWKS_URI: 'https://id.example/jwks' };
    expect(load({ env }).ok).toBe(true);
  });

  it.each([
    [
      'two keys with one kid',
      [
        { kid: 'a', alg: 'HS256' },
        { kid: 'a', alg: 'RS256' },
      ],
    ],
    ['a key without alg', [{ kid: 'a' }]],
    ['a key without kid', [{ alg: 'EdDSA' }]],
    ['alg none', [{ kid: 'a', alg: 'none' }]],
    ['no key', []],
    ['something else', 'keys'],
  ])('refuse a key set with %s', (_what, keys) => {
    const given = { env: { AUTH_KEYS_FILE: 'k' }, files: { k: JSON.stringify({ keys }) } };
    expect(faultsOf(given).map(({ variable }) => variable)).toEqual(['AUTH_KEYS_FILE']);
  });

  it('accept a key set in which each key has its own kid and its alg', () => {
    const keys = [
      { kid: 'a', alg: 'HS256' },
      { kid: 'b', alg: 'EdDSA' },
    ];
    expect(load({ env: { AUTH_KEYS_FILE: 'k' }, files: { k: JSON.stringify({ keys }) } }).ok).toBe(true);
  });
});
