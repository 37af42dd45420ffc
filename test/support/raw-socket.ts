import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface FrameForm {
  /** Default: text. */
  readonly opcode?: number;
  /** Default: true. */
  readonly fin?: boolean;
  /** RSV1 to RSV3 as the bits 4, 2, 1. */
  readonly rsv?: number;
  /** Default: true, as a client has to. */
  readonly masked?: boolean;
  /** The length that the header claims; default: the true one. */
  readonly claimed?: number | bigint;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A websocket frame as a client writes it, or one that is wrong in a way of the test's choice. */
export function clientFrame(payload: string | Buffer, form: FrameForm = {}): Buffer {
  const { opcode = OPCODE.text, fin = true, rsv = 0, masked = true, claimed } = form;
  const body = Buffer.from(payload);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const head = Buffer.from([first, ...lengthBytes(claimed ?? body.length, masked ? 0x80 : 0)]);
  if (!masked) return Buffer.concat([head, body]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, body.map((byte, index) => byte ^ (mask[index % 4] as number))]);
}

/** A close frame; without a code an empty one. */
export function closeFrame(code?: number, reason = ''): Buffer {
  const head = Buffer.alloc(code === undefined ? 0 : 2);
  if (code !== undefined) head.writeUInt16BE(code);
  return clientFrame(Buffer.concat([head, Buffer.from(reason)]), { opcode: OPCODE.close });
}

/** The head of an upgrade request; `headers` are added, or replace what has the same name; `null` leaves one out. */
export function upgradeRequest(target: string, headers: Readonly<Record<string, string | null>> = {}): string {
  const all: Record<string, string | null> = {
    host: 'localhost',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]));
  return `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

function lengthBytes(length: number | bigint, maskBit: number): number[] {
  if (length <= 125) return [maskBit | Number(length)];
  if (length <= 0xffff) return [maskBit | 126, Number(length) >> 8, Number(length) & 0xff];
  const long = Buffer.alloc(8);
  long.writeBigUInt64BE(BigInt(length));
  return [maskBit | 127, ...long];
}

/** A TCP connection that writes what bytes it is given and reads what comes, as HTTP first and as frames then. */
export class RawSocket {
  private received: Buffer = Buffer.alloc(0);
  private readonly waiting = new Set<() => void>();
  private over = false;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay();
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => this.end());
    socket.on('end', () => this.end());
  }

  static async open(port: number, host = '127.0.0.1'): Promise<RawSocket> {
    const socket = connect({ port, host, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawSocket(socket);
  }

  /** Opens a connection and asks for an upgrade; what the server said is in `response`. */
  static async upgrade(
    port: number,
    target: string,
    headers: Readonly<Record<string, string | null>> = {},
    glued: Buffer = Buffer.alloc(0),
  ): Promise<{ socket: RawSocket; response: HttpResponse }> {
    const socket = await RawSocket.open(port);
    await socket.write(Buffer.concat([Buffer.from(upgradeRequest(target, headers)), glued]));
    return { socket, response: await socket.response() };
  }

  /** Resolves when the bytes have left this process. */
  write(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => void this.socket.write(bytes, () => resolve()));
  }

  /** Writes the bytes in pieces cut at these places, each as a packet of its own. */
  async writeCut(bytes: Buffer, places: readonly number[]): Promise<void> {
    const cuts = [0, ...places.filter((at) => at > 0 && at < bytes.length), bytes.length];
    for (const [index, from] of cuts.slice(0, -1).entries()) {
      await this.write(bytes.subarray(from, cuts[index + 1]));
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  text(text: string): Promise<void> {
    return this.write(clientFrame(text));
  }

  json(value: unknown): Promise<void> {
    return this.text(JSON.stringify(value));
  }

  /** Reads one HTTP response; rejects when the connection ends without one. */
  async response(): Promise<HttpResponse> {
    const end = await this.until(() => this.received.indexOf('\r\n\r\n') + 1 || undefined);
    if (end === undefined) throw new Error('The connection ended without an HTTP response');
    const [statusLine = '', ...lines] = this.shift(end + 3)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.split(':', 1)[0]!.toLowerCase(), line.replace(/^[^:]*:\s*/, '')]),
    );
    const length = Number(headers.get('content-length') ?? 0);
    await this.until(() => (this.received.length >= length ? true : undefined));
    return { status: Number(statusLine.split(' ')[1]), headers, body: this.shift(length).toString('utf8') };
  }

  /** The next frame; `undefined` when the connection ends before it. */
  frame(): Promise<Frame | undefined> {
    return this.until(() => this.shiftFrame());
  }

  /** The next text frame as JSON; pings in between are left out. Throws at a close and at the end. */
  async nextJson(): Promise<Record<string, unknown>> {
    for (;;) {
      const frame = await this.frame();
      if (!frame) throw new Error('The connection ended, a text frame was expected');
      if (frame.opcode === OPCODE.text) return JSON.parse(frame.payload.toString('utf8')) as Record<string, unknown>;
      if (frame.opcode === OPCODE.close) throw new Error(`Closed with ${codeOf(frame)}, a text frame was expected`);
    }
  }

  /** Reads on to the close frame: its code and reason; 1005 when it has none, 1006 when the connection just ends. */
  async closed(): Promise<{ code: number; reason: string }> {
    for (;;) {
      const frame = await this.frame();
      if (!frame) return { code: 1006, reason: '' };
      if (frame.opcode === OPCODE.close) return { code: codeOf(frame), reason: frame.payload.toString('utf8', 2) };
    }
  }

  /** Resolves when the peer has ended the connection. */
  async ended(): Promise<void> {
    await this.until(() => undefined);
  }

  /** Reads nothing more until `resume`. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    this.wake();
  }

  private end(): void {
    this.over = true;
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private async until<T>(read: () => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = read();
      if (found !== undefined || this.over) return found;
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  private shift(bytes: number): Buffer {
    const taken = this.received.subarray(0, bytes);
    this.received = this.received.subarray(bytes);
    return taken;
  }

  private shiftFrame(): Frame | undefined {
    const [first, second] = this.received;
    if (first === undefined || second === undefined) return undefined;
    const short = second & 0x7f;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (this.received.length < head) return undefined;
    const length = head === 2 ? short : head === 4 ? this.received.readUInt16BE(2) : this.received.readUIntBE(4, 6);
    if (this.received.length < head + length) return undefined;
    this.shift(head);
    return { fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload: Buffer.from(this.shift(length)) };
  }
}

function codeOf({ payload }: Frame): number {
  return payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
}
