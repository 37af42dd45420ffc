import { ManualClock } from '../../src/common/clock.js';
import { StallGuard } from '../../src/common/stall-guard.js';
import { refOf } from '../../src/modules/inbox/entry-ref.js';
import { InboxHooks, InboxService, inboxLogOf, type InboxSettings } from '../../src/modules/inbox/index.js';
import { type NodeRecord, NodeRegistry, NodesService } from '../../src/modules/nodes/index.js';
import {
  type Caller,
  ClientsService,
  type GroupMessage,
  GroupsService,
  type NewSession,
  SessionsService,
  type SessionsSettings,
} from '../../src/modules/sessions/index.js';
import { type Destination, Refusal } from '../../src/protocol/index.js';
import { FakeGroupLog } from './fake-group-log.js';
import { FakeInboxLog, type FakeLogOptions } from './fake-inbox-log.js';

const TURNS = 60;

export const GROUP_SETTINGS = {
  clientMaxNodes: 3,
  sessionMaxMembers: 1_000,
  eventsMembers: 256,
  openEntryRecoveryMs: 5_000,
  aliasRandomBits: 128,
  membershipTrustMs: 1_000,
} satisfies SessionsSettings;

export const INBOX_SETTINGS = {
  maxMessages: 10_000,
  seatMaxMessages: 2_000,
  maxBytes: 64 * 1024 * 1024,
  ageMs: Infinity,
  ackedKeepMs: Infinity,
  ackedKeepMessages: 1_000,
  dedupeMs: 86_400_000,
  tailTrustMs: 30_000,
  deadlineMs: 5_000,
  pollMs: 5_000,
  pollJitterMs: 0,
  windowMessages: 256,
  windowBytes: 524_288,
} satisfies InboxSettings;

/** Node records in memory: of each its latest key. */
export class FakeNodeRegistry extends NodeRegistry {
  readonly records = new Map<string, NodeRecord>();
  /** While true nothing is written. */
  away = false;

  find(nodeIds: readonly string[]): Promise<Array<NodeRecord | undefined>> {
    return Promise.resolve(nodeIds.map((nodeId) => this.records.get(nodeId)));
  }

  record(nodes: readonly NodeRecord[]): Promise<void> {
    if (this.away) return Promise.reject(new Error('the registry is away'));
    for (const record of nodes) {
      const before = this.records.get(record.nodeId);
      this.records.set(record.nodeId, before && before.iat > record.iat ? before : record);
    }
    return Promise.resolve();
  }
}

/** One store in memory, and processes over it. */
export class GroupStore {
  readonly log: FakeInboxLog;
  readonly groupLog: FakeGroupLog;
  readonly registry = new FakeNodeRegistry();

  constructor(options: FakeLogOptions = {}) {
    this.log = new FakeInboxLog({ maxBatch: 256, ...options });
    this.groupLog = new FakeGroupLog(this.log);
  }

  /** Numbers of entries in the inbox of a node, in their order there: of all groups, or of one. */
  entriesFor(nodeId: string, group?: string): number[] {
    const refs = this.log.rowsOf(inboxLogOf(nodeId)).flatMap(({ body }) => refOf(body) ?? []);
    return refs.filter((ref) => group === undefined || ref.group === group).map(({ entry }) => entry);
  }
}

/** The services of one process, on a clock that stands still. */
export class GroupServices {
  readonly clock = new ManualClock();
  readonly nodes: NodesService;
  readonly inbox: InboxService;
  readonly groups: GroupsService;
  readonly sessions: SessionsService;
  readonly clients: ClientsService;
  private readonly guard = new StallGuard(this.clock, 5_000, 30_000);
  private messages = 0;

  constructor({ log, groupLog, registry }: GroupStore, settings: Partial<SessionsSettings> = {}) {
    const all = { ...GROUP_SETTINGS, ...settings };
    this.nodes = new NodesService(registry, this.clock);
    this.inbox = new InboxService(log, INBOX_SETTINGS, this.clock, this.guard, this.nodes, new InboxHooks(this.clock));
    this.groups = new GroupsService(log, groupLog, this.inbox, all, INBOX_SETTINGS, this.clock, this.guard);
    this.sessions = new SessionsService(this.groups, groupLog, this.nodes, all);
    this.clients = new ClientsService(this.groups, this.nodes, all);
  }

  start(): void {
    this.groups.onApplicationBootstrap();
  }

  /** It drives, raises and recovers nothing any more. */
  stop(): void {
    this.groups.onModuleDestroy();
    this.guard.stop();
  }

  /** Lets everything happen that waits for no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn += 1) await new Promise(setImmediate);
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  /** What comes of it, time passing for whoever meets another process. */
  async inTime<T>(work: Promise<T>): Promise<T> {
    const progress = { isDone: false };
    const done = (): void => void (progress.isDone = true);
    work.then(done, done);
    await this.settle();
    while (!progress.isDone) await this.pass(10);
    return work;
  }

  /** What its sender hears: `stored`, `duplicate`, or the code of a refusal. */
  send(from: Caller, destination: Destination, message: SentMessage = {}): Promise<string> {
    const { id = `m${(this.messages += 1)}`, digest = 'd', ...rest } = message;
    const asked = messageOf(from, destination, { id, ...rest });
    return new Promise((resolve) => {
      this.groups.send(asked, digest, (outcome) =>
        resolve(outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind),
      );
    });
  }
}

export interface SentMessage {
  readonly id?: string;
  readonly digest?: string;
  readonly payload?: string;
  readonly report?: boolean;
}

export function messageOf(
  sender: Caller,
  destination: Destination,
  { id = 'm', payload, report = false }: SentMessage = {},
): GroupMessage {
  return { sender, id, message: { destination, type: 0, transient: false, report, ...(payload && { payload }) } };
}

export function node(nodeId: string, clientId: string | null = null): Caller {
  return { nodeId, clientId, trusted: false };
}

export function app(nodeId = 'app'): Caller {
  return { nodeId, clientId: null, trusted: true };
}

export function newSession(more: Partial<NewSession> = {}): NewSession {
  const terms = { type: 'normal', anyoneCanJoin: true, anonymous: false, notifyLimit: 0, history: 'joined' } as const;
  return { ...terms, members: [], metadata: {}, ...more };
}

/** The code of the refusal that something ends with; `done` when it does not. */
export function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => {
      if (error instanceof Refusal) return error.code;
      throw error;
    },
  );
}
