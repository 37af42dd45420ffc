import { afterEach, describe, expect, it } from 'vitest';
import { AllsparkClient } from './client.js';
import type { ClientOptions } from './options.js';
import { ClientHarness } from './testing/client-harness.js';
import { messageOf } from './testing/scripted-server.js';

let harness: ClientHarness;

const start = async (options: Partial<ClientOptions> = {}): Promise<ClientHarness> => {
  harness = await ClientHarness.start(options);
  return harness;
};

const keyOf = (name: string): string => `${name}.${btoa(JSON.stringify({ iat: 1000, exp: 1100 }))}.x`;

afterEach(() => harness.stop());

const ignore = (sending: Promise<unknown>): void => void sending.catch(() => undefined);

describe('opening', () => {
  it('asks for a pre-connection with its key and gives the hello', async () => {
    const { client, server } = await start();
    const ready = client.connect();
    const connection = await harness.accept({ tail_seq: 9, acked_seq: 4 });
    await expect(ready).resolves.toMatchObject({ nodeId: 'me', epoch: 'e1', tailSeq: 9 });
    expect(server.keys).toEqual(['Bearer key']);
    expect([...connection.query.keys()]).toEqual(['validation_key']);
    expect(client.position).toEqual({ epoch: 'e1', lastSeq: 4 });
    expect(client.state).toBe('open');
  });

  it('resumes from where an earlier run stood', async () => {
    await start({ resumeFrom: { epoch: 'e 1', lastSeq: 3 } });
    void harness.client.connect();
    const connection = await harness.accept({ epoch: 'e 1', resumed: true, tail_seq: 4 });
    expect(connection.query.get('epoch')).toBe('e 1');
    expect(connection.query.get('last_seq')).toBe('3');
    await harness.status('resumed');
    connection.deliver(4);
    expect(await harness.seqs(1)).toEqual([4]);
  });

  it('says so when there is no WebSocket', async () => {
    await start();
    const platform = globalThis as { WebSocket?: unknown };
    const before = platform.WebSocket;
    platform.WebSocket = undefined;
    try {
      expect(() => new AllsparkClient({ url: 'http://x', authKey: 'k' })).toThrow(/no global WebSocket/);
    } finally {
      platform.WebSocket = before;
    }
  });

  it('waits as long as a busy server asks', async () => {
    await start();
    const problem = { code: 'no_server_node', detail: 'none' };
    harness.server.answerNext({ status: 503, body: problem, headers: { 'retry-after': '7' } });
    void harness.client.connect();
    expect(await harness.passDelay()).toMatchObject({ delayMs: 7250, error: { code: 'no_server_node' } });
    await harness.accept();
    await harness.status('open');
  });

  it('tries a refused key once more with a fresh one, then gives up', async () => {
    let made = 0;
    await start({ authKey: () => Promise.resolve(`key${(made += 1)}`) });
    const refusal = { status: 401, body: { code: 'unauthorized', detail: 'no' } };
    harness.server.answerNext(refusal);
    harness.server.answerNext(refusal);
    await expect(harness.client.connect()).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
    expect(harness.server.keys).toEqual(['Bearer key1', 'Bearer key2']);
    expect(await harness.status('closed')).toMatchObject({ error: { code: 'unauthorized' } });
    expect(harness.client.state).toBe('closed');
  });

  it('gives up a refused key that cannot be renewed', async () => {
    await start();
    harness.server.answerNext({ status: 403, body: { code: 'forbidden', detail: 'no' } });
    await expect(harness.client.connect()).rejects.toMatchObject({ code: 'forbidden' });
    expect(harness.server.keys).toHaveLength(1);
  });

  it('comes back when no hello comes in time', async () => {
    await start();
    void harness.client.connect();
    await harness.server.connections.take();
    harness.timers.advance(10_000);
    expect(await harness.passDelay()).toMatchObject({ reason: 'no hello' });
    await harness.accept();
    await harness.status('open');
  });
});

