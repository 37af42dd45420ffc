import { type Entry, readJournals } from '../checker/index.js';
import { monotonic } from '../clients/journal-writer.js';
import { shown } from '../clients/sender.js';
import type { Crew } from '../harness/crew.js';
import { heldBytes, mostHeld } from '../harness/weighed.js';
import { latencies, MemoryWatch, MIB, now, percentile } from '../harness/measure.js';
import type { Report } from '../harness/report.js';
import type { Row } from '../harness/row.js';
import type { ServerNode } from '../harness/server-node.js';
import { APP, SessionCalls } from '../harness/session-calls.js';
import { FAMILIES } from '../harness/stores.js';
import type { TcpProxy } from '../harness/tcp-proxy.js';
import { pause, within } from '../harness/wait.js';
import { WATCHING } from '../harness/watched.js';
import { settleNeighbours } from './neighbours.js';

const SLOW_BYTES_PER_SECOND = 1_024;
const PAIRS = 20;
const PER_SECOND = 15;
const SETTINGS = { ...WATCHING, CONNECTIONS_PER_ADDRESS: '0' };
const MESSAGE_BYTES = 16 * 1_024;
/** At most so often: each goes to all of them. */
const EVERY_MS = 1_000;
/** Long enough for who is stuck to be seen. */
const STUCK_MS = 15_000;
/** A look is a full collection: more of them would be the p99 of others. */
const LOOK_MS = 20_000;
const GROWTH_MIB = 256;
const [STORED_MS, AGAIN_MS] = [60_000, 500];
/** Less is felt by nobody, and the double of a few ms is noise of the machine. */
const FELT_MS = 50;
const CATCH_UP_MS = 240_000;
const LOOKING = 20;
/** Of the slow ones so many inboxes are read once more to the last message. */
const FINAL_READS = 10;

type Span = readonly [from: number, to: number];

/**
 * A session of slow readers is told more than they can take. What their neighbours feel of that is compared with what
 * they felt while the same crowd still read quickly: how slow it is must cost others little.
 */
export const f15: Row = {
  id: 'F15',
  title: 'a crowd of slow readers',
  families: FAMILIES,
  short: ['embedded'],
  async run(scene) {
    const { report, short } = scene;
    const everyMs = short ? 250 : EVERY_MS;
    const size = short ? { readers: 200, messages: 48 } : { readers: 1_000, messages: 60 };
    const server = await scene.server(SETTINGS);
    const neighbours = await settleNeighbours(scene, server.url, PAIRS, PER_SECOND);
    await neighbours.crew.tell({ do: 'go' });
    await pause(short ? 3_000 : 10_000);
    const way = await scene.wayTo(server);
    const crowd = new Crowd({ server, way }, scene.crew(), (entry) => scene.write(entry), size);
    await crowd.come();
    const quick = await crowd.hear(size.messages / 2, everyMs);
    crowd.slowDown();
    const before = await heldBytes(server);
    const memory = new MemoryWatch(server.pid);
    const looks = mostHeld(server, now() + size.messages * everyMs + STUCK_MS, LOOK_MS);
    const slow = await crowd.hear(size.messages, everyMs);
    const growth = (Math.max(await looks, await heldBytes(server)) - before) / MIB;
    report.count(size.readers, 'slow readers');
    report.atMost('memory growth', growth, GROWTH_MIB, 'MiB');
    report.note(`with garbage, at most ${memory.stop().toFixed(1)} MiB`);
    await crowd.tellOf(report);
    crowd.heal();
    report.note(`all had all of it ${((await crowd.caughtUp()) / 1_000).toFixed(0)} s after they were quick again`);
    report.exactly('inboxes without all of it', await crowd.lacking(), 0);
    const inboxes = [...neighbours.nodes, ...crowd.nodes.slice(0, FINAL_READS)];
    report.holdsThat('all at rest within 60 s', await scene.rest(server, inboxes));
    const { counts } = await scene.judge();
    report.count(counts['confirmed'] ?? 0, 'confirmed');
    const journal = readJournals(scene.journals);
    const before99 = p99(journal, quick);
    report.note(`p99 of others ${before99.toFixed(1)} ms while it was quick`);
    report.latency('p99 of others', p99(journal, slow), Math.max(Math.round(20 * before99) / 10, FELT_MS), short);
  },
};

interface Size {
  readonly readers: number;
  readonly messages: number;
}

