import type { Scheduler } from 'fast-check';
import { ManualClock } from '../../src/common/clock.js';
import { StallGuard } from '../../src/common/stall-guard.js';
import { InboxHooks, InboxService, sessionLogOf } from '../../src/modules/inbox/index.js';
import { type NodeRecord, NodeRegistry, NodesService } from '../../src/modules/nodes/index.js';
import { GroupsService, SessionsService } from '../../src/modules/sessions/index.js';
import { type Destination, Refusal } from '../../src/protocol/index.js';
import { FakeGroupLog } from './fake-group-log.js';
import { type Fault, FakeInboxLog } from './fake-inbox-log.js';
import { generator } from './generator.js';
import { GROUP_SETTINGS, INBOX_SETTINGS } from './group-services.js';
import { GroupModel } from './group-model.js';
import { SeatReader } from './seat-reader.js';

const SESSION = 'world';
export const LOG = sessionLogOf(SESSION);
const OWNER = 'n0';
const MOST_STEPS = 6_000;
const SEAT_ROWS = 2;

/** One rule of the algorithm taken away. */
export interface GroupWeakness {
  /** Changes the services of a process after they were made. */
  readonly weaken?: (process: GroupProcess) => void;
  /** The projection has one row a member, not one a stay. */
  readonly oneRowPerMember?: boolean;
}

/** What happens in one run. */
export interface GroupStory {
  readonly seed: number;
  readonly processes: number;
  readonly nodes: number;
  readonly events: number;
  /** Percent of calls that fail and of events that are bad. */
  readonly badWeather: number;
}

/** Several server nodes over one store, nodes that come to and go from one session, and readers of their inboxes. */
export class GroupWorld {
  readonly wrongs: string[] = [];
  readonly store = new FakeInboxLog({ maxBatch: 8, lanes: 2 });
  readonly groupLog: FakeGroupLog;
  readonly registry = new EverybodyKnown();
  readonly random: () => number;
  private readonly processes: GroupProcess[];
  private readonly actors: Actor[];
  private readonly readers: SeatReader[];
  private calm = false;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly story: GroupStory,
    private readonly weakness: GroupWeakness = {},
  ) {
    this.random = generator(story.seed);
    this.groupLog = new FakeGroupLog(this.store, weakness.oneRowPerMember ?? false);
    this.store.step = (label) => this.later(label);
    this.groupLog.step = (label) => this.later(label);
    this.store.fault = () => this.fault();
    this.groupLog.fault = () => (this.isBad() ? (this.random() < 0.5 ? 'before' : 'lost') : 'none');
    this.processes = Array.from({ length: story.processes }, () => this.newProcess());
    this.actors = Array.from({ length: story.nodes }, (_, index) => new Actor(`n${index}`, this));
    this.readers = this.actors.map(({ nodeId }) => new SeatReader(nodeId, LOG, this.store, (what) => this.wrong(what)));
  }

  later(label: string): Promise<void> {
    return this.calm ? new Promise(setImmediate) : this.scheduler.schedule(Promise.resolve(), label);
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }

  anyProcess(): GroupProcess {
    return this.pick(this.processes);
  }

  get members(): readonly Actor[] {
    return this.actors.filter(({ isMember }) => isMember);
  }

  wrong(what: string): void {
    this.wrongs.push(what);
  }

  /** Runs the story to its end, first in bad weather, then in good, and answers what went wrong. */
  async run(): Promise<string[]> {
    await this.until(this.actors[0]!.create());
    for (let event = 0; event < this.story.events; event += 1) {
      this.happen();
      await this.turn();
    }
    this.calm = true;
    let quiet = 0;
    for (let step = 0; step < MOST_STEPS && quiet < 40; step += 1) {
      for (const reader of this.readers) reader.readAndAcknowledge();
      await this.turn();
      quiet = this.isQuiet() ? quiet + 1 : 0;
    }
    if (quiet < 40) this.wrong('it never comes to rest');
    this.judge();
    for (const process of this.processes) process.stop();
    return this.wrongs;
  }

  /** Acts on its own until something is answered. */
  private async until(done: Promise<void>): Promise<void> {
    const progress = { isDone: false };
    void done.then(() => (progress.isDone = true));
    while (!progress.isDone) await this.turn();
  }

  private async turn(): Promise<void> {
    await new Promise(setImmediate);
    for (let step = this.random() * 4; step > 0 && this.scheduler.count() > 0; step -= 1)
      await this.scheduler.waitOne();
    if (this.calm || this.scheduler.count() === 0 || this.random() < 0.2) {
      for (const { clock } of this.processes) clock.advance(this.calm ? 200 : 50);
    }
  }

  private happen(): void {
    const dice = this.random() * 100;
    if (dice < 30) return this.pick(this.actors).act();
    if (dice < 45) return this.pick(this.readers).readAndAcknowledge(1 + Math.floor(this.random() * 4));
    if (dice < 45 + this.story.badWeather / 3) return this.crash();
    if (dice < 45 + this.story.badWeather / 2) this.anyProcess().clock.jump(40_000);
  }

  private crash(): void {
    const index = Math.floor(this.random() * this.processes.length);
    this.processes[index]!.crash();
    this.processes[index] = this.newProcess();
  }

  private newProcess(): GroupProcess {
    const process = new GroupProcess(this);
    this.weakness.weaken?.(process);
    process.groups.onApplicationBootstrap();
    return process;
  }

  private isBad(): boolean {
    return !this.calm && this.random() * 100 < this.story.badWeather;
  }

  private fault(): Fault {
    return this.isBad() ? this.pick(['before', 'lost', 'undone'] as const) : 'none';
  }

  private isQuiet(): boolean {
    const isDriven = this.store.marksNow(LOG).acked === this.store.rowsOf(LOG).length;
    return (
      isDriven && this.actors.every(({ isWaiting }) => !isWaiting) && this.readers.every((reader) => reader.isDone())
    );
  }

  private judge(): void {
    const model = new GroupModel(this.store.rowsOf(LOG));
    for (const what of model.wrongs) this.wrong(what);
    for (const reader of this.readers) reader.judge(model.entitled(reader.nodeId));
  }
}

