import { afterEach, describe, expect, it } from 'vitest';
import type { SessionEvent } from './frames.js';
import type { ClientOptions } from './options.js';
import { ClientHarness } from './testing/client-harness.js';
import { Mailbox } from './testing/mailbox.js';
import type { ScriptedConnection, WireFrame } from './testing/scripted-server.js';

let harness: ClientHarness;

const start = async (options: Partial<ClientOptions> = {}): Promise<ClientHarness> => {
  harness = await ClientHarness.start(options);
  return harness;
};

afterEach(() => harness.stop());

const ignore = (sending: Promise<unknown>): void => void sending.catch(() => undefined);

function said(sessionSeq: number, more: WireFrame = {}): WireFrame {
  const id = `s${sessionSeq}`;
  return { id, type: 0, src_id: 'alice', dest_session_id: 's', timestamp: 1, session_seq: sessionSeq, ...more };
}

const answer = (body: object, status = 200): void => harness.server.answerNext({ status, body });
const you = { node_id: 'me', alias: '~mine' };
const page = (messages: WireFrame[], tail: number): object => ({ messages, tail, complete: true });

function gapIn(connection: ScriptedConnection): void {
  connection.send({ type: -115, seq: 1, dest_session_id: 's', from_session_seq: 3 });
}

describe('sending to groups', () => {
  it('names a session, a member of it, or a client', async () => {
    await start();
    const connection = await harness.open();
    const sent = [
      harness.client.send({ destSessionId: 's', id: 'i1' }),
      harness.client.send({ destSessionId: 's', destId: '~a', id: 'i2' }),
      harness.client.send({ destClientId: 'c', id: 'i3', report: ['delivered'] }),
      harness.client.send({ destSessionId: 's', id: 'i4', transient: true }),
    ];
    expect(await connection.nextMany(4)).toEqual([
      { dest_session_id: 's', id: 'i1' },
      { dest_session_id: 's', dest_id: '~a', id: 'i2' },
      { dest_client_id: 'c', id: 'i3', report: ['delivered'] },
      { dest_session_id: 's', id: 'i4', transient: true },
    ]);
    for (const id of ['i1', 'i2', 'i3']) connection.stored(id);
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    expect(statuses).toEqual(['stored', 'stored', 'stored', 'sent']);
  });

  it('rejects with the code of what does not work in this session', async () => {
    await start();
    const connection = await harness.open();
    const refusals: WireFrame[] = [
      { type: -5, dest_session_id: 's', code: 'session_denied', reason: 'no' },
      { type: -113, code: 'member_unknown', reason: 'no', field: 'dest_id' },
      { type: -113, code: 'no_master', reason: 'no' },
      { type: -113, code: 'forbidden', reason: 'no' },
      { type: -3, src_id: 'c', code: 'node_unknown', reason: 'no' },
    ];
    for (const refusal of refusals) {
      const sending = harness.client.send({ destSessionId: 's', id: 'i1' });
      ignore(sending);
      await connection.next();
      connection.send({ ...refusal, id: 'i1' });
      await expect(sending).rejects.toMatchObject({ code: refusal['code'], id: 'i1' });
    }
    expect(harness.client.unconfirmed).toBe(0);
  });

  it('reports that a transient message came to nobody', async () => {
    await start();
    const connection = await harness.open();
    await harness.client.send({ destSessionId: 's', id: 'i1', transient: true });
    connection.send({ type: -5, dest_session_id: 's', id: 'i1', code: 'session_denied', reason: 'no' });
    expect(await harness.errors.take()).toMatchObject({ code: 'session_denied', id: 'i1' });
  });

  it('holds back the session that was refused for now, and not its members', async () => {
    await start();
    const connection = await harness.open();
    ignore(harness.client.send({ destSessionId: 's', id: 'i1' }));
    await connection.next();
    connection.send({ type: -113, code: 'retry_later', reason: 'busy', id: 'i1', retry_after_ms: 200 });
    connection.send({ type: -113, code: 'unknown_field', reason: 'a marker that the refusal was read' });
    await harness.errors.take();
    ignore(harness.client.send({ destSessionId: 's', id: 'i2' }));
    ignore(harness.client.send({ destId: 'alice', id: 'i3' }));
    expect(await connection.next()).toMatchObject({ id: 'i3' });
    harness.timers.advance(200);
    expect((await connection.nextMany(2)).map((frame) => frame['id'])).toEqual(['i1', 'i2']);
  });
});

