// Pairs of nodes, of which one sends durable messages to the other, over the server nodes of a cluster.
import { open, pump, read } from './clients.mjs';

let spans = 0;

/**
 * `places`: for each pair the server of its sender and that of its reader. Resolves when everything was received, with
 * what it took: seconds, and CPU of all server processes together.
 */
export async function measurePairs(cluster, places, { total, inFlight }) {
  const name = `span${(spans += 1)}-`;
  const role = { role: 'app' };
  let left = total;
  let done;
  const received = new Promise((resolve) => (done = resolve));
  const heard = () => (left -= 1) === 0 && done();
  const readers = [];
  const senders = [];
  for (const [index, [from, to]] of places.entries()) {
    const reader = await open(to.url, await cluster.keyOf(`${name}r${index}`, role));
    read(reader, heard);
    readers.push(reader);
    senders.push(await open(from.url, await cluster.keyOf(`${name}s${index}`, role)));
  }
  const cpu = cluster.cpuSeconds();
  const start = performance.now();
  await Promise.all([pump(senders, (index) => `${name}r${index}`, total, inFlight), received]);
  const seconds = (performance.now() - start) / 1_000;
  const cpuMicros = ((cluster.cpuSeconds() - cpu) / total) * 1e6;
  for (const socket of [...senders, ...readers]) socket.terminate();
  return { perSecond: total / seconds, cpuMicros };
}
