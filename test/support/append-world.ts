import type { Scheduler } from 'fast-check';
import { ManualClock, type Timer } from '../../src/common/clock.js';
import { StallGuard } from '../../src/common/stall-guard.js';
import { AppendLoop } from '../../src/modules/inbox/append-loop.js';
import {
  type AppendOutcome,
  InboxReader,
  type LogRow,
  type MessageDraft,
  NO_MARKS,
} from '../../src/modules/inbox/index.js';
import type { AppendRules } from '../../src/modules/inbox/inbox.types.js';
import { ReaderRegistry } from '../../src/modules/inbox/reader-registry.js';
import { pendingTotals } from '../../src/modules/inbox/inbox-rules.js';
import { FailStop } from '../../src/modules/routing/index.js';
import { Refusal } from '../../src/protocol/index.js';
import { type FakeLogOptions, FakeInboxLog, type Fault } from './fake-inbox-log.js';
import { generator } from './generator.js';
import { bodyOf, SeenRows } from './seen-rows.js';

const LOG = 'n:receiver';
const ROOM = 6;
const IN_FLIGHT = 3;
const MOST_STEPS = 4_000;
const DAY_AND_MORE_MS = 26 * 3_600_000;

/** One rule of the algorithm taken away. */
export interface Weakness {
  readonly store?: FakeLogOptions;
  /** Changes a loop after it was made. */
  readonly weaken?: (loop: AppendLoop<MessageDraft>) => void;
  /** A connection lets messages pass those that failed before them. */
  readonly noFailStop?: boolean;
  /** A process never notices that it stood still, and believes its tail for ever. */
  readonly trustsForEver?: boolean;
  /** Rows vanish although their messages may be sent again. */
  readonly noTombstones?: boolean;
  /** The server names a message again at every attempt. */
  readonly namesLate?: boolean;
  /** Nobody asks the store for rows that no hint told of. */
  readonly noPoll?: boolean;
}

/** What happens in one run: a seed for the weather and how bad it is. */
export interface Story {
  readonly seed: number;
  readonly processes: number;
  readonly clients: number;
  readonly messages: number;
  readonly badWeather: number;
  readonly events: number;
  readonly checksPredecessor: boolean;
}

type State = 'new' | 'flight' | 'failed' | 'done';

interface Message {
  readonly index: number;
  readonly id: string;
  readonly digest: string;
  state: State;
  /** An attempt was left behind without its answer: what became of it, nobody knows. */
  abandoned: boolean;
}

