import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Random } from './random.js';
import { HOST, type Target, Wire } from './wire.js';

/** A wire that anybody gets by connecting to its port. */
export class TcpProxy extends Wire {
  private constructor(
    private readonly server: Server,
    /** The port where the next connections go; a function is asked for each, which is reset when it names none. */
    public target: number | (() => Target | undefined),
    random: Random,
  ) {
    super(random);
    server.on('connection', (client) => {
      const next = typeof this.target === 'number' ? { port: this.target } : this.target();
      if (next) this.join(client, next);
      else client.resetAndDestroy();
    });
  }

  /** Listens on a port of its own, or that of one before it; `target`: the port where the connections go. */
  static async start(target: TcpProxy['target'], random: Random, port: number = 0): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new TcpProxy(server, target, random);
    await listening(server, port);
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }
}

export function listening(server: Server, port: number = 0): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: HOST, backlog: 4096 }, () => resolve());
  });
}
