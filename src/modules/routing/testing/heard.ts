import type { PeerFrame, PeerListener } from '../peer-links.js';

interface Waiting {
  readonly holds: () => boolean;
  readonly resolve: () => void;
}

/** A listener that writes down what it is told, for tests to wait for. */
export class Heard implements PeerListener {
  readonly frames: Array<{ readonly from: string; readonly frame: PeerFrame }> = [];
  readonly changes: Array<`${string} ${'up' | 'down'}`> = [];
  /** All of it in one order: who, and what kind of frame or change. */
  readonly story: string[] = [];
  private waiting: Waiting[] = [];

  received(from: string, frame: PeerFrame): void {
    this.frames.push({ from, frame });
    this.story.push(`${from} ${frame.kind}`);
    this.look();
  }

  changed(serverNodeId: string, state: 'up' | 'down'): void {
    this.changes.push(`${serverNodeId} ${state}`);
    this.story.push(`${serverNodeId} ${state}`);
    this.look();
  }

  /** What came from that peer, in its order. */
  from(serverNodeId: string): PeerFrame[] {
    return this.frames.filter(({ from }) => from === serverNodeId).map(({ frame }) => frame);
  }

  /** Forgets what was heard until now. */
  forget(): void {
    this.frames.length = 0;
    this.changes.length = 0;
    this.story.length = 0;
  }

  /** Resolves when so many frames came in all. */
  count(frames: number): Promise<void> {
    return this.until(() => this.frames.length >= frames);
  }

  /** Resolves when that was told. */
  change(serverNodeId: string, state: 'up' | 'down'): Promise<void> {
    return this.until(() => this.changes.includes(`${serverNodeId} ${state}`));
  }

  /** Resolves when it holds; looked at whenever something is heard. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => void this.waiting.push({ holds, resolve }));
  }

  private look(): void {
    const due = this.waiting.filter(({ holds }) => holds());
    this.waiting = this.waiting.filter((each) => !due.includes(each));
    for (const { resolve } of due) resolve();
  }
}

/** Resolves when it holds; looked at once each turn of the event loop. */
export async function turnsUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => void setImmediate(resolve));
}
