import { type Call, dataOf, descriptorOf } from './trace-reader.js';

/** A frame that the server wrote to a websocket. */
export interface SpokenFrame {
  /** When the write began that carried its end: from here on somebody may know it. */
  readonly at: number;
  readonly socket: string;
  readonly frame: Readonly<Record<string, unknown>>;
}

const WRITES = new Set(['write', 'writev', 'sendto', 'sendmsg']);

/** One stream of bytes from the server: an HTTP answer, and the frames behind it when that was an upgrade. */
class Stream {
  private bytes = Buffer.alloc(0);
  private isUpgraded = false;

  take(bytes: Buffer): string[] {
    this.bytes = Buffer.concat([this.bytes, bytes]);
    if (!this.isUpgraded) this.upgrade();
    return this.isUpgraded ? this.texts() : [];
  }

  private upgrade(): void {
    const end = this.bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.isUpgraded = this.bytes.subarray(0, 12).toString('latin1') === 'HTTP/1.1 101';
    this.bytes = this.isUpgraded ? this.bytes.subarray(end + 4) : Buffer.alloc(0);
  }

  private texts(): string[] {
    const texts: string[] = [];
    for (let frame = this.shift(); frame; frame = this.shift()) {
      if (frame.opcode === 1) texts.push(frame.payload.toString('utf8'));
    }
    return texts;
  }

  private shift(): { readonly opcode: number; readonly payload: Buffer } | undefined {
    const [first, second] = this.bytes;
    if (first === undefined || second === undefined) return undefined;
    if ((first & 0xf0) !== 0x80 || second > 127) throw new Error('a frame that is in parts, compressed or masked');
    const header = second === 127 ? 10 : second === 126 ? 4 : 2;
    if (this.bytes.length < header) return undefined;
    const length = second < 126 ? second : second === 126 ? this.bytes.readUInt16BE(2) : this.bytes.readUInt32BE(6);
    if (this.bytes.length < header + length) return undefined;
    const payload = this.bytes.subarray(header, header + length);
    this.bytes = this.bytes.subarray(header + length);
    return { opcode: first & 0x0f, payload };
  }
}

/** All frames that went out, in their order. */
export function framesOf(calls: readonly Call[]): SpokenFrame[] {
  const streams = new Map<string, Stream>();
  const spoken: SpokenFrame[] = [];
  for (const call of calls) {
    if (!WRITES.has(call.name)) continue;
    // A write that was cut off by the end of the process may have gone out.
    const written = call.leave === Infinity ? Infinity : call.result;
    if (written <= 0) continue;
    const socket = descriptorOf(call.args)?.path;
    if (!socket?.startsWith('socket:')) continue;
    let stream = streams.get(socket);
    if (!stream) streams.set(socket, (stream = new Stream()));
    for (const text of stream.take(dataOf(call.args).subarray(0, written))) {
      spoken.push({ at: call.enter, socket, frame: JSON.parse(text) as SpokenFrame['frame'] });
    }
  }
  return spoken;
}
