export interface BackoffSettings {
  baseMs: number;
  maxMs: number;
  /** A number in [0, 1). */
  random: () => number;
}

const STAYS_AWAY = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010]);
export const KEY_EXPIRED = 4002;

/** Whether a client comes back by itself after this close code; it decides by the range, so new codes need no update. */
export function comesBack(code: number): boolean {
  return code >= 4500 ? false : !STAYS_AWAY.has(code);
}

/** Ms to wait as the server wrote them into the reason of a close frame. */
export function retryAfterOfReason(reason: string): number | undefined {
  const found = /retry_after_ms=(\d{1,9})/.exec(reason)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Delays before coming back: full jitter under a doubling ceiling, so that thousands cut at once do not return at once. */
export class Backoff {
  readonly #settings: BackoffSettings;
  #attempts = 0;

  constructor(settings: BackoffSettings) {
    this.#settings = settings;
  }

  /** Ms until the next attempt, never sooner than `retryAfterMs`. */
  next(retryAfterMs = 0): number {
    const { baseMs, maxMs, random } = this.#settings;
    const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return retryAfterMs + Math.floor(random() * ceiling);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
