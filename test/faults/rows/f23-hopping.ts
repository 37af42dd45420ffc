import { readJournals } from '../checker/index.js';
import { Cluster } from '../harness/cluster.js';
import { passages } from '../harness/crossing.js';
import { percentile } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import { FAMILIES } from '../harness/stores.js';
import { pause } from '../harness/wait.js';
import { lateMs, SERVERS } from './f01-kill-of-three.js';

const SENDERS = 5;
const HOP_MS = 500;
/** The longest poll interval, and a second. */
const MOST_MS = 7_000;
const LATE_MS = 10_000;
const NODE = 'hopper';
const READER = `${NODE}/hops`;

export const f23: Row = {
  id: 'F23',
  title: 'a destination goes from server node to server node while it is written to',
  families: FAMILIES,
  short: ['mongo'],
  async run(scene) {
    const { report, short } = scene;
    const least = short ? 1_000 : 10_000;
    const cluster = await Cluster.start(scene, SERVERS);
    const [reading, sending] = [scene.crew(), scene.crew()];
    const urls = cluster.servers.map(({ url }) => url);
    await reading.read({ kind: 'raw', reader: READER, node: NODE, url: urls[0]! });
    for (let at = 0; at < SENDERS; at += 1) {
      const url = urls[at % SERVERS]!;
      await sending.send({ kind: 'raw', src: `sender-${at + 1}`, dests: [NODE], perSecond: short ? 8 : 40, url });
    }
    await Promise.all([reading.connected(), sending.connected()]);
    await sending.tell({ do: 'go' });
    let hops = 0;
    while ((await scene.states()).confirmed < least) {
      await pause(HOP_MS);
      hops += 1;
      await reading.tell({ do: 'hop', readers: [READER], url: urls[hops % SERVERS]! });
    }
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, [NODE]));
    const { counts } = await scene.judge(lateMs(short, LATE_MS));
    const all = passages(readJournals(scene.journals));
    report.count(counts['confirmed'] ?? 0, 'confirmed');
    report.count(counts['opened'] ?? 0, `openings of ${hops} hops`);
    report.atLeast('openings', counts['opened'] ?? 0, short ? 6 : hops / 2);
    report.count(all.filter(({ crossed }) => crossed).length, `of ${all.length} readings crossed`);
    const p99 = percentile(
      all.map(({ ms }) => ms),
      0.99,
    );
    report.latency('p99', p99, MOST_MS, short);
  },
};
