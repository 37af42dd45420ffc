import { rawField } from '@allspark/client';
import { readJournals, of } from '../checker/index.js';
import { groupFields, wordIn } from '../clients/group-fields.js';
import { shown } from '../clients/sender.js';
import { Cluster } from '../harness/cluster.js';
import { Dialogue } from '../harness/dialogue.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { FAMILIES } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';
import { fill } from './filling.js';

const SERVERS = 2;
const NODE = 'many';
/** CONNECTIONS_PER_NODE. */
const ALLOWED = 10;
const AT_ONCE = 100;
/** Those of all rounds fit into a reader's window, so that nobody acknowledges and each round reads from the first on. */
const MESSAGES = 5;
const READ_MS = 20_000;
const SETTLE_MS = 1_000;
/**
 * By the number, or not let in at all: where the store is busy, it is said after the handshake or before. Nobody is cut
 * without a word.
 */
const REFUSALS = /ended with (4003|1013|1006 HTTP 503)/;
/** Whoever was let in has to be told so by then. */
const FREE_MS = 5_000;

interface Reader {
  readonly dialogue: Dialogue;
  readonly after: number;
}

interface Round {
  readonly live: readonly Reader[];
  readonly endings: readonly string[];
}

/** All at once, at both server nodes; who gets in, and how the others are told that they do not. */
async function storm(cluster: Cluster): Promise<Round> {
  const tries = Array.from({ length: AT_ONCE }, async (_none, at): Promise<Reader> => {
    const server = cluster.servers[at % SERVERS]!;
    const dialogue = await Dialogue.open(server.directUrl, server.key(NODE));
    const hello = dialogue.heard.find(({ type }) => type === -110)!;
    const after = Math.max(Number(hello['acked_seq']), Number(hello['floor_seq']) - 1);
    return { dialogue, after };
  });
  const outcomes = await Promise.allSettled(tries);
  const live = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
  return { live, endings: refused };
}

function count(endings: Map<string, number>, ending: string): void {
  // How long to stay away is another one each time.
  const kind = ending.replace(/ retry_after.*/, '');
  endings.set(kind, (endings.get(kind) ?? 0) + 1);
}

function seqs({ dialogue }: Reader): number[] {
  return dialogue.heard.flatMap(({ seq }) => (typeof seq === 'number' ? [seq] : []));
}

/** What live ones heard, as a journal keeps it: the first of each round are one reader, the second ones another … */
function writeDown(scene: Scene, live: readonly Reader[]): void {
  for (const [at, { dialogue, after }] of live.entries()) {
    const reader = `${NODE}/${at + 1}`;
    const epoch = String(dialogue.heard[0]?.['epoch']);
    scene.write({ what: 'opened', reader, node: NODE, after, epoch });
    for (const frame of dialogue.heard) {
      if (typeof frame['seq'] !== 'number') continue;
      const payload = shown(rawField(JSON.stringify(frame), 'payload') ?? '');
      const [src, id] = [wordIn(frame, 'src_id'), wordIn(frame, 'id')];
      scene.write({ what: 'received', reader, node: NODE, seq: frame['seq'], src, id, payload, ...groupFields(frame) });
    }
  }
}

export const f22: Row = {
  id: 'F22',
  title: 'one node connects many times at once, at two server nodes',
  families: FAMILIES,
  short: ['mongo'],
  async run(scene) {
    const { report, short } = scene;
    const rounds = short ? 4 : 50;
    const settings = { HANDSHAKES_PER_SECOND: '0', HTTP_RATE_PER_SECOND: '0' };
    const cluster = await Cluster.start(scene, SERVERS, settings);
    const [first, last] = [cluster.servers[0]!, cluster.servers[1]!];
    await first.call(NODE, '/v1/inbox?limit=1');
    const outcomes: Round[] = [];
    const endings = new Map<string, number>();
    let [ended, stored] = [0, 0];
    for (let round = 1; round <= rounds; round += 1) {
      const outcome = await storm(cluster);
      for (const ending of outcome.endings) count(endings, ending);
      outcomes.push(outcome);
      await fill(scene, round % 2 === 0 ? first : last, NODE, MESSAGES, stored);
      stored += MESSAGES;
      const all = Array.from({ length: stored }, (_none, at) => at + 1).join();
      const haveAll = (): boolean => outcome.live.every((reader) => seqs(reader).join() === all);
      report.holdsThat(`round ${round}: all who are live read to the tail`, await within(READ_MS, haveAll));
      await pause(SETTLE_MS);
      ended += outcome.live.filter(({ dialogue }) => dialogue.hasEnded).length;
      await Promise.all(outcome.live.map(({ dialogue }) => dialogue.close()));
      await within(FREE_MS, async () => (await cluster.sum('allspark_connections')) === 0);
    }
    const counts = outcomes.map(({ live }) => live.length);
    // Whoever is named here has to be there to the end.
    for (const { live } of outcomes) writeDown(scene, live.slice(0, Math.min(...counts)));
    await scene.rest(first, [NODE]);
    await scene.judge();
    report.count(rounds, `rounds of ${AT_ONCE} at once`);
    report.count(of(readJournals(scene.journals), 'received').length, 'readings');
    report.atMost('most that were live', Math.max(...counts), ALLOWED);
    report.note(`fewest ${Math.min(...counts)}`);
    report.atLeast('fewest that were live', Math.min(...counts), 1);
    report.exactly('live ones that were ended for others', ended, 0);
    for (const [ending, times] of endings)
      report.note(`${ending.replace(/^.*ended with (1006 )?/, '').trim()} × ${times}`);
    const others = [...endings.keys()].filter((ending) => !REFUSALS.test(ending));
    report.holdsThat(`nobody ends otherwise: ${others.join()}`, others.length === 0);
  },
};
