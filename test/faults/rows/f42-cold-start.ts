import mongoose from 'mongoose';
import { shown } from '../clients/sender.js';
import { Cluster, type Member } from '../harness/cluster.js';
import { Random } from '../harness/random.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';
import { MongoStore } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';
import { SERVERS } from './f01-kill-of-three.js';

const NODE = 'reader';
const SRC = 'backend';
const LANES = 8;
const UP_MS = 90_000;
const RETRY_MS = 100;

interface Result {
  readonly status: string;
}

/** Every unique index, those of ids too, which a collection has from its beginning. */
async function uniqueIndexes(store: MongoStore): Promise<string> {
  const client = new mongoose.mongo.MongoClient(`mongodb://127.0.0.1:${store.directPort}/?directConnection=true`);
  const db = client.db('allspark');
  const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).toSorted();
  const lines: string[] = [];
  for (const name of names) {
    for (const { key, unique } of await db.collection(name).indexes()) {
      if (unique === true) lines.push(`${name} ${JSON.stringify(key)}`);
    }
  }
  await client.close();
  return lines.toSorted().join('\n');
}

function accepts({ directUrl }: ServerNode): Promise<boolean> {
  return fetch(`${directUrl}/healthz`).then(
    () => true,
    () => false,
  );
}

/** What there is at the moment at which one of them takes its first call. */
async function atFirstAccept(cluster: Cluster, store: MongoStore): Promise<string> {
  const one = async (): Promise<boolean> => (await Promise.all(cluster.servers.map(accepts))).includes(true);
  if (!(await within(UP_MS, one, 2))) throw new Error('no server node came up');
  return uniqueIndexes(store);
}

/** Until it is stored; server nodes come up one after the other. */
async function insist({ server }: Member, message: object): Promise<string> {
  for (;;) {
    const asked = server.json<{ results?: Result[] }>(SRC, '/v1/messages', { messages: [message] }, { role: 'app' });
    const status = await asked.then(
      ({ results }) => results?.[0]?.status,
      () => undefined,
    );
    if (status === 'stored' || status === 'duplicate') return status;
    await pause(RETRY_MS);
  }
}

/** Sends each message to two of them at once; both have to say that it is stored. */
async function sendTwice(scene: Scene, cluster: Cluster, doubles: number): Promise<number> {
  const random = new Random(scene.random.seed);
  let [next, stored] = [0, 0];
  const lane = async (name: number): Promise<void> => {
    while (next < doubles) {
      const id = `double-${(next += 1)}`;
      const [one, other] = [random.int(0, SERVERS - 1), random.int(1, SERVERS - 1)];
      const members = [cluster.members[one]!, cluster.members[(one + other) % SERVERS]!];
      const payload = { id, text: 'x'.repeat(40) };
      const text = shown(JSON.stringify(payload));
      scene.write({ what: 'sent', lane: `${SRC}-${name}`, src: SRC, dest: NODE, id, payload: text });
      const told = await Promise.all(members.map((member) => insist(member, { dest_id: NODE, id, payload })));
      stored += told.filter((status) => status === 'stored').length;
      scene.write({ what: 'confirmed', src: SRC, dest: NODE, id });
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_none, at) => lane(at)));
  return stored;
}

export const f42: Row = {
  id: 'F42',
  title: 'three server nodes begin at once on an empty MongoDB under traffic',
  families: ['mongo'],
  short: false,
  async run(scene) {
    const { report, short, store } = scene;
    if (!(store instanceof MongoStore)) throw new Error('this row is about mongod');
    const doubles = short ? 200 : 1_000;
    const settings = { ALLOW_UNKNOWN_DESTINATIONS: 'on', HTTP_RATE_PER_SECOND: '0' };
    const cluster = await Cluster.prepare(scene, SERVERS, settings);
    const crew = scene.crew();
    for (const [at, { url }] of cluster.servers.entries()) {
      await crew.read({ kind: 'raw', reader: `${NODE}/${at + 1}`, node: NODE, url });
    }
    const early = atFirstAccept(cluster, store);
    const [stored] = await Promise.all([sendTwice(scene, cluster, doubles), cluster.startAll()]);
    report.holdsThat('all at rest within 60 s', await scene.rest(cluster.servers[0]!, [NODE]));
    await scene.judge();
    const late = await uniqueIndexes(store);
    report.count(doubles, 'sent twice at the same time');
    report.exactly('stored', stored, doubles);
    report.count(late.split('\n').length, 'unique indexes');
    report.holdsThat(`unique indexes are there before the first call: ${await early}`, (await early) === late);
  },
};
