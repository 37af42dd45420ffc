import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signAuthKey } from '../../src/modules/auth/index.js';
import { findMongo, startMongo } from '../support/mongo.js';
import { ProcessNode } from '../support/process-node.js';
import { type Ending, type Endpoint, Talker } from '../support/talker.js';
import { SECRET, TestServer } from '../support/test-server.js';

const WITHIN_MS = 5_000;
const BY_APP = { role: 'app' } as const;

const EMBEDDED = 'the embedded store';
const found = await findMongo();
const FAMILIES = [EMBEDDED, ...(found?.setups ?? [])] as const;

const SIGNERS = { worn: generateKeyPairSync('ed25519'), fresh: generateKeyPairSync('ed25519') };
type Kid = keyof typeof SIGNERS;

let here: TestServer;
let there: ProcessNode;
let undo: () => Promise<unknown>;

async function startOn(family: (typeof FAMILIES)[number]): Promise<void> {
  const mongo = family === EMBEDDED ? undefined : await startMongo(family, found!);
  const uri = mongo?.freshUri();
  const store = uri !== undefined && { MONGODB_URI: uri, LINK_SECRET: SECRET };
  const folder = await mkdtemp(join(tmpdir(), 'allspark-kids-'));
  const keys = { AUTH_KEYS_FILE: await keySetIn(folder) };
  here = await TestServer.start({ ...keys, ...store });
  there = await ProcessNode.start({ ...keys, ...(store || { DATA_DIR: here.dataDir }) });
  undo = async () => {
    await there.remove();
    await here.stop();
    if (uri !== undefined) await mongo?.drop(uri);
    await mongo?.stop();
    await rm(folder, { recursive: true });
  };
}

async function keySetIn(folder: string): Promise<string> {
  const keys = Object.entries(SIGNERS).map(([kid, { publicKey }]) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
    alg: 'EdDSA',
  }));
  const file = join(folder, 'keys.json');
  await writeFile(file, JSON.stringify({ keys }));
  return file;
}

const revoke = (body: object): Promise<unknown> => here.json('backend', '/v1/revocations', body, BY_APP);
const remove = async (path: string): Promise<unknown> =>
  (await here.call('backend', path, { ...BY_APP, method: 'DELETE' })).json();
const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

/** Keys that say when they were made, so that no second of the clock decides a test. */
function withKeysOf(issuedAt: number, { url }: Endpoint): Endpoint {
  const key: Endpoint['key'] = (sub, { clientId, role } = {}) =>
    signAuthKey({ sub, clientId, role, issuedAt, alg: 'HS256', secret: SECRET });
  return { url, key };
}

/** Keys of a minute ago that one signer of the key set made. */
function signedBy(kid: Kid, { url }: Endpoint): Endpoint {
  const { privateKey } = SIGNERS[kid];
  const issuedAt = nowSeconds() - 60;
  return { url, key: (sub) => signAuthKey({ sub, kid, issuedAt, alg: 'EdDSA', privateKey }) };
}

async function preConnection(endpoint: Endpoint, node: string): Promise<string> {
  const headers = { authorization: `Bearer ${await endpoint.key(node)}` };
  const made = await fetch(`${endpoint.url}/v1/pre-connections`, { method: 'POST', headers });
  return ((await made.json()) as { url: string }).url;
}

async function inTime(ended: Promise<Ending>, began: number): Promise<Ending> {
  const ending = await ended;
  expect(Date.now() - began).toBeLessThan(WITHIN_MS);
  return ending;
}

