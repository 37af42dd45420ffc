import { heldBytes, mostHeld } from '../harness/weighed.js';
import { readJournals } from '../checker/index.js';
import { latencies, MemoryWatch, MIB, now, percentile } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import { FAMILIES } from '../harness/stores.js';
import { dialUnread } from '../harness/unread.js';
import { pause, within } from '../harness/wait.js';
import { WATCHING } from '../harness/watched.js';
import { settleNeighbours } from './neighbours.js';

const PAIRS = 50;
const MESSAGE_BYTES = 32 * 1_024;
const PER_SECOND = 32;
const NODE = 'never-reads';
/** Seldom enough that the pauses of the collector are none of the p99. */
const LOOK_MS = 6_000;

export const f14: Row = {
  id: 'F14',
  title: 'a client that never reads',
  families: FAMILIES,
  short: ['embedded'],
  async run(scene) {
    const { report, short } = scene;
    const server = await scene.server(WATCHING);
    const healthy = await settleNeighbours(scene, server.url, PAIRS, 4);
    // The node has to be known, and a reader that takes all of it warms the server up to messages of this size.
    const writing = scene.crew();
    await writing.read({ kind: 'raw', reader: 'reads-all/one', node: 'reads-all', url: server.url });
    const big = { perSecond: PER_SECOND, bytes: MESSAGE_BYTES, url: server.url };
    await writing.send({ kind: 'raw', src: 'big-warm', dests: ['reads-all'], ...big });
    await writing.connected();
    await healthy.crew.tell({ do: 'go' });
    await writing.tell({ do: 'go' });
    await pause(short ? 8_000 : 30_000);
    await writing.tell({ do: 'stop' });
    await pause(2_000);
    const baseFrom = now();
    await pause(short ? 5_000 : 10_000);
    const baseTo = now();
    const idle = await heldBytes(server);
    const unread = await dialUnread(server, NODE);
    const stuck = scene.crew();
    await stuck.send({ kind: 'raw', src: 'big-stuck', dests: [NODE], ...big });
    await stuck.connected();
    const memory = new MemoryWatch(server.pid);
    const began = now();
    await stuck.tell({ do: 'go' });
    const closed = async (): Promise<boolean> => (await server.metrics()).sum('allspark_closes_total', '"4000"') > 0;
    const span = short ? 15_000 : 60_000;
    const held = mostHeld(server, began + span, LOOK_MS);
    const wasClosed = await within(45_000, closed, 250);
    const closedAfter = (now() - began) / 1_000;
    await pause(Math.max(0, span - (now() - began)));
    const growth = ((await held) - idle) / MIB;
    const ended = now();
    unread.destroy();
    report.holdsThat('the reader was closed with 4000', wasClosed);
    report.atMost('closed as slow after', closedAfter, 30, 's');
    report.atMost('memory above that of the idle server', growth, 10, 'MiB');
    report.note(`with garbage, at most ${memory.stop().toFixed(1)} MiB`);
    await stuck.tell({ do: 'stop' });
    await pause(short ? 5_000 : 10_000);
    const afterwards = now();
    report.holdsThat('all at rest within 60 s', await scene.rest(server, [...healthy.nodes, NODE]));
    const { counts } = await scene.judge();
    const journal = readJournals(scene.journals);
    const p99 = (from: number, to: number): number => percentile(latencies(journal, from, to, /^neighbour/), 0.99);
    // Before and afterwards: what else the machine does at the time must not count.
    const calm = Math.max(p99(baseFrom, baseTo), p99(ended + 1_000, afterwards));
    const beside = p99(began, ended);
    report.note(`p99 of others ${calm.toFixed(1)} ms without it`);
    // Of a few ms the double is noise of the machine.
    report.latency('p99 of others beside it', beside, Math.max(Math.round(20 * calm) / 10, 20), short);
    report.count(counts['confirmed'] ?? 0, 'confirmed');
  },
};
