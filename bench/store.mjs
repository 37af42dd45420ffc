// What a stored message costs the embedded store: CPU and bytes written, merges included. `npm run build` first.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedInboxLog, EmbeddedStore } from '../dist/storage/embedded/index.js';

const INBOXES = 1_000;
const MESSAGES = Number(process.argv[2] ?? 150_000);
const BODY = JSON.stringify({ text: 'x'.repeat(129) });

// The store's timers keep no process alive.
const alive = setInterval(() => undefined, 1_000);
for (const inFlight of [16, 512]) console.log(await measure(inFlight, Math.min(MESSAGES, inFlight * 2_000)));
clearInterval(alive);

async function measure(inFlight, messages) {
  const dataDir = mkdtempSync(join(tmpdir(), 'store-bench-'));
  const store = await EmbeddedStore.open({ dataDir });
  const log = new EmbeddedInboxLog(store);
  const write = rowMaker(log);
  const cpu = process.cpuUsage();
  const bytes = bytesWritten();
  const start = performance.now();
  const waits = [];
  let sent = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (sent < messages) {
        sent += 1;
        const begin = performance.now();
        await write(sent);
        waits.push(performance.now() - begin);
      }
    }),
  );
  await store.merger.merge();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1_000;
  const written = bytesWritten() - bytes;
  await store.close();
  rmSync(dataDir, { recursive: true });
  waits.sort((a, b) => a - b);
  return [
    `store in_flight=${inFlight} messages=${sent}`,
    `cpu_us=${((user + system) / sent).toFixed(1)} (user ${(user / sent).toFixed(1)})`,
    `written_bytes=${Math.round(written / sent)}`,
    `per_second=${Math.round(sent / seconds)}`,
    `p50_ms=${waits[waits.length >> 1].toFixed(2)} p99_ms=${waits[Math.floor(waits.length * 0.99)].toFixed(2)}`,
  ].join(' ');
}

/** One writer's turn: the next row of the inbox whose turn it is. */
function rowMaker(log) {
  const newest = Array.from({ length: INBOXES }, () => 0);
  return async (i) => {
    const inbox = i % INBOXES;
    const n = (newest[inbox] += 1);
    const row = {
      log: `n:receiver-${inbox}`,
      n,
      key: `sender-${i % 97}\u0001receiver-${inbox}\u0001${crypto.randomUUID()}`,
      digest: 'abcdefghijklmnopqrstuv',
      writer: `w${i.toString(36)}`,
      at: Date.now(),
      totals: { count: n, bytes: n * BODY.length },
      report: false,
      body: BODY,
    };
    const { inserted, stoppedBy } = await log.insert([row]);
    if (inserted !== 1) throw new Error(`not inserted: ${stoppedBy}`);
  };
}

function bytesWritten() {
  if (process.platform !== 'linux') return 0;
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))[1]);
}
