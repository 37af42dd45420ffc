import { RawSocket, upgradeRequest } from '../../support/raw-socket.js';
import type { Row } from '../harness/row.js';
import type { ServerNode } from '../harness/server-node.js';
import { FAMILIES } from '../harness/stores.js';

const KIB = 1_024;
const ROUNDS = 20;
const SETTINGS = { HANDSHAKES_PER_SECOND: '0' };

export const f33: Row = {
  id: 'F33',
  title: 'header bombs',
  families: FAMILIES,
  short: ['embedded'],
  async run({ report, server: start }) {
    const server = await start(SETTINGS);
    const statuses = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [what, bytes] of Object.entries(bombs(server))) {
        const status = await statusOf(server, bytes);
        statuses.set(String(status), (statuses.get(String(status)) ?? 0) + 1);
        report.holdsThat(`${what}: 4xx or a close, it was ${status}`, status === 0 || (status >= 400 && status < 500));
      }
    }
    report.count(ROUNDS * Object.keys(bombs(server)).length, 'bombs');
    report.note([...statuses].map(([status, count]) => `${status === '0' ? 'closed' : status} × ${count}`).join(', '));
    report.holdsThat('the server lives', server.exit === undefined && (await server.ready(5_000)));
  },
};

function bombs(server: ServerNode): Record<string, string> {
  const sound = upgradeRequest('/connect', { authorization: `Bearer ${server.key('bomber')}` });
  const more = (lines: string): string => sound.replace('\r\n', `\r\n${lines}`);
  const at = (target: string): string => sound.replace('/connect', target);
  return {
    '2,000 short headers': more('a:b\r\n'.repeat(2_000)),
    '2,000 headers above 16 KiB': more('x-header: b\r\n'.repeat(2_000)),
    'a header of 17 KiB': more(`x-long: ${'a'.repeat(17 * KIB)}\r\n`),
    'a header of 1 MiB': more(`x-long: ${'a'.repeat(KIB * KIB)}\r\n`),
    '100 subprotocols': more(
      `sec-websocket-protocol: ${Array.from({ length: 100 }, (_none, n) => `p${n}`).join()}\r\n`,
    ),
    'an Origin of 10 KiB': more(`origin: ${'o'.repeat(10 * KIB)}\r\n`),
    'an absolute target': at('http://localhost/connect'),
    'a foreign absolute target': at('https://evil.example/connect'),
    'a target with two slashes': at('//connect'),
    'a foreign target with two slashes': at('//evil.example/connect'),
    'a target of 17 KiB': at(`/${'a'.repeat(17 * KIB)}`),
    'a key of 10 KiB': upgradeRequest('/connect', { authorization: `Bearer ${'a'.repeat(10 * KIB)}` }),
  };
}

/** 0: closed without an answer. */
async function statusOf(server: ServerNode, bytes: string): Promise<number> {
  const socket = await RawSocket.open(server.directPort);
  await socket.write(bytes);
  const status = await socket.response().then(
    (response) => response.status,
    () => 0,
  );
  if (status !== 101) await socket.ended();
  socket.destroy();
  return status;
}
