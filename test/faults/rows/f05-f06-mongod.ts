import { of, readJournals } from '../checker/index.js';
import { COLLECTED, MemoryWatch, now, percentile } from '../harness/measure.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { type Stage, stageOf } from '../harness/stage.js';
import { MongoStore } from '../harness/stores.js';
import { pause } from '../harness/wait.js';
import { manClients, RECEIVING } from './f01-kill.js';

/** By all twenty senders together about 500 a second. */
const PER_SECOND = 25;
/** Three server nodes and all else share few cores. */
const PER_SECOND_OF_THREE = 8;
const SENDERS = 20;
const DOWN_MS = 10_000;
const LONGEST_RETRY_MS = 5_000;
/** The store's own deadline of 5 s, and the way there and back. */
const LONGEST_ANSWER_MS = 6_000;

const perSecondOf = (count: number): number => (count === 1 ? PER_SECOND : PER_SECOND_OF_THREE);

function mongoOf({ store }: Scene): MongoStore {
  if (!(store instanceof MongoStore)) throw new Error('this row is about mongod');
  return store;
}

/** Confirmed messages a second, over this time. */
async function rate(scene: Scene, ms: number): Promise<number> {
  const [before, began] = [(await scene.states()).confirmed, now()];
  await pause(ms);
  return ((await scene.states()).confirmed - before) / ((now() - began) / 1_000);
}

async function outage(scene: Scene, { servers }: Stage, mongo: MongoStore, offered: number): Promise<void> {
  const { report } = scene;
  scene.fault('mongod SIGTERM');
  await mongo.down('SIGTERM');
  const began = now();
  await pause(DOWN_MS / 2);
  const ready = await Promise.all(servers.map((server) => server.ready(1_000)));
  report.holdsThat('not ready while the store is away', !ready.includes(true));
  await pause(Math.max(0, DOWN_MS - (now() - began)));
  await mongo.up();
  scene.fault('mongod is back');
  await pause(10_000);
  report.atLeast('rate 10 s after', await rate(scene, 3_000), offered * 0.9, '/s');
}

async function outages(scene: Scene, count: number): Promise<void> {
  const { report, short } = scene;
  const times = short ? 1 : 5;
  const mongo = mongoOf(scene);
  const perSecond = perSecondOf(count);
  const stage = await stageOf(scene, count, COLLECTED);
  const [server] = stage.servers;
  const crews = await manClients(scene, server, perSecond, stage.url);
  await Promise.all(crews.map((crew) => crew.connected()));
  await Promise.all(crews.map((crew) => crew.tell({ do: 'go' })));
  // Memory has to grow to its working size first.
  await pause(short ? 10_000 : 30_000);
  report.note(`rate before ${(await rate(scene, 3_000)).toFixed(0)} /s`);
  const memories = stage.servers.map(({ pid }) => new MemoryWatch(pid));
  const grown: number[] = [];
  for (let time = 0; time < times; time += 1) {
    await outage(scene, stage, mongo, perSecond * SENDERS);
    await pause(5_000);
    grown.push(Math.max(...memories.map((memory) => memory.grown)));
  }
  report.note(`memory after each outage ${grown.map((mib) => `+${mib.toFixed(0)}`).join(' ')} MiB`);
  report.atMost('memory growth', Math.max(...memories.map((memory) => memory.stop())), 50, 'MiB');
  report.holdsThat('all at rest within 60 s', await scene.rest(server, RECEIVING));
  const { counts } = await scene.judge();
  const refused = of(readJournals(scene.journals), 'refused');
  report.count(counts['confirmed'] ?? 0, `confirmed, ${times} outages`);
  report.count(refused.length, 'refusals');
  report.exactly('final refusals', refused.filter(({ retryAfterMs }) => retryAfterMs === undefined).length, 0);
  report.atMost(
    'longest retry_after_ms',
    Math.max(0, ...refused.map((entry) => entry.retryAfterMs ?? 0)),
    LONGEST_RETRY_MS,
  );
  const waits = refused.map((entry) => entry.waitedMs ?? 0);
  report.atMost('a refusal came after p99', percentile(waits, 0.99), LONGEST_ANSWER_MS, 'ms');
}

async function kills(scene: Scene, count: number): Promise<void> {
  const { report, random, short } = scene;
  const times = Array.from({ length: short ? 2 : 10 }, () => random.int(3_000, 6_000));
  report.schedule.push(...times.map((ms) => `up ${ms} ms`));
  const mongo = mongoOf(scene);
  const { servers, url } = await stageOf(scene, count);
  const [server] = servers;
  const crews = await manClients(scene, server, perSecondOf(count), url);
  await Promise.all(crews.map((crew) => crew.connected()));
  await Promise.all(crews.map((crew) => crew.tell({ do: 'go' })));
  for (const ms of times) {
    await pause(ms);
    scene.fault('mongod kill -9');
    await mongo.down('SIGKILL');
    await pause(500);
    await mongo.up();
  }
  const least = short ? 2_000 : 20_000;
  while ((await scene.states()).confirmed < least && server.exit === undefined) await pause(500);
  await pause(3_000);
  report.holdsThat('all at rest within 60 s', await scene.rest(server, RECEIVING));
  const { counts } = await scene.judge();
  report.count(counts['confirmed'] ?? 0, `confirmed, ${times.length} kills`);
  report.atLeast('confirmed', counts['confirmed'] ?? 0, least);
}

function rowOf(id: string, title: string, count: number, run: (scene: Scene, count: number) => Promise<void>): Row {
  return { id, title, families: ['mongo'], short: count === 1, run: (scene) => run(scene, count) };
}

export const f5 = rowOf('F5', 'mongod stops and comes back', 1, outages);
export const f5ofThree = rowOf('F5.3', 'mongod stops and comes back, under three server nodes', 3, outages);
export const f6 = rowOf('F6', 'kill -9 of mongod', 1, kills);
export const f6ofThree = rowOf('F6.3', 'kill -9 of mongod, under three server nodes', 3, kills);
