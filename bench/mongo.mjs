// The MongoDB of the benchmarks, at MONGODB_URI. What it did is told rightly when nobody else uses it meanwhile.
import { randomBytes } from 'node:crypto';
import { createConnection } from 'mongoose';

/** The same servers with an empty database; `drop` removes it. */
export function freshDatabase(uri) {
  const name = `allspark_bench_${randomBytes(4).toString('hex')}`;
  const named = uri.replace(/^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?[^?]*/, `$1/${name}`);
  return { uri: named, drop: () => connected(named, (connection) => connection.dropDatabase()) };
}

/** CPU since its start, and what it was asked by everybody: round trips, and reads and single writes in them. */
export function figuresOf(uri) {
  return connected(uri, async (connection) => {
    const status = await connection.db.admin().command({ serverStatus: 1 });
    const { metrics, opcounters, extra_info: usage } = status;
    const totals = (...names) => names.reduce((sum, name) => sum + Number(metrics.commands[name].total), 0);
    const reads = totals('find', 'aggregate', 'getMore');
    const writes = Number(opcounters.insert) + Number(opcounters.update) + Number(opcounters.delete);
    return {
      cpuMicros: Number(usage.user_time_us) + Number(usage.system_time_us),
      trips: reads + totals('insert', 'update', 'delete'),
      operations: reads + writes,
    };
  });
}

async function connected(uri, work) {
  const connection = await createConnection(uri).asPromise();
  try {
    return await work(connection);
  } finally {
    await connection.destroy();
  }
}
