import type { Socket } from 'node:net';
import { RawSocket } from '../../support/raw-socket.js';
import { Dialogue } from '../harness/dialogue.js';
import { now, percentile } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import type { ServerNode } from '../harness/server-node.js';
import { FAMILIES } from '../harness/stores.js';
import { pause } from '../harness/wait.js';

const SOCKETS = 500;
const EARLY_S = 15;
const SILENT_S = 40;
const SETTINGS = { HANDSHAKES_PER_SECOND: '0', CONNECTIONS_PER_NODE: '0' };
const HEAD = 'GET /connect HTTP/1.1\r\nhost: localhost\r\nx-slow: ';

interface Held {
  readonly how: 'no bytes' | 'a byte each 5 s' | 'silent after the upgrade';
  readonly openedAt: number;
  readonly socket: RawSocket;
}

export const f32: Row = {
  id: 'F32',
  title: 'slowloris and idle sockets',
  families: FAMILIES,
  short: ['embedded'],
  async run({ report, short, server: start }) {
    const server = await start(short ? { ...SETTINGS, PING_INTERVAL_MS: '8000', PONG_TIMEOUT_MS: '4000' } : SETTINGS);
    const files = server.openFiles;
    const held: Held[] = [];
    for (let index = 0; index < SOCKETS; index += 1) held.push(await hold(server, index));
    const dripping = setInterval(() => drip(held), 5_000);
    const connects = healthyConnects(server, short ? 10_000 : 30_000);
    const ends = await Promise.all(held.map(async (each) => ({ ...each, ...(await endOf(each)) })));
    clearInterval(dripping);
    report.count(SOCKETS, 'sockets');
    for (const [how, bound] of [
      ['no bytes', EARLY_S],
      ['a byte each 5 s', EARLY_S],
      ['silent after the upgrade', SILENT_S],
    ] as const) {
      const times = ends.filter((each) => each.how === how).map(({ seconds }) => seconds);
      report.atMost(`${how}: closed after`, Math.max(...times), bound, 's');
    }
    const silent = ends.filter(({ how }) => how === 'silent after the upgrade');
    report.holdsThat(
      `4001 for the silent ones: ${silent[0]?.code}`,
      silent.every(({ code }) => code === 4001),
    );
    report.latency('p99 of healthy connects', percentile(await connects, 0.99), 200, short);
    await pause(1_000);
    report.atMost('file descriptors left', server.openFiles - files, 5);
    report.holdsThat('the server lives', server.exit === undefined);
  },
};

async function hold(server: ServerNode, index: number): Promise<Held> {
  const openedAt = now();
  if (index % 3 < 2) {
    const socket = await RawSocket.open(server.directPort);
    if (index % 3 === 1) await socket.write(HEAD);
    return { how: index % 3 === 0 ? 'no bytes' : 'a byte each 5 s', openedAt, socket };
  }
  const headers = { authorization: `Bearer ${server.key('silent')}` };
  const { socket } = await RawSocket.upgrade(server.directPort, '/connect', headers);
  return { how: 'silent after the upgrade', openedAt, socket };
}

function drip(held: readonly Held[]): void {
  for (const { how, socket } of held) if (how === 'a byte each 5 s' && isOpen(socket.socket)) void socket.write('x');
}

const isOpen = (socket: Socket): boolean => socket.writable && !socket.destroyed;

async function endOf({ how, openedAt, socket }: Held): Promise<{ seconds: number; code: number }> {
  // Pings are frames: they are read, and not answered.
  const { code } = how === 'silent after the upgrade' ? await socket.closed() : { code: 0 };
  if (code === 0) await socket.ended();
  const seconds = (now() - openedAt) / 1_000;
  socket.destroy();
  return { seconds, code };
}

async function healthyConnects(server: ServerNode, ms: number): Promise<number[]> {
  const times: number[] = [];
  for (const end = now() + ms; now() < end;) {
    const began = now();
    const dialogue = await Dialogue.open(server.directUrl, server.key('healthy'));
    times.push(now() - began);
    await dialogue.close();
    await pause(50);
  }
  return times;
}
