import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { HeapUse } from '../../common/heap-use.js';
import { randomId } from '../../common/ids.js';
import {
  deliveredFrame,
  type Destination,
  type Message,
  messageBody,
  offlineFrame,
  Refusal,
  transientFrame,
} from '../../protocol/index.js';
import { ConnectionsService } from '../connections/index.js';
import { type AppendOutcome, entryOfKey, InboxService, type MessageDraft, StoreHealth } from '../inbox/index.js';
import { NodesService } from '../nodes/index.js';
import { GroupsService } from '../sessions/index.js';
import { FailStop } from './fail-stop.js';
import { OfflineWatch } from './offline-watch.js';
import { PeerRouting } from './peer-routing.js';
import { RoutingHooks } from './routing.hooks.js';
import { RoutingSettings } from './routing.settings.js';
import type { Answer, Sender } from './routing.types.js';

const HEAP_RETRY_MS = 5_000;

type Answering = (answer: Answer) => void;

/** From a message to the right places, and back to its sender what became of it. */
@Injectable()
export class RoutingService {
  private readonly offline: OfflineWatch;

  constructor(
    private readonly inbox: InboxService,
    private readonly groups: GroupsService,
    private readonly connections: ConnectionsService,
    private readonly nodes: NodesService,
    private readonly health: StoreHealth,
    private readonly settings: RoutingSettings,
    private readonly clock: Clock,
    private readonly peers: PeerRouting,
    private readonly hooks: RoutingHooks,
    private readonly heap: HeapUse,
  ) {
    this.offline = new OfflineWatch(connections, nodes, peers, settings.presence);
    inbox.onReports((reports) => {
      for (const { nodeId, key } of reports) void this.report(nodeId, key);
    });
  }

  /** The memory of failures that a sender needs; `exhausted` when it owes too much for too long. */
  failStop(exhausted: () => void): FailStop {
    return new FailStop(this.clock, this.settings, exhausted);
  }

  /**
   * Routes one message. `answer` is called exactly once, for a durable message only after the commit. Messages of one
   * sender to one destination keep the order of the calls; where a promise is answered, because hooks are asked, the next
   * call of that sender has to wait for it.
   */
  send(sender: Sender, message: Message, answer: Answering): void | Promise<void> {
    if (this.heap.isCritical) return this.refuse(sender, message, heapFull(), answer);
    const id = message.id ?? randomId();
    if (!this.hooks.some) return this.route(sender, message, id, answer);
    const decided = (refusal?: Refusal): void => {
      if (refusal) this.refuse(sender, { ...message, id }, refusal, answer);
      else this.route(sender, message, id, answer);
    };
    const ruling = this.hooks.ask(sender, { ...message, id });
    return ruling instanceof Promise ? ruling.then(decided) : decided(ruling);
  }

  private route(sender: Sender, message: Message, id: string, answer: Answering): void {
    const { destination } = message;
    if (!message.transient) this.sendDurable(sender, message, id, answer);
    else if (destination.kind === 'node') this.sendTransient(sender, message, id, destination.nodeId, answer);
    else void this.sendTransientToGroup(sender, message, id, answer);
  }

  /** Refuses a message before it is looked at, as `send` would: what fails for now holds up what follows it. */
  refuse(sender: Sender, message: Message, refusal: Refusal, answer: Answering): void {
    const id = message.id ?? randomId();
    const { destination } = message;
    if (!message.transient) this.failFirst(sender.failStop, laneOf(destination), id, refusal);
    answer({ kind: 'refused', id, refusal, destination });
  }

  private failFirst(failStop: FailStop, lane: string, id: string, refusal: Refusal): void {
    if (!refusal.retryable) return failStop.settle(lane, id, 'refused');
    const ordinal = failStop.enter(lane, id);
    if (ordinal !== undefined) failStop.fail(lane, id, ordinal);
  }