class Crowd {
  readonly nodes: readonly string[];
  private group = '';
  private sent = 0;

  constructor(
    private readonly place: { readonly server: ServerNode; readonly way: TcpProxy },
    private readonly crew: Crew,
    private readonly write: (entry: Entry) => void,
    private readonly size: Size,
  ) {
    this.nodes = Array.from({ length: size.readers }, (_none, index) => `slow-${index + 1}`);
  }

  async come(): Promise<void> {
    const { crew, place } = this;
    crew.giveWay();
    await this.settle();
    const url = `http://127.0.0.1:${place.way.port}`;
    for (const node of this.nodes) await crew.read({ kind: 'raw', reader: `${node}/one`, node, url });
    await crew.connected();
  }

  slowDown(): void {
    this.place.way.throttle(SLOW_BYTES_PER_SECOND);
  }

  /** Is told so many messages; how long that was, and what came of it. */
  async hear(messages: number, everyMs: number): Promise<Span> {
    const from = now();
    for (let told = 0; told < messages; told += 1) {
      const next = now() + everyMs;
      await this.say();
      await pause(Math.max(0, next - now()));
    }
    await pause(STUCK_MS);
    return [from, now()];
  }

  heal(): void {
    this.place.way.heal();
  }

  async tellOf(report: Report): Promise<void> {
    const metrics = await this.place.server.metrics();
    const closes = (code: string): number => metrics.sum('allspark_closes_total', `"${code}"`);
    report.note(`closed with 4000 ${closes('4000')} times, with 4001 ${closes('4001')} times`);
    const { positions } = await this.crew.state();
    const least = Math.min(...this.nodes.map((node) => positions[`${node}/one`] ?? 0));
    report.holdsThat(`they are slow: one stands at ${least} of ${this.sent}`, least < this.sent);
  }

  /** Ms until all stand at the end. */
  async caughtUp(): Promise<number> {
    const began = now();
    const all = async (): Promise<boolean> => {
      const { positions } = await this.crew.state();
      return this.nodes.every((node) => positions[`${node}/one`] === this.sent);
    };
    return (await within(CATCH_UP_MS, all, 250)) ? now() - began : Infinity;
  }

  /** Inboxes of theirs that end before the last message. */
  async lacking(): Promise<number> {
    let lacking = 0;
    for (let first = 0; first < this.nodes.length; first += LOOKING) {
      const tails = this.nodes.slice(first, first + LOOKING).map(async (node) => {
        const path = `/v1/nodes/${node}`;
        const { inbox } = await this.place.server.json<{ inbox: { tail_seq: number } }>(
          'harness',
          path,
          undefined,
          APP.claims,
        );
        return inbox.tail_seq;
      });
      lacking += (await Promise.all(tails)).filter((tail) => tail !== this.sent).length;
    }
    return lacking;
  }

  private async settle(): Promise<void> {
    const members = this.nodes.map((node) => ({ node_id: node }));
    const askedAt = monotonic();
    this.group = await new SessionCalls(this.write).create(this.place.server, APP, { members });
    for (const node of this.nodes) this.write({ what: 'joined', group: this.group, node, askedAt });
  }

  private async say(): Promise<void> {
    const { group } = this;
    this.sent += 1;
    const id = `told-${this.sent}`;
    const payload = { id, text: 'x'.repeat(MESSAGE_BYTES) };
    const name = { src: APP.node, dest: group, id };
    this.write({
      what: 'sent',
      lane: APP.node,
      ...name,
      group,
      payload: shown(JSON.stringify(payload)),
      trusted: true,
    });
    const frame = { dest_session_id: group, id, payload };
    if (!(await within(STORED_MS, () => this.stored(frame), AGAIN_MS))) throw new Error(`${id} was not stored`);
    this.write({ what: 'confirmed', ...name });
  }

  /** What is not stored, or nobody knows, is sent again under its id. */
  private async stored(frame: object): Promise<boolean> {
    const body = { messages: [frame] };
    const { server } = this.place;
    const answer = await server.json<{ results?: Array<{ status: string }> }>(
      APP.node,
      '/v1/messages',
      body,
      APP.claims,
    );
    const status = answer.results?.[0]?.status;
    return status === 'stored' || status === 'duplicate';
  }
}

function p99(journal: readonly Entry[], [from, to]: Span): number {
  return percentile(latencies(journal, from, to, /^neighbour/), 0.99);
}
