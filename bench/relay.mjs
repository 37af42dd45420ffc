// Durable one-to-one messages over real websockets: rate and server CPU a message, for several ways to keep the same
// number in flight. Prints one line a shape, and ratios between them, which hold on a noisy machine too.
import { open, pump, read } from './clients.mjs';
import { startServer } from './server.mjs';

const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 20_000);

export async function measure(server, { connections, inFlight, receivers = connections, total = MESSAGES }) {
  const role = { role: 'app' };
  const name = `r${connections}x${inFlight}-`;
  const readers = [];
  for (let index = 0; index < receivers; index += 1)
    readers.push(await open(server.url, await server.keyOf(name + index, role)));
  for (const reader of readers) read(reader);
  const senders = [];
  for (let index = 0; index < connections; index += 1)
    senders.push(await open(server.url, await server.keyOf(`s${name}${index}`, role)));
  const receiverOf = (index) => name + (index % receivers);
  const before = server.usage();
  const start = performance.now();
  await pump(senders, receiverOf, total, inFlight);
  const seconds = (performance.now() - start) / 1000;
  const after = server.usage();
  for (const socket of [...senders, ...readers]) socket.terminate();
  const figures = {
    perSecond: total / seconds,
    cpuMicros: ((after.cpuSeconds - before.cpuSeconds) / total) * 1e6,
    writtenBytes: (after.writtenBytes - before.writtenBytes) / total,
  };
  const shape = `${connections} connections x ${inFlight} in flight`;
  console.log(
    `relay: ${shape.padEnd(32)} ${figures.perSecond.toFixed(0).padStart(7)} messages/s  ` +
      `${figures.cpuMicros.toFixed(1).padStart(6)} us server CPU  ${(figures.writtenBytes / 1024).toFixed(1)} KB written a message`,
  );
  return figures;
}

/** The two shapes in turn, so that both see the same machine; the median of the ratios is what can be quoted. */
async function compare(server, rounds) {
  const ratios = [];
  for (let round = 0; round < rounds; round += 1) {
    const one = await measure(server, { connections: 1, inFlight: 8, total: MESSAGES / 5 });
    const eight = await measure(server, { connections: 8, inFlight: 1, total: MESSAGES / 5 });
    ratios.push(one.perSecond / eight.perSecond);
  }
  return ratios.sort((a, b) => a - b);
}

const server = await startServer(['--connections-per-address', '0', '--connections-per-node', '0']);
try {
  await measure(server, { connections: 8, inFlight: 8, total: 5_000 });
  const ratios = await compare(server, 7);
  const [least, median, most] = [ratios[0], ratios[3], ratios[6]].map((ratio) => ratio.toFixed(2));
  console.log(
    `relay: 8 in flight on one connection / 8 connections with one each: ${median} x the rate (${least} to ${most})`,
  );
  await measure(server, { connections: 2, inFlight: 8 });
  await measure(server, { connections: 64, inFlight: 8 });
} finally {
  await server.stop();
}
