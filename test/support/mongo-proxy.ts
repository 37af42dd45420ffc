import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What a link does with what travels. `cut` also refuses new connections. */
export type LinkState = 'open' | 'cut' | 'deaf' | 'mute';

/**
 * A TCP link to a server that a test can spoil: `cut` it; make the server `mute`, so that what it answers is lost; or
 * make it `deaf`, so that it hears nothing more. Only `cut` is seen by the two ends.
 */
export class Link {
  private state: LinkState = 'open';
  private readonly pairs = new Set<readonly [client: Socket, server: Socket]>();

  private constructor(
    private readonly listener: Server,
    private readonly target: { readonly host: string; readonly port: number },
  ) {}

  static async to(host: string, port: number): Promise<Link> {
    const listener = createServer();
    const link = new Link(listener, { host, port });
    listener.on('connection', (client) => link.join(client));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return link;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  become(state: LinkState): void {
    this.state = state;
    if (state === 'cut') this.drop();
  }

  async close(): Promise<void> {
    this.drop();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private join(client: Socket): void {
    if (this.state === 'cut') return void client.destroy();
    const server = connect(this.target.port, this.target.host);
    const pair = [client, server] as const;
    this.pairs.add(pair);
    client.on('data', (bytes) => this.state !== 'deaf' && server.write(bytes));
    server.on('data', (bytes) => this.state !== 'mute' && client.write(bytes));
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => this.part(pair));
    }
  }

  private part(pair: readonly [Socket, Socket]): void {
    this.pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }

  private drop(): void {
    for (const pair of this.pairs) this.part(pair);
  }
}
