import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Metrics } from '../../common/metrics.js';
import {
  type ClientFrame,
  decodeFrame,
  type DecodeLimits,
  FrameRefusal,
  hereFrame,
  inboxPageFrame,
  type InboxQuery,
  type Message,
  receiptFrame,
  Refusal,
  refusalFrame,
} from '../../protocol/index.js';
import { InboxService, StoreUnavailable } from '../../modules/inbox/index.js';
import { type Answer, RoutingService } from '../../modules/routing/index.js';
import type { InboundFrame } from './inbound-queue.js';
import type { NativeConnection } from './native-connection.js';
import { NativeSettings } from './native.settings.js';

/** What a frame that is no message is worth against the rate. */
const LIGHT = 0.1;
const FULL = 1;
const RETRY_MS = 1_000;

/** What each frame of a client leads to. Every frame gets its answer, or is known to need none. */
@Injectable()
export class Frames {
  private readonly logger = new Logger(Frames.name);
  private readonly limits: DecodeLimits;

  constructor(
    private readonly routing: RoutingService,
    private readonly inbox: InboxService,
    private readonly settings: NativeSettings,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {
    const { maxJsonDepth: maxDepth, maxTopLevelKeys: maxKeys, pageMaxMessages: maxPageRows } = settings;
    this.limits = { maxDepth, maxKeys, maxPageRows };
  }

  /** Returns, or resolves, when order no longer depends on it; never throws and never waits for a commit. */
  handle(connection: NativeConnection, frame: InboundFrame): void | Promise<void> {
    try {
      return this.act(connection, frame, this.decode(connection, frame));
    } catch (error) {
      connection.answer(frame, this.refused(error, error instanceof FrameRefusal ? error.id : undefined));
    }
  }

  private decode(connection: NativeConnection, { text, excess }: InboundFrame): ClientFrame {
    let worth = FULL;
    try {
      const decoded = decodeFrame(text, this.limits);
      if (decoded.kind !== 'message' && decoded.kind !== 'fetchInbox') worth = LIGHT;
      return decoded;
    } finally {
      // The excess is refused and costs nothing, else one who goes on trying would never be let in again.
      if (!excess) connection.spend(worth);
    }
  }

  private act(connection: NativeConnection, frame: InboundFrame, decoded: ClientFrame): void | Promise<void> {
    switch (decoded.kind) {
      case 'message':
        return this.route(connection, frame, decoded.message);
      case 'ack':
        return this.acknowledge(connection, frame, decoded.seq);
      case 'fetchInbox':
        return this.fetch(connection, frame, decoded.query, decoded.id);
      case 'areYouThere':
        return connection.answer(frame, hereFrame(decoded.id));
      case 'alive':
        return connection.answer(frame);
    }
  }

  private route(connection: NativeConnection, frame: InboundFrame, message: Message): void | Promise<void> {
    const began = this.clock.monotonic();
    const answer = (outcome: Answer): void => {
      this.count(message, outcome, began);
      connection.answer(frame, this.answerTo(outcome));
    };
    if (!frame.excess) return this.routing.send(connection.sender, message, answer);
    this.routing.refuse(connection.sender, message, this.overRate(), answer);
  }

  private acknowledge(connection: NativeConnection, frame: InboundFrame, seq: number): void {
    const covered = connection.reader?.covered(seq);
    if (covered) this.inbox.acknowledge(connection.nodeId, covered);
    connection.answer(frame);
  }

  private fetch(connection: NativeConnection, frame: InboundFrame, query: InboxQuery, id?: string): void {
    if (frame.excess) return connection.answer(frame, this.refused(this.overRate(), id));
    this.inbox.page(connection.nodeId, query, this.settings.pageBytes).then(
      (page) => connection.answer(frame, inboxPageFrame(page, id)),
      (error: unknown) => connection.answer(frame, this.refused(error, id)),
    );
  }

  private answerTo(outcome: Answer): string | undefined {
    if (outcome.kind === 'sent') return undefined;
    if (outcome.kind === 'refused') return refusalFrame(outcome.refusal, outcome.id, outcome.destination);
    return receiptFrame(outcome.id, outcome.kind);
  }

  private refused(error: unknown, id?: string): string {
    const refusal = this.refusalFor(error);
    this.metrics.refused(refusal, 'websocket');
    return refusalFrame(refusal, id);
  }

  private refusalFor(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    if (!(error instanceof StoreUnavailable)) this.logger.error(error);
    return new Refusal('retry_later', { retryAfterMs: RETRY_MS });
  }

  private overRate(): Refusal {
    return new Refusal('rate_limited', {
      reason: `at most ${this.settings.ratePerSecond} messages a second`,
      retryAfterMs: RETRY_MS,
      limit: 'socket_messages',
    });
  }

  private count(message: Message, outcome: Answer, began: number): void {
    const { messages, appendSeconds } = this.metrics;
    const kind = message.transient ? 'transient' : 'durable';
    messages.inc({ class: kind, way: 'websocket', outcome: outcome.kind });
    if (outcome.kind === 'refused') this.metrics.refused(outcome.refusal, 'websocket');
    if (!message.transient) appendSeconds.observe((this.clock.monotonic() - began) / 1_000);
  }
}
