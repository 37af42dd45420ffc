import { NodesService } from '../nodes/index.js';
import { groupBody, Refusal } from '../../protocol/index.js';
import { refText, seatIn } from './entry-ref.js';
import type {
  Admission,
  AppendRules,
  EntryDraft,
  InboxDraft,
  LogView,
  MessageDraft,
  SeatState,
  WaitingLog,
} from './inbox.types.js';
import {
  type InboxLog,
  type LogRow,
  type Marks,
  nodeOfInboxLog,
  NO_TOTALS,
  type SeatRow,
  type Totals,
} from './inbox-log.js';
import type { InboxSettings } from './inbox.settings.js';
import { gapBodyOf } from './resolved-rows.js';

const NO_SEAT: SeatState = { entry: 0, n: 0, waiting: 0, isGap: false };

/** What waits behind the higher of acknowledged and floor: the rest was read, or can no longer be. */
export function pendingTotals(totals: Totals, marks: Marks): Totals {
  const done = marks.acked >= marks.floor - 1 ? marks.ackedTotals : marks.floorTotals;
  return { count: totals.count - done.count, bytes: totals.bytes - done.bytes };
}

/** Who may write into an inbox: whoever names a known node, as long as there is room; groups, as long as their seat has. */
export class InboxRules implements AppendRules<InboxDraft> {
  constructor(
    private readonly log: InboxLog,
    private readonly nodes: NodesService,
    private readonly settings: InboxSettings,
    readonly appended: (rows: readonly LogRow[]) => void,
  ) {}

  async first(log: string, draft: InboxDraft): Promise<Refusal | undefined> {
    const nodeId = nodeOfInboxLog(log);
    if (draft.kind === 'entry' || (await this.nodes.isKnown(nodeId))) return undefined;
    if (!draft.makesKnown) return new Refusal('node_unknown', { reason: `no node ${nodeId} was ever seen` });
    await this.nodes.makeKnown(nodeId);
    return undefined;
  }

  /** Looks for the seats of the groups whose entries wait, and counts those again that may be full. */
  async ready(logs: ReadonlyArray<WaitingLog<InboxDraft>>): Promise<void> {
    const wanted = logs.flatMap((of) => [...this.groupsIn(of)].map((group) => ({ of, group })));
    const unseen = wanted.filter(({ of, group }) => !of.seats.has(group));
    const asked = unseen.map(({ of, group }) => ({ log: of.log, group }));
    const found = asked.length > 0 ? await this.log.seats(asked) : [];
    unseen.forEach(({ of, group }, index) => of.seats.set(group, seatState(found[index])));
    for (const { of, group } of wanted) await this.recount(of, group);
  }

  private groupsIn(of: WaitingLog<InboxDraft>): Set<string> {
    const groups = new Set<string>();
    for (const draft of of.drafts(this.log.maxBatch)) if (draft.kind === 'entry') groups.add(draft.group);
    return groups;
  }

  private async recount(of: WaitingLog<InboxDraft>, group: string): Promise<void> {
    const seat = of.seats.get(group)!;
    const done = doneIn(of.marks);
    if (seat.n <= done || seat.countedAt === done || seat.waiting < this.settings.seatMaxMessages) return;
    const waiting = await this.log.countOfSeat({ log: of.log, group }, done, this.settings.seatMaxMessages);
    of.seats.set(group, { ...seat, waiting, countedAt: done });
  }

  admit(view: LogView, draft: InboxDraft): Admission | undefined {
    return draft.kind === 'entry' ? this.admitEntry(view, draft) : this.admitMessage(view, draft);
  }

  private admitMessage({ tail, marks }: LogView, { body, bytes }: MessageDraft): Admission {
    const waiting = pendingTotals(tail.totals, marks);
    const { maxMessages, maxBytes } = this.settings;
    if (waiting.count < maxMessages && waiting.bytes + bytes <= maxBytes) {
      return { kind: 'row', body, counts: { count: 1, bytes } };
    }
    const reason = `at most ${maxMessages} messages or ${maxBytes} bytes wait in one inbox`;
    return { kind: 'refused', refusal: new Refusal('inbox_full', { reason }) };
  }

  /**
   * Only above what the group has there already, so that a late or second driver harms nobody. A seat that is full gets
   * one gap, and nothing more while the gap is its newest row, is not acknowledged, and no room has come.
   */
  private admitEntry(view: LogView, draft: EntryDraft): Admission | undefined {
    const seat = view.seat(draft.group);
    if (!seat) return undefined;
    if (draft.entry <= seat.entry) return { kind: 'nothing' };
    const unread = seat.n > doneIn(view.marks);
    const waiting = unread ? seat.waiting : 0;
    const isGap = waiting >= this.settings.seatMaxMessages;
    // What was only added up may be too much: the reader acknowledged some of it meanwhile. It is counted before the next turn.
    if (isGap && seat.countedAt !== doneIn(view.marks)) return undefined;
    if (isGap && seat.isGap) return { kind: 'nothing', fresh: true };
    const { group, entry, frame } = draft;
    const body = refText({ group, entry, waiting: waiting + 1, isGap });
    const shown = isGap ? gapBodyOf(group, entry) : groupBody(entry, frame);
    return { kind: 'row', body, counts: NO_TOTALS, at: draft.at, shown, fresh: isGap };
  }
}

/** Up to where an inbox was read, or can no longer be. */
export function doneIn({ acked, floor }: Marks): number {
  return Math.max(acked, floor - 1);
}

function seatState(row: SeatRow | undefined): SeatState {
  return row ? (seatIn(row) ?? { ...NO_SEAT, entry: row.entry }) : NO_SEAT;
}
