import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { AllsparkClient, AllsparkError, rawField } from '@allspark/client';
import { freePorts } from '../../support/free-ports.js';
import type { Entry } from '../checker/index.js';
import { groupFields, wordIn } from '../clients/group-fields.js';
import { JournalWriter } from '../clients/journal-writer.js';
import { shown } from '../clients/sender.js';
import { Crew } from './crew.js';
import type { Random } from './random.js';
import { Report } from './report.js';
import { ServerNode } from './server-node.js';
import type { Store } from './stores.js';
import { TcpProxy } from './tcp-proxy.js';
import { judgeFolder, type Verdict } from './verdict.js';
import { pause, within } from './wait.js';

const SETTLE_MS = 60_000;
const PAGE = 1_000;

/** Everything that one run of one row needs: a store, server nodes, clients, journals, and their judge. */
export class Scene {
  readonly report = new Report();
  readonly journals: string;
  private readonly own: JournalWriter;
  private readonly allCrews: Crew[] = [];
  private readonly servers: ServerNode[] = [];
  private readonly proxies: Array<{ close(): Promise<void> }> = [];

  constructor(
    readonly folder: string,
    readonly store: Store,
    readonly random: Random,
    readonly short: boolean,
    /** How long a soak is to last; what it takes itself when it is not told. */
    readonly minutes?: number,
  ) {
    this.journals = join(folder, 'journals');
    mkdirSync(this.journals, { recursive: true });
    this.own = new JournalWriter(join(this.journals, 'runner.jsonl'));
  }

  /** A server node on the store, behind a proxy, ready. */
  readonly server = async (settings: Readonly<Record<string, string>> = {}): Promise<ServerNode> => {
    const [port = 0] = await freePorts(1);
    const proxy = this.closing(await TcpProxy.start(port, this.random));
    const behind = { PUBLIC_URL: `http://127.0.0.1:${proxy.port}` };
    const log = join(this.folder, `server-${this.servers.length + 1}.log`);
    const server = new ServerNode(log, { ...behind, ...this.store.settings, ...settings }).listenOn(port);
    server.proxy = proxy;
    this.keep(server);
    await server.start();
    return server;
  };

  /** It ends with the scene. */
  keep(server: ServerNode): void {
    this.servers.push(server);
  }

  /** It is closed with the scene. */
  closing<T extends { close(): Promise<void> }>(proxy: T): T {
    this.proxies.push(proxy);
    return proxy;
  }

  /** One more way to a server node, for clients that have weather of their own. */
  async wayTo(server: ServerNode): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(server.directPort, this.random);
    this.proxies.push(proxy);
    return proxy;
  }

  crew(): Crew {
    const crew = new Crew(join(this.journals, `clients-${this.allCrews.length + 1}.jsonl`));
    this.allCrews.push(crew);
    return crew;
  }

  /** Those that were not sent to rest yet. */
  private get crews(): Crew[] {
    return this.allCrews.filter(({ isOver }) => !isOver);
  }

  /** Writes into the runner's own journal. */
  write(entry: Entry): void {
    this.own.write(entry);
  }

  fault(text: string): void {
    this.write({ what: 'fault', text });
  }

  /** All crews together. */
  async states(): Promise<{ sent: number; confirmed: number; refused: number; waiting: number; away: number }> {
    const sums = { sent: 0, confirmed: 0, refused: 0, waiting: 0, away: 0 };
    for (const state of await Promise.all(this.crews.map((crew) => crew.state()))) {
      for (const name of Object.keys(sums) as Array<keyof typeof sums>) sums[name] += state[name];
    }
    return sums;
  }

  /** Nothing is sent or disturbed any more; whether all came to rest in time. Then the final read of these inboxes. */
  async rest(server: ServerNode, nodes: readonly string[]): Promise<boolean> {
    await Promise.all(this.crews.map((crew) => crew.tell({ do: 'stop' })));
    this.write({ what: 'healed' });
    const rested = await within(SETTLE_MS, () => this.isAtRest(server, nodes), 250);
    this.write({ what: 'rested' });
    await Promise.all(this.crews.map((crew) => crew.rest()));
    for (const node of nodes) await this.finalRead(server, node);
    return rested;
  }

  /** Where the journals are, written down to the last line. */
  flushed(): string {
    this.own.flush();
    return this.journals;
  }

  /** Judges, and takes every violation into the report. */
  async judge(lateMs?: number): Promise<Verdict> {
    const verdict = await judgeFolder(this.flushed(), lateMs);
    const inGroups = verdict.counts['stored in groups'] ?? 0;
    if (inGroups > 0) this.report.count(inGroups, 'stored in sessions');
    const broken = Object.entries(verdict.invariants).map(([name, count]) => `${name} × ${count}`);
    this.report.note(broken.length === 0 ? '0 violations' : `violations: ${broken.join(', ')}`);
    for (const { invariant, text } of verdict.violations) this.report.shortcomings.push(`${invariant}: ${text}`);
    return verdict;
  }

  async close(): Promise<void> {
    for (const crew of this.allCrews) crew.end();
    await Promise.all(this.servers.map((server) => server.kill()));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await this.store.stop();
    this.own.close();
  }

  private async isAtRest(server: ServerNode, nodes: readonly string[]): Promise<boolean> {
    try {
      const states = await Promise.all(this.crews.map((crew) => crew.state()));
      if (states.some(({ waiting, away }) => waiting > 0 || away > 0)) return false;
      const tails = await Promise.all(nodes.map(async (node) => [node, await tailOf(server, node)] as const));
      const stand = Object.assign({}, ...states.map(({ positions }) => positions)) as Record<string, number>;
      return Object.entries(stand).every(([reader, seq]) => seq >= (new Map(tails).get(nodeOf(reader)) ?? 0));
    } catch {
      // The server may still be away.
      return false;
    }
  }

  private async finalRead(server: ServerNode, node: string): Promise<void> {
    const reader = `${node}/final`;
    const client = new AllsparkClient({ url: server.directUrl, authKey: server.key(node), WebSocket });
    const first = await patiently(() => client.readInbox({ limit: 1 }));
    let last = first.floorSeq - 1;
    this.write({ what: 'opened', reader, node, after: last, epoch: first.epoch });
    for (let complete = false; !complete;) {
      const page = await patiently(() => client.readInbox({ afterSeq: last, limit: PAGE }));
      for (const { raw, seq = last } of page.messages) {
        const frame = JSON.parse(raw) as Readonly<Record<string, unknown>>;
        const [src, id] = [wordIn(frame, 'src_id'), wordIn(frame, 'id')];
        const payload = shown(rawField(raw, 'payload') ?? '');
        last = seq;
        this.write({ what: 'received', reader, node, seq, src, id, payload, ...groupFields(frame) });
      }
      complete = page.complete || page.messages.length === 0;
    }
    this.write({ what: 'tail', node, seq: first.tailSeq });
  }
}

/** Asks again for as long as rest may take, when it is told to come later. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AllsparkError) || !error.retryable || performance.now() > end) throw error;
      await pause(error.retryAfterMs ?? 1_000);
    }
  }
}

/** Readers are named by their node and something behind a slash. */
function nodeOf(reader: string): string {
  return reader.split('/', 1)[0] as string;
}

async function tailOf(server: ServerNode, node: string): Promise<number> {
  return (await server.json<{ tail_seq: number }>(node, '/v1/inbox?limit=1')).tail_seq;
}
