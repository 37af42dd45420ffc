import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Random } from './random.js';
import { listening } from './tcp-proxy.js';
import { type Target, Wire } from './wire.js';

const LONGEST_HEAD = 16 * 1024;
const NOBODY = '';

/**
 * Stands where the others find a server node, and keeps a wire of its own for each that dials: who that is stands in the
 * token of a link, so that one pair can be parted and a third one hears both.
 */
export class LinkSwitch {
  private readonly wires = new Map<string, Wire>();

  private constructor(
    private readonly server: Server,
    private readonly random: Random,
    private readonly targetHost: string,
  ) {
    server.on('connection', (client) => {
      client.on('error', () => undefined);
      void headOf(client).then((head) => this.wireFrom(diallerIn(head)).join(client, this.target));
    });
  }

  /** Listens on a free port; connections go to the same port of another address of this machine. */
  static async start(random: Random, targetHost: string): Promise<LinkSwitch> {
    const server = createServer({ allowHalfOpen: true });
    await listening(server);
    return new LinkSwitch(server, random, targetHost);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** All links that the server node with this id opens. */
  wireFrom(serverNodeId: string): Wire {
    const known = this.wires.get(serverNodeId);
    if (known) return known;
    const wire = new Wire(this.random);
    this.wires.set(serverNodeId, wire);
    return wire;
  }

  heal(): void {
    for (const wire of this.wires.values()) wire.heal();
  }

  async close(): Promise<void> {
    for (const wire of this.wires.values()) wire.reset();
    await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }

  private get target(): Target {
    return { host: this.targetHost, port: this.port };
  }
}

/** What a client says first, which it then says once more to whoever reads. */
function headOf(client: Socket): Promise<string> {
  return new Promise((resolve) => {
    const heard: Buffer[] = [];
    const done = (): void => {
      client.off('data', take);
      client.pause();
      const all = Buffer.concat(heard);
      if (all.length > 0) client.unshift(all);
      resolve(all.toString('latin1'));
    };
    const take = (chunk: Buffer): void => {
      heard.push(chunk);
      const all = Buffer.concat(heard);
      if (all.includes('\r\n\r\n') || all.length > LONGEST_HEAD) done();
    };
    client.on('data', take);
    client.once('end', done);
  });
}

function diallerIn(head: string): string {
  const claims = /^authorization: bearer [\w-]+\.([\w-]+)\./im.exec(head)?.[1];
  if (claims === undefined) return NOBODY;
  try {
    const { from } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { from?: { serverNodeId?: string } };
    return from?.serverNodeId ?? NOBODY;
  } catch {
    return NOBODY;
  }
}
