import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const SERVER_FIELDS: ReadonlyArray<readonly [string, unknown]> = [
  ['src_id', 'victim'],
  ['src_client_id', 'family'],
  ['timestamp', 1],
  ['seq', 1],
  ['session_seq', 1],
];
const SERVER_TYPES = [-3, -4, -5, -102, -110, -112, -113, -114, -115, -116, -121, 100, 103, 104, 105];

describe('what only the server says', () => {
  it.each(SERVER_FIELDS)('cannot be said by a client: %s', async (field, value) => {
    const [mallory, bob] = await Promise.all([Talker.open(server, 'mallory'), Talker.open(server, 'bob')]);
    const forged: Frame = { dest_id: 'bob', [field]: value };
    for (const extra of [{}, { transient: true }, { [field]: null }, { [field]: { $ne: null } }]) {
      const answer = await mallory.ask({ ...forged, ...extra });
      expect(answer).toMatchObject({ type: -113, code: 'reserved_field', field });
    }
    const { results } = (await server.json('mallory', '/v1/messages', { messages: [forged] })) as { results: Frame[] };
    expect(results).toMatchObject([{ status: 'refused', code: 'reserved_field', field }]);
    await nothingCame(mallory, bob);
  });

  it.each(SERVER_TYPES)('cannot be said by a client: type %i', async (type) => {
    const [mallory, bob] = await Promise.all([Talker.open(server, 'mallory'), Talker.open(server, 'bob')]);
    for (const extra of [{}, { transient: true }]) {
      const answer = await mallory.ask({ dest_id: 'bob', type, ...extra });
      expect(answer).toMatchObject({ type: -113, code: 'reserved_type', field: 'type' });
    }
    await nothingCame(mallory, bob);
  });

  it.each(['anonymize_src_id', 'client_id', 'node_id', 'role', '__proto__', 'Src_id'])(
    'has no back door: %s',
    async (field) => {
      const [mallory, bob] = await Promise.all([Talker.open(server, 'mallory'), Talker.open(server, 'bob')]);
      mallory.sendText(`{"dest_id":"bob","id":"x","${field}":"victim"}`);
      expect(await mallory.answerTo('x')).toMatchObject({ type: -113, code: 'unknown_field', field });
      await nothingCame(mallory, bob);
    },
  );

  it('comes from the key alone, whatever the payload says', async () => {
    const [mallory, bob] = await Promise.all([
      Talker.open(server, 'mallory', { clientId: 'own' }),
      Talker.open(server, 'bob'),
    ]);
    const payload = { src_id: 'victim', seq: 99, timestamp: 1 };
    await mallory.ask({ dest_id: 'bob', type: 7, payload });
    const frame = await bob.next(({ type }) => type === 7);
    expect(frame).toMatchObject({ src_id: 'mallory', src_client_id: 'own', payload });
    expect(frame['seq']).not.toBe(99);
    expect(Number(frame['timestamp'])).toBeGreaterThan(Date.now() - 60_000);
  });
});

it('only an app may send in the name of another, and only of a known node', async () => {
  await server.call('victim', '/v1/inbox', { clientId: 'family' });
  const bob = await Talker.open(server, 'bob');
  const messages = [
    { dest_id: 'bob', src_id: 'victim', payload: 'by the app' },
    { dest_id: 'bob', src_id: 'never-seen' },
  ];
  expect(await server.json('backend', '/v1/messages', { messages }, { role: 'app' })).toMatchObject({
    results: [{ status: 'stored' }, { status: 'refused', field: 'src_id' }],
  });
  expect(await bob.next(({ payload }) => payload === 'by the app')).toMatchObject({
    src_id: 'victim',
    src_client_id: 'family',
  });
});

/** A message that is sent afterwards is the only one that arrives. */
async function nothingCame(sender: Talker, receiver: Talker): Promise<void> {
  const before = Number(receiver.hello['tail_seq']);
  await sender.ask({ dest_id: String(receiver.hello['node_id']), payload: 'honest' });
  expect(await receiver.next()).toMatchObject({ src_id: 'mallory', seq: before + 1, payload: 'honest' });
  receiver.ack(before + 1);
  await receiver.fence();
  expect(receiver.rest).toEqual([]);
}
