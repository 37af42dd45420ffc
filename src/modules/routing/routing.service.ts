import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { randomId } from '../../common/ids.js';
import {
  deliveredFrame,
  type Message,
  messageBody,
  offlineFrame,
  Refusal,
  transientFrame,
} from '../../protocol/index.js';
import { ConnectionsService } from '../connections/index.js';
import { type AppendOutcome, type Draft, InboxService, StoreHealth } from '../inbox/index.js';
import { NodesService } from '../nodes/index.js';
import { FailStop } from './fail-stop.js';
import { OfflineWatch } from './offline-watch.js';
import { RoutingSettings } from './routing.settings.js';
import type { Answer, Sender } from './routing.types.js';

type Answering = (answer: Answer) => void;

/** From a message to the right places, and back to its sender what became of it. */
@Injectable()
export class RoutingService {
  private readonly offline: OfflineWatch;

  constructor(
    private readonly inbox: InboxService,
    private readonly connections: ConnectionsService,
    private readonly nodes: NodesService,
    private readonly health: StoreHealth,
    private readonly settings: RoutingSettings,
    private readonly clock: Clock,
  ) {
    this.offline = new OfflineWatch(connections, nodes, settings.presence);
    inbox.onReports((reports) => {
      for (const { nodeId, key } of reports) this.report(nodeId, key);
    });
  }

  /** The memory of failures that a sender needs; `exhausted` when it owes too much for too long. */
  failStop(exhausted: () => void): FailStop {
    return new FailStop(this.clock, this.settings, exhausted);
  }

  /**
   * Routes one message. Returns at once; `answer` is called exactly once, for a durable message only after the commit.
   * Messages of one sender to one destination keep the order of the calls.
   */
  send(sender: Sender, message: Message, answer: Answering): void {
    const id = message.id ?? randomId();
    const { destination } = message;
    const refuse = (refusal: Refusal): void => answer({ kind: 'refused', id, refusal, destination });
    if ('sessionId' in destination) return refuse(new Refusal('session_denied'));
    if (destination.kind === 'client') return refuse(new Refusal('node_unknown'));
    if (message.transient) this.sendTransient(sender, message, id, destination.nodeId, answer);
    else this.sendDurable(sender, message, id, destination.nodeId, answer);
  }

  /** Refuses a message before it is looked at, as `send` would: what fails for now holds up what follows it. */
  refuse(sender: Sender, message: Message, refusal: Refusal, answer: Answering): void {
    const id = message.id ?? randomId();
    const { destination } = message;
    if (refusal.retryable && !message.transient && destination.kind === 'node') {
      const ordinal = sender.failStop.enter(destination.nodeId, id);
      if (ordinal !== undefined) sender.failStop.fail(destination.nodeId, id, ordinal);
    }
    answer({ kind: 'refused', id, refusal, destination });
  }

  private sendTransient(sender: Sender, message: Message, id: string, nodeId: string, answer: Answering): void {
    const here = this.connections.here(nodeId);
    if (here.size > 0) {
      const frame = transientFrame(this.clock.now(), messageBody(message, id, sourceOf(sender)));
      for (const connection of here) if (connection !== sender.connection) connection.send(frame);
      return answer({ kind: 'sent', id });
    }
    const { destination } = message;
    const refuse = (refusal: Refusal): void => answer({ kind: 'refused', id, refusal, destination });
    this.reachable(sender, nodeId).then(
      (known) => (known ? answer({ kind: 'sent', id }) : refuse(new Refusal('node_unknown'))),
      () => refuse(new Refusal('retry_later')),
    );
  }

  private async reachable(sender: Sender, nodeId: string): Promise<boolean> {
    if (await this.nodes.isKnown(nodeId)) return true;
    if (!this.mayMakeKnown(sender)) return false;
    await this.nodes.makeKnown(nodeId);
    return true;
  }

  private mayMakeKnown(sender: Sender): boolean {
    return sender.trusted || this.settings.allowUnknownDestinations;
  }

  private sendDurable(sender: Sender, message: Message, id: string, nodeId: string, answer: Answering): void {
    const ordinal = sender.failStop.enter(nodeId, id);
    const refuse = (refusal: Refusal): void => {
      if (!refusal.retryable) sender.failStop.settle(nodeId, id);
      else if (ordinal !== undefined) sender.failStop.fail(nodeId, id, ordinal);
      answer({ kind: 'refused', id, refusal, destination: message.destination });
    };
    if (ordinal === undefined)
      return refuse(new Refusal('retry_later', { reason: 'an earlier message has to come first' }));
    const problem = this.health.problem();
    if (problem !== undefined) return refuse(new Refusal('retry_later', { reason: problem }));
    this.inbox.append(nodeId, this.draft(sender, message, id), (outcome) => {
      if (outcome.kind === 'refused') return refuse(outcome.refusal);
      sender.failStop.settle(nodeId, id);
      answer({ kind: outcome.kind, id });
      this.afterReceipt(sender, nodeId, id, outcome);
    });
  }

  private afterReceipt(sender: Sender, nodeId: string, id: string, outcome: AppendOutcome): void {
    if (outcome.kind !== 'stored' || !sender.connection || this.connections.here(nodeId).size > 0) return;
    const { connection } = sender;
    this.offline.ask(sender, nodeId, () => connection.send(offlineFrame(nodeId, id)));
  }

  private draft(sender: Sender, message: Message, id: string): Draft {
    const body = messageBody(message, id, sourceOf(sender));
    return {
      key: `m ${sender.nodeId} ${id}`,
      digest: digestOf(message),
      body,
      bytes: Buffer.byteLength(body),
      report: message.report,
      makesKnown: this.mayMakeKnown(sender),
    };
  }

  private report(nodeId: string, key: string): void {
    const [, srcId = '', id = ''] = key.split(' ');
    const frame = deliveredFrame(id, nodeId);
    for (const connection of this.connections.here(srcId)) connection.send(frame);
  }
}

function sourceOf({ nodeId, clientId }: Sender): { srcId: string; srcClientId: string | null } {
  return { srcId: nodeId, srcClientId: clientId };
}

/** Of what makes two messages under one id the same: type and payloads, byte for byte. */
function digestOf({ type, payload, payload1, payload2 }: Message): string {
  const text = `${type} ${payload?.length ?? -1} ${payload1?.length ?? -1} ${payload2?.length ?? -1} `;
  const whole = text + (payload ?? '') + (payload1 ?? '') + (payload2 ?? '');
  return createHash('sha256').update(whole).digest('base64url').slice(0, 22);
}
