import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Json, Party, type Reply, refusalIn } from '../support/party.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let phone: Party;
let laptop: Party;
let stranger: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start();
  phone = new Party(server, 'phone', { clientId: 'ann' });
  laptop = new Party(server, 'laptop', { clientId: 'ann' });
  [stranger] = (await Party.known(server, 'stranger')) as [Party];
  app = Party.app(server);
  await phone.ask('GET', '/v1/sessions');
  for (const payload of [1, 2]) await stranger.send({ dest_client_id: 'ann', payload });
  await laptop.ask('GET', '/v1/sessions');
  for (const payload of [3, 4]) await stranger.send({ dest_client_id: 'ann', payload });
});
afterAll(() => server.stop());

const read = (party: Party, query = '', id = 'ann'): Promise<Reply> =>
  party.ask('GET', `/v1/clients/${id}/messages${query}`);
const payloads = async (party: Party, query = ''): Promise<unknown[]> =>
  ((await read(party, query)).body['messages'] as Json[]).map((message) => message['payload']);

it('a node of the client reads what came since it is one, an app everything', async () => {
  expect(await payloads(phone)).toEqual([1, 2, 3, 4]);
  expect(await payloads(laptop)).toEqual([3, 4]);
  expect(await payloads(app)).toEqual([1, 2, 3, 4]);
  expect((await read(phone)).body['messages']).toMatchObject([
    { dest_client_id: 'ann', src_id: 'stranger', session_seq: 2 },
    { session_seq: 3 },
    { session_seq: 5 },
    { session_seq: 6 },
  ]);
});

it('pages are bounded by session_seq', async () => {
  expect(await payloads(phone, '?after=2&before=6')).toEqual([2, 3]);
  expect(await payloads(phone, '?before=6&limit=1')).toEqual([3]);
  const { body } = await read(phone, '?limit=3');
  expect(body).toMatchObject({ complete: false });
  // A key of a later second is an entry of the log too.
  expect(body['tail']).toBeGreaterThanOrEqual(6);
});

it('another node is refused, whether there is such a client or not', async () => {
  const present = await read(stranger);
  expect(refusalIn(present)).toBe('403 forbidden');
  expect((await read(stranger, '', 'no-such-client')).whole).toBe(present.whole);
  expect(refusalIn(await read(app, '', 'no-such-client'))).toBe('404 node_unknown');
});

it('a node of another client reads its own client only', async () => {
  const tablet = new Party(server, 'tablet', { clientId: 'bob' });
  expect((await read(tablet, '', 'bob')).status).toBe(200);
  expect(refusalIn(await read(tablet))).toBe('403 forbidden');
});
