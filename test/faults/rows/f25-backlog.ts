import { readJournals } from '../checker/index.js';
import { latencies, MemoryWatch, now, percentile } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import { FAMILIES } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';
import { fill } from './filling.js';
import { settleNeighbours } from './neighbours.js';

const NODE = 'was-away';
const READER = `${NODE}/one`;
/** More than one inbox holds by default. */
const SETTINGS = { INBOX_MAX_MESSAGES: '200000', INBOX_MAX_BYTES: '268435456' };

export const f25: Row = {
  id: 'F25',
  title: 'a backlog of offline messages',
  families: FAMILIES,
  short: true,
  async run(scene) {
    const { report, short } = scene;
    const messages = short ? 10_000 : 100_000;
    const server = await scene.server(SETTINGS);
    await server.call(NODE, '/v1/inbox');
    const healthy = await settleNeighbours(scene, server.url, 20, 5);
    await healthy.crew.tell({ do: 'go' });
    await fill(scene, server, NODE, messages);
    // The index is merged each 10 s: its garbage is none of the reader's.
    await pause(short ? 5_000 : 15_000);
    // Its process is there before: the start of one is felt by all.
    const crew = scene.crew();
    crew.giveWay();
    await crew.state();
    const from = now();
    await pause(short ? 5_000 : 10_000);
    const began = now();
    const memory = new MemoryWatch(server.pid);
    await crew.read({ kind: 'sdk', reader: READER, node: NODE, url: server.url });
    const all = async (): Promise<boolean> => (await crew.state()).positions[READER] === messages;
    report.holdsThat('all of it came', await within(300_000, all, 100));
    const ended = now();
    report.note(`${messages} read in ${((ended - began) / 1_000).toFixed(1)} s`);
    report.atMost('memory growth', memory.stop(), 64, 'MiB');
    await pause(short ? 5_000 : 10_000);
    const afterwards = now();
    report.holdsThat('all at rest within 60 s', await scene.rest(server, [...healthy.nodes, NODE]));
    const { counts } = await scene.judge();
    const journal = readJournals(scene.journals);
    const p99 = (since: number, to: number): number => percentile(latencies(journal, since, to, /^neighbour/), 0.99);
    // Before and afterwards: what else the machine does at the time must not count.
    const calm = Math.max(p99(from, began), p99(ended + 1_000, afterwards));
    const beside = p99(began, Math.max(ended, began + 2_000));
    report.note(`p99 of others ${calm.toFixed(1)} ms without it`);
    report.latency('p99 of others meanwhile', beside, Math.max(2 * calm, 20), short);
    report.count(counts['confirmed'] ?? 0, 'confirmed');
  },
};
