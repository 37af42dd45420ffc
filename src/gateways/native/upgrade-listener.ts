import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { Server as SocketServer } from 'ws';
import type { Clock } from '../../common/clock.js';
import type { Metrics } from '../../common/metrics.js';
import type { UpgradeClaims } from '../../common/upgrade-claims.js';
import { Refusal } from '../../protocol/index.js';
import type { Admission } from './admission.js';
import type { EdgeSocket } from './edge-socket.js';
import { checkUpgrade, pathOf } from './handshake.js';
import { refuseOnSocket } from './refusal-answer.js';

export type EdgeServer = SocketServer<typeof EdgeSocket>;

/** A path on which websockets are opened. */
export interface Gate {
  readonly path: string;
  readonly server: EdgeServer;
  /** Whether only callers with a valid key get in. */
  readonly keyed: boolean;
}

/** How long a refused peer may take to read its answer. */
const LINGER_MS = 2_000;

/** Answers the upgrade requests of an HTTP server: with the 101 of a gateway, or with a refusal. */
export class UpgradeListener {
  private readonly logger = new Logger(UpgradeListener.name);
  private readonly gates = new Map<string, Gate>();
  private readonly sockets = new Set<Duplex>();
  private readonly listener = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
    void this.answer(request, socket, head);

  constructor(
    private readonly http: Server,
    private readonly admission: Admission,
    private readonly metrics: Metrics,
    private readonly maxHeaders: number,
    private readonly clock: Clock,
    private readonly claims: UpgradeClaims,
  ) {
    http.on('upgrade', this.listener);
  }

  add(gate: Gate): void {
    this.gates.set(gate.path, gate);
  }

  /** Listens no more and destroys what is left. */
  dispose(): void {
    this.http.off('upgrade', this.listener);
    for (const socket of this.sockets) socket.destroy();
  }

  private async answer(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gate = this.gates.get(pathOf(request));
    if (!gate && this.claims.take(request, socket, head)) return;
    // A path that is not ours may be somebody else's: another listener of the same server answers then.
    if (!gate && this.http.listenerCount('upgrade') > 1) return;
    this.watch(socket);
    try {
      if (!gate) throw new Refusal('not_found', { reason: 'no websocket is opened here' });
      const admitted = await this.decide(gate, request, socket);
      gate.server.handleUpgrade(request, socket, head, (client) =>
        this.connect(gate, client, request, socket, admitted),
      );
    } catch (error) {
      this.refuse(socket, error);
    }
  }

  private watch(socket: Duplex): void {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.sockets.delete(socket));
  }

  private async decide(gate: Gate, request: IncomingMessage, socket: Duplex): Promise<unknown> {
    checkUpgrade(request, this.maxHeaders);
    this.admission.checkOrigin(request);
    this.admission.takePlace(request, socket, gate.keyed);
    return gate.keyed ? this.admission.admit(request, socket) : undefined;
  }

  private connect(gate: Gate, client: EdgeSocket, request: IncomingMessage, socket: Duplex, admitted: unknown): void {
    this.metrics.handshakes.inc({ status: 101 });
    client.raw = socket;
    // Before any gateway listens: a violation that nobody hears of must not end the process.
    client.on('error', () => {});
    gate.server.emit('connection', client, request, admitted);
  }

  private refuse(socket: Duplex, error: unknown): void {
    if (!(error instanceof Refusal)) this.logger.error(error);
    const refusal = error instanceof Refusal ? error : new Refusal('retry_later');
    this.metrics.handshakes.inc({ status: refusal.status });
    this.metrics.refused(refusal, 'websocket');
    refuseOnSocket(socket, refusal);
    const lingering = this.clock.after(LINGER_MS, () => socket.destroy());
    socket.once('close', () => lingering.cancel());
  }
}
