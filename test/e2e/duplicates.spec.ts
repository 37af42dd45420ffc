import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ INBOX_MAX_MESSAGES: '3' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const stored = (id: string) => ({ type: -112, id, status: 'stored' });
const duplicate = (id: string) => ({ type: -112, id, status: 'duplicate' });
const conflict = (id: string) => ({ type: -113, id, code: 'id_conflict', field: 'id', reason: expect.any(String) });

async function send(nodeId: string, message: object): Promise<unknown> {
  const { results } = (await server.json(nodeId, '/v1/messages', { messages: [message] })) as { results: unknown[] };
  return results[0];
}

async function inboxOf(nodeId: string): Promise<unknown[]> {
  return ((await server.json(nodeId, '/v1/inbox')) as { messages: unknown[] }).messages;
}

describe('a message that is sent again under its id', () => {
  it('is stored once, and every repeat is told that the first is committed', async () => {
    await inboxOf('bob');
    const alice = await Talker.open(server, 'alice');
    const message = { dest_id: 'bob', id: 'once', type: 7, payload: { a: 1 } };
    expect(await alice.ask(message)).toEqual(stored('once'));
    expect(await alice.ask(message)).toEqual(duplicate('once'));
    expect(await inboxOf('bob')).toMatchObject([{ seq: 1, id: 'once', type: 7 }]);
  });

  it('is known in the same burst, before its first is committed', async () => {
    await inboxOf('burst');
    const alice = await Talker.open(server, 'alice');
    const message = { dest_id: 'burst', id: 'twin', payload: 1 };
    alice.send(message);
    alice.send(message);
    expect([await alice.answerTo('twin'), await alice.answerTo('twin')]).toEqual([stored('twin'), duplicate('twin')]);
    expect(await inboxOf('burst')).toHaveLength(1);
  });

  it('is known by another connection and by REST, in both directions', async () => {
    await inboxOf('carol');
    const first = await Talker.open(server, 'alice');
    expect(await first.ask({ dest_id: 'carol', id: 'a' })).toEqual(stored('a'));
    await first.close();
    const second = await Talker.open(server, 'alice');
    expect(await second.ask({ dest_id: 'carol', id: 'a' })).toEqual(duplicate('a'));
    expect(await send('alice', { dest_id: 'carol', id: 'a' })).toEqual({ id: 'a', status: 'duplicate' });
    expect(await send('alice', { dest_id: 'carol', id: 'b' })).toEqual({ id: 'b', status: 'stored' });
    expect(await second.ask({ dest_id: 'carol', id: 'b' })).toEqual(duplicate('b'));
    expect(await inboxOf('carol')).toHaveLength(2);
  });

  it('is refused under another payload or type, byte for byte', async () => {
    await inboxOf('dave');
    const alice = await Talker.open(server, 'alice');
    expect(await alice.ask({ dest_id: 'dave', id: 'c', type: 1, payload: 1 })).toEqual(stored('c'));
    const others = [{ payload: 2 }, { type: 2, payload: 1 }, {}, { payload: 1, payload1: 1 }, { payload1: 1 }];
    for (const other of others) {
      expect(await alice.ask({ dest_id: 'dave', id: 'c', type: 1, ...other })).toEqual(conflict('c'));
    }
    alice.sendText('{"dest_id":"dave","id":"c","type":1,"payload": 1.0}');
    expect(await alice.answerTo('c')).toEqual(conflict('c'));
    expect(await send('alice', { dest_id: 'dave', id: 'c', type: 1, payload: 3 })).toMatchObject({
      status: 'refused',
      code: 'id_conflict',
    });
    expect(await alice.ask({ dest_id: 'dave', id: 'c', type: 1, payload: 1 })).toEqual(duplicate('c'));
    expect(await inboxOf('dave')).toHaveLength(1);
  });

  it('is another message from another source and to another destination', async () => {
    await Promise.all([inboxOf('erin'), inboxOf('frank')]);
    const [alice, bob] = await Promise.all([Talker.open(server, 'alice'), Talker.open(server, 'bob')]);
    for (const sender of [alice, bob]) {
      expect(await sender.ask({ dest_id: 'erin', id: 'same', payload: 1 })).toEqual(stored('same'));
      expect(await sender.ask({ dest_id: 'frank', id: 'same', payload: 2 })).toEqual(stored('same'));
    }
  });
});

describe('an id is not used up', () => {
  it('by a refused message', async () => {
    const alice = await Talker.open(server, 'alice');
    expect(await alice.ask({ dest_id: 'later', id: 'r', payload: 1 })).toMatchObject({ type: -3 });
    await inboxOf('later');
    expect(await alice.ask({ dest_id: 'later', id: 'r', unheard: 1 })).toMatchObject({ code: 'unknown_field' });
    expect(await alice.ask({ dest_id: 'later', id: 'r', payload: 2 })).toEqual(stored('r'));
  });

  it('by a message that a full inbox refused', async () => {
    await inboxOf('full');
    const alice = await Talker.open(server, 'alice');
    for (const payload of [1, 2, 3]) await alice.ask({ dest_id: 'full', id: `f${payload}`, payload });
    expect(await alice.ask({ dest_id: 'full', id: 'late', payload: 4 })).toMatchObject({ code: 'inbox_full' });
    expect(await server.json('full', '/v1/inbox/ack', { seq: 3 })).toEqual({ acked_seq: 3 });
    expect(await alice.ask({ dest_id: 'full', id: 'late', payload: 5 })).toEqual(stored('late'));
  });

  it('by a transient message', async () => {
    const alice = await Talker.open(server, 'alice');
    const grace = await Talker.open(server, 'grace');
    alice.send({ dest_id: 'grace', id: 't', payload: 1, transient: true });
    alice.send({ dest_id: 'grace', id: 't', payload: 2, transient: true });
    expect(await alice.ask({ dest_id: 'grace', id: 't', payload: 3 })).toEqual(stored('t'));
    expect(await Promise.all([1, 2, 3].map(() => grace.next()))).toMatchObject([
      { payload: 1 },
      { payload: 2 },
      { payload: 3, seq: 1 },
    ]);
  });
});

it('a repeat is known after a restart', async () => {
  const before = await TestServer.start();
  await before.call('bob', '/v1/inbox');
  const message = { dest_id: 'bob', id: 'kept', payload: [1] };
  const alice = await Talker.open(before, 'alice');
  expect(await alice.ask(message)).toEqual(stored('kept'));

  const after = await before.restart();
  const again = await Talker.open(after, 'alice');
  expect(await again.ask(message)).toEqual(duplicate('kept'));
  expect(await again.ask({ ...message, payload: [2] })).toEqual(conflict('kept'));
  expect(await after.json('bob', '/v1/inbox')).toMatchObject({ tail_seq: 1 });
  await after.stop();
});
