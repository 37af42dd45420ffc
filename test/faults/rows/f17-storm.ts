import { of, readJournals } from '../checker/index.js';
import type { Back } from '../clients/commands.js';
import type { Crew } from '../harness/crew.js';
import { now, percentile } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';
import { FAMILIES } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';

const CREWS = 2;
/** One in ten is a bare websocket, which sees the answer of a refused handshake. */
const RAW_EVERY = 10;
const WITH_JITTER_S = 30;
const WITHOUT_S = 60;
/** All come from one address. */
const SETTINGS = { CONNECTIONS_PER_ADDRESS: '0' };

export const f17: Row = {
  id: 'F17',
  title: 'a reconnect storm',
  families: FAMILIES,
  short: ['embedded'],
  async run(scene) {
    const { report, short } = scene;
    const clients = short ? 1_000 : 3_000;
    report.count(clients, 'clients cut at once');
    const server = await scene.server(SETTINGS);
    const jittery = await assemble(scene, server, clients, 'calm', {});
    await storm(scene, server, jittery, clients, WITH_JITTER_S, 'with jitter');
    if (!short) {
      await within(30_000, async () => (await scene.states()).waiting === 0, 100);
      await Promise.all(jittery.map((crew) => crew.rest()));
      const stubborn = await assemble(scene, server, clients, 'stubborn', { noJitter: true });
      await storm(scene, server, stubborn, clients, WITHOUT_S, 'without');
    }
    report.holdsThat('the server lives', server.exit === undefined);
    const nodes = scene.random.int(1, 3);
    const some = Array.from({ length: 50 }, (_none, index) => `${short ? 'calm' : 'stubborn'}-${index * nodes + 1}`);
    report.holdsThat('all at rest within 60 s', await scene.rest(server, some));
    await scene.judge();
    const refused = of(readJournals(scene.journals), 'closed').filter(({ reason }) => reason?.startsWith('http'));
    const told = refused.filter(({ code, reason }) => code === 503 && !reason?.endsWith(' 0'));
    report.note(`${refused.length} bare handshakes refused, ${told.length} by 503 with Retry-After`);
    report.holdsThat('every refusal was 503 with Retry-After', told.length === refused.length);
  },
};

async function assemble(scene: Scene, server: ServerNode, clients: number, name: string, back: Back): Promise<Crew[]> {
  const crews = Array.from({ length: CREWS }, () => scene.crew());
  for (const crew of crews) crew.giveWay();
  for (let index = 0; index < clients; index += 1) {
    const node = `${name}-${index + 1}`;
    const kind = index % RAW_EVERY === 0 ? 'raw' : 'sdk';
    await crews[index % CREWS]!.read({ kind, reader: `${node}/one`, node, url: server.url, back });
    // Not all at once: that is what the row is about, and it comes later.
    if (index % 100 === 99) await pause(400);
  }
  await Promise.all(crews.map((crew) => crew.connected()));
  const writer = scene.crew();
  const dests = Array.from({ length: clients }, (_none, index) => `${name}-${index + 1}`);
  await writer.send({ kind: 'sdk', src: `writer-of-${name}`, dests, perSecond: 100, url: server.directUrl });
  await writer.connected();
  await writer.tell({ do: 'go' });
  return [...crews, writer];
}

async function storm(
  scene: Scene,
  server: ServerNode,
  crews: readonly Crew[],
  clients: number,
  boundS: number,
  how: string,
): Promise<void> {
  const { report } = scene;
  const lags: number[] = [];
  await pause(2_000);
  scene.fault(`cut all, ${how}`);
  const began = now();
  server.proxy?.reset();
  const back = async (): Promise<boolean> => {
    lags.push((await server.metrics()).sum('allspark_loop_lag_seconds') * 1_000);
    const away = (await Promise.all(crews.map((crew) => crew.state()))).reduce((sum, state) => sum + state.away, 0);
    return away === 0;
  };
  await pause(200);
  const all = await within(120_000, back, 250);
  report.holdsThat(`all ${clients} are back`, all);
  report.atMost(`all back ${how} after`, (now() - began) / 1_000, boundS, 's');
  report.latency('loop lag p99', percentile(lags, 0.99), 500, scene.short);
  await crews.at(-1)?.tell({ do: 'stop' });
}