/** Several server nodes over one store, and clients that send again what has no receipt. Collects what went wrong. */
export class AppendWorld {
  readonly wrongs: string[] = [];
  /** Keys that some attempt was refused for good with, perhaps one that its client had left behind. */
  readonly refusedSomewhere = new Set<string>();
  readonly store: FakeInboxLog;
  readonly processes: Process[];
  readonly clients: Client[];
  private readonly random: () => number;
  private calm = false;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly story: Story,
    readonly weakness: Weakness = {},
  ) {
    this.random = generator(story.seed);
    const checksPredecessor = story.checksPredecessor;
    this.store = new FakeInboxLog({ maxBatch: 4, lanes: 2, checksPredecessor, ...weakness.store });
    this.store.step = (label) => this.pass(label);
    this.store.fault = () => this.fault();
    this.processes = Array.from({ length: story.processes }, () => new Process(this));
    this.clients = Array.from({ length: story.clients }, (_, index) => new Client(`c${index}`, story.messages, this));
  }

  /** In good weather nothing waits: a scheduler may be as unfair as it likes, a network is not for ever. */
  later(label: string): Promise<void> {
    return this.calm ? new Promise(setImmediate) : this.scheduler.schedule(Promise.resolve(), label);
  }

  /** A commit takes longest where what it has not decided can be seen, so that somebody looks. */
  private async pass(label: string): Promise<void> {
    const slow = label === 'commit' && this.weakness.store?.showsUndecidedRows;
    for (let more = slow ? 8 : 1; more > 0; more -= 1) await this.later(label);
  }

  anyProcess(): Process {
    return this.processes[Math.floor(this.random() * this.processes.length)] as Process;
  }

  /** The readers of the writer's process are told; those of the others perhaps, perhaps late, perhaps never. */
  hint(writer: Process, rows: readonly LogRow[]): void {
    for (const process of this.processes) {
      if (process === writer) process.offer(rows);
      else if (this.random() < 0.5) void this.later('hint').then(() => process.offer(rows));
    }
  }

  wrong(what: string): void {
    this.wrongs.push(what);
  }

  /** Runs the story to its end, first in bad weather, then in good, and answers what went wrong. */
  async run(): Promise<string[]> {
    for (let event = 0; event < this.story.events; event += 1) {
      this.happen();
      await this.turn();
    }
    this.calm = true;
    for (let step = 0; step < MOST_STEPS && !this.settled(); step += 1) {
      this.acknowledge();
      await this.turn();
    }
    this.judge();
    for (const { guard, polling } of this.processes) {
      guard.stop();
      polling?.cancel();
    }
    return this.wrongs;
  }

  private async turn(): Promise<void> {
    for (const client of this.clients) client.act();
    await new Promise(setImmediate);
    if (this.scheduler.count() > 0) await this.scheduler.waitOne();
    if (this.scheduler.count() === 0 || this.random() < 0.2) this.tick();
  }

  private tick(): void {
    for (const { clock } of this.processes) clock.advance(20);
  }

  private settled(): boolean {
    const done = this.clients.every((client) => client.messages.every(({ state }) => state === 'done'));
    const last = this.store.history.length;
    const quiet = this.processes.every(({ loop, seen }) => loop.waiting === 0 && seen.isUpTo(last));
    return done && quiet && this.store.inserting === 0;
  }

  private happen(): void {
    const dice = this.random() * 100;
    if (dice < 8) this.acknowledge();
    else if (dice < 20) this.collect();
    else if (dice < 20 + this.story.badWeather) this.anyProcess().clock.jump(40_000);
    else if (dice < 20 + 2 * this.story.badWeather) this.anyClient().reconnect();
  }

  private anyClient(): Client {
    return this.clients[Math.floor(this.random() * this.clients.length)] as Client;
  }

  private fault(): Fault {
    if (this.calm || this.random() * 100 >= this.story.badWeather) return 'none';
    return (['before', 'lost', 'undone'] as const)[Math.floor(this.random() * 3)] ?? 'none';
  }

  private acknowledge(): void {
    const last = this.store.rowsOf(LOG).at(-1);
    if (last) this.store.setMarks(LOG, { acked: last.n, ackedTotals: last.totals });
  }

  /**
   * Drops acknowledged rows; those whose message may come again only where tombstones were taken away. That is more than
   * a day later: every process stood still, or forgot its tail, and no insert is on its way.
   */
  private collect(): void {
    const rows = this.store.rowsOf(LOG);
    const { acked } = this.store.marksNow(LOG);
    const keep = rows.findIndex((row) => row.n > acked || this.mayComeAgain(row.key));
    const last = keep < 0 ? rows.at(-1) : rows[keep - 1];
    if (!last || this.store.inserting > 0) return;
    if (!this.weakness.noTombstones) for (const { clock } of this.processes) clock.jump(DAY_AND_MORE_MS);
    // Their connections would be long closed by then, and resume below the floor.
    for (const { seen } of this.processes) if (!seen.isUpTo(last.n)) seen.close();
    this.store.setMarks(LOG, { floor: last.n + 1, floorTotals: last.totals });
    this.store.removeAtOnce(LOG, last.n + 1);
  }

  private mayComeAgain(key: string): boolean {
    if (this.weakness.noTombstones) return false;
    return this.clients.some((client) =>
      client.messages.some(
        (message) => client.keyOf(message) === key && (message.state !== 'done' || client.owes(key)),
      ),
    );
  }

  private judge(): void {
    const { history } = this.store;
    const numbers = history.map(({ n }) => n).sort((one, other) => one - other);
    if (numbers.some((n, index) => n !== index + 1)) this.wrong(`not contiguous: ${numbers.join()}`);
    const bodies = history.map(({ body }) => body);
    if (new Set(bodies).size !== bodies.length) this.wrong(`twice in the log: ${bodies.join()}`);
    for (const client of this.clients) client.judge(history);
    for (const { seen } of this.processes) seen.judge(history, this.wrong.bind(this));
  }
}

