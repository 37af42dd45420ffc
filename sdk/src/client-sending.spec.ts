import { afterEach, describe, expect, it } from 'vitest';
import type { ClientOptions } from './options.js';
import { ClientHarness } from './testing/client-harness.js';

let harness: ClientHarness;

const start = async (options: Partial<ClientOptions> = {}): Promise<ClientHarness> => {
  harness = await ClientHarness.start(options);
  return harness;
};

afterEach(() => harness.stop());

const ignore = (sending: Promise<unknown>): void => void sending.catch(() => undefined);

describe('sending', () => {
  it('resolves with the receipt and makes ids of 128 random bits', async () => {
    await start();
    const connection = await harness.open();
    const sending = harness.client.send({ destId: 'b', type: 5, payload: { x: 1 } });
    const frame = await connection.next();
    expect(frame).toEqual({ dest_id: 'b', id: expect.stringMatching(/^[0-9a-f]{32}$/), type: 5, payload: { x: 1 } });
    connection.stored(frame['id']);
    await expect(sending).resolves.toEqual({ id: frame['id'], status: 'stored' });
    expect(harness.client.unconfirmed).toBe(0);
  });

  it('rejects with code, reason and field of a final refusal', async () => {
    await start();
    const connection = await harness.open();
    const refused = [1, 2, 3].map((n) => harness.client.send({ destId: 'b', id: `i${n}` }));
    refused.forEach(ignore);
    connection.send({ type: -113, code: 'invalid_field', reason: 'no', field: 'type', id: 'i1' });
    connection.send({ type: -3, src_id: 'b', code: 'node_unknown', reason: 'no such node', id: 'i2' });
    connection.send({ type: -5, dest_session_id: 's', code: 'session_denied', reason: 'no', id: 'i3' });
    await expect(refused[0]).rejects.toMatchObject({ code: 'invalid_field', reason: 'no', field: 'type', id: 'i1' });
    await expect(refused[1]).rejects.toMatchObject({ code: 'node_unknown', id: 'i2' });
    await expect(refused[2]).rejects.toMatchObject({ code: 'session_denied', id: 'i3' });
  });

  it('goes back to the first refused one after the wait and resends from there in order', async () => {
    await start();
    const connection = await harness.open();
    const sent = [1, 2, 3].map((n) => harness.client.send({ destId: 'b', id: `i${n}` }));
    await connection.nextMany(3);
    connection.stored('i1');
    await sent[0];
    connection.send({ type: -113, code: 'retry_later', reason: 'busy', id: 'i2', retry_after_ms: 200 });
    connection.send({ type: -113, code: 'retry_later', reason: 'busy', id: 'i3', retry_after_ms: 200 });
    connection.send({ type: -113, code: 'unknown_field', reason: 'a marker that the refusals were read' });
    await harness.errors.take();
    sent.push(harness.client.send({ destId: 'b', id: 'i4' }));
    harness.timers.advance(200);
    expect((await connection.nextMany(3)).map((frame) => frame['id'])).toEqual(['i2', 'i3', 'i4']);
    for (const id of ['i2', 'i3', 'i4']) connection.stored(id);
    await expect(Promise.all(sent)).resolves.toHaveLength(4);
  });

  it('resends after a reconnect what has no receipt, oldest first, before anything new', async () => {
    await start();
    const first = await harness.open();
    const sent = [1, 2, 3].map((n) => harness.client.send({ destId: n === 2 ? 'c' : 'b', id: `i${n}` }));
    await first.nextMany(3);
    first.stored('i2');
    await sent[1];
    first.terminate();
    const { delayMs } = await harness.status('reconnecting');
    sent.push(harness.client.send({ destId: 'b', id: 'i4' }));
    harness.timers.advance(delayMs);
    const second = await harness.accept();
    expect((await second.nextMany(3)).map((frame) => frame['id'])).toEqual(['i1', 'i3', 'i4']);
    second.send({ type: -112, id: 'i1', status: 'duplicate' });
    await expect(sent[0]).resolves.toEqual({ id: 'i1', status: 'duplicate' });
    second.stored('i3');
    second.stored('i4');
    await Promise.all(sent);
  });

  it('resolves a transient message when written, and does not keep it for another connection', async () => {
    await start();
    const connection = await harness.open();
    await expect(harness.client.send({ destId: 'b', transient: true })).resolves.toMatchObject({ status: 'sent' });
    expect(await connection.next()).toMatchObject({ transient: true });
    connection.terminate();
    await harness.status('reconnecting');
    await expect(harness.client.send({ destId: 'b', transient: true })).rejects.toMatchObject({
      code: 'not_connected',
    });
  });

  it('tells of delivered receipts and of nodes that are offline', async () => {
    const told: unknown[] = [];
    await start({ onDelivered: (receipt) => told.push(receipt), onOffline: (notice) => told.push(notice) });
    const connection = await harness.open();
    const sending = harness.client.send({ destId: 'b', id: 'i1', report: ['delivered'] });
    expect(await connection.next()).toMatchObject({ report: ['delivered'] });
    connection.send({ type: -4, src_id: 'b', id: 'i1' });
    connection.send({ type: -112, id: 'i1', status: 'delivered', dest_id: 'b' });
    connection.stored('i1');
    await sending;
    expect(told).toEqual([
      { id: 'i1', destId: 'b' },
      { id: 'i1', destId: 'b' },
    ]);
  });

  it('reports a refusal that belongs to no pending message', async () => {
    await start();
    const connection = await harness.open();
    connection.send({ type: -113, code: 'bad_json', reason: 'no' });
    expect(await harness.errors.take()).toMatchObject({ code: 'bad_json' });
  });
});
