import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientFrame, closeFrame, OPCODE, type RawSocket } from '../../../test/support/raw-socket.js';
import { ManualClock } from '../../common/clock.js';
import { Metrics } from '../../common/metrics.js';
import { ConnectionsService } from '../../modules/connections/index.js';
import { InboxLog, InboxService, StoreUnavailable } from '../../modules/inbox/index.js';
import { Admission } from './admission.js';
import type { NativeConnection } from './native-connection.js';
import { NativeConnections } from './native-connections.js';
import { eventually, Scene } from '../../../test/support/native-scene.js';
import type { NativeAppOptions } from '../../../test/support/native-app.js';

let scene: Scene;

const start = async (options: NativeAppOptions = {}): Promise<void> => void (scene = await Scene.start(options));

afterEach(() => scene.end());

/** Sends a durable message and reads its receipt. */
async function send(from: RawSocket, to: string, id: string, more = ''): Promise<void> {
  await from.text(`{"dest_id":"${to}","id":"${id}"${more}}`);
  expect(await next(from)).toMatchObject({ type: -112, id, status: 'stored' });
}

/** The next frame that is not about presence. */
async function next(socket: RawSocket): Promise<Record<string, unknown>> {
  for (;;) {
    const frame = await socket.nextJson();
    if (frame['type'] !== -4) return frame;
  }
}

describe('a node that connects', () => {
  beforeEach(() => start());

  it('is greeted first, with what it needs to know', async () => {
    const { hello } = await scene.join({ sub: 'a', clientId: 'c' });
    expect(hello).toMatchObject({
      type: -110,
      node_id: 'a',
      client_id: 'c',
      resumed: false,
      floor_seq: 1,
      tail_seq: 0,
      acked_seq: 0,
      max_frame_bytes: 65_536,
      window: 256,
      window_bytes: 524_288,
      ping_interval_ms: 25_000,
    });
    expect(hello).not.toHaveProperty('reason');
  });

  it('gets what waited for it, byte for byte', async () => {
    const { socket: a } = await scene.join({ sub: 'a' });
    await send(a, 'b', 'm1', ',"payload":{"x":1e400,"x": 2}');
    expect(await a.nextJson()).toEqual({ type: -4, src_id: 'b', id: 'm1' });
    const { socket: b, hello } = await scene.join({ sub: 'b' });
    expect(hello).toMatchObject({ tail_seq: 1 });
    expect((await b.frame())?.payload.toString()).toContain('"payload":{"x":1e400,"x": 2}}');
  });

  it('resumes behind what it has, and only in the history that it knows', async () => {
    const { socket: a } = await scene.join({ sub: 'a' });
    for (const id of ['m1', 'm2', 'm3']) await send(a, 'b', id);
    const { hello } = await scene.join({ sub: 'b' });
    const epoch = String(hello['epoch']);
    const resumed = await scene.join({ sub: 'b' }, `?epoch=${epoch}&last_seq=2`);
    expect(resumed.hello).toMatchObject({ resumed: true });
    expect(await resumed.socket.nextJson()).toMatchObject({ seq: 3, id: 'm3' });
    for (const query of [`?epoch=${epoch}&last_seq=4`, '?epoch=other&last_seq=2']) {
      const lost = await scene.join({ sub: 'b' }, query);
      expect(lost.hello).toMatchObject({ resumed: false, reason: 'insufficient_state' });
      expect(await lost.socket.nextJson()).toMatchObject({ seq: 1 });
    }
  });

  it('is one of ten at most: the next is closed before its hello', async () => {
    for (let count = 0; count < 10; count += 1) await scene.join({ sub: 'a' });
    const { socket } = await scene.ask({ sub: 'a' });
    const first = await socket.frame();
    expect(first?.opcode).toBe(OPCODE.close);
    expect(first?.payload.readUInt16BE(0)).toBe(4003);
    expect(first?.payload.toString('utf8', 2)).toMatch(/^retry_after_ms=\d+$/);
  });
});

