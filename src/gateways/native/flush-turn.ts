/** Something that writes out what was put into it. */
export interface Flushable {
  flush(): void;
}

/**
 * Collects all queues that got frames in one turn of the event loop and flushes them at its end: each socket is written
 * once however many frames it got. Not at the end of the microtasks (`nextTick`), which would be many times a turn.
 */
export class FlushTurn {
  private waiting: Flushable[] = [];

  add(queue: Flushable): void {
    if (this.waiting.push(queue) === 1) setImmediate(() => this.run());
  }

  private run(): void {
    const due = this.waiting;
    this.waiting = [];
    for (const queue of due) queue.flush();
  }
}
