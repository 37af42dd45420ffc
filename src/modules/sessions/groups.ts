import type { Clock } from '../../common/clock.js';
import { sortableId } from '../../common/ids.js';
import type { StallGuard } from '../../common/stall-guard.js';
import { Refusal } from '../../protocol/index.js';
import {
  type Admission,
  AppendLoop,
  type AppendOutcome,
  type AppendRules,
  InboxLog,
  type InboxService,
  type InboxSettings,
  type LogRow,
  NO_TOTALS,
  passOverUnavailable,
  type WaitingLog,
} from '../inbox/index.js';
import { changesMembers, encodeEntry } from './group-entry.js';
import type { GroupDriver } from './group-driver.js';
import type { GroupStates } from './group-states.js';
import type { GroupDraft } from './group-draft.types.js';

/** Own entries of one group that may wait to be driven; beyond that its senders have to wait. */
const MAX_UNDRIVEN = 1_000;
/** Characters of them. */
const MAX_UNDRIVEN_SIZE = 16 * 1024 * 1024;
const NOTHING_UNDRIVEN = { own: { size: 0 }, ownSize: 0 };

/** What all drafts but messages share. `name`: of something that happens once, however often it is asked for. */
export function changeDraft(name = `x ${sortableId()}`): Pick<GroupDraft, 'key' | 'digest' | 'report'> {
  return { key: name, digest: '', report: false };
}

/**
 * The one way into a group's log. A writer may append n only if it knows n - 1: what a draft may do is decided on the
 * members at the tail that it follows, and decided again whenever that tail turns out to be another.
 */
export class Groups implements AppendRules<GroupDraft> {
  private readonly appends: AppendLoop<GroupDraft>;
  /** Groups whose members at the tail could not be read in the last turn: nothing may be decided on what is known. */
  private readonly unread = new Set<string>();

  constructor(
    private readonly log: InboxLog,
    private readonly states: GroupStates,
    private readonly driver: GroupDriver,
    clock: Clock,
    guard: StallGuard,
    settings: Pick<InboxSettings, 'tailTrustMs' | 'deadlineMs'>,
    inbox: Pick<InboxService, 'othersWrite'>,
  ) {
    this.appends = new AppendLoop(log, this, clock, guard, settings, () => inbox.othersWrite);
  }

  /** Queues what shall happen; `settle` is called when it is durable, known as a repeat, or refused. */
  append(log: string, draft: GroupDraft, settle: (outcome: AppendOutcome) => void): void {
    const { own, ownSize } = this.states.known(log) ?? NOTHING_UNDRIVEN;
    if (own.size < MAX_UNDRIVEN && ownSize < MAX_UNDRIVEN_SIZE) return this.appends.append(log, draft, settle);
    settle({
      kind: 'refused',
      refusal: new Refusal('retry_later', { reason: 'too much is on its way to the members' }),
    });
  }

  /** As `append`, for a call that waits: the entry that is in the log now, of a repeat the first. Throws refusals. */
  async happen(log: string, draft: GroupDraft): Promise<LogRow> {
    const outcome = await new Promise<AppendOutcome>((resolve) => this.append(log, draft, resolve));
    if (outcome.kind === 'refused') throw outcome.refusal;
    const row = outcome.kind === 'stored' ? outcome.row : await this.found(log, draft.key);
    if (!row) throw new Refusal('retry_later');
    return row;
  }

  private async found(log: string, key: string): Promise<LogRow | undefined> {
    const [head] = await this.log.findKeys(log, [key]);
    return head && (await this.log.at([head]))[0];
  }

  sweep(): void {
    this.appends.sweep();
    if (this.appends.waiting === 0) this.unread.clear();
  }

  get waiting(): number {
    return this.appends.waiting;
  }

  async first(_: string, { absent }: GroupDraft): Promise<Refusal | undefined> {
    return absent === 'created' ? undefined : absent;
  }

  async ready(logs: ReadonlyArray<WaitingLog<GroupDraft>>): Promise<void> {
    await Promise.all(logs.map(({ log, tail }) => this.readUpTo(log, tail.n)));
  }

  /** What one group comes to, those that go along with it do not. */
  private async readUpTo(log: string, n: number): Promise<void> {
    try {
      await this.states.at(log, n);
      this.unread.delete(log);
    } catch (error) {
      passOverUnavailable(error);
      this.unread.add(log);
    }
  }

  admit({ log }: { readonly log: string }, draft: GroupDraft): Admission | undefined {
    if (this.unread.has(log)) return { kind: 'refused', refusal: new Refusal('retry_later') };
    const state = this.states.known(log);
    if (!state) return undefined;
    const entry = draft.decide(state);
    if (entry instanceof Refusal) return { kind: 'refused', refusal: entry };
    const body = encodeEntry(entry);
    return { kind: 'row', body, counts: NO_TOTALS, open: true, barrier: changesMembers(entry) };
  }

  appended(rows: readonly LogRow[]): void {
    for (const row of rows) {
      const state = this.states.stored(row);
      if (state) this.driver.drive(state);
    }
  }
}
