import { afterEach, describe, expect, it } from 'vitest';
import type { ClientOptions } from './options.js';
import { ClientHarness } from './testing/client-harness.js';
import { messageOf, type ScriptedConnection } from './testing/scripted-server.js';

let harness: ClientHarness;

async function start(options: Partial<ClientOptions> = {}): Promise<void> {
  harness = await ClientHarness.start(options);
}

afterEach(() => harness.stop());

const REFUSAL = { status: 503, body: { code: 'no_server_node', detail: 'none', retry_after_ms: 1_000 } };

/** Tells the client to move; answers the connection that it opens, which is not greeted yet. */
async function move(from: ScriptedConnection): Promise<ScriptedConnection> {
  from.send({ type: -114, ...harness.server.target(), within_ms: 5000 });
  return harness.server.connections.take();
}

/** Ends a connection that was not greeted; the client knows it when this resolves, and tries again after 250 ms. */
async function refuse(next: ScriptedConnection): Promise<void> {
  next.close(1013);
  await harness.timers.planned(250);
}

describe('a client that is told to move', () => {
  it('opens the new one, resumes, resends, then closes the old: nothing twice, nothing missing', async () => {
    await start();
    const old = await harness.open();
    old.deliver(1);
    await harness.seqs(1);
    const sending = harness.client.send({ destId: 'b', id: 'i1' });
    await old.next();
    const next = await move(old);
    expect(next.query.get('last_seq')).toBe('1');
    const transient = { id: 't1', type: 0, src_id: 'other', dest_id: 'me', timestamp: 1 };
    old.deliver(2);
    old.send(transient);
    expect(await harness.seqs(2)).toEqual([2, undefined]);
    next.hello({ resumed: true, tail_seq: 3 });
    next.deliver(2, 3);
    next.send(transient);
    expect(await next.next()).toMatchObject({ id: 'i1' });
    next.send({ type: -112, id: 'i1', status: 'duplicate' });
    await expect(sending).resolves.toMatchObject({ status: 'duplicate' });
    await harness.status('moved');
    expect(await old.closed).toBe(1000);
    next.deliver(4);
    expect(await harness.seqs(2)).toEqual([3, 4]);
    expect(harness.messages.rest).toEqual([]);
  });

  it('finds another place by a new pre-connection when the one that it was told is not to be had', async () => {
    await start();
    const old = await harness.open();
    const next = await move(old);
    await refuse(next);
    old.deliver(1);
    await harness.seqs(1);
    const sending = harness.client.send({ destId: 'b', id: 'i1' });
    await old.next();
    harness.timers.advance(250);
    const third = await harness.accept({ resumed: true, tail_seq: 1 });
    expect(third.query.get('last_seq')).toBe('1');
    expect(await third.next()).toMatchObject({ id: 'i1' });
    third.stored('i1');
    await expect(sending).resolves.toMatchObject({ status: 'stored' });
    await harness.status('moved');
    expect(await old.closed).toBe(1000);
  });

  it('asks again for another place, not before the wait, as long as the old one lasts', async () => {
    await start();
    const old = await harness.open();
    const next = await move(old);
    await refuse(next);
    old.deliver(1);
    await harness.seqs(1);
    harness.server.answerNext(REFUSAL);
    harness.timers.advance(250);
    await harness.timers.planned(1_500);
    harness.timers.advance(1_499);
    old.deliver(2);
    expect(await harness.seqs(1)).toEqual([2]);
    expect(harness.server.keys).toHaveLength(2);
    harness.timers.advance(1);
    await harness.accept({ resumed: true, tail_seq: 2 });
    await harness.status('moved');
    expect(await old.closed).toBe(1000);
  });

  it('comes back when the old one ends before another place was found', async () => {
    await start();
    const old = await harness.open();
    const next = await move(old);
    await refuse(next);
    old.deliver(1);
    await harness.seqs(1);
    old.close(1012, 'retry_after_ms=500');
    const third = await harness.comeBack();
    expect(third.query.get('last_seq')).toBe('1');
    await harness.status('resumed');
    harness.timers.advance(5_000);
    third.deliver(2);
    expect(await harness.seqs(1)).toEqual([2]);
    expect(harness.server.connections.rest).toEqual([]);
  });

  it('moves on at once when the new one is going away as well', async () => {
    await start();
    const old = await harness.open();
    const sending = ['i1', 'i2'].map((id) => harness.client.send({ destId: 'b', id }));
    await old.nextMany(2);
    const next = await move(old);
    next.hello({ resumed: false, tail_seq: 0 });
    expect(await next.nextMany(2)).toMatchObject([{ id: 'i1' }, { id: 'i2' }]);
    next.stored('i1');
    const third = await move(next);
    expect(await old.closed).toBe(1000);
    third.hello({ resumed: true });
    expect(await third.next()).toMatchObject({ id: 'i2' });
    third.stored('i2');
    await expect(Promise.all(sending)).resolves.toMatchObject([{ id: 'i1' }, { id: 'i2' }]);
    expect(await next.closed).toBe(1000);
    expect(third.query.get('last_seq')).toBe('0');
  });

  it('opens one connection when it is told twice', async () => {
    await start();
    const old = await harness.open();
    const next = await move(old);
    old.send({ type: -114, ...harness.server.target(), within_ms: 5000 });
    old.deliver(1);
    await harness.seqs(1);
    next.hello({ resumed: true });
    await harness.status('moved');
    expect(await old.closed).toBe(1000);
    expect(harness.server.connections.rest).toEqual([]);
  });

  it('goes on with the new one when the old one ends before it is greeted there', async () => {
    await start();
    const old = await harness.open();
    const sending = ['i1', 'i2'].map((id) => harness.client.send({ destId: 'b', id }));
    await old.nextMany(2);
    old.deliver(1);
    await harness.seqs(1);
    const next = await move(old);
    old.stored('i1');
    old.deliver(2);
    expect(await harness.seqs(1)).toEqual([2]);
    old.close(1012, 'retry_after_ms=500');
    // That the server's end is closed does not tell that the client has seen it.
    await expect.poll(() => harness.client.state).toBe('reconnecting');
    const later = harness.client.send({ destId: 'b', id: 'i3' });
    next.hello({ resumed: true, tail_seq: 3 });
    next.deliver(2, 3);
    expect(await next.nextMany(2)).toMatchObject([{ id: 'i2' }, { id: 'i3' }]);
    next.stored('i2');
    next.stored('i3');
    await Promise.all([...sending, later]);
    expect(await harness.seqs(1)).toEqual([3]);
    expect(harness.messages.rest).toEqual([]);
    await harness.status('resumed');
    expect(harness.server.keys).toHaveLength(1);
  });

  it('stays away when the old one is closed for good meanwhile', async () => {
    await start();
    const old = await harness.open();
    const next = await move(old);
    old.close(4501, 'bye');
    expect(await harness.status('closed')).toMatchObject({ code: 4501 });
    await next.closed;
    expect(harness.timers.pending).toBe(0);
  });

  it('closes both, and leaves no timer, when the application closes it meanwhile', async () => {
    await start();
    const old = await harness.open();
    const next = await move(old);
    await harness.client.close();
    expect(await old.closed).toBe(1000);
    await next.closed;
    expect(harness.timers.pending).toBe(0);
  });

  it('hands over a transient message that only the old one brought before, and the next one of the same kind', async () => {
    await start();
    const old = await harness.open();
    const next = await move(old);
    await refuse(next);
    old.deliver(1);
    await harness.seqs(1);
    const transient = { ...messageOf(1), seq: undefined, id: 't' };
    old.send(transient);
    old.send(transient);
    expect(await harness.seqs(2)).toEqual([undefined, undefined]);
  });
});

