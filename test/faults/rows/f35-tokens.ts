import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type HttpResponse, RawSocket } from '../../support/raw-socket.js';
import { areaUnderCurve } from '../anonymity/transcript.js';
import { authKey, jwt } from '../clients/auth-key.js';
import { Dialogue } from '../harness/dialogue.js';
import type { Row } from '../harness/row.js';
import { SECRET, type ServerNode } from '../harness/server-node.js';
import { FAMILIES } from '../harness/stores.js';

const MOST_TRIES = 50;
const PARALLEL = 100;
const NODE = 'bob';
const MOST_AREA = 0.6;
const WARM_UP = 50;
/** Which of these is meant shall not be told by how long the refusal takes. */
const TIMED = ['another secret', 'unknown kid', 'expired', 'another aud', 'alg none', 'HS512'];
const SETTINGS = { AUTH_FAILURES_PER_SECOND: '0', HANDSHAKES_PER_SECOND: '0' };
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export const f35: Row = {
  id: 'F35',
  title: 'tokens',
  families: FAMILIES,
  short: true,
  async run({ report, short, server: start }) {
    const server = await start(SETTINGS);
    const other = await start(SETTINGS);
    const own = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const pem = String(own.publicKey.export({ type: 'spki', format: 'pem' }));
    const ofTwoKinds = await start({ ...SETTINGS, AUTH_PUBLIC_KEY: pem });
    const byRsa = { authorization: `Bearer ${rsa(sound(), own.privateKey)}` };
    report.holdsThat('a key by RS256 opens', (await upgrade(ofTwoKinds, '/connect', byRsa)).status === 101);
    const answers = new Map<string, string>();
    for (const [name, key] of Object.entries(badKeys())) {
      answers.set(name, alike(await upgrade(server, '/connect', { authorization: `Bearer ${key}` })));
    }
    for (const [name, key] of Object.entries(swapped(pem, own.privateKey))) {
      answers.set(name, alike(await upgrade(ofTwoKinds, '/connect', { authorization: `Bearer ${key}` })));
    }
    const used = await validationKey(server);
    report.holdsThat('a fresh validation key opens', (await upgrade(server, target(used))).status === 101);
    answers.set('used', alike(await upgrade(server, target(used))));
    answers.set('of another server', alike(await upgrade(other, target(await validationKey(server)))));
    answers.set('never made', alike(await upgrade(server, target('A'.repeat(22)))));
    answers.set('an auth key as validation key', alike(await upgrade(server, target(authKey(SECRET, NODE)))));
    const stolen = await validationKey(server);
    const owner = await Dialogue.open(server.url, server.key(NODE));
    await upgrade(server, target(stolen));
    answers.set('stolen after use', alike(await upgrade(server, target(stolen))));
    await owner.close();
    report.count(answers.size, 'bad keys');
    const kinds = new Set(answers.values());
    report.exactly('different answers', kinds.size, 1);
    report.holdsThat(
      `all are 401, they are ${[...kinds].join(' | ')}`,
      [...kinds].every((text) => text.startsWith('401 ')),
    );
    report.exactly(`winners of ${PARALLEL} parallel uses`, await winners(server), 1);
    const [widest, name] = await widestArea(server, short ? 100 : 1_000);
    report.note(`time of a refusal: area under the curve at most ${widest.toFixed(3)} (${name})`);
    // Fewer probes tell too little: by chance alone such an area is common.
    if (!short) report.holdsThat(`area under the curve ≤ ${MOST_AREA}`, widest <= MOST_AREA);
    report.holdsThat('the servers live', server.exit === undefined && other.exit === undefined);
  },
};

async function winners(server: ServerNode): Promise<number> {
  const key = await validationKey(server);
  const attempts = Array.from({ length: PARALLEL }, () => upgrade(server, target(key)));
  return (await Promise.all(attempts)).filter(({ status }) => status === 101).length;
}

/** Of all that are timed, in turns on one connection, who can best be told from the first by the time alone. */
async function widestArea(server: ServerNode, probes: number): Promise<[number, string]> {
  const keys = badKeys();
  const took = new Map(TIMED.map((name) => [name, [] as number[]]));
  for (let at = -WARM_UP; at < probes; at += 1) {
    for (const [name, times] of took) {
      const began = performance.now();
      const headers = { authorization: `Bearer ${keys[name]}` };
      await (await fetch(`${server.directUrl}/v1/inbox`, { headers })).text();
      if (at >= 0) times.push(performance.now() - began);
    }
  }
  const [first = [], ...others] = took.values();
  const areas = others.map((times, at): [number, string] => [areaUnderCurve(first, times), TIMED[at + 1]!]);
  return areas.toSorted(([one], [other]) => other - one)[0]!;
}