/** The services of one server node; a crash ends all that it had in hand. */
export class GroupProcess {
  readonly clock = new ManualClock();
  readonly guard = new StallGuard(this.clock, 5_000, 30_000);
  readonly inbox: InboxService;
  readonly groups: GroupsService;
  readonly sessions: SessionsService;
  /** Resolves at its crash. */
  readonly gone: Promise<void>;
  private end: () => void = () => {};
  private crashed = false;

  constructor({ store, groupLog, registry }: GroupWorld) {
    this.gone = new Promise((resolve) => (this.end = resolve));
    const nodes = new NodesService(registry, this.clock);
    const inboxSettings = { ...INBOX_SETTINGS, seatMaxMessages: SEAT_ROWS };
    const log = this.untilCrash(store);
    const projection = this.untilCrash(groupLog);
    this.inbox = new InboxService(log, inboxSettings, this.clock, this.guard, nodes, new InboxHooks(this.clock));
    this.groups = new GroupsService(log, projection, this.inbox, GROUP_SETTINGS, inboxSettings, this.clock, this.guard);
    this.sessions = new SessionsService(this.groups, projection, nodes, GROUP_SETTINGS);
  }

  crash(): void {
    this.crashed = true;
    this.stop();
    this.end();
  }

  stop(): void {
    this.groups.onModuleDestroy();
    this.guard.stop();
  }

  /** What it asks after its crash is asked by nobody, and what was answered reaches nobody. */
  private untilCrash<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => this.answered(() => Reflect.apply(value, target, args) as unknown);
      },
    });
  }

  private answered(call: () => unknown): unknown {
    const never = new Promise(() => {});
    if (this.crashed) return never;
    const answer = call();
    if (!(answer instanceof Promise)) return answer;
    return answer.then(
      (value: unknown) => (this.crashed ? never : value),
      (error: unknown) => (this.crashed ? never : Promise.reject(error as Error)),
    );
  }
}

/** A node: does one thing after the other, each until it knows what became of it, and knows what that has to be. */
class Actor {
  isMember = false;
  isWaiting = false;
  private messages = 0;