  private sendTransient(sender: Sender, message: Message, id: string, nodeId: string, answer: Answering): void {
    const frame = transientFrame(this.clock.now(), messageBody(message, id, sourceOf(sender)));
    const { destination } = message;
    const refuse = (refusal: Refusal): void => answer({ kind: 'refused', id, refusal, destination });
    this.peers.reach(nodeId, frame, sender, (isConnected) => {
      if (isConnected) return answer({ kind: 'sent', id });
      this.reachable(sender, nodeId).then(
        (known) => (known ? answer({ kind: 'sent', id }) : refuse(new Refusal('node_unknown'))),
        () => refuse(new Refusal('retry_later')),
      );
    });
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

  /** Encoded once, and one frame for each server node that holds somebody of the group. */
  private async sendTransientToGroup(sender: Sender, message: Message, id: string, answer: Answering): Promise<void> {
    const refuse = (refusal: Refusal): void =>
      answer({ kind: 'refused', id, refusal, destination: message.destination });
    try {
      const { frame, nodeIds } = await this.groups.transient({ sender, message, id });
      const text = transientFrame(this.clock.now(), frame);
      this.peers.deliver(nodeIds, text, sender);
      answer({ kind: 'sent', id });
    } catch (error) {
      refuse(error instanceof Refusal ? error : new Refusal('retry_later'));
    }
  }

  private sendDurable(sender: Sender, message: Message, id: string, answer: Answering): void {
    const lane = laneOf(message.destination);
    const ordinal = sender.failStop.enter(lane, id);
    const refuse = (refusal: Refusal): void => {
      if (!refusal.retryable) sender.failStop.settle(lane, id, 'refused');
      else if (ordinal !== undefined) sender.failStop.fail(lane, id, ordinal);
      answer({ kind: 'refused', id, refusal, destination: message.destination });
    };
    if (ordinal === undefined)
      return refuse(new Refusal('retry_later', { reason: 'an earlier message has to come first' }));
    const problem = this.health.problem();
    if (problem !== undefined) return refuse(new Refusal('retry_later', { reason: problem }));
    this.append(sender, message, id, (outcome) => {
      if (outcome.kind === 'refused') return refuse(outcome.refusal);
      sender.failStop.settle(lane, id, 'stored');
      answer({ kind: outcome.kind, id });
      if (message.destination.kind === 'node') this.afterReceipt(sender, message.destination.nodeId, id, outcome);
    });
  }

  private append(sender: Sender, message: Message, id: string, settle: (outcome: AppendOutcome) => void): void {
    const { destination } = message;
    if (destination.kind === 'node') this.inbox.append(destination.nodeId, this.draft(sender, message, id), settle);
    else this.groups.send({ sender, message, id }, digestOf(message), settle);
  }

  private afterReceipt(sender: Sender, nodeId: string, id: string, outcome: AppendOutcome): void {
    if (outcome.kind !== 'stored' || !sender.connection || this.connections.here(nodeId).size > 0) return;
    const { connection } = sender;
    this.offline.ask(sender, nodeId, () => connection.send(offlineFrame(nodeId, id)));
  }

  private draft(sender: Sender, message: Message, id: string): MessageDraft {
    const body = messageBody(message, id, sourceOf(sender));
    return {
      kind: 'message',
      key: `m ${sender.nodeId} ${id}`,
      digest: digestOf(message),
      body,
      bytes: Buffer.byteLength(body),
      report: message.report,
      makesKnown: this.mayMakeKnown(sender),
    };
  }

  private async report(nodeId: string, key: string): Promise<void> {
    const entry = entryOfKey(key);
    const sent = entry ? await this.groups.keyOf(entry.group, entry.entry) : key;
    if (sent !== undefined) this.reportTo(nodeId, sent);
  }

  private reportTo(nodeId: string, key: string): void {
    const [, srcId = '', id = ''] = key.split(' ');
    this.peers.deliver([srcId], deliveredFrame(id, nodeId));
  }
}

/** What is alive on the heap waits for others: it takes them longer than a moment. */
function heapFull(): Refusal {
  const reason = 'the server node is almost out of memory';
  return new Refusal('retry_later', { reason, retryAfterMs: HEAP_RETRY_MS, limit: 'heap_messages' });
}

/** What is one destination for the order of messages: a session is another one than its members. */
function laneOf(to: Destination): string {
  switch (to.kind) {
    case 'node':
      return to.nodeId;
    case 'client':
      return `c ${to.clientId}`;
    case 'session':
      return `s ${to.sessionId}`;
    case 'private':
      return `p ${to.sessionId} ${to.memberId}`;
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
