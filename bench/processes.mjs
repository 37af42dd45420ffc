// The same load for each server node, at 1, 2, 4 and 8 of them, each a process of its own: rate, CPU of all server
// processes a message, and how many of the messages go from one to another. At MONGODB_URI also what MongoDB is asked
// and its own CPU. All of it and the clients share the cores of this machine: the rate says what is left for the
// servers, the CPU a message what more of them cost.
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { figuresOf } from './mongo.mjs';
import { measurePairs } from './pairs.mjs';
import { startCluster } from './server.mjs';

const COUNTS = (process.env.BENCH_PROCESSES ?? '1,2,4,8').split(',').map(Number);
/** For each server node, and as many before that count for nothing: code that is new to a process is slow. */
const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 6_000);
/** Enough for every combination of eight. */
const PAIRS = 64;
/** Of all senders at one server node. */
const IN_FLIGHT = 128;
const IDLE_MS = 5_000;
const { MONGODB_URI } = process.env;

/** Every combination of server nodes as often as every other. */
function spread(servers) {
  const { length } = servers;
  return Array.from({ length: PAIRS }, (_, i) => [servers[i % length], servers[Math.floor(i / length) % length]]);
}

/** What became of each figure, for each of so many. */
function since(before, after, per) {
  return Object.fromEntries(Object.keys(before).map((name) => [name, (after[name] - before[name]) / per]));
}

async function idlePercentOf(cluster) {
  const cpu = cluster.cpuSeconds();
  await pause(IDLE_MS);
  return ((cluster.cpuSeconds() - cpu) / (IDLE_MS / 1_000) / cluster.servers.length) * 100;
}

async function measure(count) {
  const cluster = await startCluster(count, ['--connections-per-address', '0', '--loop-lag-ms', '0']);
  try {
    const places = spread(cluster.servers);
    const load = { total: MESSAGES * count, inFlight: (IN_FLIGHT * count) / PAIRS };
    await measurePairs(cluster, places, load);
    const idlePercent = await idlePercentOf(cluster);
    const before = MONGODB_URI && (await figuresOf(MONGODB_URI));
    const figures = await measurePairs(cluster, places, load);
    const asked = before && since(before, await figuresOf(MONGODB_URI), load.total);
    const farPercent = (places.filter(([from, to]) => from !== to).length / PAIRS) * 100;
    return { ...figures, count, farPercent, idlePercent, asked };
  } finally {
    await cluster.stop();
  }
}

function line({ count, farPercent, perSecond, cpuMicros, idlePercent, asked }, first) {
  return [
    `processes: ${count}, ${farPercent.toFixed(0).padStart(2)} % from one to another`,
    `${perSecond.toFixed(0).padStart(6)} messages/s (${(perSecond / first.perSecond).toFixed(2)} x)`,
    `${cpuMicros.toFixed(1).padStart(6)} us CPU of all servers a message (${(cpuMicros / first.cpuMicros).toFixed(2)} x)`,
    `idle ${idlePercent.toFixed(1)} % of a core each`,
    ...(asked
      ? [
          `MongoDB ${asked.cpuMicros.toFixed(0)} us CPU a message (${(asked.cpuMicros / first.asked.cpuMicros).toFixed(2)} x)`,
          `${asked.operations.toFixed(2)} operations in ${asked.trips.toFixed(2)} round trips`,
        ]
      : []),
  ].join('  ');
}

const load = `${IN_FLIGHT} in flight and ${MESSAGES} messages each, ${availableParallelism()} cores for everything`;
console.log(`processes: ${MONGODB_URI ? 'mongodb' : 'embedded'}, ${load}`);
let first;
for (const count of COUNTS) {
  const figures = await measure(count);
  console.log(line(figures, (first ??= figures)));
}
