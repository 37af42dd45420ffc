import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { StoreClock, type Timer } from '../../common/clock.js';
import { randomId } from '../../common/ids.js';
import { StallGuard } from '../../common/stall-guard.js';
import { Refusal } from '../../protocol/index.js';
import {
  type AppendOutcome,
  clientLogOf,
  InboxLog,
  InboxService,
  InboxSettings,
  type LogRow,
  passOverUnavailable,
  sessionLogOf,
} from '../inbox/index.js';
import { CreationKeys } from './creation-keys.js';
import { GroupDriver } from './group-driver.js';
import { GroupLog } from './group-log.js';
import type { GroupState } from './group-state.js';
import { GroupStates } from './group-states.js';
import { Groups } from './groups.js';
import { decideClientMessage, decideSessionMessage, type MessageEntry } from './message-rules.js';
import type { EntryReader } from './session-history.js';
import { SessionsSettings } from './sessions.settings.js';
import type { Caller, GroupMessage } from './sessions.types.js';
import type { GroupDraft } from './group-draft.types.js';

const SWEEP_MS = 30_000;
/** Of one node: more than one only until that is seen to. */
const MOST_CLIENTS = 100;

/** Groups of nodes, sessions and clients alike: what happens in them, and what everybody gets of it. */
@Injectable()
export class GroupsService implements OnApplicationBootstrap, OnModuleDestroy {
  /** Which groups were made under keys of their creators' choice. */
  readonly creations: CreationKeys;
  private readonly states: GroupStates;
  private readonly driver: GroupDriver;
  private readonly groups: Groups;
  private sweeping: Timer | undefined;

  constructor(
    readonly log: InboxLog,
    private readonly projection: GroupLog,
    inbox: InboxService,
    private readonly settings: SessionsSettings,
    inboxSettings: InboxSettings,
    private readonly clock: StoreClock,
    guard: StallGuard,
  ) {
    this.states = new GroupStates(log, projection, clock);
    this.driver = new GroupDriver(log, projection, inbox, this.states, clock, settings);
    this.creations = new CreationKeys(log, inboxSettings, clock, guard);
    this.groups = new Groups(log, this.states, this.driver, clock, guard, inboxSettings, inbox);
  }

  onApplicationBootstrap(): void {
    this.driver.start();
    this.sweeping = this.clock.every(SWEEP_MS, () => {
      this.states.sweep();
      this.groups.sweep();
      this.creations.sweep();
    });
  }

  onModuleDestroy(): void {
    this.driver.stop();
    this.sweeping?.cancel();
  }

  /** The group as it is when this is asked. */
  state(log: string): Promise<GroupState> {
    return this.states.fresh(log);
  }

  /** The group as it is behind an entry, which whoever lists groups sees from then on. */
  async projected(log: string, n: number): Promise<GroupState> {
    const state = await this.states.at(log, n);
    await this.driver.project(state);
    return state;
  }

  /** As `projected`, for what has happened anyway: where the store is away now, the driver does it later. */
  async settled(log: string, n: number): Promise<GroupState> {
    await this.projected(log, n).catch(passOverUnavailable);
    return this.states.at(log, n);
  }

  /**
   * What a node may read of the group, as it is when this is called: whatever becomes of its stay while the projection
   * is asked, nothing behind counts. The state knows the end of a stay before the projection does, and has to be looked
   * at first: once the end is projected and driven it forgets it.
   */
  async readerOf(state: GroupState, { nodeId, trusted }: Caller): Promise<EntryReader> {
    const { n: tail } = state;
    const known = state.staysOf(nodeId);
    const projected = await this.projection.staysOf(state.log, nodeId);
    const stays = [...projected.filter(({ joined }) => known.every((stay) => stay.joined !== joined)), ...known];
    return { nodeId, trusted, tail, stays };
  }

  /** Clients of which the node is one, as far as they are projected. */
  async clientsOf(nodeId: string): Promise<string[]> {
    const begin = clientLogOf('');
    const logs = await this.projection.groupsOf(nodeId, begin, MOST_CLIENTS);
    return logs.filter((log) => log.startsWith(begin)).map((log) => log.slice(begin.length));
  }

  /** Makes something happen; answers the entry once it is durable, and of what happened under that key before the first. Throws refusals. */
  happen(log: string, draft: GroupDraft): Promise<LogRow> {
    return this.groups.happen(log, draft);
  }

  /** Queues a message; `settle` is called when it is durable, known as a repeat, or refused. */
  send(asked: GroupMessage, digest: string, settle: (outcome: AppendOutcome) => void): void {
    const { destination } = asked.message;
    const isSession = 'sessionId' in destination;
    const hiddenId = randomId();
    const to = destination.kind === 'private' ? ` ${destination.memberId}` : '';
    const draft: GroupDraft = {
      key: `m ${asked.sender.nodeId} ${asked.id}${to}`,
      digest,
      report: false,
      absent: new Refusal(isSession ? 'session_denied' : 'node_unknown'),
      decide: (state) => decide(state, asked, hiddenId),
    };
    this.groups.append(logOf(asked), draft, settle);
  }

  /** What a transient message is and for whom, by a membership that was read a moment ago. Throws refusals. */
  async transient(asked: GroupMessage): Promise<MessageEntry & { readonly nodeIds: readonly string[] }> {
    const { state, entry } = await this.recently(asked, this.settings.membershipTrustMs);
    if (entry instanceof Refusal) throw entry;
    return { ...entry, nodeIds: state.audience(state.n, entry, this.settings.eventsMembers) };
  }

  /** What was read before is good enough to send by, but not to refuse by: somebody may have joined since, and know it. */
  private async recently(
    asked: GroupMessage,
    maxAgeMs: number,
  ): Promise<{ readonly state: GroupState; readonly entry: MessageEntry | Refusal }> {
    const state = await this.states.recent(logOf(asked), maxAgeMs);
    const entry = decide(state, asked, randomId());
    return entry instanceof Refusal && maxAgeMs > 0 ? this.recently(asked, 0) : { state, entry };
  }

  /** The key under which an entry was sent; `undefined` when it is not there any more, or cannot be read now. */
  async keyOf(log: string, n: number): Promise<string | undefined> {
    const rows = await this.log.at([{ log, n }]).catch(() => []);
    return rows[0]?.key;
  }

  /** Drafts that wait to be appended, groups held, groups whose driven entries are still marked as open. */
  get depths(): { groupAppends: number; groups: number; undriven: number } {
    return { groupAppends: this.groups.waiting, groups: this.states.size, undriven: this.driver.unraised };
  }
}

function decide(state: GroupState, asked: GroupMessage, hiddenId: string): MessageEntry | Refusal {
  const isSession = 'sessionId' in asked.message.destination;
  return isSession ? decideSessionMessage(state, asked, hiddenId) : decideClientMessage(state, asked);
}

function logOf({ message: { destination } }: GroupMessage): string {
  if ('sessionId' in destination) return sessionLogOf(destination.sessionId);
  return clientLogOf(destination.kind === 'client' ? destination.clientId : '');
}