describe.each(FAMILIES)('two processes on %s', (family) => {
  beforeAll(() => startOn(family));
  afterEach(() => Talker.hangUp());
  afterAll(() => undo());

  it.each([
    ['node', 'ann-phone', { node_id: 'ann-phone' }],
    ['client', 'bob-phone', { client_id: 'bob' }],
  ])('both cut what keys opened that were revoked by %s, and take only later ones', async (_by, node, body) => {
    const [old, later] = [nowSeconds() - 60, nowSeconds() + 30];
    const opening = { clientId: 'bob' };
    const ends = [here, there].map((each) => withKeysOf(old, each));
    const talkers = await Promise.all(ends.map((each) => Talker.open(each, node, opening)));
    const kept = await Talker.open(withKeysOf(later, there), node, opening);
    const stranger = await Talker.open(withKeysOf(old, there), 'stranger');
    const began = Date.now();
    expect(await revoke({ ...body, reason: 'lost' })).toMatchObject(body);
    for (const { ended } of talkers) expect(await inTime(ended, began)).toEqual({ code: 4500, reason: 'lost' });
    for (const each of ends) {
      const headers = { authorization: `Bearer ${await each.key(node, opening)}` };
      expect((await fetch(`${each.url}/v1/inbox`, { headers })).status).toBe(401);
      const refused = await Talker.dial(each, node, opening);
      expect(await refused.ended).toMatchObject({ code: 1006 });
      await Talker.open(withKeysOf(later, each), node, opening);
    }
    await Promise.all([kept.fence(), stranger.fence()]);
  });

  it('both cut what one kid opened, by a key or by a validation key, when it is revoked, and nothing of another', async () => {
    const ends = [here, there];
    const openAll = (kid: Kid): Promise<Talker[]> =>
      Promise.all(
        ends.flatMap((each) => [
          Talker.open(signedBy(kid, each), 'heidi'),
          preConnection(signedBy(kid, each), 'heidi').then((address) => Talker.open(each, 'heidi', { address })),
        ]),
      );
    const [worn, fresh] = [await openAll('worn'), await openAll('fresh')];
    const began = Date.now();
    expect(await revoke({ kid: 'worn', reason: 'leaked' })).toMatchObject({ kid: 'worn' });
    for (const { ended } of worn) expect(await inTime(ended, began)).toEqual({ code: 4500, reason: 'leaked' });
    for (const each of ends) {
      expect(await (await Talker.dial(signedBy('worn', each), 'heidi')).ended).toMatchObject({ code: 1006 });
      await Talker.open(signedBy('fresh', each), 'heidi');
    }
    await Promise.all(fresh.map((talker) => talker.fence()));
  });

  it('refuse a validation key that a revoked key asked for', async () => {
    const asked = (each: Endpoint, issuedAt: number): Promise<string> =>
      preConnection(withKeysOf(issuedAt, each), 'carol');
    const [mine, theirs] = [await asked(here, nowSeconds() - 60), await asked(there, nowSeconds() - 60)];
    const good = await asked(here, nowSeconds() + 30);
    const witness = await Talker.open(withKeysOf(nowSeconds() - 60, there), 'carol');
    await revoke({ node_id: 'carol' });
    // Either may lead to the other server node: both know of it once the one that was not told has acted on it.
    await witness.ended;
    expect(await (await Talker.dial(here, 'carol', { address: mine })).ended).toMatchObject({ code: 1006 });
    expect(await (await Talker.dial(there, 'carol', { address: theirs })).ended).toMatchObject({ code: 1006 });
    await Talker.open(here, 'carol', { address: good });
  });

  it('both close the connections of a node that is disconnected, count them, and let it come again', async () => {
    const talkers = await Promise.all([here, there, there].map((each) => Talker.open(each, 'dave')));
    const began = Date.now();
    expect(await remove('/v1/nodes/dave/connections?reason=signed%20out')).toEqual({ closed: 3 });
    const again = await Talker.open(there, 'dave');
    for (const { ended } of talkers) expect(await inTime(ended, began)).toEqual({ code: 4501, reason: 'signed out' });
    await again.fence();
    expect(await remove('/v1/nodes/nobody/connections')).toEqual({ closed: 0 });
  });

  it('close one connection, wherever it is, and no other', async () => {
    const [mine, theirs, other] = await Promise.all([here, there, there].map((each) => Talker.open(each, 'erin')));
    for (const talker of [mine!, theirs!]) {
      const began = Date.now();
      expect(await remove(`/v1/connections/${String(talker.hello['connection_id'])}`)).toEqual({ closed: 1 });
      expect(await inTime(talker.ended, began)).toEqual({ code: 4501, reason: '' });
    }
    await other!.fence();
    expect(await remove('/v1/connections/nothing')).toEqual({ closed: 0 });
  });

  it('start with what was revoked before', async () => {
    const old = withKeysOf(nowSeconds() - 60, there);
    await (await Talker.open(old, 'frank')).close();
    await revoke({ node_id: 'frank' });
    await there.killAndRestart();
    expect(await (await Talker.dial(withKeysOf(nowSeconds() - 60, there), 'frank')).ended).toMatchObject({
      code: 1006,
    });
  });

  it.each([
    [4500, () => revoke({ node_id: 'grace' })],
    [4501, () => remove('/v1/nodes/grace/connections?reason=bye')],
  ])('let a client of the library not come back after %i', async (code, end) => {
    const closed = new Promise<unknown>((resolve) => {
      const watched = here.client('grace', {
        onStatus: (event) => event.status === 'closed' && resolve(event),
        authKey: () => withKeysOf(nowSeconds() + (code === 4501 ? 50 : -60), here).key('grace'),
      });
      void watched.connect().then(end);
    });
    expect(await closed).toMatchObject({ status: 'closed', code });
  });
});
