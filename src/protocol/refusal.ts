import type { LimitName } from '../common/limit-names.js';
import { isRetryable, REFUSALS, type RefusalCode } from './codes.js';

/** One wrong field of a call. `detail` is for people: what was wanted. */
export interface FieldFault {
  readonly field: string;
  readonly code: RefusalCode;
  readonly detail: string;
}

/** So many wrong fields of one call are named; the others show when these are mended. */
export const MAX_FIELD_FAULTS = 16;

/** What a refusal says beside its code. `reason` is for people: what was wanted, never a stack, a query or a token. */
export interface RefusalDetail {
  readonly reason?: string;
  readonly field?: string;
  readonly retryAfterMs?: number;
  /** All wrong fields, where a call may have several; `field` is the first. */
  readonly fields?: readonly FieldFault[];
  /** The limit that was hit: for those who count, never told to the peer. */
  readonly limit?: LimitName;
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
  /** Every field that is to blame, as far as it was looked for; empty when it is none. */
  readonly fields: readonly FieldFault[];
  readonly limit?: LimitName;

  constructor(
    readonly code: RefusalCode,
    detail: RefusalDetail = {},
  ) {
    super(`${code}: ${detail.reason ?? REFUSALS[code].title}`);
    this.name = 'Refusal';
    this.reason = detail.reason ?? REFUSALS[code].title;
    if (detail.field !== undefined) this.field = detail.field;
    this.fields = detail.fields?.slice(0, MAX_FIELD_FAULTS) ?? this.ownFault();
    if (detail.limit !== undefined) this.limit = detail.limit;
    if (isRetryable(code)) this.retryAfterMs = detail.retryAfterMs ?? DEFAULT_RETRY_MS;
  }

  /** One refusal for all of them: it speaks of the first and lists the others. */
  static ofFields(faults: readonly [FieldFault, ...FieldFault[]]): Refusal {
    const [{ code, field, detail }] = faults;
    return new Refusal(code, { field, reason: detail, fields: faults });
  }

  get status(): number {
    return REFUSALS[this.code].status;
  }

  get retryable(): boolean {
    return this.retryAfterMs !== undefined;
  }
  private ownFault(): FieldFault[] {
    return this.field === undefined ? [] : [{ field: this.field, code: this.code, detail: this.reason }];
  }
}

/** What the code of somebody else said or threw, as an answer. What is no refusal is no permission either. */
export function refusalFrom(said: unknown): Refusal {
  return said instanceof Refusal ? said : new Refusal('retry_later');
}