  constructor(
    readonly nodeId: string,
    private readonly world: GroupWorld,
  ) {}

  async create(): Promise<void> {
    const plain = { type: 'normal', anyoneCanJoin: true, anonymous: false, notifyLimit: 0, history: 'joined' } as const;
    await this.persist(async ({ sessions }) => {
      const asked = { ...plain, sessionId: SESSION, members: [], metadata: {} };
      await sessions.create(this.caller, asked).catch((error: unknown) => {
        if (!(error instanceof Refusal) || error.code !== 'session_exists') throw error;
      });
    });
    this.isMember = true;
  }

  act(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    void this.next()
      .catch((error: unknown) => this.world.wrong(`${this.nodeId} was refused for good: ${String(error)}`))
      .finally(() => (this.isWaiting = false));
  }

  private next(): Promise<void> {
    const dice = this.world.random();
    if (dice < 0.5) return this.send({ kind: 'session', sessionId: SESSION });
    if (dice < 0.6) return this.sendPrivate();
    if (dice < 0.65 && this.isMember)
      return this.persist(({ sessions }) => sessions.reveal(this.caller, SESSION).then());
    if (!this.isMember) return this.join();
    return this.nodeId === OWNER ? Promise.resolve() : this.leave();
  }

  private get caller(): { nodeId: string; clientId: null; trusted: boolean } {
    return { nodeId: this.nodeId, clientId: null, trusted: false };
  }

  private async join(): Promise<void> {
    const anonymous = this.world.random() < 0.5;
    await this.persist(
      async ({ sessions }) => void (await sessions.join(this.caller, SESSION, { nodeId: this.nodeId, anonymous })),
    );
    this.isMember = true;
  }

  private async leave(): Promise<void> {
    await this.persist(({ sessions }) =>
      // It may have been done by an attempt whose answer was lost.
      sessions.unjoin(this.caller, SESSION).catch((error: unknown) => {
        if (!(error instanceof Refusal) || error.code !== 'session_denied') throw error;
      }),
    );
    this.isMember = false;
  }

  private sendPrivate(): Promise<void> {
    const other = this.world.pick(this.world.members);
    return this.send({ kind: 'private', sessionId: SESSION, memberId: other.nodeId });
  }

  private async send(destination: Destination): Promise<void> {
    const id = `m${(this.messages += 1)}`;
    const message = { destination, type: 0, transient: false, report: false };
    const outcome = await this.persist(({ groups }) => {
      return new Promise<string>((resolve, reject) => {
        groups.send({ sender: this.caller, message, id }, 'd', (answer) => {
          if (answer.kind !== 'refused') resolve(answer.kind);
          else if (answer.refusal.retryable) reject(answer.refusal);
          else resolve(answer.refusal.code);
        });
      });
    });
    const wanted = this.isMember ? ['stored', 'duplicate'] : ['session_denied'];
    const isUnknown = destination.kind === 'private' && this.isMember && outcome === 'member_unknown';
    if (!wanted.includes(outcome) && !isUnknown) this.world.wrong(`${this.nodeId} ${id} was answered ${outcome}`);
  }

  /** Again, perhaps by another server node, until the answer is a final one. */
  private async persist<T>(work: (process: GroupProcess) => Promise<T>): Promise<T> {
    for (;;) {
      const process = this.world.anyProcess();
      const answer = await Promise.race([
        work(process).catch((error: unknown) => this.retryable(error)),
        process.gone.then(() => AGAIN),
      ]);
      if (answer !== AGAIN) return answer as T;
      await this.world.later('again');
    }
  }

  private retryable(error: unknown): typeof AGAIN {
    if (error instanceof Refusal && !error.retryable) throw error;
    return AGAIN;
  }
}

const AGAIN = Symbol('again');

class EverybodyKnown extends NodeRegistry {
  find(nodeIds: readonly string[]): Promise<NodeRecord[]> {
    return Promise.resolve(nodeIds.map((nodeId) => ({ nodeId, clientId: null, iat: 1, lastSeen: null })));
  }

  record(): Promise<void> {
    return Promise.resolve();
  }
}
