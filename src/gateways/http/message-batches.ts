import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { randomId } from '../../common/ids.js';
import { Metrics } from '../../common/metrics.js';
import { type Identity, isAllowed } from '../../modules/auth/index.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { type NodeRecord, NodesService } from '../../modules/nodes/index.js';
import { type Answer, RoutingService, type Sender } from '../../modules/routing/index.js';
import { decodeBatchElement, FrameRefusal, type Message, Refusal } from '../../protocol/index.js';
import { BatchOutcome } from './batch-outcome.js';
import { HttpSettings } from './http.settings.js';
import type { BatchResults } from './messages.schema.js';
import { type Allowance, NodeRates } from './node-rates.js';

/** A message that has an id in any case, so that every answer can name it. */
type Named = Message & { readonly id: string };

/** The nodes in whose name an app sends: undefined for unknown ones, a refusal where the store could not be asked. */
type Sources = ReadonlyMap<string, NodeRecord | Refusal | undefined>;

/** In whose names the messages of one call may be sent, and how many of them. */
interface Terms {
  readonly sources: Sources;
  readonly allowed: Allowance;
}

/** Sends the messages of one call, in their order. */
@Injectable()
export class MessageBatches {
  constructor(
    private readonly routing: RoutingService,
    private readonly nodes: NodesService,
    private readonly rates: NodeRates,
    private readonly settings: HttpSettings,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  async send(caller: Identity, texts: readonly string[]): Promise<BatchResults> {
    const { maxMessages, deadlineMs } = this.settings;
    if (texts.length > maxMessages) {
      throw new Refusal('invalid_field', { field: 'messages', reason: `wanted: at most ${maxMessages} messages` });
    }
    const trusted = isAllowed(caller.role, ['app']);
    const messages = texts.map((text) => this.decode(text, trusted));
    const sources = await this.sourcesOf(messages);
    const failStop = this.routing.failStop(() => {});
    const sender = { nodeId: caller.nodeId, clientId: caller.clientId, trusted, failStop };
    const allowed = this.rates.batch(caller, texts.length);
    const outcome = new BatchOutcome(messages.map(({ id }) => id ?? null));
    const failed = new Promise<never>((_, reject) => {
      this.routeAll(sender, messages, { sources, allowed }, outcome).catch(reject);
    });
    return Promise.race([outcome.results(this.clock, deadlineMs), failed]).finally(() => failStop.stop());
  }

  /** One waits for another only where hooks take their time; what they have kept back at the deadline is not sent. */
  private async routeAll(
    sender: Sender,
    messages: ReadonlyArray<Named | FrameRefusal>,
    { sources, allowed }: Terms,
    outcome: BatchOutcome,
  ): Promise<void> {
    for (const [index, message] of messages.entries()) {
      if (outcome.isComplete) return;
      if (message instanceof Refusal) {
        outcome.refuse(index, this.counted(message));
        continue;
      }
      const answer = this.counting(message, (given) => outcome.settle(index, given));
      const excess = index - allowed.messages;
      if (excess >= 0) this.routing.refuse(sender, message, allowed.refusal(excess), answer);
      else {
        const asking = this.route(sender, message, sources, answer);
        if (asking) await asking;
      }
    }
  }

  private decode(text: string, trusted: boolean): Named | FrameRefusal {
    const { maxFrameBytes, maxJsonDepth, maxTopLevelKeys, pageMaxMessages } = this.settings;
    try {
      if (Buffer.byteLength(text) > maxFrameBytes) {
        throw new FrameRefusal('too_large', { reason: `a message has at most ${maxFrameBytes} bytes` });
      }
      const limits = { maxDepth: maxJsonDepth, maxKeys: maxTopLevelKeys, maxPageRows: pageMaxMessages };
      const message = decodeBatchElement(text, limits, trusted);
      return { ...message, id: message.id ?? randomId() };
    } catch (error) {
      if (error instanceof FrameRefusal) return error;
      if (error instanceof Refusal) return new FrameRefusal(error.code, error);
      throw error;
    }
  }

  private async sourcesOf(messages: ReadonlyArray<Named | FrameRefusal>): Promise<Sources> {
    const named = messages.flatMap((message) =>
      'srcId' in message && message.srcId !== undefined ? [message.srcId] : [],
    );
    const sources = await Promise.all(
      [...new Set(named)].map((id) => this.source(id).then((found) => [id, found] as const)),
    );
    return new Map(sources);
  }

  private async source(nodeId: string): Promise<NodeRecord | Refusal | undefined> {
    try {
      return await this.nodes.find(nodeId);
    } catch (error) {
      if (error instanceof StoreUnavailable) return new Refusal('retry_later');
      throw error;
    }
  }

  private route(
    caller: Sender,
    message: Named,
    sources: Sources,
    answer: (answer: Answer) => void,
  ): void | Promise<void> {
    if (message.srcId === undefined) return this.routing.send(caller, message, answer);
    const source = sources.get(message.srcId);
    if (source instanceof Refusal) return this.routing.refuse(caller, message, source, answer);
    if (source)
      return this.routing.send({ ...caller, nodeId: source.nodeId, clientId: source.clientId }, message, answer);
    const refusal = new Refusal('invalid_field', { field: 'src_id', reason: 'wanted: a known node' });
    this.routing.refuse(caller, message, refusal, answer);
  }

  private counting(message: Named, settle: (answer: Answer) => void): (answer: Answer) => void {
    const began = this.clock.monotonic();
    return (answer) => {
      const kind = message.transient ? 'transient' : 'durable';
      this.metrics.messages.inc({ class: kind, way: 'rest', outcome: answer.kind });
      if (answer.kind === 'refused') this.counted(answer.refusal);
      else if (!message.transient) this.metrics.appendSeconds.observe((this.clock.monotonic() - began) / 1_000);
      settle(answer);
    };
  }

  private counted<T extends Refusal>(refusal: T): T {
    this.metrics.refused(refusal, 'rest');
    return refusal;
  }
}
