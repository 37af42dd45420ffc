import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { FailureWave } from '../../common/failure-wave.js';
import { Metrics } from '../../common/metrics.js';
import { CLOSE, type CloseCode, helloFrame } from '../../protocol/index.js';
import { ConnectionsService } from '../../modules/connections/index.js';
import {
  type InboxState,
  InboxService,
  type ResumePoint,
  resumePoint,
  StoreUnavailable,
} from '../../modules/inbox/index.js';
import { NodesService, ServerNode } from '../../modules/nodes/index.js';
import { ClientsService } from '../../modules/sessions/index.js';
import { LeftRegistrations } from './left-registrations.js';
import type { NativeConnection } from './native-connection.js';
import { NativeSettings } from './native.settings.js';

/** What has to happen, and in which order, before a connection takes part, and after it did. */
@Injectable()
export class ConnectionOpening {
  private readonly logger = new Logger(ConnectionOpening.name);
  private readonly opening = new Set<NativeConnection>();
  private readonly notOpened: FailureWave;
  private readonly notNoted: FailureWave;

  constructor(
    private readonly nodes: NodesService,
    private readonly clients: ClientsService,
    private readonly connections: ConnectionsService,
    private readonly left: LeftRegistrations,
    private readonly inbox: InboxService,
    private readonly serverNode: ServerNode,
    private readonly settings: NativeSettings,
    private readonly metrics: Metrics,
    clock: Clock,
  ) {
    const warn = (what: string) => (count: number, last: string) =>
      this.logger.warn(`${what}: ${count}, the last because of ${last}`);
    this.notOpened = new FailureWave(clock, warn('connections that could not be opened'));
    this.notNoted = new FailureWave(clock, warn('connections whose end could not be noted'));
  }

  /** Never rejects. Whatever ends the connection meanwhile, nothing is left of it. */
  async open(connection: NativeConnection): Promise<void> {
    this.opening.add(connection);
    try {
      await this.takePart(connection);
      connection.letIn();
    } catch (error) {
      connection.close(this.codeFor(error));
      // A registration whose answer was lost may reach the store behind the withdrawal of now.
      if (connection.reader) this.left.add(connection);
    }
    this.opening.delete(connection);
    if (!connection.isOpen) await this.withdraw(connection);
  }

  /** The socket is gone. While it was still opening, `open` cleans up behind itself. */
  async ended(connection: NativeConnection): Promise<void> {
    if (!this.opening.has(connection)) await this.withdraw(connection);
  }

  /**
   * The reader is registered before the tail is read: a row that is appended in between is in one of the two. Hello goes
   * before everything that gathered for the connection meanwhile.
   */
  private async takePart(connection: NativeConnection): Promise<void> {
    const { nodeId, admitted } = connection;
    await this.clients.seen(admitted.identity);
    if (!connection.isOpen) return;
    connection.reader = this.inbox.reader(nodeId, connection);
    if (!(await this.connections.open(connection))) return connection.close(CLOSE.tooManyConnections);
    const state = await this.inbox.state(nodeId);
    if (!connection.isOpen) return;
    const point = resumePoint(state, admitted.resume);
    if (point.suspectedRollback)
      this.logger.warn('a client knows more of its inbox than there is: was the store set back?');
    this.metrics.inboxPending.observe(state.pending);
    connection.greet(this.hello(connection, state, point));
    connection.reader.start(point.after, state.tailSeq, state.marks);
  }

  /** A store that is away is no fault of this server node, and asking again is the mend. */
  private codeFor(error: unknown): CloseCode {
    if (error instanceof StoreUnavailable) {
      this.notOpened.add(String(error));
      return CLOSE.tryLater;
    }
    this.logger.error(error);
    return CLOSE.internal;
  }

  private hello(connection: NativeConnection, state: InboxState, { resumed, reason }: ResumePoint): string {
    const { nodeId, clientId, connectionId } = connection;
    const { maxFrameBytes, windowMessages: window, windowBytes, pingIntervalMs } = this.settings;
    const { epoch, floorSeq, tailSeq, ackedSeq } = state;
    return helloFrame({
      nodeId,
      clientId,
      connectionId,
      serverNodeId: this.serverNode.id,
      epoch,
      resumed,
      ...(reason && { reason }),
      floorSeq,
      tailSeq,
      ackedSeq,
      maxFrameBytes,
      window,
      windowBytes,
      pingIntervalMs,
    });
  }

  private async withdraw(connection: NativeConnection): Promise<void> {
    if (connection.reader) this.inbox.removeReader(connection.reader);
    const [closed, left] = await Promise.allSettled([
      this.connections.closed(connection),
      this.nodes.left(connection.nodeId),
    ]);
    if (closed.status === 'rejected') this.left.add(connection);
    const failed = [closed, left].find((outcome) => outcome.status === 'rejected');
    if (failed) this.notNoted.add(String(failed.reason));
  }
}
