import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Entry, readJournals } from '../checker/index.js';
import { Random } from '../harness/random.js';
import type { Scene } from '../harness/scene.js';
import { judgeFolder, type Verdict } from '../harness/verdict.js';
import { pause } from '../harness/wait.js';
import { LATE_MS, manClients, RECEIVING } from '../rows/f01-kill.js';
import { PLANTED } from './plant.js';

const PLACES = 3;
const RUN_MS = 3_000;
const PER_SECOND = 15;

/** Records a run with a kill in it, in which nothing may be found, and plants each fault in some places of its journal. */
export async function runPlanted(scene: Scene, seed: number, say: (line: string) => void): Promise<number[]> {
  const journal = await record(scene);
  const sound = await judge(scene, 'sound', journal);
  const isSound = Object.keys(sound.invariants).length === 0;
  say(`nothing planted  ${journal.length} entries, ${isSound ? 'nothing seen' : `SEEN: ${shown(sound)}`}`);
  const counts = [isSound ? 1 : 0, isSound ? 0 : 1];
  for (const fault of PLANTED) {
    const { name, seenAs } = fault;
    const verdicts: Verdict[] = [];
    for (let place = 0; place < PLACES; place += 1) {
      const planted = fault.plant(journal, new Random(seed + place));
      verdicts.push(await judge(scene, `${name}-${place}`.replaceAll(' ', '-'), planted));
    }
    const caught = verdicts.every(({ invariants }) => seenAs in invariants);
    counts[caught ? 0 : 1]! += 1;
    say(
      `planted: ${name.padEnd(14)} ${caught ? 'CAUGHT' : 'MISSED'} as ${seenAs}  (${verdicts.map(shown).join(' | ')})`,
    );
  }
  return counts;
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