describe('frames', () => {
  let a: RawSocket;
  let b: RawSocket;

  beforeEach(async () => {
    await start();
    a = (await scene.join({ sub: 'a', clientId: 'c' })).socket;
    b = (await scene.join({ sub: 'b' })).socket;
  });

  it('of many sends at once are stored and delivered in their order, each with its receipt', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `m${index}`);
    await a.write(Buffer.concat(ids.map((id) => clientFrame(`{"dest_id":"b","id":"${id}"}`))));
    for (const [index, id] of ids.entries()) {
      expect(await b.nextJson()).toMatchObject({ seq: index + 1, id, src_id: 'a', src_client_id: 'c' });
      if (index % 64 === 63) await b.json({ type: -111, seq: index + 1 });
    }
    for (const id of ids) expect(await a.nextJson()).toEqual({ type: -112, id, status: 'stored' });
    expect(await scene.server.get(Metrics).text()).toMatch(/limit_hits_total{limit="inbound_frames"} [1-9]/);
  });

  it('that are transient reach who is there, but not the connection that sent them', async () => {
    const { socket: other } = await scene.join({ sub: 'a' });
    await a.json({ dest_id: 'a', transient: true, payload: 1 });
    await a.json({ dest_id: 'b', transient: true, payload: 2 });
    expect(await other.nextJson()).toMatchObject({ transient: true, payload: 1, src_id: 'a' });
    expect(await b.nextJson()).toMatchObject({ transient: true, payload: 2 });
    await a.json({ type: -120 });
    expect(await a.nextJson()).toEqual({ type: -121 });
  });

  it('that are no more than a sign of life get no answer', async () => {
    await a.text('{}');
    await a.json({ type: -120, id: 'q' });
    expect(await a.nextJson()).toEqual({ type: -121, id: 'q' });
  });

  it('that acknowledge move the node on; one beyond what was sent is refused', async () => {
    await send(a, 'b', 'm1');
    expect(await b.nextJson()).toMatchObject({ seq: 1 });
    await b.json({ type: -111, seq: 2 });
    expect(await b.nextJson()).toMatchObject({ type: -113, code: 'invalid_field', field: 'seq' });
    await b.json({ type: -111, seq: 1 });
    await eventually(async () => (await scene.server.get(InboxService).state('b')).ackedSeq === 1);
    expect((await scene.join({ sub: 'b' })).hello).toMatchObject({ acked_seq: 1, tail_seq: 1 });
  });

  it('that acknowledge what is acknowledged already ask nothing of the store', async () => {
    await send(a, 'b', 'm1');
    expect(await b.nextJson()).toMatchObject({ seq: 1 });
    await b.json({ type: -111, seq: 1 });
    const inbox = scene.server.get(InboxService);
    await eventually(async () => (await inbox.state('b')).ackedSeq === 1);
    const log = scene.server.get(InboxLog);
    const marks = log.marks.bind(log);
    let questions = 0;
    log.marks = (logs) => {
      questions += 1;
      return marks(logs);
    };
    await b.write(Buffer.concat([1, 0, 1].map((seq) => clientFrame(JSON.stringify({ type: -111, seq })))));
    await b.json({ type: -120 });
    expect(await b.nextJson()).toEqual({ type: -121 });
    expect(questions).toBe(0);
  });

  it('that ask for the inbox get a page', async () => {
    for (const id of ['m1', 'm2', 'm3']) await send(a, 'b', id);
    const { socket } = await scene.join({ sub: 'b' });
    for (let seq = 1; seq <= 3; seq += 1) await socket.nextJson();
    await socket.json({ type: -101, id: 'q', payload: { fetch_inbox: { after_seq: 1, limit: 1 } } });
    const page = await socket.nextJson();
    expect(page).toMatchObject({ type: -102, id: 'q', payload: { tail_seq: 3, complete: false } });
    expect((page['payload'] as { messages: unknown[] }).messages).toMatchObject([{ seq: 2, id: 'm2' }]);
    await socket.json({ type: -101, id: 'r', payload: { fetch_inbox: { limit: 0 } } });
    expect(await socket.nextJson()).toMatchObject({ type: -113, code: 'invalid_field', id: 'r' });
  });

  it.each([
    ['{"a"', { code: 'bad_json' }],
    ['[]', { code: 'not_an_object' }],
    ['['.repeat(5_000), { code: 'too_deep' }],
    ['{"id":"i","dest_id":"b","x":1}', { code: 'unknown_field', field: 'x', id: 'i' }],
    ['{"id":"i","dest_id":"b","src_id":"z"}', { code: 'reserved_field', field: 'src_id', id: 'i' }],
    ['{"id":"i","dest_id":"b","type":100}', { code: 'reserved_type', field: 'type', id: 'i' }],
    ['{"id":"i","dest_id":"b","id":"j"}', { code: 'invalid_field', field: 'id' }],
    ['{"id":"i"}', { code: 'bad_destination', id: 'i' }],
    ['{"dest_id":"b","dest_client_id":"c"}', { code: 'bad_destination' }],
    ['{"dest_id":{"$gt":""}}', { code: 'invalid_field', field: 'dest_id' }],
    ['{"type":-111}', { code: 'invalid_field', field: 'seq' }],
    [`{${Array.from({ length: 65 }, (_, index) => `"k${index}":0`).join()}}`, { code: 'too_many_keys' }],
  ])('that are bad are answered and close nothing: %s', async (text, problem) => {
    await a.text(text);
    const answer = await a.nextJson();
    expect(answer).toMatchObject({ type: -113, ...problem });
    expect(answer).not.toHaveProperty('retry_after_ms');
    await a.json({ type: -120 });
    expect(await a.nextJson()).toEqual({ type: -121 });
    await b.json({ type: -120 });
    expect(await b.nextJson()).toEqual({ type: -121 });
  });

  it('to what is not known or not there yet get the number of their own', async () => {
    await a.json({ dest_session_id: 's', id: 'i1' });
    expect(await a.nextJson()).toMatchObject({ type: -5, dest_session_id: 's', id: 'i1', code: 'session_denied' });
    await a.json({ dest_client_id: 'nobody', id: 'i2' });
    expect(await a.nextJson()).toMatchObject({ type: -3, src_id: 'nobody', id: 'i2', code: 'node_unknown' });
  });

  it.each([
    ['a binary frame', clientFrame(Buffer.from('{}'), { opcode: OPCODE.binary }), 1003],
    ['a text that is not UTF-8', clientFrame(Buffer.from([0xff, 0xfe])), 1007],
    ['a frame that is too big', clientFrame('x'.repeat(65_537)), 1009],
    ['a length of 2^63', clientFrame('', { claimed: 2n ** 63n }), 1009],
    ['a frame without mask', clientFrame('{}', { masked: false }), 1002],
    ['a reserved bit', clientFrame('{}', { rsv: 4 }), 1002],
    ['a reserved opcode', clientFrame('{}', { opcode: 3 }), 1002],
    ['a continuation of nothing', clientFrame('{}', { opcode: OPCODE.continuation }), 1002],
    ['a close code that must not be sent', closeFrame(1006), 1002],
    ['a close in good order', closeFrame(1000), 1000],
  ])('end the connection where the websocket says so: %s', async (_what, bytes, code) => {
    await a.write(bytes);
    expect((await a.closed()).code).toBe(code);
    a.destroy();
    const counted = `closes_total{code="${code}"} 1`;
    await eventually(async () => (await scene.server.get(Metrics).text()).includes(counted));
    await b.json({ type: -120 });
    expect(await b.nextJson()).toEqual({ type: -121 });
  });

  it('before a close in the same packet are handled', async () => {
    await a.write(Buffer.concat([messages(100), closeFrame(1000)]));
    for (let seq = 1; seq <= 100; seq += 1) expect(await b.nextJson()).toMatchObject({ seq, id: `m${seq - 1}` });
  });

  it('of one fragment a byte come together', async () => {
    await a.write(fragments('{"type":-120,"id":"fragments"}'.padEnd(64)));
    expect(await a.nextJson()).toEqual({ type: -121, id: 'fragments' });
  });

  it('of more than 64 fragments close with 1008', async () => {
    await a.write(fragments('{"type":-120,"id":"fragments"}'.padEnd(65)));
    expect((await a.closed()).code).toBe(1008);
    a.destroy();
    await eventually(async () => (await scene.server.get(Metrics).text()).includes('closes_total{code="1008"} 1'));
  });

  it('of 16 pings in one packet get their pongs; at one more the connection is cut without a code', async () => {
    await a.write(pings(16));
    for (let index = 0; index < 16; index += 1) {
      expect(await a.frame()).toMatchObject({ opcode: OPCODE.pong, payload: Buffer.from(`${index}`) });
    }
    await a.write(pings(17));
    expect((await a.closed()).code).toBe(1006);
    await eventually(async () => (await scene.server.get(Metrics).text()).includes('closes_total{code="1006"} 1'));
    await b.json({ type: -120 });
    expect(await b.nextJson()).toEqual({ type: -121 });
  });
});

