import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { KeyRequest } from './test-server.js';

/** Where a node connects, and who makes its keys: a server of this process or another. */
export interface Endpoint {
  readonly url: string;
  key(nodeId: string, request?: KeyRequest): Promise<string>;
}

export type Frame = Record<string, unknown>;
export type Fits = (frame: Frame) => boolean;

export interface Ending {
  readonly code: number;
  readonly reason: string;
}

export interface Opening extends KeyRequest {
  /** From the question mark on. */
  readonly query?: string;
  /** What is opened as it stands, without a key in a header. */
  readonly address?: string;
  readonly origin?: string;
}

const talking = new Set<Talker>();

/** A bare client that does nothing by itself: whatever it sends, acknowledges or leaves unread is the test's decision. */
export class Talker {
  /** Text of every frame so far, hello included. */
  readonly heard: string[] = [];
  readonly ended: Promise<Ending>;
  private readonly unread: string[] = [];
  private waiting = new Set<() => void>();
  private ending: Ending | undefined;
  private readonly prefix = randomUUID();
  private ids = 0;

  private constructor(readonly socket: WebSocket) {
    talking.add(this);
    socket.on('message', (data: Buffer) => this.take(data.toString('utf8')));
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        talking.delete(this);
        this.ending = { code, reason: reason.toString('utf8') };
        this.wake();
        resolve(this.ending);
      });
    });
  }

  /** Asks for a websocket, and says nothing of what becomes of it. */
  static async dial(endpoint: Endpoint, nodeId: string, opening: Opening = {}): Promise<Talker> {
    const { query = '', address, origin, ...request } = opening;
    const headers = address === undefined ? { authorization: `Bearer ${await endpoint.key(nodeId, request)}` } : {};
    const url = address ?? `${endpoint.url.replace(/^http/, 'ws')}/connect${query}`;
    return new Talker(new WebSocket(url, { headers, ...(origin !== undefined && { origin }) }));
  }

  /** Connected and greeted: the greeting is `hello`. */
  static async open(endpoint: Endpoint, nodeId: string, opening?: Opening): Promise<Talker> {
    const talker = await Talker.dial(endpoint, nodeId, opening);
    await talker.greeted();
    return talker;
  }

  /** Cuts all that are still open. */
  static hangUp(): void {
    for (const talker of talking) talker.socket.terminate();
  }

  get hello(): Frame {
    return JSON.parse(this.heard[0] ?? '{}') as Frame;
  }

  async greeted(): Promise<Frame> {
    return this.next((frame) => frame['type'] === -110);
  }

  send(frame: Frame): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  /** Sends a message, under an id of its own unless it has one, and answers what the server says to it. */
  async ask(message: Frame): Promise<Frame> {
    const frame = { id: this.newId(), ...message };
    this.send(frame);
    return this.answerTo(frame.id);
  }

  answerTo(id: unknown): Promise<Frame> {
    return this.next((frame) => frame['id'] === id && isAnswer(frame));
  }

  ack(seq: number): void {
    this.send({ type: -111, seq });
  }

  /** The earliest frame that fits and was not taken before; rejects when the connection ends without one. */
  async next(fits: Fits = () => true): Promise<Frame> {
    return JSON.parse(await this.nextText(fits)) as Frame;
  }

  /** As `next`, as it stands on the wire. */
  async nextText(fits: Fits = () => true): Promise<string> {
    for (;;) {
      const index = this.unread.findIndex((text) => fits(JSON.parse(text) as Frame));
      if (index >= 0) return this.unread.splice(index, 1)[0] as string;
      if (this.ending) throw new Error(`ended with ${JSON.stringify(this.ending)}; heard ${this.heard.join('\n')}`);
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  /** The next frames that take a place in the inbox. */
  async nextEntries(count: number): Promise<Frame[]> {
    const entries: Frame[] = [];
    while (entries.length < count) entries.push(await this.next(isEntry));
    return entries;
  }

  /** Everything that takes a place in the inbox and came so far. */
  get entries(): Frame[] {
    return this.heard.map((text) => JSON.parse(text) as Frame).filter(isEntry);
  }

  /** Frames that came and were not taken. */
  get rest(): Frame[] {
    return this.unread.map((text) => JSON.parse(text) as Frame);
  }

  /** Resolves when the server has handled all that was sent before, and its answer came back behind what it wrote. */
  async fence(): Promise<void> {
    const id = this.newId();
    this.send({ type: -120, id });
    await this.next((frame) => frame['type'] === -121 && frame['id'] === id);
  }

  /** Closes in good order. */
  close(): Promise<Ending> {
    this.socket.close(1000);
    return this.ended;
  }

  private newId(): string {
    this.ids += 1;
    return `${this.prefix}-${this.ids}`;
  }

  private take(text: string): void {
    this.heard.push(text);
    this.unread.push(text);
    this.wake();
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = new Set();
    for (const resolve of waiting) resolve();
  }
}

function isEntry(frame: Frame): boolean {
  return typeof frame['seq'] === 'number';
}

function isAnswer({ type, status }: Frame): boolean {
  return (type === -112 && status !== 'delivered') || type === -113 || type === -3 || type === -5;
}
