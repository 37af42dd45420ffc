import { once } from 'node:events';
import { type Connection, createConnection } from 'mongoose';
import type { WebSocket } from 'ws';
import { ServerNodesView } from '../../src/modules/nodes/index.js';
import { type findMongo, startMongo, type TestMongo } from './mongo.js';
import { StoreOperations, toldAt } from './store-operations.js';
import { type KeyRequest, SECRET, TestServer } from './test-server.js';

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
    readonly here: TestServer,
    readonly there: TestServer,
    readonly operations: StoreOperations,
    private readonly store: Connection,
    private readonly stopMongo: () => Promise<void>,
  ) {}

  static async start(found: NonNullable<Awaited<ReturnType<typeof findMongo>>>): Promise<CountedCluster> {
    const mongo: TestMongo = await startMongo(found.setups.at(-1)!, found);
    const uri = mongo.freshUri();
    const settings = { MONGODB_URI: toldAt(uri), LINK_SECRET: SECRET, RATE_PER_SECOND: '0' };
    const here = await TestServer.start(settings);
    const there = await TestServer.start(settings);
    await here.running.app.get(ServerNodesView, { strict: false }).refresh();
    const store = await createConnection(uri).asPromise();
    return new CountedCluster(here, there, new StoreOperations(here, there), store, async () => {
      await mongo.drop(uri);
      await mongo.stop();
    });
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
    await Promise.all([this.here.stop(), this.there.stop()]);
    await this.store.destroy();
    await this.stopMongo();
  }

  private async acked(ofNodes: object): Promise<number> {
    const sum = [{ $match: ofNodes }, { $group: { _id: null, acked: { $sum: '$acked' } } }];
    const [found] = await this.store.collection('log_marks').aggregate<{ acked: number }>(sum).toArray();
    return found?.acked ?? 0;
  }
}
