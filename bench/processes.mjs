// The same load over 1, 2, 4 and 8 server nodes, each a process of its own: rate, CPU of all server processes a message,
// and how many of the messages go from one to another. At MONGODB_URI also what MongoDB is asked and its own CPU. All
// of it shares the cores of this machine with the clients: the rate says what is left for the servers, the CPU what
// more server nodes cost.
import { setTimeout as pause } from 'node:timers/promises';
import { availableParallelism } from 'node:os';
import { createConnection } from 'mongoose';
import { measurePairs } from './pairs.mjs';
import { startCluster } from './server.mjs';

const COUNTS = (process.env.BENCH_PROCESSES ?? '1,2,4,8').split(',').map(Number);
const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 20_000);
const PAIRS = 64;
const IN_FLIGHT = Number(process.env.BENCH_IN_FLIGHT ?? 4);
const IDLE_MS = 6_000;
const { MONGODB_URI } = process.env;
const mongo = MONGODB_URI ? createConnection(MONGODB_URI) : undefined;

/** Every combination of server nodes as often as every other. */
function spread(servers) {
  const { length } = servers;
  return Array.from({ length: PAIRS }, (_, i) => [servers[i % length], servers[Math.floor(i / length) % length]]);
}

/** Of a MongoDB that nobody else uses. */
async function mongoFigures() {
  if (!mongo) return undefined;
  const { metrics, opcounters, extra_info: usage } = await mongo.db.admin().command({ serverStatus: 1 });
  const { insert, update, delete: remove, find, aggregate, getMore } = metrics.commands;
  const trips = [insert, update, remove, find, aggregate, getMore].reduce((sum, { total }) => sum + Number(total), 0);
  const writes = Number(opcounters.insert) + Number(opcounters.update) + Number(opcounters.delete);
  const reads = [find, aggregate, getMore].reduce((sum, { total }) => sum + Number(total), 0);
  const cpuMicros = Number(usage.user_time_us) + Number(usage.system_time_us);
  return { trips, operations: writes + reads, cpuMicros };
}

function since(before, after, per) {
  if (!before) return {};
  return Object.fromEntries(Object.keys(before).map((name) => [name, (after[name] - before[name]) / per]));
}

async function idle(cluster) {
  const cpu = cluster.cpuSeconds();
  await pause(IDLE_MS);
  return ((cluster.cpuSeconds() - cpu) / (IDLE_MS / 1_000) / cluster.servers.length) * 100;
}

async function measure(count) {
  const cluster = await startCluster(count, ['--connections-per-address', '0', '--loop-lag-ms', '0']);
  try {
    const places = spread(cluster.servers);
    await measurePairs(cluster, places, { total: 4_000, inFlight: IN_FLIGHT });
    const idlePercent = await idle(cluster);
    const before = await mongoFigures();
    const { perSecond, cpuMicros } = await measurePairs(cluster, places, { total: MESSAGES, inFlight: IN_FLIGHT });
    const asked = since(before, await mongoFigures(), MESSAGES);
    const far = places.filter(([from, to]) => from !== to).length / PAIRS;
    return { count, far, perSecond, cpuMicros, idlePercent, asked };
  } finally {
    await cluster.stop();
  }
}

function tell({ count, far, perSecond, cpuMicros, idlePercent, asked }, first) {
  const { trips, operations, cpuMicros: mongoMicros } = asked;
  const ofMongo =
    trips === undefined
      ? ''
      : `  MongoDB: ${operations.toFixed(2)} operations in ${trips.toFixed(2)} round trips, ${mongoMicros.toFixed(0)} us CPU`;
  console.log(
    `processes: ${count}, ${(far * 100).toFixed(0).padStart(3)} % from one to another  ` +
      `${perSecond.toFixed(0).padStart(6)} messages/s (${(perSecond / first.perSecond).toFixed(2)} x)  ` +
      `${cpuMicros.toFixed(1).padStart(6)} us CPU of all servers a message (${(cpuMicros / first.cpuMicros).toFixed(2)} x)  ` +
      `idle ${idlePercent.toFixed(1)} % of a core each${ofMongo}`,
  );
}

const what = `${PAIRS} pairs with ${IN_FLIGHT} in flight each, ${availableParallelism()} cores for everything`;
console.log(`processes: ${MONGODB_URI ? 'mongodb' : 'embedded'}, ${what}`);
try {
  await mongo?.asPromise();
  let first;
  for (const count of COUNTS) {
    const figures = await measure(count);
    tell(figures, (first ??= figures));
  }
} finally {
  await mongo?.destroy();
}