function sound(): { sub: string; aud: string; iat: number; exp: number } {
  const now = Math.floor(Date.now() / 1_000);
  return { sub: NODE, aud: 'allspark', iat: now, exp: now + 600 };
}

/** Signed by RSA, whatever the header says. */
function rsa(claims: object, key: KeyObject, header: object = { alg: 'RS256' }): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

/** One algorithm in the place of another: what may be read by all must not become a secret. */
function swapped(pem: string, key: KeyObject): Record<string, string> {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
  return {
    'HS256 over the public key': jwt(sound(), pem),
    'HS256 over the public key without its line end': jwt(sound(), pem.trimEnd()),
    'RS256 by a stranger': rsa(sound(), stranger),
    'RS256 that says HS256': rsa(sound(), key, { alg: 'HS256' }),
    'RS256 that says PS256': rsa(sound(), key, { alg: 'PS256' }),
    'RS256 that says none': rsa(sound(), key, { alg: 'none' }),
    'RS256 that brings its key along': rsa(sound(), stranger, {
      alg: 'RS256',
      jwk: stranger.export({ format: 'jwk' }),
    }),
    'RS256 that names where its key is': rsa(sound(), stranger, { alg: 'RS256', jku: 'http://127.0.0.1:9/' }),
    'RS256 of a kid that is a path': rsa(sound(), key, { alg: 'RS256', kid: '../../dev/null' }),
    'RS256 of a kid that every object has': rsa(sound(), key, { alg: 'RS256', kid: '__proto__' }),
    'RS256 of a kid that is an operator': rsa(sound(), key, { alg: 'RS256', kid: { $ne: '' } }),
  };
}

function badKeys(): Record<string, string> {
  const good = sound();
  const now = good.iat;
  const of = (claims: object): string => jwt({ ...good, ...claims }, SECRET);
  return {
    'another secret': jwt(good, 'another secret, also at least 32 bytes long'),
    'alg none': `${part({ alg: 'none' })}.${part(good)}.`,
    HS512: jwt(good, SECRET, { alg: 'HS512' }),
    'RS256 over the secret': jwt(good, SECRET, { alg: 'RS256' }),
    'unknown kid': jwt(good, SECRET, { alg: 'HS256', kid: 'nobody' }),
    expired: of({ iat: now - 7_200, exp: now - 3_600 }),
    'no exp': of({ exp: undefined }),
    'no iat': of({ iat: undefined }),
    'no sub': of({ sub: undefined }),
    'another aud': of({ aud: 'others' }),
    'too long a life': of({ exp: now + 90_000 }),
    'nbf ahead': of({ nbf: now + 300 }),
    'iat ahead': of({ iat: now + 300 }),
    truncated: of({}).slice(0, -5),
    '10 KiB': 'x'.repeat(10 * 1_024),
    'another node': of({}).replace(part({ ...good }), part({ ...good, sub: 'alice' })),
  };
}

const target = (key: string): string => `/connect?validation_key=${key}`;

/** Those that share a store send newcomers to each other: asks until the key is one for this server. */
async function validationKey(server: ServerNode): Promise<string> {
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const made = await server.json<{ validation_key: string; url: string }>(NODE, '/v1/pre-connections', {});
    if (new URL(made.url).host === new URL(server.url).host) return made.validation_key;
  }
  throw new Error(`no validation key for this server in ${MOST_TRIES} tries`);
}

async function upgrade(server: ServerNode, path: string, headers: Record<string, string> = {}): Promise<HttpResponse> {
  const { socket, response } = await RawSocket.upgrade(server.directPort, path, headers);
  socket.destroy();
  return response;
}

/** All of an answer but its request id. */
function alike({ status, headers, body }: HttpResponse): string {
  const text = body.replace(/"request_id":"[^"]+"/, '"request_id":"…"');
  return `${status} ${headers.get('www-authenticate')} ${headers.get('content-type')} ${text}`;
}
