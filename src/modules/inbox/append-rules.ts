import type { Refusal } from '../../protocol/index.js';
import type { LogRow, Marks, Totals } from './inbox-log.js';

/** What somebody wants appended, before it has a number. */
export interface Draft {
  readonly key: string;
  readonly digest: string;
  readonly body: string;
  /** Bytes of the body, UTF-8. */
  readonly bytes: number;
  readonly report: boolean;
  /** Its sender may address a node that nobody has seen yet. */
  readonly makesKnown: boolean;
}

/** How an append ended. `refused` with a retryable refusal means: not stored, or unknown. */
export type AppendOutcome =
  | { readonly kind: 'stored'; readonly row: LogRow }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** A log as a writer knows it at one tail. */
export interface LogView {
  readonly totals: Totals;
  readonly marks: Marks;
}

/** What a kind of log lets in. The append loop asks; it decides nothing of this itself. */
export interface AppendRules {
  /** Asked while a log has no row: why this draft may not be its first. */
  first(log: string, draft: Draft): Promise<Refusal | undefined>;
  /** Asked for each draft against the tail that it would follow. */
  admit(view: LogView, draft: Draft): Refusal | undefined;
  /** Told of durable rows, those of one log in their order. */
  appended(rows: readonly LogRow[]): void;
}