describe('renewing the key', () => {
  it('opens a connection with a new key before the old one expires', async () => {
    let made = 0;
    await start({ authKey: () => keyOf(`key${(made += 1)}`) });
    const old = await harness.open();
    harness.timers.advance(44_999);
    old.deliver(1);
    await harness.seqs(1);
    harness.timers.advance(45_000);
    expect(harness.server.keys).toHaveLength(1);
    harness.timers.advance(1);
    const next = await harness.accept({ resumed: true });
    expect(next.query.get('last_seq')).toBe('1');
    await harness.status('moved');
    expect(await old.closed).toBe(1000);
    expect(harness.server.keys.map((key) => key.split('.')[0])).toEqual(['Bearer key1', 'Bearer key2']);
  });

  it('keeps the connection when there is no new key', async () => {
    let made = 0;
    await start({ authKey: () => ((made += 1) === 1 ? keyOf('key1') : Promise.reject(new Error('no key'))) });
    const old = await harness.open();
    harness.timers.advance(45_000);
    old.deliver(1);
    await harness.seqs(1);
    harness.timers.advance(45_000);
    expect(await harness.errors.take()).toMatchObject({ message: 'no key' });
    old.deliver(2);
    expect(await harness.seqs(1)).toEqual([2]);
  });
});

describe('closing', () => {
  it.each([1001, 1011, 1012, 1013, 4000, 4003, 4005])('comes back after %i, not before the wait', async (code) => {
    await start();
    const connection = await harness.open();
    connection.close(code, 'retry_after_ms=3000');
    const event = await harness.passDelay();
    expect(event).toMatchObject({ code, delayMs: 3250 });
    await harness.accept({ resumed: true });
    await harness.status('resumed');
  });

  it.each([1000, 1008, 1009, 4500, 4501, 4502])('stays away after %i and rejects what is pending', async (code) => {
    await start();
    const connection = await harness.open();
    const pending = harness.client.send({ destId: 'b' });
    ignore(pending);
    connection.close(code, 'bye');
    expect(await harness.status('closed')).toMatchObject({ code, reason: 'bye' });
    await expect(pending).rejects.toMatchObject({ code: 'closed' });
    await expect(harness.client.send({ destId: 'b' })).rejects.toMatchObject({ code: 'closed' });
    expect(harness.timers.pending).toBe(0);
  });

  it('waits longer after each short connection, and begins again after one that lasted', async () => {
    await start();
    const delays: number[] = [];
    let connection = await harness.open();
    for (const livedMs of [0, 0, 10_000, 0]) {
      harness.timers.advance(livedMs);
      connection.close(1012);
      delays.push((await harness.passDelay()).delayMs);
      connection = await harness.accept({ resumed: true });
      await harness.status('resumed');
    }
    expect(delays).toEqual([250, 500, 250, 500]);
  });

  it('gets a new key after 4002 before it comes back', async () => {
    let made = 0;
    await start({ authKey: () => `key${(made += 1)}` });
    const connection = await harness.open();
    connection.close(4002);
    await harness.comeBack();
    await harness.status('resumed');
    expect(harness.server.keys).toEqual(['Bearer key1', 'Bearer key2']);
  });

  it('acknowledges what was processed, rejects what is pending and leaves no timer', async () => {
    await start();
    const connection = await harness.open();
    const pending = harness.client.send({ destId: 'b', id: 'i1' });
    ignore(pending);
    await connection.next();
    connection.deliver(1);
    await harness.seqs(1);
    await harness.client.close();
    expect(await connection.next()).toEqual({ type: -111, seq: 1 });
    expect(await connection.closed).toBe(1000);
    await expect(pending).rejects.toMatchObject({ code: 'closed' });
    expect(harness.timers.pending).toBe(0);
  });
});

describe('the HTTP side', () => {
  it('reads the inbox and acknowledges without a connection', async () => {
    await start();
    const page = { messages: [messageOf(7)], epoch: 'e1', floor_seq: 1, tail_seq: 7, acked_seq: 0, complete: true };
    harness.server.answerNext({ status: 200, body: page });
    const read = await harness.client.readInbox({ afterSeq: 6, limit: 10 });
    expect(read).toMatchObject({ epoch: 'e1', tailSeq: 7, messages: [{ kind: 'message', seq: 7, srcId: 'other' }] });
    harness.server.answerNext({ status: 200, body: { acked_seq: 7 } });
    await expect(harness.client.ackInbox(7, 'e1')).resolves.toBe(7);
    expect(harness.server.calls).toEqual([
      'GET /v1/inbox?after_seq=6&limit=10',
      'POST /v1/inbox/ack {"seq":7,"epoch":"e1"}',
    ]);
  });
});