/** The text in fragments of one byte. */
function fragments(text: string): Buffer {
  const parts = text.split('').map((byte, index) => {
    const opcode = index === 0 ? OPCODE.text : OPCODE.continuation;
    return clientFrame(byte, { opcode, fin: index === text.length - 1 });
  });
  return Buffer.concat(parts);
}

function pings(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => clientFrame(`${index}`, { opcode: OPCODE.ping })));
}

function messages(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => clientFrame(`{"dest_id":"b","id":"m${index}"}`)));
}

describe('a sender that is too fast', () => {
  it('is answered that it is, and everything behind a refused message is refused too', async () => {
    const clock = new ManualClock(Date.now());
    await start({ clock, native: { ratePerSecond: 1, rateBurst: 5, ratePauseMs: 0 } });
    const { socket } = await scene.join({ sub: 'a' });
    await socket.write(messages(8));
    const answers: Array<Record<string, unknown>> = [];
    while (answers.length < 8) answers.push(await next(socket));
    const byId = new Map(answers.map((answer) => [answer['id'], answer]));
    for (let index = 0; index < 5; index += 1) expect(byId.get(`m${index}`)).toMatchObject({ status: 'stored' });
    for (let index = 5; index < 8; index += 1) {
      expect(byId.get(`m${index}`)).toMatchObject({ type: -113, code: 'rate_limited', retry_after_ms: 1_000 });
    }
  });

  it('is not held back when it is an app', async () => {
    await start({ native: { ratePerSecond: 1, rateBurst: 5, ratePauseMs: 0 } });
    const { socket } = await scene.join({ sub: 'backend', role: 'app' });
    await socket.write(messages(50));
    for (let index = 0; index < 50; index += 1) expect(await next(socket)).toMatchObject({ status: 'stored' });
  });
});

