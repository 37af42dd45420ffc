import { of, readJournals } from '../checker/index.js';
import { Cluster, type Member } from '../harness/cluster.js';
import type { Crew } from '../harness/crew.js';
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
/** Enough to keep a drain at its pace for longer than the last few take, who do not follow and are closed. */
const CROWD = 900;
const SMALL_CROWD = 30;

/** When those came whom one restart sent elsewhere, monotonic ms. */
type Comings = readonly number[];

/** Most comings in one second, as a multiple of what they are on average from the first to the last. */
function busiest(comings: Comings): number {
  const [first, last] = [Math.min(...comings), Math.max(...comings)];
  const seconds = Array.from({ length: Math.floor((last - first) / SECOND_MS) + 1 }, () => 0);
  for (const at of comings) seconds[Math.floor((at - first) / SECOND_MS)]! += 1;
  return Math.max(...seconds) / (comings.length / seconds.length);
}

/** Readers of whom nobody wants anything but that they go on elsewhere. */
async function settleCrowd(scene: Scene, { url }: Cluster, size: number): Promise<Crew> {
  const crew = scene.crew();
  crew.giveWay();
  for (let index = 1; index <= size; index += 1) {
    const node = `bystander-${index}`;
    await crew.read({ kind: 'sdk', reader: `${node}/sdk`, node, url });
  }
  return crew;
}

/** Ends it by SIGTERM, and starts it again; when that began, monotonic ms. */
async function restart({ report }: Scene, cluster: Cluster, member: Member): Promise<number> {
  const began = now();
  member.isUp = false;
  const { code } = await member.server.kill('SIGTERM');
  report.exactly('exit code', code ?? -1, 0);
  report.atMost('gone after', (now() - began) / 1_000, GONE_MS / 1_000, 's');
  await cluster.up(member);
  return began;
}

export const f18: Row = {
  id: 'F18',
  title: 'rolling restart',
  families: FAMILIES,
  short: ['mongo'],
  async run(scene) {
    const { report, short } = scene;
    const cluster = await Cluster.start(scene, SERVERS);
    const manned = await manClients(scene, cluster.servers[0]!, short ? 4 : 15, cluster.url);
    const crowd = short ? SMALL_CROWD : CROWD;
    const crews = [...manned, await settleCrowd(scene, cluster, crowd)];
    await Promise.all(crews.map((crew) => crew.connected()));
    await Promise.all(crews.map((crew) => crew.tell({ do: 'go' })));
    await pause(3_000);
    const begins: number[] = [];
    for (const member of cluster.members) {
      scene.fault('SIGTERM');
      begins.push(await restart(scene, cluster, member));
      scene.fault('ready');
      await cluster.seeEachOther();
      await pause(3_000);
    }
    const ends = [...begins.slice(1), now()];
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, RECEIVING));
    const { counts } = await scene.judge(lateMs(short));
    report.count(counts['confirmed'] ?? 0, `confirmed, ${SERVERS} restarts`);
    const journal = readJournals(scene.journals);
    const healed = of(journal, 'healed').at(-1)?.at ?? 0;
    const closes = of(journal, 'closed').filter(({ at = 0 }) => at < healed);
    report.count(closes.filter(({ code }) => code === AWAY).length, 'closed with 1012');
    const others = closes.filter(({ code }) => code !== AWAY && code !== MOVED);
    report.exactly(`closed otherwise ${others.map(({ code }) => code).join()}`.trim(), others.length, 0);
    const openings = of(journal, 'connected').map(({ at = 0 }) => at);
    const comings = begins.map((from, index) => openings.filter((at) => at >= from && at < ends[index]!));
    const worst = Math.max(...comings.map(busiest));
    report.note(`came elsewhere ${comings.map(({ length }) => length).join(', ')}`);
    report.atLeast('of a restart came', Math.min(...comings.map(({ length }) => length)), crowd / SERVERS / 2);
    // A small crowd is over within a second or two.
    report.note(`busiest second ${worst.toFixed(1)} times the mean`);
    if (!short) report.atMost('busiest second', worst, BUSIEST, 'times the mean');
    tellCrossing(scene);
  },
};
