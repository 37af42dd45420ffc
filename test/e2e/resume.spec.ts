import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { collectAcknowledged } from '../support/collect.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

/** A node in whose inbox so many messages wait; where it stands. */
async function nodeWith(nodeId: string, messages: number): Promise<{ epoch: string }> {
  const page = (await server.json(nodeId, '/v1/inbox')) as { epoch: string };
  const batch = Array.from({ length: messages }, (_, index) => ({ dest_id: nodeId, payload: index + 1 }));
  if (messages > 0) await server.json('sender', '/v1/messages', { messages: batch });
  return page;
}

const seqs = (frames: readonly Frame[]): unknown[] => frames.map(({ seq }) => seq);

describe('a connection that resumes', () => {
  it('by epoch and last_seq gets what is behind it, and nothing else', async () => {
    const { epoch } = await nodeWith('bob', 5);
    const bob = await Talker.open(server, 'bob', { query: `?epoch=${epoch}&last_seq=3` });
    expect(bob.hello).toMatchObject({ epoch, resumed: true, tail_seq: 5, acked_seq: 0, floor_seq: 1 });
    expect(bob.hello).not.toHaveProperty('reason');
    expect(seqs(await bob.nextEntries(2))).toEqual([4, 5]);
    await server.json('sender', '/v1/messages', { messages: [{ dest_id: 'bob' }] });
    expect(seqs(await bob.nextEntries(1))).toEqual([6]);
    expect(seqs(bob.entries)).toEqual([4, 5, 6]);
  });

  it('at the tail waits for what comes', async () => {
    const { epoch } = await nodeWith('tail', 2);
    const node = await Talker.open(server, 'tail', { query: `?epoch=${epoch}&last_seq=2` });
    expect(node.hello).toMatchObject({ resumed: true });
    await server.json('sender', '/v1/messages', { messages: [{ dest_id: 'tail' }] });
    expect(seqs(await node.nextEntries(1))).toEqual([3]);
  });

  it('from before what the node acknowledged gets that again', async () => {
    const { epoch } = await nodeWith('second-device', 4);
    await server.json('second-device', '/v1/inbox/ack', { seq: 4 });
    const node = await Talker.open(server, 'second-device', { query: `?epoch=${epoch}&last_seq=0` });
    expect(node.hello).toMatchObject({ resumed: true, acked_seq: 4 });
    expect(seqs(await node.nextEntries(4))).toEqual([1, 2, 3, 4]);
  });

  it('acknowledges nothing by its last_seq, and may acknowledge up to it', async () => {
    const { epoch } = await nodeWith('no-ack', 3);
    const node = await Talker.open(server, 'no-ack', { query: `?epoch=${epoch}&last_seq=3` });
    expect(await server.json('no-ack', '/v1/inbox')).toMatchObject({ acked_seq: 0 });
    node.ack(4);
    expect(await node.next()).toMatchObject({ type: -113, code: 'invalid_field', field: 'seq' });
    node.ack(3);
    await node.fence();
    await node.close();
    const again = await Talker.open(server, 'no-ack');
    expect(again.hello).toMatchObject({ acked_seq: 3 });
  });
});

describe('a connection that asks for nothing', () => {
  it('begins behind what the node acknowledged', async () => {
    await nodeWith('carol', 3);
    await server.json('carol', '/v1/inbox/ack', { seq: 2 });
    const carol = await Talker.open(server, 'carol');
    expect(carol.hello).toMatchObject({ resumed: false, acked_seq: 2, tail_seq: 3 });
    expect(carol.hello).not.toHaveProperty('reason');
    expect(seqs(await carol.nextEntries(1))).toEqual([3]);
  });
});

describe('a state that the server cannot resume from', () => {
  const insufficient = { resumed: false, reason: 'insufficient_state' };

  it('is another epoch: delivery goes on as without resume', async () => {
    await nodeWith('dave', 2);
    const dave = await Talker.open(server, 'dave', { query: '?epoch=of-old&last_seq=2' });
    expect(dave.hello).toMatchObject(insufficient);
    expect(seqs(await dave.nextEntries(2))).toEqual([1, 2]);
  });

  it('is a last_seq beyond the tail', async () => {
    const { epoch } = await nodeWith('erin', 2);
    const erin = await Talker.open(server, 'erin', { query: `?epoch=${epoch}&last_seq=3` });
    expect(erin.hello).toMatchObject({ ...insufficient, epoch, tail_seq: 2 });
    expect(seqs(await erin.nextEntries(2))).toEqual([1, 2]);
    erin.ack(3);
    expect(await erin.next()).toMatchObject({ code: 'invalid_field', field: 'seq' });
  });

  it('is a last_seq below the floor, and just above it is none', async () => {
    const { epoch } = await nodeWith('frank', 6);
    await server.json('frank', '/v1/inbox/ack', { seq: 4 });
    await collectAcknowledged(server, 'frank');
    const below = await Talker.open(server, 'frank', { query: `?epoch=${epoch}&last_seq=3` });
    expect(below.hello).toMatchObject({ ...insufficient, floor_seq: 5, acked_seq: 4 });
    expect(seqs(await below.nextEntries(2))).toEqual([5, 6]);
    const at = await Talker.open(server, 'frank', { query: `?epoch=${epoch}&last_seq=4` });
    expect(at.hello).toMatchObject({ resumed: true });
    expect(seqs(await at.nextEntries(2))).toEqual([5, 6]);
  });
});

it('epoch and last_seq come together and well-formed, or the handshake is refused', async () => {
  const { epoch } = await nodeWith('grace', 0);
  const queries = [`?epoch=${epoch}`, '?last_seq=0', `?epoch=${epoch}&last_seq=-1`, `?epoch=${epoch}&last_seq=1e1`];
  for (const query of queries) {
    const refused = await Talker.dial(server, 'grace', { query });
    expect(
      await new Promise((resolve) =>
        refused.socket.once('unexpected-response', (_, { statusCode }) => resolve(statusCode)),
      ),
    ).toBe(400);
  }
});

it('the epoch and all numbers outlive a restart', async () => {
  const before = await TestServer.start();
  const first = await Talker.open(before, 'bob');
  await first.ask({ dest_id: 'bob', payload: 1 });
  first.ack(1);
  await first.fence();
  await first.ask({ dest_id: 'bob', payload: 2 });
  const after = await before.restart();
  const again = await Talker.open(after, 'bob', { query: `?epoch=${String(first.hello['epoch'])}&last_seq=1` });
  expect(again.hello).toMatchObject({ epoch: first.hello['epoch'], resumed: true, acked_seq: 1, tail_seq: 2 });
  expect(await again.nextEntries(1)).toMatchObject([{ seq: 2, payload: 2 }]);
  await after.stop();
});
