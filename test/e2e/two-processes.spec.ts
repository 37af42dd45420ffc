import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ProcessNode } from '../support/process-node.js';
import { type Endpoint, type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const SETTINGS = { POLL_INTERVAL_MS: '200', POLL_JITTER_MS: '20', INBOX_MAX_MESSAGES: '500', RATE_PER_SECOND: '0' };

let here: TestServer;
let there: ProcessNode;
beforeAll(async () => {
  here = await TestServer.start(SETTINGS);
  there = await ProcessNode.start({ ...SETTINGS, DATA_DIR: here.dataDir });
});
afterEach(() => Talker.hangUp());
afterAll(async () => {
  await there.remove();
  await here.stop();
});

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('two processes on one store', () => {
  it('deliver what the other stored', async () => {
    const [bob, carol] = await Promise.all([Talker.open(here, 'bob'), Talker.open(there, 'carol')]);
    expect(await bob.ask({ dest_id: 'carol', payload: 'from here' })).toMatchObject({ status: 'stored' });
    expect(await carol.nextEntries(1)).toMatchObject([{ src_id: 'bob', payload: 'from here', seq: 1 }]);
    expect(await carol.ask({ dest_id: 'bob', payload: 'from there' })).toMatchObject({ status: 'stored' });
    expect(await bob.nextEntries(1)).toMatchObject([{ src_id: 'carol', payload: 'from there', seq: 1 }]);
  });

  it('append to one inbox at once: one order for all readers, no hole, first in first out', async () => {
    const readers = await Promise.all([Talker.open(here, 'dave'), Talker.open(there, 'dave')]);
    // Clients of the library: who loses too often against the other process is told to send again.
    const senders = [here.client('erin'), there.client('frank')];
    await Promise.all(senders.map((sender) => sender.connect()));
    await Promise.all(
      senders.flatMap((sender) => numbers(200).map((payload) => sender.send({ destId: 'dave', payload }))),
    );
    const seen = await Promise.all(readers.map((reader) => readAll(reader, 400)));
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.map(({ seq }) => seq)).toEqual(numbers(400));
    for (const src of ['erin', 'frank']) {
      const payloads = seen[0]?.filter(({ src_id }) => src_id === src).map(({ payload }) => payload);
      expect(payloads).toEqual(numbers(200));
    }
  });

  it('know each other’s messages as repeats', async () => {
    await here.json('grace', '/v1/inbox');
    const [first, second] = await Promise.all([Talker.open(here, 'alice'), Talker.open(there, 'alice')]);
    const message = { dest_id: 'grace', id: 'one', payload: 1 };
    expect(await first.ask(message)).toMatchObject({ status: 'stored' });
    expect(await second.ask(message)).toMatchObject({ status: 'duplicate' });
    expect(await second.ask({ ...message, payload: 2 })).toMatchObject({ code: 'id_conflict' });
    second.send({ dest_id: 'grace', id: 'two' });
    first.send({ dest_id: 'grace', id: 'two' });
    const answers = [await first.answerTo('two'), await second.answerTo('two')].map(({ status }) => status);
    expect(new Set(answers)).toEqual(new Set(['stored', 'duplicate']));
  });

  it('see each other’s acknowledgements when an inbox is full', async () => {
    await here.json('heidi', '/v1/inbox');
    const alice = await Talker.open(here, 'alice');
    await confirmAll(alice, 500, 'heidi');
    expect(await alice.ask({ dest_id: 'heidi' })).toMatchObject({ code: 'inbox_full' });
    expect(await there.json('heidi', '/v1/inbox/ack', { seq: 1 })).toEqual({ acked_seq: 1 });
    expect(await alice.ask({ dest_id: 'heidi' })).toMatchObject({ status: 'stored' });
    const heidi = await Talker.open(there, 'heidi');
    expect(heidi.hello).toMatchObject({ acked_seq: 1, tail_seq: 501 });
  });

  it('resume each other’s connections: one epoch, one log', async () => {
    const [ivan, alice] = await Promise.all([Talker.open(here, 'ivan'), Talker.open(there, 'alice')]);
    await confirmAll(alice, 3, 'ivan');
    await ivan.nextEntries(3);
    await ivan.close();
    const query = `?epoch=${String(ivan.hello['epoch'])}&last_seq=2`;
    const moved = await Talker.open(there, 'ivan', { query });
    expect(moved.hello).toMatchObject({ resumed: true, epoch: ivan.hello['epoch'] });
    expect(await moved.nextEntries(1)).toMatchObject([{ seq: 3 }]);
  });

  it('are both in what an app sees of a node, and neither lets more than ten in', async () => {
    const [some, others] = await Promise.all([fiveOf('judy', here), fiveOf('judy', there)]);
    const view = (await here.json('backend', '/v1/nodes/judy', undefined, { role: 'app' })) as {
      connections: Frame[];
    };
    const own = [...some, ...others].map(({ hello }) => hello['connection_id']);
    expect(new Set(view.connections.map((connection) => connection['connection_id']))).toEqual(new Set(own));
    expect(view.connections).toHaveLength(10);
    for (const endpoint of [here, there]) {
      const eleventh = await Talker.dial(endpoint, 'judy');
      expect(await eleventh.ended).toMatchObject({ code: 4003 });
    }
  });
});

function fiveOf(nodeId: string, endpoint: Endpoint): Promise<Talker[]> {
  return Promise.all(numbers(5).map(() => Talker.open(endpoint, nodeId)));
}

async function confirmAll(sender: Talker, count: number, dest: string): Promise<void> {
  for (const payload of numbers(count)) sender.send({ dest_id: dest, id: `${dest}${payload}`, payload });
  for (const payload of numbers(count)) {
    expect(await sender.answerTo(`${dest}${payload}`)).toMatchObject({ status: 'stored' });
  }
}

async function readAll(reader: Talker, count: number): Promise<Frame[]> {
  while (reader.entries.length < count) {
    const [{ seq }] = (await reader.nextEntries(1)) as [Frame];
    if (Number(seq) % 50 === 0) reader.ack(Number(seq));
  }
  return reader.entries;
}
