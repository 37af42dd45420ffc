import type { MessageClaim } from './claims.js';
import { record, type Recording } from './recording.js';
import { outcome, type RowOptions, type RowOutcome } from './row.js';
import type { Change, FileHistory } from './shadow-disk.js';

const MESSAGES = { full: 1_000, short: 300 };

/**
 * No receipt precedes the sync of what it confirms, nor the write that makes that part of the store; and neither does
 * a `duplicate` or a delivery, by a second server on the same store either.
 */
export async function f3ReceiptAfterSync({ seed, short }: RowOptions): Promise<RowOutcome> {
  const messages = short ? MESSAGES.short : MESSAGES.full;
  const one = await record({ seed, messages });
  const two = await record({ seed, messages, isPair: true });
  const [alone, together] = [order(one), order(two)];
  const unsafe = order(await record({ seed, messages: MESSAGES.short, lmdb: { noSync: true } }));
  const blind = unsafe.early.length > 0 ? [] : ['with sync off every receipt was in time: this test sees nothing'];
  const { receipts, earlyReceipts } = alone.counts;
  const few = receipts === messages ? [] : [`${receipts} receipts of ${messages} messages`];
  const counts = { ...alone.counts, byTwoServers: together.told, earlyWithoutSync: unsafe.early.length };
  const shortfalls = [...one.misread, ...two.misread, ...few, ...alone.early, ...together.early, ...blind];
  return outcome('F3', `${earlyReceipts} of ${receipts} receipts precede their sync`, counts, shortfalls);
}

interface Order {
  readonly counts: {
    readonly receipts: number;
    readonly earlyReceipts: number;
    readonly duplicates: number;
    readonly deliveries: number;
  };
  readonly told: number;
  readonly early: readonly string[];
}

function order({ history, claims }: Pick<Recording, 'history' | 'claims'>): Order {
  const told = claims.filter((claim): claim is MessageClaim => 'message' in claim);
  const durableFrom = new DurableFrom(history);
  const early = told.filter(({ at, message }) => durableFrom.of(`m ${message.src} ${message.id}`) >= at);
  const count = (kind: MessageClaim['kind'], among = told): number =>
    among.filter((claim) => claim.kind === kind).length;
  const counts = {
    receipts: count('receipt'),
    earlyReceipts: count('receipt', early),
    duplicates: count('duplicate'),
    deliveries: count('delivery'),
  };
  return {
    counts,
    told: told.length,
    early: early.map(({ kind, message }) => `${kind} of ${message.id} precedes its sync`),
  };
}

/** From which moment on a row is in the store for sure. */
class DurableFrom {
  private readonly firsts = new Map<string, Change>();

  constructor(private readonly history: FileHistory) {
    for (const change of history.changes) {
      for (const [key] of change.bytes.toString('latin1').matchAll(/m s\d+ m-\d{6}/g)) {
        if (!this.firsts.has(key)) this.firsts.set(key, change);
      }
    }
  }

  /** Its bytes are synced, then a header that names them is written through; the file has its name. */
  of(key: string): number {
    const written = this.firsts.get(key);
    const sync = this.history.syncs.find(({ enter }) => written && enter > written.leave);
    const header = this.history.changes.find(({ isSynced, enter }) => sync && isSynced && enter > sync.leave);
    return Math.max(header?.leave ?? Infinity, this.history.namedFrom);
  }
}
