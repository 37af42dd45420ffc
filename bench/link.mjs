// What a row costs that one server node hints another of: CPU of the sender and of the receiver, alone in their
// processes, over one link. `npm run build` first.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '../dist/common/clock.js';
import { Metrics } from '../dist/common/metrics.js';
import { LinkListener } from '../dist/links/link-listener.js';
import { WebsocketPeerLinks } from '../dist/links/websocket-peer-links.js';

const ROWS = Number(process.argv[2] ?? 300_000);
const SETTINGS = {
  secret: { reveal: () => 'a secret of the benchmark, at least 32 bytes' },
  pingIntervalMs: 5_000,
  deadMs: 15_000,
  reconnectMinMs: 100,
  reconnectMaxMs: 2_000,
  waitingBytes: 16 * 1024 * 1024,
};
const SENDER = { serverNodeId: '~sa', bootId: 'a' };
const RECEIVER = { serverNodeId: '~sb', bootId: 'b' };
/** Rows of one turn of the event loop, and how many of them share a body: messages to nodes, and one to a session. */
const CASES = [
  { perTurn: 1, sharing: 1 },
  { perTurn: 16, sharing: 1 },
  { perTurn: 256, sharing: 1 },
  { perTurn: 256, sharing: 256 },
];

/** A registry in which nothing ever changes. */
function peersOf(self, find) {
  return { self, find, lookAgain: async () => {}, onAppeared: () => {} };
}

if (process.send) await receive();
else await send();

async function receive() {
  const links = new WebsocketPeerLinks(
    peersOf(RECEIVER, () => undefined),
    SETTINGS,
    new SystemClock(),
    new Metrics(),
  );
  let rows = 0;
  links.listen({
    received: (_from, frame) => {
      if (frame.kind === 'rows') rows += frame.rows.length;
      if (rows >= ROWS) tell();
    },
    changed: () => {},
  });
  let usage;
  const tell = () => {
    const { user, system } = process.cpuUsage(usage);
    process.send({ cpu: user + system });
  };
  process.on('message', () => {
    rows = 0;
    usage = process.cpuUsage();
    process.send('ready');
  });
  const take = links.acceptor.take.bind(links.acceptor);
  const listener = new LinkListener({ host: '127.0.0.1', port: 0 }, take, new SystemClock());
  await listener.listen();
  process.send({ port: listener.address.port });
}

async function send() {
  const child = fork(fileURLToPath(import.meta.url), [String(ROWS)]);
  child.once('exit', () => process.exit(1));
  const next = () => new Promise((resolve) => child.once('message', resolve));
  const { port } = await next();
  const peer = { internalUrl: `ws://127.0.0.1:${port}`, bootId: RECEIVER.bootId };
  const find = (id) => (id === RECEIVER.serverNodeId ? peer : undefined);
  const links = new WebsocketPeerLinks(peersOf(SENDER, find), SETTINGS, new SystemClock(), new Metrics());
  const opened = new Promise((resolve) => links.listen({ received: () => {}, changed: resolve }));
  links.send(RECEIVER.serverNodeId, { kind: 'notices', notices: [] });
  await opened;
  for (const each of CASES) console.log(await measure(links, child, next, each));
  await links.close();
  child.removeAllListeners('exit');
  child.kill();
}

async function measure(links, child, next, { perTurn, sharing }) {
  child.send('start');
  await next();
  const told = next();
  const usage = process.cpuUsage();
  const start = performance.now();
  for (let sent = 0; sent < ROWS;) {
    const rows = Math.min(perTurn, ROWS - sent);
    if (links.send(RECEIVER.serverNodeId, { kind: 'rows', rows: rowsOf(sent, rows, sharing) })) sent += rows;
    await new Promise((resolve) => void setImmediate(resolve));
  }
  const { cpu } = await told;
  const { user, system } = process.cpuUsage(usage);
  const seconds = (performance.now() - start) / 1_000;
  return [
    `link rows_per_turn=${perTurn} rows_per_body=${sharing} rows=${ROWS}`,
    `sender_cpu_us=${((user + system) / ROWS).toFixed(2)}`,
    `receiver_cpu_us=${(cpu / ROWS).toFixed(2)}`,
    `per_second=${Math.round(ROWS / seconds)}`,
  ].join(' ');
}

function rowsOf(from, count, sharing) {
  let body = '';
  return Array.from({ length: count }, (_, i) => {
    const n = from + i + 1;
    if (i % sharing === 0) body = JSON.stringify({ id: `m-${n}`, src_id: 'alice', type: 0, payload: 'x'.repeat(140) });
    const totals = { count: n, bytes: n * 200 };
    return {
      log: `n:receiver-${n % 1_000}`,
      n,
      at: 1_700_000_000_000 + n,
      key: `alice\u0001m-${n}`,
      totals,
      report: false,
      body,
    };
  });
}