class Process {
  readonly clock = new ManualClock();
  readonly guard = new StallGuard(this.clock, 5_000, 30_000);
  readonly loop: AppendLoop<MessageDraft>;
  readonly seen = new SeenRows();
  readonly polling: Timer | undefined;
  private readonly readers: ReaderRegistry;
  /** Attempts that were handed in and not answered, in their order. */
  private readonly open: string[] = [];
  private attempts = 0;

  constructor(readonly world: AppendWorld) {
    const { weakness, store } = world;
    const rules: AppendRules<MessageDraft> = {
      first: () => Promise.resolve(undefined),
      ready: () => Promise.resolve(),
      admit: ({ tail, marks }, { body, bytes }) =>
        pendingTotals(tail.totals, marks).count < ROOM
          ? { kind: 'row', body, counts: { count: 1, bytes } }
          : { kind: 'refused', refusal: new Refusal('inbox_full') },
      appended: (rows) => world.hint(this, rows),
    };
    const guard = weakness.trustsForEver ? ({ stalls: () => 0 } as unknown as StallGuard) : this.guard;
    const believed = weakness.trustsForEver ? Infinity : 30_000;
    const settings = { tailTrustMs: believed, deadlineMs: weakness.trustsForEver ? Infinity : 5_000 };
    this.loop = new AppendLoop(store, rules, this.clock, guard, settings);
    weakness.weaken?.(this.loop);
    this.readers = new ReaderRegistry(store, this.clock, { pollMs: 100, pollJitterMs: 20 });
    const wide = { windowMessages: 1_000, windowBytes: 1_000_000, ageMs: Infinity };
    const reader = new InboxReader(LOG, store, this.seen, wide, () => this.clock.now());
    this.readers.add(reader);
    reader.start(0, 0, NO_MARKS);
    if (!weakness.noPoll) this.polling = this.readers.poll();
  }

  offer(rows: readonly LogRow[]): void {
    this.readers.offer(rows);
  }

  owes(key: string): boolean {
    return this.open.some((name) => name.startsWith(`${key} `));
  }

  append(draft: MessageDraft, settle: (outcome: AppendOutcome) => void): void {
    const name = `${draft.key} ${(this.attempts += 1)}`;
    const { store } = this.world;
    const stoodBefore = store.history.some((row) => row.key === draft.key);
    this.open.push(name);
    this.loop.append(LOG, draft, (outcome) => {
      if (!this.open.includes(name)) this.world.wrong(`${name} answered twice`);
      if (this.open[0] !== name) this.world.wrong(`${name} answered before ${this.open[0]}`);
      this.open.splice(this.open.indexOf(name), 1);
      this.judge(draft, outcome, stoodBefore);
      settle(outcome);
    });
  }

  get unanswered(): readonly string[] {
    return this.open;
  }

  private judge(draft: MessageDraft, outcome: AppendOutcome, stoodBefore: boolean): void {
    const row = this.world.store.history.find(({ key }) => key === draft.key);
    if (outcome.kind !== 'refused' && row?.digest !== draft.digest) {
      this.world.wrong(`${draft.key} was answered ${outcome.kind} and has no row`);
    }
    if (outcome.kind !== 'refused' || outcome.refusal.retryable) return;
    this.world.refusedSomewhere.add(draft.key);
    if (stoodBefore) {
      this.world.wrong(`${draft.key} was refused for good and stood in the log before it was sent`);
    }
  }
}

class Client {
  readonly messages: Message[];
  private process: Process;
  private failStop: FailStop;
  private connection = 0;
  private answers: Array<() => void> = [];
  private readonly refusedForGood = new Set<Message>();
  private late = 0;

  constructor(
    readonly src: string,
    count: number,
    private readonly world: AppendWorld,
  ) {
    this.messages = Array.from({ length: count }, (_, index) => {
      return { index, id: String(index), digest: `d${index}`, state: 'new', abandoned: false };
    });
    this.process = world.anyProcess();
    this.failStop = this.newFailStop();
  }

