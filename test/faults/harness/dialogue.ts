import { WebSocket } from 'ws';

export type Frame = Record<string, unknown>;

export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** A bare websocket in the runner, for rows that look at single frames. */
export class Dialogue {
  readonly heard: Frame[] = [];
  readonly ended: Promise<Ending>;
  private ending: Ending | undefined;
  private readonly waiting = new Set<() => void>();

  private constructor(private readonly socket: WebSocket) {
    let refused: string | undefined;
    socket.on('error', () => undefined);
    // The library would end it as one that was cut: with 1006.
    socket.once('unexpected-response', (_request, { statusCode }) => {
      refused = `HTTP ${statusCode} before the handshake`;
      socket.terminate();
    });
    socket.on('message', (data: Buffer) => {
      this.heard.push(JSON.parse(data.toString('utf8')) as Frame);
      this.wake();
    });
    this.ended = new Promise((resolve) =>
      socket.once('close', (code, reason) => {
        this.ending = { code, reason: refused ?? reason.toString('utf8') };
        this.wake();
        resolve(this.ending);
      }),
    );
  }

  /** Resolves with hello; rejects when the connection ends without one. */
  static async open(url: string, key: string): Promise<Dialogue> {
    const target = `${url.replace(/^http/, 'ws')}/connect`;
    const dialogue = new Dialogue(new WebSocket(target, { headers: { authorization: `Bearer ${key}` } }));
    await dialogue.find(({ type }) => type === -110);
    return dialogue;
  }

  get hasEnded(): boolean {
    return this.ending !== undefined;
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  /** Sends, and resolves with what is said to that id. */
  async ask(frame: Frame & { id: string }): Promise<Frame> {
    this.sendText(JSON.stringify(frame));
    return this.find(({ id, type }) => id === frame.id && [-112, -113, -3, -5].includes(Number(type)));
  }

  /** The first frame that fits, come already or to come. */
  async find(fits: (frame: Frame) => boolean): Promise<Frame> {
    let looked = 0;
    for (;;) {
      for (; looked < this.heard.length; looked += 1) {
        if (fits(this.heard[looked] as Frame)) return this.heard[looked] as Frame;
      }
      if (this.ending) throw new Error(`ended with ${this.ending.code} ${this.ending.reason}`);
      await new Promise<void>((resolve) => void this.waiting.add(resolve));
    }
  }

  close(): Promise<Ending> {
    this.socket.close(1000);
    return this.ended;
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}
