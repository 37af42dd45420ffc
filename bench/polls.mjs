// What the polls of server nodes cost MongoDB: CPU for each inbox that is asked for and has nothing new, which is the
// usual answer. At MONGODB_URI.
import { MongoInboxLog, MongoStore } from '../dist/storage/mongo/index.js';
import { figuresOf, freshDatabase } from './mongo.mjs';

/** A tenth of the inboxes of a full server node: what one of its ten questions in 5 s names. */
const ASKED = 2_000;
const INBOXES = 20_000;
const QUESTIONS = Number(process.argv[2] ?? 200);
const ROWS_AN_INSERT = 500;
const { MONGODB_URI } = process.env;

if (MONGODB_URI) await measure(freshDatabase(MONGODB_URI));
else console.log('polls: skipped, MONGODB_URI is not set');

async function measure({ uri, drop }) {
  const store = await MongoStore.open({ uri });
  const log = new MongoInboxLog(store);
  try {
    await fill(log);
    const points = Array.from({ length: ASKED }, (_, i) => ({ log: nameOf(i * (INBOXES / ASKED)), n: 2 }));
    await log.at(points);
    const before = await figuresOf(uri);
    const start = performance.now();
    for (let asked = 0; asked < QUESTIONS; asked += 1) await log.at(points);
    const took = (performance.now() - start) / QUESTIONS;
    const each = ((await figuresOf(uri)).cpuMicros - before.cpuMicros) / (QUESTIONS * ASKED);
    console.log(
      `polls: ${each.toFixed(2)} us CPU of MongoDB an inbox, ${took.toFixed(1)} ms for ${ASKED} of ${INBOXES}`,
    );
  } finally {
    await store.close();
    await drop();
  }
}

async function fill(log) {
  for (let from = 0; from < INBOXES; from += ROWS_AN_INSERT) {
    await log.insert(Array.from({ length: ROWS_AN_INSERT }, (_, i) => firstRow(nameOf(from + i))));
  }
}

function nameOf(inbox) {
  return `n:reader-${inbox}`;
}

function firstRow(log) {
  const [at, totals, body] = [Date.now(), { count: 1, bytes: 140 }, JSON.stringify('x'.repeat(138))];
  return { log, n: 1, key: `m sender ${log}`, digest: '', writer: 'bench', at, totals, report: false, body };
}
