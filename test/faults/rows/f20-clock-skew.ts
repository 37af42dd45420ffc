import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster, type Member } from '../harness/cluster.js';
import { Party } from '../harness/party.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { FAMILIES } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';
import { lateMs, SERVERS, tellCrossing } from './f01-kill-of-three.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Each step but the first is one in mid-run, and half of them go back. */
const SKEWS = [5 * MINUTE, -5 * MINUTE, DAY, -DAY, 0];
const LEEWAY_S = 60;
const NEAR_S = 20;
const HOUR_S = 3_600;
const TICKS_A_SECOND = 100;
const SEEN_MS = 15_000;

interface PreConnection {
  readonly validation_key: string;
  readonly server: { readonly node_id: string };
}

/** Whose wall clock is wrong, and the file that says by how much. */
interface Skewed {
  readonly member: Member;
  readonly file: string;
}

async function step({ member, file }: Skewed, ms: number): Promise<void> {
  const steps = (): number => member.server.said().match(/^skewed by/gm)?.length ?? 0;
  const before = steps();
  writeFileSync(file, String(ms));
  process.kill(member.server.pid, 'SIGUSR2');
  if (!(await within(SEEN_MS, () => steps() > before))) throw new Error('the clock was not set');
}

/** Seconds of CPU that a process has had. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** Whether keys are judged by the clock of the server node, and with what it forgives. */
async function tryKeys({ report }: Scene, { server }: Member, skewMs: number): Promise<void> {
  const now = Math.floor((Date.now() + skewMs) / 1_000);
  const status = async (iat: number, exp: number): Promise<number> =>
    (await server.call('prober', '/v1/inbox?limit=1', undefined, { iat, exp })).status;
  const told = await Promise.all([
    status(now + LEEWAY_S - NEAR_S, now + HOUR_S),
    status(now + LEEWAY_S + NEAR_S, now + HOUR_S),
    status(now - HOUR_S, now - LEEWAY_S + NEAR_S),
    status(now - HOUR_S, now - LEEWAY_S - NEAR_S),
  ]);
  const right = told.join() === '200,401,200,401';
  report.holdsThat(`keys are judged with a leeway of ${LEEWAY_S} s at ${skewMs} ms: ${told.join()}`, right);
}

/** Keys that each server node issues open where they lead to, whoever issued some since and by whatever clock. */
async function tryPreConnections({ report }: Scene, { members }: Cluster, skewMs: number): Promise<void> {
  const skewOf = (at: number): number => (at === SERVERS - 1 ? skewMs : 0);
  const issued = [];
  for (const [at, { server }] of members.entries()) {
    const iat = Math.floor((Date.now() + skewOf(at)) / 1_000);
    const claims = { iat, exp: iat + HOUR_S };
    const answer = await server.json<PreConnection>('prober', '/v1/pre-connections', {}, claims);
    issued.push({ ...answer, endsAt: (claims.exp + LEEWAY_S) * 1_000 });
  }
  const wrongs: string[] = [];
  for (const [by, { validation_key: key, server: told, endsAt }] of issued.entries()) {
    const at = members.findIndex(({ id }) => id === told.node_id);
    const { server } = members[at]!;
    const ear = await new Party({ server, node: 'prober', key: () => undefined }).open(`?validation_key=${key}`);
    // It ends with its auth key, which the server node that is asked judges by its own clock.
    if ((ear !== undefined) !== endsAt > Date.now() + skewOf(at)) wrongs.push(`of ${by + 1} at ${at + 1}`);
    ear?.close();
  }
  report.holdsThat(`validation keys open at ${skewMs} ms, wrong: ${wrongs.join() || 'none'}`, wrongs.length === 0);
}

async function manClients(scene: Scene, cluster: Cluster, file: string, perSecond: number): Promise<string[]> {
  const crew = scene.crew();
  const nodes: string[] = [];
  for (const [at, { url }] of cluster.servers.entries()) {
    const node = `reader-${at + 1}`;
    const clock = at === SERVERS - 1 && { skewFile: file };
    nodes.push(node);
    await crew.read({ kind: 'raw', reader: `${node}/here`, node, url, ...clock });
    for (let to = 1; to <= SERVERS; to += 1) {
      await crew.send({ kind: 'raw', src: `s${at + 1}-${to}`, dests: [`reader-${to}`], perSecond, url, ...clock });
    }
  }
  await crew.connected();
  await crew.tell({ do: 'go' });
  return nodes;
}

export const f20: Row = {
  id: 'F20',
  title: 'the clock of one of three server nodes is wrong, and steps',
  families: FAMILIES,
  short: ['mongo'],
  async run(scene) {
    const { report, short } = scene;
    const file = join(scene.folder, 'skew');
    writeFileSync(file, '0');
    const preload = new URL('../harness/skewed.js', import.meta.url).href;
    const wrong = { NODE_OPTIONS: `--import=${preload}`, SKEW_FILE: file };
    const cluster = await Cluster.prepare(scene, SERVERS, (index) => (index === SERVERS - 1 ? wrong : {}));
    await cluster.startAll();
    const member = cluster.members[SERVERS - 1]!;
    const nodes = await manClients(scene, cluster, file, short ? 5 : 40);
    await pause(3_000);
    const began = cpuSeconds(member.server.pid);
    await pause(3_000);
    const usual = (cpuSeconds(member.server.pid) - began) / 3;
    const shares: number[] = [];
    for (const skewMs of SKEWS) {
      scene.fault(`3 is wrong by ${skewMs} ms`);
      await step({ member, file }, skewMs);
      await tryKeys(scene, member, skewMs);
      // The server nodes of an embedded store have one host, whose clock ends these keys: there no two ever differ.
      if (scene.store.family === 'mongo') await tryPreConnections(scene, cluster, skewMs);
      const from = cpuSeconds(member.server.pid);
      const ms = short ? 5_000 : 20_000;
      await pause(ms);
      shares.push((cpuSeconds(member.server.pid) - from) / (ms / 1_000));
    }
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, nodes));
    const { counts } = await scene.judge(lateMs(short));
    report.count(counts['confirmed'] ?? 0, `confirmed, ${SKEWS.length} steps of the clock`);
    // Timers that fire without end show as a CPU that never rests.
    report.atMost('busiest between two steps', Math.max(...shares), Math.max(0.6, usual * 3), 'CPUs');
    report.holdsThat(
      'server nodes were up all the time',
      cluster.servers.every(({ exit }) => exit === undefined),
    );
    tellCrossing(scene);
  },
};
