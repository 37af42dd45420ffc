import { WebSocket } from 'ws';
import { AllsparkClient, AllsparkError } from '@allspark/client';
import { authKey } from './auth-key.js';
import type { Back, SendOrder } from './commands.js';
import type { JournalWriter } from './journal-writer.js';
import { payloadText, type Sender, shown } from './sender.js';
import type { Tally } from './tally.js';

/** Options of the library for the way in which a client comes back. */
export function backOptions({ maxMs, noJitter = false }: Back = {}): {
  backoff?: { maxMs: number };
  random?: () => number;
} {
  return { ...(maxMs !== undefined && { backoff: { maxMs } }), ...(noJitter && { random: () => 0.999_999 }) };
}

/** Sends through the library, which resends until there is a receipt. */
export class SdkSender implements Sender {
  readonly src: string;
  readonly perSecond: number;
  private readonly client: AllsparkClient;
  private count = 0;

  constructor(
    private readonly order: SendOrder,
    private readonly journal: JournalWriter,
    private readonly tally: Tally,
  ) {
    const { src, secret, url, back } = order;
    this.src = src;
    this.perSecond = order.perSecond;
    this.client = new AllsparkClient({
      url,
      authKey: () => authKey(secret, src),
      WebSocket,
      onError: () => undefined,
      onStatus: (event) => {
        if ('hello' in event) {
          journal.write({ what: 'connected', client: src, server: event.hello.serverNodeId });
        }
        if (event.status !== 'reconnecting' && event.status !== 'closed') return;
        journal.write({ what: 'closed', client: src, code: event.code ?? 0, reason: textOf(event) });
      },
      ...backOptions(back),
    });
    this.client.connect().catch(() => undefined);
  }

  get waiting(): number {
    return this.client.unconfirmed;
  }

  get connected(): boolean {
    return this.client.state === 'open';
  }

  sendOne(): void {
    if (this.waiting >= (this.order.mostOpen ?? 200)) return;
    this.count += 1;
    const dest = this.order.dests[this.count % this.order.dests.length] as string;
    const id = `${this.src}-${this.count}`;
    const rawPayload = payloadText(this.src, this.count, this.order.bytes ?? 40);
    const name = { src: this.src, dest, id };
    const { toSessions } = this.order;
    const group = toSessions && { group: dest };
    this.journal.write({ what: 'sent', lane: this.src, ...name, payload: shown(rawPayload), ...group });
    this.tally.sent += 1;
    void this.client.send({ ...(toSessions ? { destSessionId: dest } : { destId: dest }), id, rawPayload }).then(
      () => {
        this.tally.confirmed += 1;
        this.journal.write({ what: 'confirmed', ...name });
      },
      (error: unknown) => this.failed(name, error),
    );
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  private failed(name: { src: string; dest: string; id: string }, error: unknown): void {
    // Closed by ourselves, or given up by the library: whether it is stored nobody knows.
    if (!(error instanceof AllsparkError) || error.code === 'closed') return;
    this.tally.refused += 1;
    this.journal.write({ what: 'refused', ...name, code: error.code });
  }
}

export function textOf(event: { reason?: string; error?: unknown }): string {
  if (event.error === undefined) return event.reason ?? '';
  return event.error instanceof Error ? event.error.message.slice(0, 200) : typeof event.error;
}