  keyOf({ id }: Message): string {
    return `m ${this.src} ${id}`;
  }

  bodyOf({ digest }: Message): string {
    return bodyOf(`${this.src} ${digest}`);
  }

  owes(key: string): boolean {
    return this.world.processes.some((process) => process.owes(key));
  }

  /** As a client does: after a failure it waits for the other answers and goes back to the first that failed. */
  act(): void {
    const inFlight = this.messages.filter(({ state }) => state === 'flight').length;
    const failed = this.messages.filter(({ state }) => state === 'failed');
    if (failed.length > 0) {
      if (inFlight === 0) for (const message of failed) this.send(message);
      return;
    }
    const next = this.messages.find(({ state }) => state === 'new');
    if (next && inFlight < IN_FLIGHT) this.send(next);
  }

  /** Loses its connection: sends what has no receipt again on another, oldest first. */
  reconnect(): void {
    this.failStop.stop();
    this.connection += 1;
    this.answers = [];
    this.process = this.world.anyProcess();
    this.failStop = this.newFailStop();
    for (const message of this.messages) {
      if (message.state === 'flight') message.abandoned = true;
      if (message.state === 'flight') message.state = 'failed';
    }
  }

  judge(history: readonly LogRow[]): void {
    const mine = this.messages.filter((message) => !this.refusedForGood.has(message));
    const stored = new Set(history.map(({ body }) => body));
    const lost = mine.filter((message) => !stored.has(this.bodyOf(message)));
    if (lost.length > 0) this.world.wrong(`${this.src} has no row of ${lost.map(({ id }) => id).join()}`);
    const ordered = mine.filter((message) => !this.world.refusedSomewhere.has(this.keyOf(message)));
    const order = history.map(({ body }) => ordered.find((message) => this.bodyOf(message) === body)?.index);
    const rows = order.filter((index) => index !== undefined);
    if (rows.some((index, at) => at > 0 && index < (rows[at - 1] ?? 0))) {
      this.world.wrong(`${this.src} out of order: ${rows.join()}`);
    }
    for (const message of this.refusedForGood) {
      const stands = stored.has(this.bodyOf(message));
      if (stands && !message.abandoned) this.world.wrong(`${this.keyOf(message)} was refused for good and has a row`);
    }
    if (this.messages.some(({ state }) => state !== 'done')) this.world.wrong(`${this.src} waits for ever`);
  }

  private newFailStop(): FailStop {
    const { clock } = this.process;
    return new FailStop(clock, { failStopMs: 30_000, failStopMessages: 1_000 }, () => this.reconnect());
  }

  private send(message: Message): void {
    message.state = 'flight';
    const { failStop, connection, process } = this;
    const ordinal = this.world.weakness.noFailStop ? 1 : failStop.enter(LOG, message.id);
    if (ordinal === undefined) return this.answer(connection, message, new Refusal('retry_later'));
    const name = this.world.weakness.namesLate ? `${this.keyOf(message)}.${(this.late += 1)}` : this.keyOf(message);
    process.append(draftOf(name, message.digest, this.bodyOf(message)), (outcome) => {
      const refusal = outcome.kind === 'refused' ? outcome.refusal : undefined;
      if (refusal?.retryable && !this.world.weakness.noFailStop) failStop.fail(LOG, message.id, ordinal);
      this.answer(connection, message, refusal);
    });
  }

  /** Answers of one connection arrive in their order, some time later, unless it is gone by then. */
  private answer(connection: number, message: Message, refusal: Refusal | undefined): void {
    if (connection !== this.connection) return;
    this.answers.push(() => {
      message.state = refusal?.retryable ? 'failed' : 'done';
      if (refusal && !refusal.retryable) this.refusedForGood.add(message);
    });
    void this.world.later('answer').then(() => connection === this.connection && this.answers.shift()?.());
  }
}

function draftOf(key: string, digest: string, body: string): MessageDraft {
  return { kind: 'message', key, digest, body, bytes: Buffer.byteLength(body), report: false, makesKnown: false };
}
