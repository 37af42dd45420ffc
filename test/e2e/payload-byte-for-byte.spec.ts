import { rawField } from '@allspark/client';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rawElements } from '../../sdk/src/json-slices.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

/** What a parser would not give back as it was. */
const PAYLOADS: ReadonlyArray<readonly [string, string]> = [
  ['a key twice', '{"a":1,"a":2}'],
  ['__proto__ and constructor', '{"__proto__":{"x":1},"constructor":null}'],
  ['a number beyond all doubles', '1e400'],
  ['a big integer', '[1152921504606846976,1152921504606846977,-9007199254740993]'],
  ['the forms of one number', '[1.0,1.00,1e0,1E+0,-0,0.1e-1]'],
  ['escapes', String.raw`"\u0041\/\b\f\n\r\t\"\\\u00e9"`],
  ['a lone surrogate as an escape', String.raw`"\ud800"`],
  ['white space', '{ "a" :\t[ 1 ,\n 2 ] ,\r\n"b" : { } }'],
  ['unicode', '"žluťoučký 🐴 \u2028\u2029 e\u0301"'],
  ['brackets and quotes in strings', String.raw`{"]}":"[{\"","\\":"\\"}`],
  ['frames in a string', String.raw`"{\"messages\":[{\"payload\":1}]}"`],
  ['an empty key', '{"":{"":[]}}'],
  ['null', 'null'],
  ['false', 'false'],
  ['a text', '""'],
];

async function inboxText(nodeId: string): Promise<string> {
  return (await server.call(nodeId, '/v1/inbox')).text();
}

/** So that the next connection of the node begins behind it. */
async function acknowledgeAll(talker: Talker): Promise<void> {
  const seq = Number(talker.entries.at(-1)?.['seq']);
  await server.json(String(talker.hello['node_id']), '/v1/inbox/ack', { seq });
}

const lastPayload = (page: string): string | undefined =>
  rawField(rawElements(rawField(page, 'messages') ?? '[]').at(-1) ?? '{}', 'payload');

describe.each(PAYLOADS)('a payload with %s arrives byte for byte', (_name, payload) => {
  it('from websocket to websocket, durable and transient, in all three fields', async () => {
    const [alice, bob] = await Promise.all([Talker.open(server, 'alice'), Talker.open(server, 'bob')]);
    const fields = `"payload":${payload},"payload1" : ${payload} ,"payload2":${payload}`;
    for (const extra of ['', ',"transient":true']) {
      alice.sendText(`{"dest_id":"bob",${fields}${extra}}`);
      const text = await bob.nextText((frame) => 'payload' in frame);
      for (const name of ['payload', 'payload1', 'payload2']) expect(rawField(text, name)).toBe(payload);
    }
    await acknowledgeAll(bob);
  });

  it('from websocket to GET /v1/inbox and -102', async () => {
    const [alice, carol] = await Promise.all([Talker.open(server, 'alice'), Talker.open(server, 'carol')]);
    alice.sendText(`{"payload":${payload},"dest_id":"carol"}`);
    await alice.next();
    expect(lastPayload(await inboxText('carol'))).toBe(payload);
    carol.sendText('{"type":-101,"payload":{"fetch_inbox":{}}}');
    const page = await carol.nextText(({ type }) => type === -102);
    expect(lastPayload(rawField(page, 'payload') ?? '')).toBe(payload);
  });

  it('from POST /v1/messages to websocket, GET /v1/inbox and -102', async () => {
    const dave = await Talker.open(server, 'dave');
    const body = `{ "messages" : [ {"dest_id":"dave","payload":${payload}} , {"dest_id":"nobody"} ] }`;
    const sent = await server.call('alice', '/v1/messages', { method: 'POST', body });
    expect(await sent.json()).toMatchObject({ results: [{ status: 'stored' }, { code: 'node_unknown' }] });
    expect(rawField(await dave.nextText((frame) => 'seq' in frame), 'payload')).toBe(payload);
    expect(lastPayload(await inboxText('dave'))).toBe(payload);
    dave.sendText('{"type":-101,"payload":{"fetch_inbox":{"before_seq":1000000,"limit":1}}}');
    const page = await dave.nextText(({ type }) => type === -102);
    expect(lastPayload(rawField(page, 'payload') ?? '')).toBe(payload);
    await acknowledgeAll(dave);
  });
});

it('payloads are as they were after a restart, and a client of the library gives and takes raw text', async () => {
  const before = await TestServer.start();
  await before.json('bob', '/v1/inbox');
  const alice = before.client('alice');
  await alice.connect();
  for (const [, rawPayload] of PAYLOADS) await alice.send({ destId: 'bob', rawPayload });
  const after = await before.restart();
  const received: unknown[] = [];
  await new Promise<void>((resolve) => {
    const bob = after.client('bob', {
      onMessage: ({ raw }) => {
        received.push(rawField(raw, 'payload'));
        if (received.length === PAYLOADS.length) resolve();
      },
    });
    void bob.connect();
  });
  expect(received).toEqual(PAYLOADS.map(([, payload]) => payload));
  await after.stop();
});
