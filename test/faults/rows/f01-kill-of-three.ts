import { of, readJournals } from '../checker/index.js';
import { Cluster, type Member } from '../harness/cluster.js';
import { absences, passages } from '../harness/crossing.js';
import { percentile } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { FAMILIES } from '../harness/stores.js';
import { pause } from '../harness/wait.js';
import { killsOf, manClients, RECEIVING } from './f01-kill.js';

export const SERVERS = 3;
/** Until its heartbeat is missed, others may send somebody to one that is dead. */
const BACK_MS = 10_000;

/**
 * What a dead server node had left open in a session others take up 5 s later, and look for each 5 s; whom they cannot
 * tell of it, a poll of 5 s ± 1 s tells. The rest is for a machine that is shared with others.
 */
const LATE_OF_THREE_MS = 20_000;
/** In the short form, which runs beside anything, only what is never mended is late. */
const NEVER_MS = 60_000;
export const lateMs = (short: boolean, ms: number = LATE_OF_THREE_MS): number => (short ? NEVER_MS : ms);

/** What the journal says of messages from one server node to another, with their share told. */
export function tellCrossing(scene: Scene, dests?: RegExp): void {
  const all = passages(readJournals(scene.flushed()), dests);
  const crossed = all.filter((passage) => passage.crossed).map(({ ms }) => ms);
  scene.report.count(crossed.length, `of ${all.length.toLocaleString('en')} readings crossed`);
  scene.report.note(`crossing p99 ${percentile(crossed, 0.99).toFixed(0)} ms`);
  scene.report.holdsThat('a third of all readings crossed', crossed.length * 3 >= all.length);
}

export const f1ofThree: Row = {
  id: 'F1.3',
  title: 'kill -9 of one of three server nodes under load',
  families: FAMILIES,
  short: ['mongo'],
  async run(scene) {
    const { report, random, short } = scene;
    const kills = killsOf(random, short ? 4 : 20).map((kill) => ({ ...kill, of: random.int(0, SERVERS - 1) }));
    report.schedule.push(...kills.map(({ upMs, downMs, of: at }) => `up ${upMs} ms, ${at + 1} down ${downMs} ms`));
    const cluster = await Cluster.start(scene, SERVERS);
    const crews = await manClients(scene, cluster.servers[0]!, short ? 6 : 40, cluster.url);
    await Promise.all(crews.map((crew) => crew.connected()));
    await Promise.all(crews.map((crew) => crew.tell({ do: 'go' })));
    for (const { upMs, downMs, of: at } of kills) {
      await pause(upMs);
      await killOne(scene, cluster, cluster.members[at]!, downMs);
    }
    const least = short ? 1_000 : 100_000;
    while ((await scene.states()).confirmed < least) await pause(500);
    await pause(2_000);
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, RECEIVING));
    const { counts } = await scene.judge(lateMs(short));
    report.count(counts['confirmed'] ?? 0, `confirmed, ${kills.length} kills`);
    report.atLeast('confirmed', counts['confirmed'] ?? 0, least);
    tellCrossing(scene);
    const journal = readJournals(scene.journals);
    report.count(of(journal, 'closed').filter(({ code }) => code === 1006).length, 'connections cut');
    const absence = Math.max(0, ...absences(journal)) / 1_000;
    if (short) report.note(`longest absence of a client ${absence.toFixed(1)} s`);
    else report.atMost('longest absence of a client', absence, BACK_MS / 1_000, 's');
  },
};

async function killOne(scene: Scene, cluster: Cluster, member: Member, downMs: number): Promise<void> {
  scene.fault('kill -9');
  await cluster.down(member);
  await pause(downMs);
  await cluster.up(member);
  scene.fault('ready');
}
