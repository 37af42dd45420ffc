import { AllsparkError } from './errors.js';
import { camelKeys, type InboxPage, type InboxRange, parseInboxPage, snakeRange, type Target } from './frames.js';
import type { Timers } from './timers.js';

export interface HttpAnswer {
  status: number;
  headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** The part of `fetch` that is used. */
export type FetchLike = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal: AbortSignal },
) => Promise<HttpAnswer>;

/** The key itself, or where a fresh one comes from (usually the application's own backend). */
export type AuthKey = string | (() => string | Promise<string>);

/** Renewing begins when this part of a key's life is over. */
const RENEW_AT = 0.9;

/** Keeps the auth key until it is refused or has expired. */
export class KeyRing {
  readonly #source: AuthKey;
  readonly #timers: Timers;
  #key: string | undefined;
  #fetchedAt = 0;

  constructor(source: AuthKey, timers: Timers) {
    this.#source = source;
    this.#timers = timers;
  }

  get renewable(): boolean {
    return typeof this.#source === 'function';
  }

  async current(): Promise<string> {
    if (this.#key === undefined) {
      this.#fetchedAt = this.#timers.now();
      this.#key = typeof this.#source === 'function' ? await this.#source() : this.#source;
    }
    return this.#key;
  }

  /** The next use fetches a new one. */
  forget(): void {
    this.#key = undefined;
  }

  /** Ms until a new key should be fetched; undefined when that cannot be done or told. */
  renewInMs(): number | undefined {
    const lifetimeMs = this.#key === undefined || !this.renewable ? undefined : lifetimeOf(this.#key);
    if (lifetimeMs === undefined) return undefined;
    return Math.max(0, this.#fetchedAt + lifetimeMs * RENEW_AT - this.#timers.now());
  }
}

/** From `iat` to `exp` in ms. Counted from the fetch, it needs no agreement of this clock with the issuer's. */
function lifetimeOf(key: string): number | undefined {
  try {
    const claims = atob((key.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'));
    const { iat, exp } = JSON.parse(claims) as { iat?: number; exp?: number };
    return typeof iat === 'number' && typeof exp === 'number' && exp > iat ? (exp - iat) * 1000 : undefined;
  } catch {
    return undefined;
  }
}

/** From this status on another server may do what this one cannot. */
const UNABLE = 500;

const PRE_CONNECTIONS = '/v1/pre-connections';

/** Elsewhere 403 is about what the caller is in, which no other key of the same node changes. */
const isAboutKey = (path: string, status: number): boolean =>
  status === 401 || (status === 403 && path === PRE_CONNECTIONS);

/** With its question mark; empty when nothing was given. */
export function queryOf(fields: Record<string, unknown>): string {
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

export interface HttpSettings {
  /** Base URLs of which any will do. */
  urls: string[];
  keys: KeyRing;
  fetch: FetchLike;
  timers: Timers;
  timeoutMs: number;
}

/** The few HTTP calls that a client makes. All throw AllsparkError for a refusal, and what `fetch` throws. */
export class HttpApi {
  readonly #settings: HttpSettings;
  readonly #bases: string[];
  #base = 0;
  #aborted = false;
  readonly #running = new Set<AbortController>();

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    this.#bases = settings.urls.map((url) => url.replace(/\/+$/, ''));
  }

  /** Asks one after the other, as long as nobody answers. */
  async preConnect(): Promise<Target> {
    for (let untried = this.#bases.length - 1; ; untried -= 1) {
      try {
        const text = await this.call('POST', PRE_CONNECTIONS, {});
        return camelKeys(JSON.parse(text) as Record<string, unknown>) as unknown as Target;
      } catch (error) {
        if (untried <= 0 || this.#aborted || error instanceof AllsparkError) throw error;
      }
    }
  }

  async readInbox(range: InboxRange): Promise<InboxPage> {
    return parseInboxPage(await this.call('GET', `/v1/inbox${queryOf(snakeRange(range))}`));
  }

  /** Answers the node's acknowledged seq after this. */
  async ackInbox(seq: number, epoch?: string): Promise<number> {
    const text = await this.call('POST', '/v1/inbox/ack', { seq, ...(epoch === undefined ? {} : { epoch }) });
    return (JSON.parse(text) as { acked_seq: number }).acked_seq;
  }

  /** Ends the calls that run. */
  abort(): void {
    this.#aborted = true;
    for (const controller of this.#running) controller.abort();
  }

  /** The body of the answer, as text. */
  async call(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<string> {
    const first = await this.#once(method, path, body, headers);
    if (!isAboutKey(path, first.status)) return this.#textOf(first);
    // The key may have expired or been replaced: a fresh one decides, once.
    this.#settings.keys.forget();
    return this.#textOf(this.#settings.keys.renewable ? await this.#once(method, path, body, headers) : first);
  }

  async #once(
    method: string,
    path: string,
    body: object | undefined,
    more: Record<string, string>,
  ): Promise<HttpAnswer & { body: string }> {
    const { fetch, keys, timers, timeoutMs } = this.#settings;
    const headers: Record<string, string> = { authorization: `Bearer ${await keys.current()}`, ...more };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const controller = new AbortController();
    this.#running.add(controller);
    const timer = timers.setTimeout(() => controller.abort(), timeoutMs);
    const base = this.#base;
    try {
      const init = { method, headers, signal: controller.signal };
      const asked = body === undefined ? init : { ...init, body: JSON.stringify(body) };
      const answer = await fetch(`${this.#bases[base]}${path}`, asked);
      const text = await answer.text();
      if (answer.status >= UNABLE) this.#turnFrom(base);
      return { status: answer.status, headers: answer.headers, text: () => Promise.resolve(text), body: text };
    } catch (error) {
      this.#turnFrom(base);
      throw error;
    } finally {
      timers.clearTimeout(timer);
      this.#running.delete(controller);
    }
  }

  /** The next call goes to another one. Many may fail at once, and only the first of them turns. */
  #turnFrom(base: number): void {
    if (this.#base === base) this.#base = (base + 1) % this.#bases.length;
  }

  #textOf(answer: HttpAnswer & { body: string }): string {
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw problemOf(answer);
  }
}

function problemOf(answer: HttpAnswer & { body: string }): AllsparkError {
  const problem = parseProblem(answer.body);
  const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = problem.retry_after_ms ?? (Number.isFinite(seconds) ? seconds * 1000 : undefined);
  return new AllsparkError({
    code: problem.code ?? `http_${answer.status}`,
    reason: problem.detail ?? problem.title ?? `the server answered ${answer.status}`,
    status: answer.status,
    ...(problem.field === undefined ? {} : { field: problem.field }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

interface Problem {
  code?: string;
  title?: string;
  detail?: string;
  field?: string;
  retry_after_ms?: number;
}

function parseProblem(text: string): Problem {
  try {
    return (JSON.parse(text) as Problem | null) ?? {};
  } catch {
    // A proxy in between answers with a page of its own.
    return {};
  }
}
