import { of, readJournals } from '../checker/index.js';
import type { Crew } from '../harness/crew.js';
import { Cluster, type Member } from '../harness/cluster.js';
import { now } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { pause, within } from '../harness/wait.js';
import { lateMs, SERVERS } from './f01-kill-of-three.js';

const PAIRS = 3;
/** What the store had answered before may still be on its way. */
const ON_THE_WAY_MS = 1_000;
const NOT_READY_MS = 10_000;
const CLOSED_MS = 60_000;
const LOST = 1012;

/** Pairs of a sender and a reader at each server node, and to each from elsewhere; those of the first are a crew. */
async function manClients(scene: Scene, cluster: Cluster, perSecond: number): Promise<{ cut: Crew; nodes: string[] }> {
  const [cut, others] = [scene.crew(), scene.crew()];
  const nodes: string[] = [];
  for (const [at, { url }] of cluster.servers.entries()) {
    const crew = at === 0 ? cut : others;
    for (let pair = 1; pair <= PAIRS; pair += 1) {
      const node = `reader-${at + 1}-${pair}`;
      nodes.push(node);
      await crew.read({ kind: 'raw', reader: `${node}/here`, node, url });
      const to = `reader-${((at + pair - 1) % SERVERS) + 1}-${pair}`;
      await crew.send({ kind: 'raw', src: `sender-${at + 1}-${pair}`, dests: [to], perSecond, url });
    }
  }
  for (const crew of [cut, others]) {
    await crew.connected();
    await crew.tell({ do: 'go' });
  }
  return { cut, nodes };
}

/** When it was said first, ms from now; `Infinity` when it is not within the time. */
async function until(ms: number, holds: () => Promise<boolean>): Promise<number> {
  const began = now();
  return (await within(ms, holds, 100)) ? now() - began : Infinity;
}

async function cutOff({ report, short }: Scene, { server, store }: Member, crew: Crew): Promise<void> {
  store!.blackHole();
  const began = now();
  const notReady = await until(2 * NOT_READY_MS, async () => !(await server.ready(0)));
  report.atMost('not ready after', notReady / 1_000, NOT_READY_MS / 1_000, 's');
  const clients = 2 * PAIRS;
  const gone = await until(CLOSED_MS + 5_000, async () => (await crew.state()).away === clients);
  report.atMost('clients closed after', (notReady + gone) / 1_000, CLOSED_MS / 1_000, 's');
  await pause(Math.max(short ? 1_000 : CLOSED_MS - (now() - began), 0));
  store!.heal();
}

export const f10: Row = {
  id: 'F10',
  title: 'one server node is cut off from the store, and from nothing else',
  families: ['mongo'],
  short: false,
  async run(scene) {
    const { report, short } = scene;
    // In the short form it gives up its clients sooner.
    const soon = { STORE_LOST_MS: '10000', DRAIN_SPREAD_MS: '5000' };
    const cluster = await Cluster.start(scene, SERVERS, short ? soon : {});
    const { cut, nodes } = await manClients(scene, cluster, short ? 5 : 30);
    await pause(3_000);
    const began = now();
    scene.fault('1 does not reach the store');
    await cutOff(scene, cluster.members[0]!, cut);
    const healed = now();
    scene.fault('healed');
    await pause(5_000);
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[1]!, nodes));
    const { counts } = await scene.judge(lateMs(short));
    const journal = readJournals(scene.journals);
    const during = ({ at = 0 }: { at?: number }): boolean => at > began + ON_THE_WAY_MS && at < healed;
    const confirmed = of(journal, 'confirmed').filter(during);
    report.count(counts['confirmed'] ?? 0, 'confirmed');
    report.exactly('confirmed without the store', confirmed.filter(({ src }) => src.startsWith('sender-1-')).length, 0);
    report.count(confirmed.length, 'confirmed by the others meanwhile');
    report.holdsThat('the others go on', confirmed.length > 0);
    const closes = of(journal, 'closed').filter(({ at = 0, code }) => at > began && at < healed && code !== 503);
    report.count(closes.length, 'closed');
    report.exactly(`closed with another code than ${LOST}`, closes.filter(({ code }) => code !== LOST).length, 0);
  },
};
