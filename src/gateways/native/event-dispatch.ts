import { Logger, type WsMessageHandler } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Clock } from '../../common/clock.js';
import type { LoopLag } from '../../common/loop-lag.js';
import type { Metrics } from '../../common/metrics.js';
import type { EdgeSocket } from './edge-socket.js';
import { Heartbeat, type HeartbeatSettings } from './heartbeat.js';
import { type InboundFrame, type InboundLimits, type InboundOwner, InboundQueue } from './inbound-queue.js';

interface Envelope {
  readonly event: string;
  readonly data?: unknown;
}

type Transform = (result: unknown) => Observable<unknown>;

const INTERNAL = 'internal error';
const noAcknowledgement = (): void => {};

/**
 * The usual dispatch for gateways: `{event, data}` goes to the handler of that event, what it returns goes back as JSON.
 * One frame after the other; whatever fits no handler is answered. Several gateways may share a socket.
 */
export class EventDispatch {
  private readonly logger = new Logger(EventDispatch.name);
  private readonly handlers = new Map<string, (data: unknown) => Promise<void>>();
  private readonly queue: InboundQueue;
  private readonly heartbeat: Heartbeat;

  constructor(
    private readonly client: EdgeSocket,
    settings: InboundLimits & HeartbeatSettings,
    clock: Clock,
    lag: LoopLag,
    metrics: Metrics,
  ) {
    const owner: InboundOwner = {
      handle: (frame) => this.handle(frame),
      abusive: () => client.terminate(),
      limited: (limit) => metrics.hit(limit),
    };
    this.queue = new InboundQueue(client, owner, settings, clock);
    this.heartbeat = new Heartbeat(clock, settings, {
      ping: () => client.ping(),
      excused: (at) => this.queue.pausedSince(at) || lag.since(at),
      lost: () => client.terminate(),
    });
    this.listen();
  }

  add(handlers: readonly WsMessageHandler[], transform: Transform): void {
    for (const { message, callback } of handlers) {
      this.handlers.set(message, async (data) => {
        // The handler is awaited, what it streams is not: a stream may have no end, and the next frame has to come in.
        const result: unknown = await callback(data, noAcknowledgement);
        const error = (): void => this.send(problem(INTERNAL));
        transform(result).subscribe({ next: (reply) => this.send(reply), error });
      });
    }
  }

  private listen(): void {
    this.client.on('message', (data: Buffer) => {
      this.heartbeat.heard();
      this.queue.push(data.toString('utf8'), data.length);
    });
    this.client.on('ping', () => this.heartbeat.heard());
    this.client.on('pong', () => this.heartbeat.heard());
    this.client.on('close', () => {
      this.heartbeat.stop();
      this.queue.stop();
    });
  }

  private async handle(frame: InboundFrame): Promise<void> {
    try {
      await this.dispatch(frame.text);
    } catch (error) {
      this.logger.error(error);
      this.send(problem(INTERNAL));
    }
    this.queue.answered(frame);
  }

  private async dispatch(text: string): Promise<void> {
    const envelope = envelopeOf(text);
    if (!envelope) return this.send(problem('wanted: {"event": "…", "data": …}'));
    const handler = this.handlers.get(envelope.event);
    if (!handler) return this.send(problem('there is no such event'));
    await handler(envelope.data);
  }

  private send(reply: unknown): void {
    const isOpen = this.client.readyState === this.client.OPEN;
    if (isOpen && reply !== undefined && reply !== null) this.client.send(JSON.stringify(reply));
  }
}

function envelopeOf(text: string): Envelope | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const isEnvelope = typeof parsed === 'object' && parsed !== null && 'event' in parsed;
    return isEnvelope && typeof parsed.event === 'string' ? (parsed as Envelope) : undefined;
  } catch {
    return undefined;
  }
}

function problem(message: string): unknown {
  return { event: 'exception', data: { status: 'error', message } };
}
