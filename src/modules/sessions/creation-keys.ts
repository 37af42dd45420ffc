import { createHash } from 'node:crypto';
import type { Clock } from '../../common/clock.js';
import type { StallGuard } from '../../common/stall-guard.js';
import { Refusal } from '../../protocol/index.js';
import {
  type Admission,
  AppendLoop,
  type AppendOutcome,
  type AppendRules,
  creationLogOf,
  type Draft,
  type InboxLog,
  type InboxSettings,
  type LogRow,
  type LogView,
  NO_TOTALS,
  type RowHead,
  type WaitingLog,
} from '../inbox/index.js';

const DIGEST_CHARACTERS = 22;

/** A creation that its sender may ask for again. */
export interface Creation {
  readonly nodeId: string;
  /** Which the node chose for it. */
  readonly key: string;
  /** What it asks for, as text: another one under the same key is another creation. */
  readonly asked: string;
}

/** Which session a creation makes, however often it is asked for. */
export interface Reservation {
  readonly sessionId: string;
  /** Names the creation itself: unique for ever. */
  readonly name: string;
}

interface KeyDraft extends Draft {
  readonly sessionId: string;
  /** Where it stands if it came in another period. */
  readonly otherKeys: readonly string[];
  /** What was found there at this tail; null: nothing that still holds. */
  other?: RowHead | null;
}

/**
 * Which session a key of a node's own choice led to, for as long as repeats are known: a row in a log of the node. It is
 * durable before there is a session, so a repeat finds the same id, whoever took the first one and whether that came to
 * an end or not. The key of a row carries the period in which it was written, so that it is free again later; a repeat
 * in the next period, or from a process whose clock differs, is found beside its own.
 */
export class CreationKeys implements AppendRules<KeyDraft> {
  private readonly appends: AppendLoop<KeyDraft>;

  constructor(
    private readonly log: InboxLog,
    private readonly settings: Pick<InboxSettings, 'dedupeMs' | 'tailTrustMs' | 'deadlineMs'>,
    private readonly clock: Clock,
    guard: StallGuard,
  ) {
    this.appends = new AppendLoop(log, this, clock, guard, settings);
  }

  sweep(): void {
    this.appends.sweep();
  }

  /** The session that the creation is for: `sessionId` if it is asked for the first time. Throws `id_conflict`. */
  async reserve(creation: Creation, sessionId: string): Promise<Reservation> {
    const log = creationLogOf(creation.nodeId);
    const draft = this.draft(creation, sessionId);
    const outcome = await new Promise<AppendOutcome>((resolve) => this.appends.append(log, draft, resolve));
    if (outcome.kind === 'refused') throw outcome.refusal.code === 'id_conflict' ? conflict() : outcome.refusal;
    const row = outcome.kind === 'stored' ? outcome.row : await this.found(log, draft);
    if (!row) throw new Refusal('retry_later');
    return { sessionId: row.body, name: `i ${creation.nodeId} ${row.n}` };
  }

  private draft({ key, asked }: Creation, sessionId: string): KeyDraft {
    const period = Math.floor(this.clock.now() / this.settings.dedupeMs);
    const keyIn = (which: number): string => `i ${which} ${digestOf(key)}`;
    const otherKeys = [keyIn(period - 1), keyIn(period + 1)];
    return { key: keyIn(period), otherKeys, digest: digestOf(asked), report: false, sessionId };
  }

  private async found(log: string, { key, otherKeys }: KeyDraft): Promise<LogRow | undefined> {
    const heads = await this.log.findKeys(log, [key, ...otherKeys]);
    const head = heads.find((each) => this.holds(each));
    return head && (await this.log.at([head]))[0];
  }

  private holds(head: RowHead | undefined): head is RowHead {
    return head !== undefined && this.clock.now() - head.at < this.settings.dedupeMs;
  }

  async first(): Promise<undefined> {}

  /** Only the first of each log: the next is judged when that one is in the log. */
  async ready(logs: ReadonlyArray<WaitingLog<KeyDraft>>): Promise<void> {
    await Promise.all(
      logs.map(async (of) => {
        for (const draft of of.drafts(1)) {
          const heads = await this.log.findKeys(of.log, draft.otherKeys);
          draft.other = heads.find((head) => this.holds(head)) ?? null;
        }
      }),
    );
  }

  admit(_: LogView, { other, digest, sessionId }: KeyDraft): Admission | undefined {
    if (other === undefined) return undefined;
    if (other === null) return { kind: 'row', body: sessionId, counts: NO_TOTALS, barrier: true };
    return other.digest === digest ? { kind: 'nothing' } : { kind: 'refused', refusal: conflict() };
  }

  appended(): void {}
}

function conflict(): Refusal {
  return new Refusal('id_conflict', { field: 'idempotency-key', reason: 'the key was used for another session' });
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, DIGEST_CHARACTERS);
}
