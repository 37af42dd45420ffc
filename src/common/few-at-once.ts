import Denque from 'denque';

/**
 * Does so many things at once, the others after them, first come, first served. A place is given on in the next turn of
 * the event loop only, so that what needs no waiting cannot fill a turn either.
 */
export class FewAtOnce {
  private readonly waiting = new Denque<() => void>();

  constructor(private free: number) {}

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => void this.waiting.push(resolve));
    try {
      return await task();
    } finally {
      setImmediate(() => this.giveOn());
    }
  }

  private giveOn(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  }
}
