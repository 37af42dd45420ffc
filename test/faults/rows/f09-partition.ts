import { readJournals } from '../checker/index.js';
import { Cluster } from '../harness/cluster.js';
import { passages } from '../harness/crossing.js';
import { now, percentile } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { FAMILIES } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';
import { manCrossTraffic } from './cross-traffic.js';
import { lateMs, SERVERS, tellCrossing } from './f01-kill-of-three.js';

const PAIRS = 6;
/** The longest poll interval, and a second. */
const POLL_MS = 6_000;
const MOST_MS = POLL_MS + 1_000;
/** Everybody is told of everybody who is offline. */
const SETTINGS = { PRESENCE: 'all' };
const LATE_MS = 10_000;
const DETECTED_MS = 20_000;

/** How long the messages took that were sent between the two times and went from one server node to another. */
function tellMeanwhile(scene: Scene, what: string, from: number, to: number): void {
  const all = passages(readJournals(scene.flushed())).filter(
    ({ crossed, sentAt }) => crossed && sentAt >= from && sentAt < to,
  );
  scene.report.count(all.length, `sent ${what}`);
  scene.report.latency(
    `crossing p99 ${what}`,
    percentile(
      all.map(({ ms }) => ms),
      0.99,
    ),
    MOST_MS,
    scene.short,
  );
}

export const f9: Row = {
  id: 'F9',
  title: 'two server nodes do not hear each other, the store hears both',
  families: FAMILIES,
  short: ['mongo'],
  async run(scene) {
    const { report, short } = scene;
    const cluster = await Cluster.start(scene, SERVERS, SETTINGS);
    const { sending, nodes } = await manCrossTraffic(scene, cluster, { pairs: PAIRS, perSecond: short ? 5 : 30 });
    // Somebody who is nowhere shows that it would be said.
    await sending.send({ kind: 'raw', src: 'asker', dests: ['nobody'], perSecond: 2, url: cluster.servers[0]!.url });
    await cluster.servers[0]!.call('nobody', '/v1/inbox?limit=1');
    await sending.tell({ do: 'go' });
    await pause(3_000);
    const [one, other] = [cluster.members[0]!, cluster.members[1]!];
    const began = now();
    scene.fault('1 and 2 are parted');
    cluster.part(one, other);
    await pause(short ? 20_000 : 30_000);
    cluster.heal();
    const healed = now();
    scene.fault('healed');
    await pause(5_000);
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, [...nodes, 'nobody']));
    const { counts } = await scene.judge(lateMs(short, LATE_MS));
    report.count(counts['confirmed'] ?? 0, 'confirmed');
    tellMeanwhile(scene, 'while parted', began, healed);
    report.atLeast('called offline, and rightly so', counts['offline'] ?? 0, 1);
    tellCrossing(scene, /^reader/);
  },
};

export const f11: Row = {
  id: 'F11',
  title: 'one server node does not hear another, which hears it',
  families: FAMILIES,
  short: false,
  async run(scene) {
    const { report, short } = scene;
    const cluster = await Cluster.start(scene, SERVERS, SETTINGS);
    const { sending, nodes } = await manCrossTraffic(scene, cluster, { pairs: PAIRS, perSecond: short ? 5 : 30 });
    await sending.tell({ do: 'go' });
    await pause(3_000);
    const [one, other] = [cluster.members[0]!, cluster.members[1]!];
    const began = now();
    scene.fault('2 does not hear 1');
    cluster.deafen(one, other);
    const silent = async (): Promise<boolean> =>
      [one, other].every(({ server }) => / is silent and was ended/.test(server.said()));
    report.holdsThat('both ends detect it', await within(DETECTED_MS + 10_000, silent, 100));
    report.atMost('detected after', (now() - began) / 1_000, DETECTED_MS / 1_000, 's');
    await pause(5_000);
    cluster.heal();
    const healed = now();
    scene.fault('healed');
    await pause(5_000);
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, nodes));
    const { counts } = await scene.judge(lateMs(short, LATE_MS));
    report.count(counts['confirmed'] ?? 0, 'confirmed');
    tellMeanwhile(scene, 'meanwhile', began, healed);
    tellCrossing(scene);
  },
};
