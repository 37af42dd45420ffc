import { of, type Of, readJournals } from '../checker/index.js';
import { Cluster, type Member } from '../harness/cluster.js';
import { now } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { FAMILIES } from '../harness/stores.js';
import { pause } from '../harness/wait.js';
import { manClients, RECEIVING } from './f01-kill.js';
import { lateMs, SERVERS, tellCrossing } from './f01-kill-of-three.js';

const GONE_MS = 25_000;
const MOVED = 1000;
const AWAY = 1012;
const BUSIEST = 3;
const SECOND_MS = 1_000;

/** Most openings in one second, as a multiple of what they are on average over the time of a drain. */
function busiest(openings: readonly Of<'connected'>[], from: number, to: number): number {
  const length = Math.max(1, Math.ceil((to - from) / SECOND_MS));
  const seconds = Array.from({ length }, () => 0);
  const during = openings.filter(({ at = 0 }) => at >= from && at < to);
  for (const { at = 0 } of during) seconds[Math.floor((at - from) / SECOND_MS)]! += 1;
  return during.length === 0 ? 0 : Math.max(...seconds) / (during.length / seconds.length);
}

/** Ends it by SIGTERM, and starts it again; from when to when it ended, monotonic ms. */
async function restart({ report }: Scene, cluster: Cluster, member: Member): Promise<[number, number]> {
  const began = now();
  member.isUp = false;
  const { code } = await member.server.kill('SIGTERM');
  const ended = now();
  report.exactly('exit code', code ?? -1, 0);
  report.atMost('gone after', (ended - began) / 1_000, GONE_MS / 1_000, 's');
  await cluster.up(member);
  return [began, ended];
}

export const f18: Row = {
  id: 'F18',
  title: 'rolling restart',
  families: FAMILIES,
  short: ['mongo'],
  async run(scene) {
    const { report, short } = scene;
    const cluster = await Cluster.start(scene, SERVERS);
    const crews = await manClients(scene, cluster.servers[0]!, short ? 4 : 15, cluster.url);
    await Promise.all(crews.map((crew) => crew.connected()));
    await Promise.all(crews.map((crew) => crew.tell({ do: 'go' })));
    await pause(3_000);
    const drains: Array<[number, number]> = [];
    for (const member of cluster.members) {
      scene.fault('SIGTERM');
      drains.push(await restart(scene, cluster, member));
      scene.fault('ready');
      await cluster.seeEachOther();
      await pause(3_000);
    }
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, RECEIVING));
    const { counts } = await scene.judge(lateMs(short));
    report.count(counts['confirmed'] ?? 0, `confirmed, ${SERVERS} restarts`);
    const journal = readJournals(scene.journals);
    const healed = of(journal, 'healed').at(-1)?.at ?? 0;
    const closes = of(journal, 'closed').filter(({ at = 0 }) => at < healed);
    report.count(closes.filter(({ code }) => code === AWAY).length, 'closed with 1012');
    const others = closes.filter(({ code }) => code !== AWAY && code !== MOVED);
    report.exactly(`closed otherwise ${others.map(({ code }) => code).join()}`.trim(), others.length, 0);
    const openings = of(journal, 'connected');
    const worst = Math.max(...drains.map(([from, to]) => busiest(openings, from, to)));
    report.count(
      drains.reduce((sum, [from, to]) => sum + openings.filter(({ at = 0 }) => at >= from && at < to).length, 0),
      'came back',
    );
    // Some thirty clients are too few for what a second has of them on average.
    report.note(`busiest second ${worst.toFixed(1)} times the mean`);
    if (!short) report.atMost('busiest second', worst, BUSIEST, 'times the mean');
    tellCrossing(scene);
  },
};
