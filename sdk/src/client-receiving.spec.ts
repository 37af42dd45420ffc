import { afterEach, describe, expect, it } from 'vitest';
import type { ClientOptions } from './options.js';
import { ClientHarness } from './testing/client-harness.js';
import { messageOf } from './testing/scripted-server.js';

let harness: ClientHarness;

const start = async (options: Partial<ClientOptions> = {}): Promise<ClientHarness> => {
  harness = await ClientHarness.start(options);
  return harness;
};

afterEach(() => harness.stop());

describe('receiving', () => {
  it('acknowledges after the handler ran, within a second', async () => {
    await start();
    const connection = await harness.open();
    connection.deliver(1, 2);
    expect(await harness.seqs(2)).toEqual([1, 2]);
    await expect.poll(() => harness.client.position?.lastSeq).toBe(2);
    harness.timers.advance(1000);
    expect(await connection.next()).toEqual({ type: -111, seq: 2 });
  });

  it('acknowledges nothing from a failed handler on, until it is retried', async () => {
    let broken = true;
    await start({
      onMessage: (message) => {
        if (message.seq === 2 && broken) throw new Error('cannot');
        harness.messages.put(message);
      },
    });
    const connection = await harness.open();
    connection.deliver(1, 2, 3);
    expect(await harness.errors.take()).toMatchObject({ message: 'cannot' });
    harness.timers.advance(1000);
    expect(await connection.next()).toEqual({ type: -111, seq: 1 });
    broken = false;
    harness.client.retry();
    expect(await harness.seqs(3)).toEqual([1, 2, 3]);
  });

  it('drops what it has seen', async () => {
    await start();
    const connection = await harness.open();
    connection.deliver(1, 2, 1, 2, 3);
    expect(await harness.seqs(3)).toEqual([1, 2, 3]);
  });

  it('resumes instead of skipping when there is a hole', async () => {
    await start();
    const first = await harness.open();
    first.deliver(1, 3);
    expect(await harness.seqs(1)).toEqual([1]);
    const second = await harness.comeBack({ resumed: true, tail_seq: 3 });
    expect(second.query.get('last_seq')).toBe('1');
    second.deliver(2, 3);
    expect(await harness.seqs(2)).toEqual([2, 3]);
  });

  it('surfaces gone and gap in their places and acknowledges them', async () => {
    const told: unknown[] = [];
    await start({ onGone: (gone) => void told.push(gone), onGap: (gap) => void told.push(gap) });
    const connection = await harness.open();
    connection.send({ type: -116, seq: 1, reason: 'expired' });
    connection.send({ type: -115, seq: 2, dest_session_id: 's', from_session_seq: 8 });
    connection.deliver(3);
    await harness.seqs(1);
    expect(told).toMatchObject([
      { kind: 'gone', seq: 1, reason: 'expired' },
      { kind: 'gap', seq: 2, destSessionId: 's', fromSessionSeq: 8 },
    ]);
    await expect.poll(() => harness.client.position?.lastSeq).toBe(3);
    harness.timers.advance(1000);
    expect(await connection.next()).toEqual({ type: -111, seq: 3 });
  });

  it('leaves the inbox alone when nobody processes messages', async () => {
    await start({ onMessage: undefined });
    const connection = await harness.open();
    connection.deliver(1, 2, 3);
    const sending = harness.client.send({ destId: 'b', id: 'i1' });
    await connection.next();
    connection.stored('i1');
    await sending;
    harness.timers.advance(5000);
    await harness.client.close();
    expect(await connection.closed).toBe(1000);
    expect(harness.client.position?.lastSeq).toBe(0);
  });

  it('reads on from the floor when the server cannot resume, before what is delivered', async () => {
    await start({ resumeFrom: { epoch: 'e1', lastSeq: 2 } });
    void harness.client.connect();
    const reason = 'insufficient_state';
    const connection = await harness.accept({ reason, floor_seq: 5, tail_seq: 8, acked_seq: 7 });
    connection.deliver(8);
    expect(await harness.status('insufficient_state')).toMatchObject({
      epochChanged: false,
      lost: { fromSeq: 3, toSeq: 4 },
    });
    for (const seqs of [[5, 6], [7]]) {
      const request = await connection.next();
      expect(request).toMatchObject({
        type: -101,
        payload: { fetch_inbox: { after_seq: (seqs[0] ?? 0) - 1, before_seq: 8 } },
      });
      const bounds = { epoch: 'e1', floor_seq: 5, tail_seq: 8, acked_seq: 7, complete: false };
      connection.send({ type: -102, id: request['id'], payload: { messages: seqs.map(messageOf), ...bounds } });
    }
    expect(await harness.seqs(4)).toEqual([5, 6, 7, 8]);
    expect(harness.client.position).toMatchObject({ epoch: 'e1' });
  });

  it('reads everything again when the epoch has changed', async () => {
    await start({ resumeFrom: { epoch: 'e0', lastSeq: 50 } });
    void harness.client.connect();
    const connection = await harness.accept({ reason: 'insufficient_state', tail_seq: 1, acked_seq: 1 });
    expect(await harness.status('insufficient_state')).toMatchObject({ epochChanged: true });
    const request = await connection.next();
    const bounds = { epoch: 'e1', floor_seq: 1, tail_seq: 1, acked_seq: 1, complete: true };
    connection.send({ type: -102, id: request['id'], payload: { messages: [messageOf(1)], ...bounds } });
    connection.deliver(2);
    expect(await harness.seqs(2)).toEqual([1, 2]);
    await expect.poll(() => harness.client.position).toEqual({ epoch: 'e1', lastSeq: 2 });
  });

  it('asks a silent server whether it is there and comes back when it is not', async () => {
    await start();
    const connection = await harness.open();
    harness.timers.advance(50_000);
    expect(await connection.next()).toEqual({ type: -120 });
    connection.send({ type: -121 });
    connection.deliver(1);
    await harness.seqs(1);
    harness.timers.advance(10_000);
    expect(harness.client.state).toBe('open');
    harness.timers.advance(60_000);
    await harness.passDelay();
    await harness.accept({ resumed: true });
    await harness.status('resumed');
  });
});
