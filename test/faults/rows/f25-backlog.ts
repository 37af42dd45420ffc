import { join } from 'node:path';
import { type Entry, readJournals } from '../checker/index.js';
import { Crew } from '../harness/crew.js';
import { latencies, MemoryWatch, MIB, now, percentile } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';
import { elsewhere, FAMILIES } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';
import { WATCHING } from '../harness/watched.js';
import { mostHeldDuring, settledBytes } from '../harness/weighed.js';
import { fill } from './filling.js';
import { settleNeighbours } from './neighbours.js';

const PAIRS = 20;
/** Of each pair. The p99 of a few seconds needs some hundreds of messages. */
const PER_SECOND = 15;
/** The node whose backlog is read while the server is weighed: the collections of that are none of the others' p99. */
const WEIGHED = 'was-away-and-is-weighed';
const LOOK_MS = 200;
const GROWTH_MIB = 64;
/** More than one inbox holds by default. */
const SETTINGS = { ...WATCHING, INBOX_MAX_MESSAGES: '200000', INBOX_MAX_BYTES: '268435456' };

type Span = readonly [from: number, to: number];

/**
 * What the neighbours feel of a backlog that is read is compared with what they feel of the same backlog, the same
 * reader and the same disk when another server has it: that is the machine's share, and on two cores it is most of it.
 */
export const f25: Row = {
  id: 'F25',
  title: 'a backlog of offline messages',
  families: FAMILIES,
  short: true,
  async run(scene) {
    const { report, short } = scene;
    const messages = short ? 10_000 : 100_000;
    const nodes = short ? ['was-away'] : ['was-away', 'was-away-too'];
    const rest = short ? 4_000 : 10_000;
    const server = await scene.server(SETTINGS);
    const other = await scene.server({ ...SETTINGS, ...elsewhere(scene.store, scene.folder) });
    const neighbours = await settleNeighbours(scene, server.url, PAIRS, PER_SECOND);
    await neighbours.crew.tell({ do: 'go' });
    for (const node of nodes) await fillBoth(scene, server, other, node, messages);
    await server.call(WEIGHED, '/v1/inbox');
    await fill(scene, server, WEIGHED, messages);
    // The index is merged each 10 s: its garbage is none of the reader's.
    await pause(short ? 5_000 : 15_000);
    const spans: Record<'at rest' | 'elsewhere' | 'here', Span[]> = { 'at rest': [], elsewhere: [], here: [] };
    const withGarbage: number[] = [];
    const readElsewhere = async (node: string): Promise<void> => {
      const crew = new Crew(join(scene.folder, `elsewhere-${node}.jsonl`));
      spans.elsewhere.push(await drain(scene, crew, other, node, messages));
      crew.end();
      spans['at rest'].push(await idle(rest));
    };
    const readHere = async (node: string): Promise<void> => {
      const crew = scene.crew();
      const memory = new MemoryWatch(server.pid);
      spans.here.push(await drain(scene, crew, server, node, messages));
      withGarbage.push(memory.stop());
      spans['at rest'].push(await idle(rest));
    };
    // Either is the first once.
    for (const [index, node] of nodes.entries()) {
      for (const read of index === 0 ? [readElsewhere, readHere] : [readHere, readElsewhere]) await read(node);
    }
    const growth = await weighDrain(scene, server, messages);
    report.holdsThat('all at rest within 60 s', await scene.rest(server, [...neighbours.nodes, ...nodes, WEIGHED]));
    const { counts } = await scene.judge();
    report.count(counts['confirmed'] ?? 0, 'confirmed');
    report.note(`${messages} read in ${spans.here.map(secondsOf).join(' and ')} s`);
    report.atMost('memory growth', growth, GROWTH_MIB, 'MiB');
    report.note(`with garbage, at most ${Math.max(...withGarbage).toFixed(1)} MiB`);
    const journal = readJournals(scene.journals);
    const share = p99(journal, spans.elsewhere);
    report.note(`p99 of others ${p99(journal, spans['at rest']).toFixed(1)} ms at rest`);
    report.note(`${share.toFixed(1)} ms while another server is read`);
    report.latency('p99 of others meanwhile', p99(journal, spans.here), Math.round(20 * share) / 10, short);
  },
};

async function fillBoth(
  scene: Scene,
  server: ServerNode,
  other: ServerNode,
  node: string,
  messages: number,
): Promise<void> {
  // The other store has numbers and an epoch of its own: nothing for the judge of this one.
  const unwritten = { report: scene.report, write: (): void => undefined };
  await Promise.all([server.call(node, '/v1/inbox'), other.call(node, '/v1/inbox')]);
  await Promise.all([fill(scene, server, node, messages), fill(unwritten, other, node, messages)]);
}

async function drain({ report }: Scene, crew: Crew, server: ServerNode, node: string, messages: number): Promise<Span> {
  const reader = `${node}/one`;
  crew.giveWay();
  // Its process is there before: the start of one is felt by all.
  await crew.state();
  await pause(2_000);
  const from = now();
  await crew.read({ kind: 'sdk', reader, node, url: server.url });
  const all = async (): Promise<boolean> => (await crew.state()).positions[reader] === messages;
  report.holdsThat('all of it came', await within(300_000, all, 100));
  return [from, now()];
}

/** How much more the server holds at most while the backlog is read, MiB. */
async function weighDrain(scene: Scene, server: ServerNode, messages: number): Promise<number> {
  const before = await settledBytes(server);
  const drained = drain(scene, scene.crew(), server, WEIGHED, messages);
  return ((await mostHeldDuring(server, drained, LOOK_MS)) - before) / MIB;
}

/** Begins a second late: what the drain brought about is over then. */
async function idle(ms: number): Promise<Span> {
  await pause(1_000);
  const from = now();
  await pause(ms);
  return [from, now()];
}

function secondsOf([from, to]: Span): string {
  return ((to - from) / 1_000).toFixed(1);
}

function p99(journal: readonly Entry[], spans: readonly Span[]): number {
  const times = spans.flatMap(([from, to]) => latencies(journal, from, to, /^neighbour/));
  return percentile(times, 0.99);
}
