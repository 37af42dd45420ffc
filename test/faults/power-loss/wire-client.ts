import { WebSocket } from 'ws';
import { keyOf } from './server-under-strace.js';

/** Tells of the destination, and is no answer. */
const OFFLINE = -4;

export type Frame = Readonly<Record<string, unknown>>;

/** A bare websocket of a node, which tells everything and does nothing by itself. */
export class WireClient {
  readonly opened: Promise<boolean>;
  readonly closed: Promise<number>;
  isClosed = false;
  private readonly listeners: Array<(frame: Frame) => void> = [];
  private readonly answers = new Map<string, (frame: Frame | undefined) => void>();

  constructor(
    private readonly socket: WebSocket,
    readonly nodeId: string,
  ) {
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString('utf8')) as Frame;
      for (const listener of this.listeners) listener(frame);
      if (frame['type'] !== OFFLINE) this.answers.get(String(frame['id']))?.(frame);
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
    socket.once('close', () => {
      this.isClosed = true;
      for (const resolve of this.answers.values()) resolve(undefined);
    });
    this.opened = Promise.race([
      new Promise<boolean>((resolve) => this.on((frame) => frame['type'] === -110 && resolve(true))),
      this.closed.then(() => false),
    ]);
  }

  static dial({ url }: { readonly url: string }, nodeId: string): WireClient {
    const headers = { authorization: `Bearer ${keyOf(nodeId)}` };
    return new WireClient(new WebSocket(`${url.replace(/^http/, 'ws')}/connect`, { headers }), nodeId);
  }

  on(listener: (frame: Frame) => void): void {
    this.listeners.push(listener);
  }

  send(frame: Frame): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  /** Sends a message; its answer, or nothing when the connection ends before. Of one id at a time. */
  async ask(message: Frame & { readonly id: string }): Promise<Frame | undefined> {
    if (this.isClosed) return undefined;
    const answered = new Promise<Frame | undefined>((resolve) => this.answers.set(message.id, resolve));
    this.send(message);
    const answer = await answered;
    this.answers.delete(message.id);
    return answer;
  }

  cut(): void {
    this.socket.terminate();
  }
}
