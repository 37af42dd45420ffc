import { request } from 'node:http';
import { WebSocket } from 'ws';
import type { Frame } from './dialogue.js';
import type { ServerNode } from './server-node.js';
import { within } from './wait.js';

const ANSWERS = new Set<unknown>([-112, -113, -3, -5, -121]);
/** Whatever is answered at all is answered by then. */
const ANSWER_MS = 15_000;

export interface Told {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface PartyOrder {
  readonly server: ServerNode;
  readonly node: string;
  /** Makes a key for one call or connection; `undefined`: without one. */
  key(): string | undefined;
  /** The address that it comes from. */
  readonly from?: string;
}

/** A websocket of a party. */
export class Ear {
  readonly frames: Frame[] = [];
  /** Defined once the connection has ended. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  private readonly answers = new Map<string, (frame: Frame | undefined) => void>();

  constructor(
    private readonly socket: WebSocket,
    hear: (text: string) => void,
  ) {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      hear(text);
      const frame = JSON.parse(text) as Frame;
      this.frames.push(frame);
      const isAnswer = ANSWERS.has(frame['type']) && frame['status'] !== 'delivered';
      if (isAnswer) this.settle(String(frame['id']), frame);
      if (typeof frame['seq'] === 'number') this.lastSeq = frame['seq'];
    });
    socket.once('close', (code, reason) => {
      this.closed = { code, reason: reason.toString('utf8') };
      hear(`close ${code} ${this.closed.reason}`);
      for (const id of this.answers.keys()) this.settle(id, undefined);
    });
  }

  lastSeq = 0;

  get hello(): Frame {
    return this.frames[0] ?? {};
  }

  say(text: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  /** What is said to the id of a frame; `undefined` when the connection ends before. */
  ask(frame: Frame & { id: string }): Promise<Frame | undefined> {
    if (this.closed) return Promise.resolve(undefined);
    const answered = new Promise<Frame | undefined>((resolve) => this.answers.set(frame.id, resolve));
    const late = setTimeout(() => this.settle(frame.id, { id: frame.id, code: 'no answer' }), ANSWER_MS);
    this.say(JSON.stringify(frame));
    return answered.finally(() => clearTimeout(late));
  }

  /** Resolves with the answer to a sign of life. */
  async alive(id: string): Promise<void> {
    await this.ask({ type: -120, id });
  }

  acknowledge(): void {
    if (this.lastSeq > 0) this.say(`{"type":-111,"seq":${this.lastSeq}}`);
  }

  close(): void {
    this.socket.close(1000);
  }

  private settle(id: string, frame: Frame | undefined): void {
    this.answers.get(id)?.(frame);
    this.answers.delete(id);
  }
}

/** Somebody at a server, and every word that it was ever told. */
export class Party {
  readonly node: string;
  /** By websocket, and in answers to calls: which of both comes first is nobody's promise. */
  readonly heard: string[] = [];
  readonly answered: string[] = [];
  readonly ears: Ear[] = [];

  constructor(private readonly order: PartyOrder) {
    this.node = order.node;
  }

  get texts(): readonly string[] {
    return [...this.heard, ...this.answered];
  }

  /** `undefined` when it is refused; what was said then is among the texts too. */
  async open(query = ''): Promise<Ear | undefined> {
    const { server, from } = this.order;
    const target = `${server.directUrl.replace(/^http/, 'ws')}/connect${query}`;
    const socket = new WebSocket(target, {
      headers: this.headers(),
      ...(from !== undefined && { localAddress: from }),
    });
    let isOver = false;
    socket.once('unexpected-response', (_request, response) => {
      this.answered.push(JSON.stringify([response.statusCode, response.headers]));
      response.on('data', (data: Buffer) => this.answered.push(data.toString('utf8')));
      response.once('end', () => (isOver = true));
    });
    const ear = new Ear(socket, (text) => this.heard.push(text));
    await within(ANSWER_MS, () => ear.frames.length > 0 || isOver || ear.closed !== undefined, 2);
    if (ear.frames.length === 0) return undefined;
    this.ears.push(ear);
    return ear;
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Told> {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const told = await this.exchange(method, path, text, headers);
    this.answered.push(JSON.stringify([told.status, told.headers]), told.text);
    return told;
  }

  async json<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse((await this.call(method, path, body)).text) as T;
  }

  close(): void {
    for (const ear of this.ears) ear.close();
  }

  private headers(): Record<string, string> {
    const key = this.order.key();
    return key === undefined ? {} : { authorization: `Bearer ${key}` };
  }

  private exchange(
    method: string,
    path: string,
    text: string | undefined,
    extra: Record<string, string>,
  ): Promise<Told> {
    const { server, from } = this.order;
    const content = text === undefined ? {} : { 'content-type': 'application/json' };
    const headers = { ...this.headers(), ...content, connection: 'close', ...extra };
    const options = { method, headers, ...(from !== undefined && { localAddress: from }) };
    return new Promise((resolve, reject) => {
      const asking = request(server.directUrl + path, options, (response) => {
        let told = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (told += chunk));
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: told }),
        );
        response.once('error', reject);
      });
      asking.once('error', reject);
      asking.end(text);
    });
  }
}
