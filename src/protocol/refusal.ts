import { isRetryable, REFUSALS, type RefusalCode } from './codes.js';

/** What a refusal says beside its code. `reason` is for people: what was wanted, never a stack, a query or a token. */
export interface RefusalDetail {
  readonly reason?: string;
  readonly field?: string;
  readonly retryAfterMs?: number;
}

/** How long a refused sender waits when nothing better is known. */
const DEFAULT_RETRY_MS = 1_000;

/**
 * An answer of "no" from the one catalogue. It is returned where refusing is an expected outcome and thrown where it
 * ends a call; the edges turn it into a -113 frame or a problem document.
 */
export class Refusal extends Error {
  readonly reason: string;
  readonly field?: string;
  readonly retryAfterMs?: number;

  constructor(
    readonly code: RefusalCode,
    detail: RefusalDetail = {},
  ) {
    super(`${code}: ${detail.reason ?? REFUSALS[code].title}`);
    this.name = 'Refusal';
    this.reason = detail.reason ?? REFUSALS[code].title;
    if (detail.field !== undefined) this.field = detail.field;
    if (isRetryable(code)) this.retryAfterMs = detail.retryAfterMs ?? DEFAULT_RETRY_MS;
  }

  get status(): number {
    return REFUSALS[this.code].status;
  }

  get retryable(): boolean {
    return this.retryAfterMs !== undefined;
  }
}
