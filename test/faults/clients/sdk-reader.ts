import { WebSocket } from 'ws';
import { AllsparkClient, type Message, rawField, type SessionEvent, type StatusEvent } from '@allspark/client';
import { authKey } from './auth-key.js';
import type { ReadOrder } from './commands.js';
import { groupFields } from './group-fields.js';
import type { JournalWriter } from './journal-writer.js';
import { backOptions, textOf } from './sdk-sender.js';
import { type Reader, shown } from './sender.js';
import type { Tally } from './tally.js';

/** Reads through the library: what is written down is what an application sees. */
export class SdkReader implements Reader {
  readonly reader: string;
  readonly node: string;
  position = 0;
  private readonly client: AllsparkClient;
  private begun = false;

  constructor(
    order: ReadOrder,
    private readonly journal: JournalWriter,
    private readonly tally: Tally,
  ) {
    this.reader = order.reader;
    this.node = order.node;
    this.client = new AllsparkClient({
      url: order.url,
      authKey: () => authKey(order.secret, order.node),
      WebSocket,
      onMessage: (message) => this.take(message),
      onSessionEvent: (event) => this.take(event),
      onError: () => undefined,
      onStatus: (event) => this.onStatus(event),
      ...backOptions(order.back),
    });
    this.client.connect().catch(() => undefined);
  }

  get connected(): boolean {
    return this.client.state === 'open';
  }

  acknowledge(): void {}

  async close(): Promise<void> {
    await this.client.close();
  }

  private take({ seq, srcId, id, raw }: Message | SessionEvent): void {
    if (seq === undefined) return;
    this.position = seq;
    this.tally.received += 1;
    const payload = shown(rawField(raw, 'payload') ?? '');
    const { reader, node } = this;
    const fields = groupFields(JSON.parse(raw) as Record<string, unknown>);
    this.journal.write({ what: 'received', reader, node, seq, src: srcId, id, payload, ...fields });
  }

  private onStatus(event: StatusEvent): void {
    const { reader, node } = this;
    if ('hello' in event) {
      this.journal.write({ what: 'connected', client: reader, server: event.hello.serverNodeId });
    }
    if (event.status === 'open' || event.status === 'resumed') {
      const { ackedSeq, floorSeq, epoch, serverNodeId: server } = event.hello;
      if (!this.begun) this.position = Math.max(ackedSeq, floorSeq - 1);
      this.begun = true;
      this.journal.write({ what: 'opened', reader, node, after: this.position, epoch, server });
      this.journal.write({ what: 'acked', node, seq: ackedSeq, by: reader });
    }
    if (event.status === 'reconnecting' || event.status === 'closed') {
      this.journal.write({ what: 'closed', client: reader, code: event.code ?? 0, reason: textOf(event) });
    }
    if (event.status === 'insufficient_state') this.journal.write({ what: 'fault', text: `${reader} ${event.status}` });
  }
}