describe('what happens in a session', () => {
  it('is told in its place among the messages', async () => {
    const told = new Mailbox<string>();
    await start({
      onMessage: ({ sessionSeq }) => told.put(`message ${sessionSeq}`),
      onSessionEvent: ({ event, srcId, nodeId, sessionSeq }) => told.put(`${event} ${srcId} ${nodeId} ${sessionSeq}`),
    });
    const connection = await harness.open();
    connection.send(said(2, { type: 100, seq: 1, src_id: '~a' }));
    connection.send(said(3, { seq: 2 }));
    connection.send(said(4, { type: 104, seq: 3, src_id: '~a', payload: { node_id: 'bob' } }));
    connection.send(said(5, { type: 103, seq: 4, src_id: 'bob' }));
    connection.send(said(9, { type: 105, seq: 5 }));
    const seen: string[] = [];
    while (seen.length < 5) seen.push(await told.take());
    expect(seen).toEqual([
      'joined ~a undefined 2',
      'message 3',
      'revealed ~a bob 4',
      'left bob undefined 5',
      'ended alice undefined 9',
    ]);
  });

  it('waits for its handler, as messages do, and is acknowledged', async () => {
    const events = new Mailbox<SessionEvent>();
    let end!: () => void;
    await start({
      onSessionEvent: (event) => {
        events.put(event);
        return new Promise((resolve) => (end = resolve));
      },
    });
    const connection = await harness.open();
    connection.send(said(2, { type: 100, seq: 1 }));
    connection.send(said(3, { seq: 2 }));
    await events.take();
    expect(harness.messages.rest).toEqual([]);
    end();
    expect(await harness.seqs(1)).toEqual([2]);
    await expect.poll(() => harness.client.position?.lastSeq).toBe(2);
    harness.timers.advance(1000);
    expect(await connection.next()).toEqual({ type: -111, seq: 2 });
  });
});

describe('a gap', () => {
  it('is filled from history before what came later, each message once', async () => {
    await start();
    const connection = await harness.open({ tail_seq: 4 });
    answer({ you });
    answer(page([said(3), said(4, { src_id: '~mine' })], 4));
    answer({ acked_seq: 1 });
    answer(page([said(6)], 6));
    gapIn(connection);
    connection.send(said(6, { seq: 2 }));
    connection.send(said(7, { seq: 3 }));
    connection.send({ ...said(1, { seq: 4 }), dest_session_id: 'another' });
    const seen = [];
    while (seen.length < 4) seen.push(await harness.messages.take());
    expect(seen).toMatchObject([
      { sessionSeq: 3, fromHistory: true, destSessionId: 's' },
      { sessionSeq: 6, fromHistory: true },
      { sessionSeq: 7, seq: 3 },
      { sessionSeq: 1, seq: 4, destSessionId: 'another' },
    ]);
    expect(seen[2]?.fromHistory).toBeUndefined();
    expect(harness.server.calls).toEqual([
      'GET /v1/sessions/s',
      'GET /v1/sessions/s/messages?after=2',
      'POST /v1/inbox/ack {"seq":1,"epoch":"e1"}',
      'GET /v1/sessions/s/messages?after=4',
    ]);
    await expect.poll(() => harness.client.position).toEqual({ epoch: 'e1', lastSeq: 4 });
  });

  it('in the inbox of a client is filled from the messages of that client', async () => {
    await start();
    const connection = await harness.open();
    const toClient = said(3, { dest_session_id: undefined, dest_client_id: 'c' });
    answer(page([toClient], 3));
    answer({ acked_seq: 1 });
    answer(page([], 3));
    connection.send({ type: -115, seq: 1, dest_client_id: 'c', from_session_seq: 3 });
    expect(await harness.messages.take()).toMatchObject({ destClientId: 'c', sessionSeq: 3, fromHistory: true });
    await expect.poll(() => harness.client.position?.lastSeq).toBe(1);
    expect(harness.server.calls[0]).toBe('GET /v1/clients/c/messages?after=2');
  });

  it('is remembered in the position until the inbox has passed it, and not read twice after a restart', async () => {
    await start();
    const connection = await harness.open();
    answer({ you });
    answer(page([said(3), said(5)], 5));
    answer({ acked_seq: 1 });
    answer(page([], 5));
    gapIn(connection);
    await expect.poll(() => harness.client.position?.lastSeq).toBe(1);
    const position = harness.client.position;
    expect(position).toEqual({ epoch: 'e1', lastSeq: 1, history: [{ destSessionId: 's', sessionSeq: 5 }] });
    await harness.stop();

    await start({ resumeFrom: position });
    void harness.client.connect();
    const next = await harness.accept({ resumed: true, tail_seq: 3 });
    next.send(said(5, { seq: 2 }));
    next.send(said(6, { seq: 3 }));
    expect(await harness.seqs(1)).toEqual([3]);
    await expect.poll(() => harness.client.position).toEqual({ epoch: 'e1', lastSeq: 3 });
  });

  it('that may not be read any more is told, and what follows is handed over', async () => {
    await start();
    const connection = await harness.open();
    answer({ code: 'session_denied', detail: 'no' }, 403);
    gapIn(connection);
    connection.deliver(2);
    expect(await harness.errors.take()).toMatchObject({ code: 'session_denied' });
    expect(await harness.seqs(1)).toEqual([2]);
  });

  it('is left alone when the client closes', async () => {
    await start();
    const connection = await harness.open();
    answer({ code: 'retry_later', detail: 'busy', retry_after_ms: 10_000 }, 503);
    gapIn(connection);
    await expect.poll(() => harness.server.calls.length).toBe(1);
    await harness.client.close();
    expect([harness.errors.rest, harness.client.position?.lastSeq, harness.timers.pending]).toEqual([[], 0, 0]);
  });
});