/** When a key that is made now says that it was, ms. */
const secondNow = (): number => Math.floor(Date.now() / 1_000) * 1_000;

async function leaveAtEnd(socket: RawSocket): Promise<void> {
  await socket.closed();
  socket.destroy();
}

describe('a connection ends', () => {
  it('with its key and the leeway', async () => {
    const clock = new ManualClock(Date.now());
    await start({ clock, native: { pingIntervalMs: 3_600_000 } });
    const [earliest, { socket }, latest] = [secondNow(), await scene.join({ sub: 'a', ttlSeconds: 600 }), secondNow()];
    const end = socket.closed();
    const lastsMs = 600_000 + 60_000;
    clock.advance(earliest + lastsMs - 1 - clock.now());
    expect(scene.server.get(NativeConnections).size).toBe(1);
    clock.advance(latest - earliest + 1);
    expect(await end).toEqual({ code: 4002, reason: 'retry_after_ms=0' });
  });

  it('when the peer answers no ping', async () => {
    const clock = new ManualClock(Date.now());
    await start({ clock });
    const { socket } = await scene.join({ sub: 'a' });
    const seen: number[] = [];
    const reading = (async () => {
      for (let frame = await socket.frame(); frame; frame = await socket.frame()) seen.push(frame.opcode);
    })();
    clock.advance(27_500);
    clock.advance(10_000);
    await reading;
    expect(seen).toEqual([OPCODE.ping, OPCODE.close]);
    expect(await scene.server.get(Metrics).text()).toContain('allspark_closes_total{code="4001"} 1');
  });

  it('when the peer does not read, and what was sent to it waits', async () => {
    await start({ native: { outboundPauseBytes: 64_000, outboundCloseBytes: 256_000 } });
    const { socket: b } = await scene.join({ sub: 'b' });
    const { socket: a } = await scene.join({ sub: 'a', role: 'app' });
    b.pause();
    const big = 'x'.repeat(60_000);
    await send(a, 'b', 'kept', ',"payload":1');
    const [of] = scene.server.get(ConnectionsService).here('b');
    while ((of as NativeConnection).isOpen) {
      await a.text(`{"dest_id":"b","transient":true,"payload":"${big}"}`);
      await a.json({ type: -120 });
      expect(await a.nextJson()).toEqual({ type: -121 });
    }
    b.destroy();
    const { socket: again } = await scene.join({ sub: 'b' });
    expect(await again.nextJson()).toMatchObject({ seq: 1, id: 'kept' });
    const metrics = scene.server.get(Metrics);
    await eventually(async () => (await metrics.text()).includes('closes_total{code="4000"} 1'));
  });

  it.each([
    [1013, 'the store is away', new StoreUnavailable('away')],
    [1011, 'the server has a fault', new Error('a fault')],
  ])('with %i before its hello when %s, and may come back', async (code, _why, error) => {
    await start();
    const log = scene.server.get(InboxLog);
    const epoch = log.epoch.bind(log);
    log.epoch = () => Promise.reject(error);
    const { socket, response } = await scene.ask({ sub: 'a' });
    expect(response.status).toBe(101);
    const first = await socket.frame();
    expect([first?.opcode, first?.payload.readUInt16BE(0)]).toEqual([OPCODE.close, code]);
    expect(first?.payload.toString('utf8', 2)).toMatch(/^retry_after_ms=\d{3,4}$/);
    log.epoch = epoch;
    await scene.join({ sub: 'a' });
  });

  it('and leaves nothing behind, however it ends', async () => {
    await start();
    const leave: Array<(socket: RawSocket) => unknown> = [
      (socket) => socket.destroy(),
      (socket) => socket.write(closeFrame(1000)).then(() => leaveAtEnd(socket)),
      (socket) => socket.write(clientFrame('x', { rsv: 7 })).then(() => leaveAtEnd(socket)),
      (socket) => socket.socket.resetAndDestroy(),
      (socket) => socket.socket.end(),
    ];
    for (const [index, go] of leave.entries()) {
      const { socket } = await scene.join({ sub: `n${index}` });
      await socket.text(`{"dest_id":"n${index}","id":"m"}`);
      await go(socket);
    }
    // One that goes while it is still being set up.
    (await scene.ask({ sub: 'hasty' })).socket.destroy();
    const { server } = scene;
    await eventually(() => server.get(NativeConnections).size === 0 && server.get(Admission).held.sockets === 0);
    await eventually(() => server.get(InboxService).depths.readLogs === 0);
    const nodes = [...leave.map((_go, index) => `n${index}`), 'hasty'];
    const rows = () => server.get(ConnectionsService).everywhere(nodes);
    await eventually(async () => (await rows()).every((found) => found.length === 0));
    expect(server.get(ConnectionsService).size).toBe(0);
    expect(server.get(Admission).held).toEqual({ sockets: 0, addresses: 0, pending: 0 });
    expect(await server.get(Metrics).text()).toContain('allspark_outbound_bytes 0');
  });
});
