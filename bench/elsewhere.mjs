// What a durable message costs whose reader is at another server node: CPU of both server processes added, as a ratio
// to one whose reader is at the sender's. On one data directory, or at MONGODB_URI.
import { measurePairs } from './pairs.mjs';
import { startCluster } from './server.mjs';

const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 16_000);
const ROUNDS = 5;
const PAIRS = 16;
const IN_FLIGHT = 8;
const MOST = 2;

const store = process.env.MONGODB_URI ? 'mongodb' : 'embedded';
const cluster = await startCluster(2, ['--connections-per-address', '0', '--loop-lag-ms', '0']);
const [one, other] = cluster.servers;
/** Half of the pairs the other way round, so that both server nodes do the same in both. */
const near = Array.from({ length: PAIRS }, (_, i) => (i % 2 === 0 ? [one, one] : [other, other]));
const far = Array.from({ length: PAIRS }, (_, i) => (i % 2 === 0 ? [one, other] : [other, one]));

function line(what, { perSecond, cpuMicros }) {
  const rate = perSecond.toFixed(0).padStart(7);
  console.log(
    `elsewhere: ${store} ${what}  ${rate} messages/s  ${cpuMicros.toFixed(1).padStart(6)} us CPU of both servers`,
  );
}

try {
  for (const places of [near, far]) await measurePairs(cluster, places, { total: MESSAGES, inFlight: IN_FLIGHT });
  const ratios = [];
  // In turn, so that both see the same machine.
  for (let round = 0; round < ROUNDS; round += 1) {
    const here = await measurePairs(cluster, near, { total: MESSAGES, inFlight: IN_FLIGHT });
    const there = await measurePairs(cluster, far, { total: MESSAGES, inFlight: IN_FLIGHT });
    line('reader at the same server node', here);
    line('reader at the other           ', there);
    ratios.push(there.cpuMicros / here.cpuMicros);
  }
  ratios.sort((a, b) => a - b);
  const median = ratios[(ROUNDS - 1) / 2];
  const range = `${ratios[0].toFixed(2)} to ${ratios.at(-1).toFixed(2)}`;
  console.log(`elsewhere: ${store} ${median.toFixed(2)} x the CPU (${range}; at most ${MOST} is the aim)`);
  if (median > MOST) process.exitCode = 1;
} finally {
  await cluster.stop();
}
