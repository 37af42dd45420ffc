// Opens stores that are named on standard input, one folder a line, and answers each with one line of JSON: all that is
// in it, and whether it still takes a row. look.mjs <folder of the built package>
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const built = (path) => import(pathToFileURL(join(process.argv[2], ...path.split('/'))).href);
const { EmbeddedStore } = await built('dist/storage/embedded/embedded-store.js');
const { EmbeddedGroupLog } = await built('dist/storage/embedded/embedded-group-log.js');
const { EmbeddedInboxLog } = await built('dist/storage/embedded/embedded-inbox-log.js');

const PROBE = 'n:probe';
const ALL = { after: 0, before: 2 ** 53 - 1, limit: 1e9, maxBytes: 2 ** 40 };

async function look(dataDir) {
  const store = await EmbeddedStore.open({ dataDir });
  const log = new EmbeddedInboxLog(store);
  const rows = [];
  const acked = {};
  for (const name of await log.logs('', 1e6)) {
    for (const { n, key, body } of await log.read(name, ALL)) rows.push([name, n, key, body]);
    acked[name] = (await log.marks([name]))[0].acked;
  }
  const epoch = store.epoch();
  const open = await new EmbeddedGroupLog(store).open('', 1e6);
  const takes = await log.insert([probe()]);
  await store.close();
  return { rows, acked, epoch, open, takes: takes.inserted === 1 };
}

function probe() {
  const totals = { count: 1, bytes: 2 };
  return { log: PROBE, n: 1, key: 'k', digest: 'd', writer: 'w', at: 1, totals, report: false, body: '{}' };
}

for await (const dataDir of createInterface({ input: process.stdin })) {
  const found = await look(dataDir).catch((error) => ({ error: String(error?.cause ?? error) }));
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
