import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Entry, readJournals } from '../checker/index.js';
import { Random } from '../harness/random.js';
import { Cluster } from '../harness/cluster.js';
import { Scene } from '../harness/scene.js';
import { embeddedStore } from '../harness/stores.js';
import { judgeFolder, type Verdict } from '../harness/verdict.js';
import { pause } from '../harness/wait.js';
import { LATE_MS, manClients, RECEIVING } from '../rows/f01-kill.js';
import { manCrossTraffic } from '../rows/cross-traffic.js';
import { type Planted, PLANTED } from './plant.js';
import { PLANTED_ACROSS } from './plant-across.js';

const PLACES = 3;
const RUN_MS = 3_000;
const PER_SECOND = 15;

/** Records a run with a kill in it, in which nothing may be found, and plants each fault in some places of its journal. */
export async function runPlanted(scene: Scene, seed: number, say: (line: string) => void): Promise<number[]> {
  const trial: Trial = { scene, seed, say, counts: [0, 0] };
  await tryAll(trial, 'with one server node', await record(scene), PLANTED);
  const across = new Scene(join(scene.folder, 'across'), embeddedStore(scene.folder), scene.random, scene.short);
  try {
    await tryAll(trial, 'with three server nodes', await recordAcross(across), PLANTED_ACROSS);
  } finally {
    await across.close();
  }
  return trial.counts;
}

interface Trial {
  readonly scene: Scene;
  readonly seed: number;
  readonly say: (line: string) => void;
  /** What held, and what did not. */
  readonly counts: [number, number];
}

async function tryAll(
  { scene, seed, say, counts }: Trial,
  where: string,
  journal: readonly Entry[],
  faults: readonly Planted[],
): Promise<void> {
  const sound = await judge(scene, `sound-${where}`.replaceAll(' ', '-'), journal);
  const isSound = Object.keys(sound.invariants).length === 0;
  say(`nothing planted ${where}  ${journal.length} entries, ${isSound ? 'nothing seen' : `SEEN: ${shown(sound)}`}`);
  counts[isSound ? 0 : 1] += 1;
  for (const fault of faults) {
    const { name, seenAs } = fault;
    const verdicts: Verdict[] = [];
    for (let place = 0; place < PLACES; place += 1) {
      const planted = fault.plant(journal, new Random(seed + place));
      verdicts.push(await judge(scene, `${name}-${place}`.replaceAll(' ', '-'), planted));
    }
    const caught = verdicts.every(({ invariants }) => seenAs in invariants);
    counts[caught ? 0 : 1] += 1;
    say(
      `planted: ${name.padEnd(14)} ${caught ? 'CAUGHT' : 'MISSED'} as ${seenAs}  (${verdicts.map(shown).join(' | ')})`,
    );
  }
}

/** Of each inbox one reader is where its sender is, and one elsewhere. */
async function recordAcross(scene: Scene): Promise<Entry[]> {
  const cluster = await Cluster.start(scene, 3, { PRESENCE: 'all' });
  const { reading, sending, nodes } = await manCrossTraffic(scene, cluster, { pairs: 3, perSecond: PER_SECOND });
  for (const [at, node] of nodes.entries()) {
    const { url } = cluster.servers[(at + 1) % 3]!;
    await reading.read({ kind: 'raw', reader: `${node}/here`, node, url });
  }
  await reading.connected();
  await sending.tell({ do: 'go' });
  await pause(2 * RUN_MS);
  await scene.rest(cluster.servers[0]!, nodes);
  return readJournals(scene.flushed());
}

async function record(scene: Scene): Promise<Entry[]> {
  const server = await scene.server();
  const crews = await manClients(scene, server, PER_SECOND);
  await Promise.all(crews.map((crew) => crew.tell({ do: 'go' })));
  await pause(RUN_MS);
  scene.fault('kill -9');
  await server.kill('SIGKILL');
  await server.start();
  scene.fault('ready');
  await pause(2 * RUN_MS);
  await scene.rest(server, RECEIVING);
  return readJournals(scene.flushed());
}

function judge(scene: Scene, name: string, journal: readonly Entry[]): Promise<Verdict> {
  const folder = join(scene.folder, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'all.jsonl'), journal.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  return judgeFolder(folder, LATE_MS);
}

function shown({ invariants }: Verdict): string {
  const found = Object.entries(invariants).map(([name, count]) => `${name} × ${count}`);
  return found.length === 0 ? 'nothing' : found.join(', ');
}
