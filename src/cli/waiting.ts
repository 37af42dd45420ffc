/**
 * The promise's outcome, or after `ms` what `otherwise` gives: an Error is thrown, anything else is the outcome.
 * The promise goes on; what becomes of it then is nobody's business any more.
 */
export async function within<T, Late>(ms: number, promise: Promise<T>, otherwise: () => Late) {
  promise.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Exclude<Late, Error>>((resolve, reject) => {
    timer = setTimeout(() => {
      const outcome = otherwise();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome as Exclude<Late, Error>);
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets a limited number of tasks be under way. */
export class Gate {
  #inside = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #untilEmpty: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  async enter(): Promise<void> {
    while (this.#inside >= this.limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inside += 1;
  }

  leave(): void {
    this.#inside -= 1;
    this.#waiting.shift()?.();
    if (this.#inside === 0) for (const resolve of this.#untilEmpty.splice(0)) resolve();
  }

  async empty(): Promise<void> {
    if (this.#inside > 0) await new Promise<void>((resolve) => this.#untilEmpty.push(resolve));
  }
}

/** Named news that may come before or after somebody waits for it. */
export class Signals {
  readonly #raised = new Map<string, string | undefined>();
  readonly #waiting = new Map<string, (value: string | undefined) => void>();

  raise(name: string, value?: string): void {
    const resolve = this.#waiting.get(name);
    this.#waiting.delete(name);
    if (resolve === undefined) this.#raised.set(name, value);
    else resolve(value);
  }

  wait(name: string): Promise<string | undefined> {
    if (!this.#raised.has(name)) return new Promise((resolve) => this.#waiting.set(name, resolve));
    const value = this.#raised.get(name);
    this.#raised.delete(name);
    return Promise.resolve(value);
  }
}
