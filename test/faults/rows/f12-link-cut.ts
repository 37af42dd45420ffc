import { of, readJournals } from '../checker/index.js';
import { Cluster } from '../harness/cluster.js';
import type { Row } from '../harness/row.js';
import { FAMILIES } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';
import { manCrossTraffic } from './cross-traffic.js';
import { lateMs, SERVERS, tellCrossing } from './f01-kill-of-three.js';

const PAIRS = 6;
/** Within the frames of some ten messages. */
const MOST_BYTES = 4_000;
/** A link that nothing goes over is cut by hand. */
const QUIET_MS = 3_000;
/** A hint that was cut off costs one poll; 5 s ± 1 s, and what a shared machine takes. */
const LATE_MS = 10_000;

export const f12: Row = {
  id: 'F12',
  title: 'links between server nodes are reset in mid-flight',
  families: FAMILIES,
  short: ['mongo'],
  async run(scene) {
    const { random, report, short } = scene;
    const [cuts, least] = short ? [20, 1_000] : [200, 20_000];
    const cluster = await Cluster.start(scene, SERVERS);
    const { sending, nodes } = await manCrossTraffic(scene, cluster, { pairs: PAIRS, perSecond: short ? 15 : 60 });
    await sending.tell({ do: 'go' });
    await pause(1_000);
    let inFlight = 0;
    for (let cut = 0; cut < cuts; cut += 1) {
      const wire = random.pick(cluster.wires);
      const bytes = random.int(1, MOST_BYTES);
      let isCut = false;
      void wire.resetAfter(bytes).then(() => (isCut = true));
      if (await within(QUIET_MS, () => isCut, 10)) inFlight += 1;
      else {
        wire.heal();
        wire.reset();
      }
      scene.fault(`reset after ${bytes} bytes`);
    }
    cluster.heal();
    while ((await scene.states()).confirmed < least) await pause(500);
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, nodes));
    const { counts } = await scene.judge(lateMs(short, LATE_MS));
    report.count(counts['confirmed'] ?? 0, `confirmed, ${cuts} resets`);
    report.atLeast('resets within bytes that passed', inFlight, cuts * 0.9);
    report.atLeast('links opened again', await cluster.sum('allspark_link_reconnects_total'), inFlight / 2);
    report.exactly(
      'closed clients',
      of(readJournals(scene.journals), 'closed').filter(({ code }) => code !== 1000).length,
      0,
    );
    tellCrossing(scene);
  },
};
