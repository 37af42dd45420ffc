import type { WsMessageHandler } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Clock } from '../../common/clock.js';
import type { EdgeSocket } from './edge-socket.js';
import { type InboundFrame, type InboundLimits, InboundQueue } from './inbound-queue.js';

type Transform = (result: unknown) => Observable<unknown>;

interface Envelope {
  readonly event: string;
  readonly data?: unknown;
}

const noAcknowledgement = (): void => {};

/**
 * The usual dispatch for gateways: `{event, data}` goes to the handler of that event, what it returns goes back as JSON.
 * One frame after the other; whatever fits no handler is answered.
 */
export function bindEvents(
  client: EdgeSocket,
  handlers: readonly WsMessageHandler[],
  transform: Transform,
  limits: InboundLimits,
  clock: Clock,
): void {
  const byEvent = new Map(handlers.map((handler) => [handler.message, handler.callback]));
  const handle = async (frame: InboundFrame): Promise<void> => {
    await dispatch(client, frame.text, byEvent, transform);
    queue.answered(frame);
  };
  const abusive = (): void => client.terminate();
  const queue = new InboundQueue(client, { handle, abusive }, limits, clock);
  client.on('message', (data: Buffer) => queue.push(data.toString('utf8'), data.length));
  client.on('close', () => queue.stop());
}

async function dispatch(
  client: EdgeSocket,
  text: string,
  handlers: ReadonlyMap<string, WsMessageHandler['callback']>,
  transform: Transform,
): Promise<void> {
  const envelope = envelopeOf(text);
  if (!envelope) return send(client, problem('wanted: {"event": "…", "data": …}'));
  const handler = handlers.get(envelope.event);
  if (!handler) return send(client, problem('there is no such event'));
  // The handler is awaited, what it streams is not: a stream may have no end, and the next frame has to come in.
  const result: unknown = await handler(envelope.data, noAcknowledgement);
  transform(result).subscribe({
    next: (reply) => send(client, reply),
    error: () => send(client, problem('internal error')),
  });
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

function send(client: EdgeSocket, reply: unknown): void {
  if (reply !== undefined && reply !== null && client.readyState === client.OPEN) client.send(JSON.stringify(reply));
}
