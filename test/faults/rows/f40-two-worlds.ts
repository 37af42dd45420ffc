import { Observers } from '../anonymity/observers.js';
import { areaUnderCurve, differenceOf } from '../anonymity/transcript.js';
import { INBOX_MAX, ofOwnStore, Seated, type World, WORLDS } from '../anonymity/worlds.js';
import { authKey } from '../clients/auth-key.js';
import { type Ear, Party } from '../harness/party.js';
import { Random } from '../harness/random.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { SECRET, type ServerNode } from '../harness/server-node.js';
import { stageOf } from '../harness/stage.js';
import { FAMILIES } from '../harness/stores.js';

const SETTINGS = {
  RATE_PER_SECOND: '0',
  HTTP_RATE_PER_SECOND: '0',
  PRESENCE: 'all',
  SEAT_MAX_MESSAGES: '8',
  INBOX_MAX_MESSAGES: String(INBOX_MAX),
};
/** By chance alone 2,000 probes stay below it in 9,999 of 10,000 runs. */
const MOST_AREA = 0.55;
const WARM_UP = 50;

interface Latencies {
  readonly receipts: number[];
  /** Of a sign of life right behind the receipt, while what was sent may still be on its way. */
  readonly behind: number[];
}

export const f40 = rowOf('F40', 'anonymity: two worlds', 1);
export const f40ofThree = rowOf('F40.3', 'anonymity: two worlds, at three server nodes', 3);

function rowOf(id: string, title: string, count: number): Row {
  return { id, title, families: FAMILIES, short: count === 1, run: (scene) => run(scene, count) };
}

async function run(scene: Scene, count: number): Promise<void> {
  const { report, short } = scene;
  const steps = short ? 60 : 400;
  const heard: Array<ReadonlyMap<string, string>> = [];
  for (const world of WORLDS) heard.push(await transcriptsOf(scene, count, world, steps));
  const differences = WORLDS.slice(1).flatMap(({ name }, at) => differencesOf(name, heard[0]!, heard[at + 1]!));
  const texts = heard.flatMap((transcripts) => [...transcripts.values()]);
  report.count(WORLDS.length, 'worlds');
  report.count(steps, 'steps each');
  report.count(
    texts.reduce((sum, text) => sum + text.split('\n').length, 0),
    'lines',
  );
  report.exactly('differences', differences.length, 0);
  report.shortcomings.push(...differences.slice(0, 5));
  // What a link takes is the same for whoever sits at its end; the bounds are those of one.
  if (count === 1) await probe(scene, short ? 400 : 2_000);
}

async function transcriptsOf(
  scene: Scene,
  count: number,
  world: World,
  steps: number,
): Promise<ReadonlyMap<string, string>> {
  const { servers } = await stageOf(scene, count, ofOwnStore(scene, world.name, SETTINGS));
  const seated = new Seated(servers.at(-1)!, world);
  await seated.prepare();
  const observers = new Observers(servers, seated, scene.random.seed);
  await observers.arrive();
  await observers.play(steps);
  observers.close();
  seated.close();
  await Promise.all(servers.map((server) => server.kill('SIGTERM')));
  return new Map([...observers.transcripts].map(([name, transcript]) => [name, transcript.text]));
}

function differencesOf(world: string, one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  return [...one].flatMap(([name, text]) => {
    const difference = differenceOf(text, other.get(name) ?? '');
    return difference === undefined ? [] : [`${world}, ${name}: ${difference}`];
  });
}

/** Two sessions of one server that differ in who sits there only; which of them is asked is left to chance. */
async function probe(scene: Scene, probes: number): Promise<void> {
  const { report, short } = scene;
  const server = await scene.server(ofOwnStore(scene, 'probes', { ...SETTINGS, SEAT_MAX_MESSAGES: '2000' }));
  const [online, offline] = WORLDS as [World, World];
  const prober = new Party({ server, node: 'prober', key: () => authKey(SECRET, 'prober') });
  const ear = (await prober.open()) as Ear;
  const seats = await Promise.all([online, offline].map((world) => seatAt(server, prober, world)));
  const random = new Random(scene.random.seed);
  const took: [Latencies, Latencies] = [
    { receipts: [], behind: [] },
    { receipts: [], behind: [] },
  ];
  for (let at = 0; at < probes + WARM_UP; at += 1) {
    const which = random.int(0, 1) as 0 | 1;
    const [receipt, behind] = await probeOnce(ear, seats[which]!, at);
    seats[which]!.seated.acknowledge();
    if (at < WARM_UP) continue;
    took[which].receipts.push(receipt);
    took[which].behind.push(behind);
  }
  const area = areaUnderCurve(took[0].receipts, took[1].receipts);
  report.count(probes, 'probes');
  report.note(`area under the curve ${area.toFixed(3)}`);
  // Fewer probes tell too little: by chance alone an area of 0.55 is common.
  if (!short) report.holdsThat(`area under the curve ≤ ${MOST_AREA}`, area <= MOST_AREA);
  report.note(`behind the receipt ${areaUnderCurve(took[0].behind, took[1].behind).toFixed(3)}`);
  for (const { seated } of seats) seated.close();
  ear.close();
}

interface Target {
  readonly session: string;
  readonly alias: string;
  readonly seated: Seated;
}

async function seatAt(server: ServerNode, prober: Party, world: World): Promise<Target> {
  const seated = new Seated(server, world);
  await seated.prepare();
  const made = await prober.json('POST', '/v1/sessions', { anyone_can_join: true });
  const session = String(made['session_id']);
  await seated.join(session);
  const view = await prober.json<{ members: Array<{ alias?: string }> }>('GET', `/v1/sessions/${session}`);
  return { session, alias: view.members.find(({ alias }) => alias !== undefined)?.alias ?? '', seated };
}

async function probeOnce(ear: Ear, { session, alias }: Target, at: number): Promise<[number, number]> {
  const began = performance.now();
  await ear.ask({ dest_session_id: session, dest_id: alias, id: `probe-${at}`, payload: at });
  const receipt = performance.now();
  await ear.alive(`alive-${at}`);
  return [receipt - began, performance.now() - receipt];
}
