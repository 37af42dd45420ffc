import { once } from 'node:events';
import { type Connection, createConnection } from 'mongoose';
import type { WebSocket } from 'ws';
import type { Found } from './mongo.js';
import { StoreOperations, toldAt } from './store-operations.js';
import type { KeyRequest, TestServer } from './test-server.js';
import { TwoServers } from './two-servers.js';

/** A node that acknowledges each entry as it comes, which costs more than the library does. */
export class Acknowledger {
  /** Messages so far. */
  received = 0;
  private wake = (): void => {};

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) =>
      this.take(JSON.parse(data.toString()) as { seq?: number; payload?: unknown }),
    );
  }

  static async open(server: TestServer, nodeId: string, request?: KeyRequest): Promise<Acknowledger> {
    const socket = await server.socket(nodeId, request);
    const opened = new Acknowledger(socket);
    await once(socket, 'message');
    return opened;
  }

  /** Resolves when it has so many messages. */
  async has(count: number): Promise<void> {
    while (this.received < count) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  /** Sends a message for each receipt, `atOnce` to begin with; resolves with how many of `count` were stored. */
  sendAll(to: object, count: number, atOnce: number): Promise<number> {
    let [sent, stored, answered] = [0, 0, 0];
    const next = (): void => {
      if ((sent += 1) <= count) this.socket.send(JSON.stringify({ id: `m${sent}`, ...to, payload: sent }));
    };
    return new Promise((resolve) => {
      const hear = (data: Buffer): void => {
        const { type, status } = JSON.parse(data.toString()) as { type?: number; status?: string };
        if (type !== -112 && type !== -113) return;
        if (status === 'stored') stored += 1;
        if ((answered += 1) < count) return next();
        this.socket.off('message', hear);
        resolve(stored);
      };
      this.socket.on('message', hear);
      for (let i = 0; i < atOnce; i += 1) next();
    });
  }

  private take({ seq, payload }: { seq?: number; payload?: unknown }): void {
    if (seq === undefined) return;
    if (payload !== undefined) this.received += 1;
    this.socket.send(JSON.stringify({ type: -111, seq }));
    this.wake();
  }
}

/** Two server nodes on one MongoDB whose commands are counted, and a connection to it whose commands are not. */
export class CountedCluster {
  private constructor(
    private readonly servers: TwoServers,
    readonly operations: StoreOperations,
    private readonly store: Connection,
  ) {}

  static async start(found: Found): Promise<CountedCluster> {
    const servers = await TwoServers.start({}, found, toldAt);
    const store = await createConnection(servers.uri!).asPromise();
    return new CountedCluster(servers, new StoreOperations(servers.here, servers.there), store);
  }

  get here(): TestServer {
    return this.servers.here;
  }

  get there(): TestServer {
    return this.servers.there;
  }

  /** Resolves when all entries of sessions are driven, and so many rows of inboxes at least are there and acknowledged. */
  async settled(nodes: string, rows: number): Promise<void> {
    const ofNodes = { _id: { $regex: `^n:${nodes}` } };
    for (;;) {
      const [open, stored, acked] = [
        await this.store.collection('log_rows').countDocuments({ open: true }),
        await this.store.collection<{ _id: string }>('log_rows').countDocuments(ofNodes),
        await this.acked(ofNodes),
      ];
      if (open === 0 && stored >= rows && acked === stored) return;
    }
  }

  /** Resolves when nobody is in the directory any more. */
  async deserted(): Promise<void> {
    while ((await this.store.collection('connections').countDocuments({})) > 0);
  }

  async stop(): Promise<void> {
    await this.store.destroy();
    await this.servers.stop();
  }

  private async acked(ofNodes: object): Promise<number> {
    const sum = [{ $match: ofNodes }, { $group: { _id: null, acked: { $sum: '$acked' } } }];
    const [found] = await this.store.collection('log_marks').aggregate<{ acked: number }>(sum).toArray();
    return found?.acked ?? 0;
  }
}
