export interface ErrorDetails {
  code: string;
  reason: string;
  /** HTTP status, where the error came as an HTTP answer. */
  status?: number;
  field?: string;
  retryAfterMs?: number;
  id?: string;
  cause?: unknown;
}

/** A refusal by the server, or by the client itself before anything was sent. Decide by `code`. */
export class AllsparkError extends Error {
  override readonly name = 'AllsparkError';
  readonly code: string;
  readonly reason: string;
  readonly status: number | undefined;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly id: string | undefined;

  constructor(details: ErrorDetails) {
    super(`${details.code}: ${details.reason}`, { cause: details.cause });
    this.code = details.code;
    this.reason = details.reason;
    this.status = details.status;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
    this.id = details.id;
  }

  /** Whether the same thing may succeed later. Unknown codes are judged by status class and `retryAfterMs`. */
  get retryable(): boolean {
    return this.retryAfterMs !== undefined || this.status === 429 || (this.status ?? 0) >= 500;
  }
}
