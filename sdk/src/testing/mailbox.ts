/** A queue whose reader waits: what a test awaits instead of sleeping. */
export class Mailbox<T> {
  readonly #items: T[] = [];
  readonly #readers: ((item: T) => void)[] = [];

  put(item: T): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#items.push(item);
    else reader(item);
  }

  take(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#readers.push(resolve)) : Promise.resolve(item);
  }

  /** The first item that fits; those before it are dropped. */
  async takeWhere(fits: (item: T) => boolean): Promise<T> {
    for (;;) {
      const item = await this.take();
      if (fits(item)) return item;
    }
  }

  /** Everything that has not been taken. */
  get rest(): readonly T[] {
    return this.#items;
  }
}