describe('a client that knows several servers', () => {
  it('asks the next one when one does not answer, and stays there', async () => {
    const asked: string[] = [];
    await start({
      url: ['http://127.0.0.1:1', 'http://b'],
      fetch: (url, init) => {
        asked.push(new URL(url).origin);
        return url.startsWith('http://b') ? fetch(url.replace('http://b', harness.server.url), init) : fetch(url, init);
      },
    });
    const connection = await harness.open();
    connection.close(1012);
    await harness.comeBack();
    expect(asked).toEqual(['http://127.0.0.1:1', 'http://b', 'http://b']);
  });

  it('asks the next one after one that cannot find a place', async () => {
    const asked: string[] = [];
    await start({
      url: ['http://a', 'http://b'],
      fetch: (url, init) => {
        asked.push(new URL(url).origin);
        return fetch(url.replace(/^http:\/\/[ab]/, harness.server.url), init);
      },
    });
    harness.server.answerNext(REFUSAL);
    void harness.client.connect();
    await harness.comeBack({});
    await harness.status('open');
    expect(asked).toEqual(['http://a', 'http://b']);
  });

  it('comes back later when none of them answers', async () => {
    await start({ url: ['http://127.0.0.1:1', 'http://127.0.0.1:1/'] });
    void harness.client.connect();
    expect(await harness.status('reconnecting')).toMatchObject({ delayMs: 250 });
  });
});
