import { NodesService } from '../nodes/index.js';
import { Refusal } from '../../protocol/index.js';
import type { AppendRules, Draft, LogView } from './inbox.types.js';
import { type LogRow, type Marks, nodeOfInboxLog, type Totals } from './inbox-log.js';
import type { InboxSettings } from './inbox.settings.js';

/** What waits behind the higher of acknowledged and floor: the rest was read, or can no longer be. */
export function pendingTotals(totals: Totals, marks: Marks): Totals {
  const done = marks.acked >= marks.floor - 1 ? marks.ackedTotals : marks.floorTotals;
  return { count: totals.count - done.count, bytes: totals.bytes - done.bytes };
}

/** Who may write into an inbox: to a known node, as long as there is room. */
export class InboxRules implements AppendRules {
  constructor(
    private readonly nodes: NodesService,
    private readonly settings: InboxSettings,
    readonly appended: (rows: readonly LogRow[]) => void,
  ) {}

  async first(log: string, draft: Draft): Promise<Refusal | undefined> {
    const nodeId = nodeOfInboxLog(log);
    if (await this.nodes.isKnown(nodeId)) return undefined;
    if (!draft.makesKnown) return new Refusal('node_unknown', { reason: `no node ${nodeId} was ever seen` });
    await this.nodes.makeKnown(nodeId);
    return undefined;
  }

  admit({ totals, marks }: LogView, draft: Draft): Refusal | undefined {
    const waiting = pendingTotals(totals, marks);
    const { maxMessages, maxBytes } = this.settings;
    if (waiting.count < maxMessages && waiting.bytes + draft.bytes <= maxBytes) return undefined;
    return new Refusal('inbox_full', {
      reason: `at most ${maxMessages} messages or ${maxBytes} bytes wait in one inbox`,
    });
  }
}
