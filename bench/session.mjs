// Messages to a session over real websockets, durable and transient, by its size: rate, server CPU a delivery, and how
// long a receipt takes. That a receipt costs one commit whatever the size shows in its time. Prints one line a shape.
import { WebSocket } from 'ws';
import { startServer } from './server.mjs';

const SIZES = (process.env.BENCH_SIZES ?? '10,100,1000').split(',').map(Number);
const DELIVERIES = Number(process.env.BENCH_DELIVERIES ?? 100_000);
const PAYLOAD = JSON.stringify('x'.repeat(90));
const IN_FLIGHT = 8;

/** A connection that acknowledges as the protocol asks and tells `heard` of each frame that is no answer to it. */
async function open(server, node, heard) {
  const key = await server.keyOf(node, { role: 'app' });
  const headers = { authorization: `Bearer ${key}` };
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/connect`, { headers });
  await new Promise((resolve, reject) => socket.once('error', reject).once('message', resolve));
  let unacknowledged = 0;
  socket.on('message', (data) => {
    const text = /** @type {Buffer} */ (data).toString('latin1');
    const seq = /^\{"seq":(\d+)/.exec(text)?.[1];
    if (seq !== undefined && (unacknowledged += 1) >= 64) {
      unacknowledged = 0;
      socket.send(`{"type":-111,"seq":${seq}}`);
    }
    heard(text);
  });
  return socket;
}

async function create(server, sessionId, members) {
  const headers = {
    authorization: `Bearer ${await server.keyOf('bench-app', { role: 'app' })}`,
    'content-type': 'application/json',
  };
  const body = JSON.stringify({ session_id: sessionId, members: members.map((node_id) => ({ node_id })) });
  const answer = await fetch(`${server.url}/v1/sessions`, { method: 'POST', headers, body });
  if (answer.status !== 201) throw new Error(`no session: ${answer.status} ${await answer.text()}`);
}

/** Sends `total` messages, the next one for each receipt or, transient ones, for each that everybody has. */
function pump(sender, sessionId, total, transient, progress) {
  const frame = `{"dest_session_id":"${sessionId}",${transient ? '"transient":true,' : ''}"payload":${PAYLOAD}}`;
  const waits = [];
  let sent = 0;
  const times = [];
  const send = () => {
    if (sent >= total) return;
    sent += 1;
    waits.push(performance.now());
    sender.send(frame);
  };
  progress.answered = () => {
    times.push(performance.now() - waits.shift());
    send();
  };
  for (let each = 0; each < IN_FLIGHT; each += 1) send();
  return times;
}

let measured = 0;

async function measure(server, size, transient) {
  const sessionId = `bench-${(measured += 1)}`;
  const members = Array.from({ length: size }, (_, index) => `${sessionId}-${index}`);
  await create(server, sessionId, members);
  const total = Math.max(20, Math.ceil(DELIVERIES / size));
  const wanted = total * (size - 1);
  const progress = { answered: () => {}, delivered: 0 };
  let done;
  const all = new Promise((resolve) => (done = resolve));
  const hear = () => {
    progress.delivered += 1;
    if (transient && progress.delivered % (size - 1) === 0) progress.answered();
    if (progress.delivered === wanted) done();
  };
  const sockets = [];
  for (const node of members.slice(1)) sockets.push(await open(server, node, hear));
  const sender = await open(server, members[0], (text) => text.startsWith('{"type":-112') && progress.answered());
  const before = server.usage();
  const start = performance.now();
  const times = pump(sender, sessionId, total, transient, progress);
  await all;
  const seconds = (performance.now() - start) / 1000;
  const cpu = ((server.usage().cpuSeconds - before.cpuSeconds) / wanted) * 1e6;
  for (const socket of [...sockets, sender]) socket.terminate();
  const kind = transient ? 'transient' : 'durable';
  console.log(
    `session: ${String(size).padStart(5)} members  ${kind.padEnd(9)}  ${(wanted / seconds).toFixed(0).padStart(7)} deliveries/s  ` +
      `${cpu.toFixed(2).padStart(6)} us server CPU a delivery` +
      (transient ? '' : `  receipt after ${median(times).toFixed(1)} ms`),
  );
}

function median(times) {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
}

const server = await startServer(['--connections-per-address', '0', '--handshakes-per-second', '0']);
try {
  // Warm: the first line counts for nothing.
  await measure(server, 10, false);
  for (const size of SIZES) for (const transient of [false, true]) await measure(server, size, transient);
} finally {
  await server.stop();
}
