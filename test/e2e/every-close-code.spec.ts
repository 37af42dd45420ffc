import { afterEach, expect, it } from 'vitest';
import { StoreUnavailable, InboxLog } from '../../src/modules/inbox/index.js';
import { closeReason } from '../../src/protocol/index.js';
import { tables, textOf } from '../docs/markdown.js';
import { collectAcknowledged } from '../support/collect.js';
import { clientFrame, OPCODE, RawSocket } from '../support/raw-socket.js';
import { holdStore } from '../support/store-lock.js';
import { type Ending, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const APP = { role: 'app' } as const;

type Settings = Readonly<Record<string, string>>;

let servers: TestServer[] = [];
let raw: RawSocket | undefined;
afterEach(async () => {
  raw?.destroy();
  Talker.hangUp();
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

async function start(settings: Settings = {}): Promise<TestServer> {
  const server = await TestServer.start(settings);
  servers.push(server);
  return server;
}

async function bare(settings: Settings = {}): Promise<RawSocket> {
  const server = await start(settings);
  const headers = { authorization: `Bearer ${await server.key('bob')}` };
  const upgraded = await RawSocket.upgrade(Number(new URL(server.url).port), '/connect', headers);
  raw = upgraded.socket;
  return raw;
}

/** What a peer is told that greets, then sends these bytes. */
async function afterBytes(...frames: Buffer[]): Promise<Ending> {
  const socket = await bare();
  await socket.nextJson();
  await socket.write(Buffer.concat(frames));
  return socket.closed();
}

async function whenItsInboxFails(error: Error): Promise<Ending> {
  const server = await start();
  const log = server.running.app.get(InboxLog, { strict: false });
  log.epoch = () => Promise.reject(error);
  return (await Talker.dial(server, 'bob')).ended;
}

async function slow(): Promise<Ending> {
  const socket = await bare({ OUTBOUND_STUCK_MS: '300' });
  await socket.nextJson();
  socket.pause();
  const [server] = servers;
  const alice = await Talker.open(server!, 'alice', { role: 'app' });
  const isDropped = async (): Promise<boolean> => {
    const text = await (await server!.call('backend', '/metrics', { role: 'app' })).text();
    return text.includes('allspark_drops_total{reason="slow"} 1');
  };
  while (!(await isDropped())) {
    for (let count = 0; count < 20; count += 1) {
      alice.send({ dest_id: 'bob', payload: 'x'.repeat(60_000), transient: true });
    }
    await alice.fence();
  }
  socket.resume();
  return socket.closed();
}

async function notSentAgain(): Promise<Ending> {
  const server = await start({ STORE_DEADLINE_MS: '1000', FAIL_STOP_MS: '200' });
  await server.json('bob', '/v1/inbox');
  const alice = await Talker.open(server, 'alice');
  const release = await holdStore(server.dataDir);
  expect(await alice.ask({ dest_id: 'bob' })).toMatchObject({ code: 'retry_later' });
  await release();
  return alice.ended;
}

/** Of two processes on one store the second does not hear what the first removes. */
async function behindTheFloor(): Promise<Ending> {
  const settings = { POLL_INTERVAL_MS: '600000', POLL_JITTER_MS: '10', WINDOW_MESSAGES: '2', ACKED_KEEP_MESSAGES: '0' };
  const here = await start(settings);
  await here.json('bob', '/v1/inbox');
  await here.json('alice', '/v1/messages', { messages: Array.from({ length: 6 }, () => ({ dest_id: 'bob' })) });
  const there = await start({ ...settings, DATA_DIR: here.dataDir });
  const bob = await Talker.open(there, 'bob');
  await bob.nextEntries(2);
  await here.json('bob', '/v1/inbox/ack', { seq: 5 });
  await collectAcknowledged(here, 'bob');
  bob.ack(2);
  return bob.ended;
}

async function farTooFast(): Promise<Ending> {
  const rate = { RATE_PER_SECOND: '10', RATE_BURST: '10', RATE_PAUSE_MS: '0', RATE_ABUSE_FACTOR: '2' };
  const alice = await Talker.open(await start({ ...rate, RATE_ABUSE_MS: '200' }), 'alice');
  for (let turn = 0; alice.socket.readyState === alice.socket.OPEN; turn += 1) {
    alice.send({ type: -101, id: `q${turn}`, payload: { fetch_inbox: {} } });
    await new Promise(setImmediate);
  }
  return alice.ended;
}

async function endedByTheApplication(call: (server: TestServer) => Promise<unknown>): Promise<Ending> {
  const server = await start();
  const bob = await Talker.open(server, 'bob');
  await call(server);
  return bob.ended;
}

const WAYS: Readonly<Record<number, () => Promise<Ending>>> = {
  1000: async () => (await Talker.open(await start(), 'bob')).close(),
  1002: () => afterBytes(clientFrame('{}', { masked: false })),
  1003: () => afterBytes(clientFrame('{}', { opcode: OPCODE.binary })),
  1007: () => afterBytes(clientFrame(Buffer.from([0xc3, 0x28]))),
  1008: () =>
    afterBytes(
      clientFrame('{', { fin: false }),
      ...Array.from({ length: 70 }, () => clientFrame(' ', { fin: false, opcode: OPCODE.continuation })),
    ),
  1009: () => afterBytes(clientFrame('x'.repeat(70_000))),
  1011: () => whenItsInboxFails(new Error('a fault')),
  1012: async () => {
    const server = await start();
    const bob = await Talker.open(server, 'bob');
    servers = [];
    await server.stop();
    return bob.ended;
  },
  1013: () => whenItsInboxFails(new StoreUnavailable('away')),
  4000: slow,
  4001: async () => {
    const socket = await bare({ PING_INTERVAL_MS: '60', PING_JITTER_PERCENT: '0', PONG_TIMEOUT_MS: '120' });
    return socket.closed();
  },
  4002: async () => {
    const server = await start({ CLOCK_LEEWAY_MS: '0' });
    return (await Talker.open(server, 'bob', { ttlSeconds: 3 })).ended;
  },
  4003: async () => {
    const server = await start({ CONNECTIONS_PER_NODE: '1' });
    await Talker.open(server, 'bob');
    return (await Talker.dial(server, 'bob')).ended;
  },
  4004: notSentAgain,
  4005: behindTheFloor,
  4500: () => endedByTheApplication((server) => server.json('backend', '/v1/revocations', { node_id: 'bob' }, APP)),
  4501: () =>
    endedByTheApplication((server) =>
      server.call('backend', '/v1/nodes/bob/connections', { method: 'DELETE', ...APP }),
    ),
  4502: farTooFast,
};

/** Proxies and browsers send the first; the second is what a client sees when nobody sent any. */
const NOT_BY_A_SERVER_NODE = [1001, 1006];

const documented = tables(textOf('docs/protocol.md'))
  .filter(({ head }) => head[0] === 'code' && head[1] === 'come back')
  .flatMap(({ rows }) => rows.map(([code = '']) => Number(code)));

it('every close code of the list is sent by a server node, or is known not to be', () => {
  expect(new Set([...Object.keys(WAYS).map(Number), ...NOT_BY_A_SERVER_NODE])).toEqual(new Set(documented));
});

it.each(Object.keys(WAYS).map(Number))('a connection ends with %i', async (code) => {
  const ending = await WAYS[code]!();
  expect(ending.code).toBe(code);
  const invites = closeReason(code, 1) !== '';
  if (invites) expect(ending.reason).toMatch(/^retry_after_ms=\d+$/);
  else expect(ending.reason).not.toContain('retry_after_ms');
});
