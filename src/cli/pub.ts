import { createInterface } from 'node:readline';
import { AllsparkError, type Destination, newId, type OutgoingMessage, type Receipt } from '@allspark/client';
import { clientCall, exitCodeOf, refusalText, type CallOptions } from './client-call.js';
import { EXIT } from './exit-codes.js';
import { failureCode } from './failure.js';
import { CliFault, usage } from './fault.js';
import { openLink, type Link } from './link.js';
import { note } from './output.js';
import { Gate, Signals, within } from './waiting.js';

export interface PubOptions extends CallOptions {
  readonly to?: string;
  readonly toClient?: string;
  readonly session?: string;
  readonly member?: string;
  readonly type?: number;
  readonly id?: string;
  readonly transient?: boolean;
  readonly report?: boolean;
  readonly timeout: number;
}

/** Far below what the client library keeps, and enough that no round trip is waited for. */
const MAX_UNCONFIRMED = 1_000;

/** How long the news that a receiver is away may come behind the receipt. */
const OFFLINE_NEWS_MS = 100;

/** Sends one payload, or each line of standard input as one, and waits for every receipt. */
export async function pub(options: PubOptions, args: readonly string[]): Promise<number> {
  const call = await clientCall(options, args, 1);
  requireSense(options);
  const [payload] = call.words;
  if (payload === undefined && options.id !== undefined) {
    throw usage('--id names one message: give its payload as an argument');
  }
  const news = new Signals();
  const link = openLink(call, {
    onDelivered: ({ id, destId }) => news.raise(`delivered ${id}`, destId),
    onOffline: ({ id, destId }) => {
      note(`${destId} is not connected: ${id} waits in the inbox`);
      news.raise(`offline ${id}`);
    },
  });
  try {
    await within(options.timeout, link.opened, () => notConnected(call.url, options.timeout));
    return await new Publishing(link, options, news).all(payload);
  } finally {
    await link.client.close();
  }
}

function requireSense({ transient, report, timeout, ...to }: PubOptions): void {
  if (timeout === 0) throw usage('--timeout 0: wanted 1 ms or more');
  requireDestination(to);
  if (report !== true) return;
  if (transient === true) throw usage('--report is not for --transient: nobody acknowledges those');
  if (to.session !== undefined) throw usage('--report is for --to and --to-client');
}

type Addressees = Pick<PubOptions, 'to' | 'toClient' | 'session' | 'member'>;

function requireDestination({ to, toClient, session, member }: Addressees): void {
  const given = [to, toClient, session].filter((destination) => destination !== undefined);
  if (given.length !== 1) throw usage('to whom? Write one of --to NODE, --to-client CLIENT, --session SESSION');
  if (member !== undefined && session === undefined) throw usage('--member is in a session: which --session?');
}

export function destinationOf({ to, toClient, session, member }: Addressees): Destination {
  if (toClient !== undefined) return { destClientId: toClient };
  if (session === undefined) return { destId: to };
  return { destSessionId: session, ...(member !== undefined && { destId: member }) };
}

function notConnected(url: string, ms: number): CliFault {
  return new CliFault(EXIT.unavailable, `no connection to ${url} in ${ms} ms`);
}

/** JSON goes out byte for byte as it was written; any other text becomes a JSON string. */
export function payloadOf(text: string): Pick<OutgoingMessage, 'payload' | 'rawPayload'> {
  try {
    JSON.parse(text);
    return { rawPayload: text };
  } catch {
    return { payload: text };
  }
}

/** Somebody who begins like this most likely meant JSON, and it is not. */
export const looksLikeJson = (text: string): boolean => /^\s*[[{"]/.test(text);

/** Of several outcomes the one that a script should hear of: what is final before what may be tried again. */
export function worstOf(codes: Iterable<number>): number {
  const seen = new Set(codes);
  const order = [EXIT.internal, EXIT.noPermission, EXIT.refused, EXIT.unavailable, EXIT.tryLater];
  return order.find((code) => seen.has(code)) ?? EXIT.ok;
}

class Publishing {
  readonly #outcomes = new Set<number>();
  #isAdvised = false;
  readonly #gate = new Gate(MAX_UNCONFIRMED);

  constructor(
    private readonly link: Link,
    private readonly options: PubOptions,
    private readonly news: Signals,
  ) {}

  async all(payload: string | undefined): Promise<number> {
    if (payload === undefined) await this.#sendLines();
    else await this.#send(payload, this.options.id ?? newId());
    await this.#gate.empty();
    return worstOf(this.#outcomes);
  }

  async #sendLines(): Promise<void> {
    if (process.stdin.isTTY) note('each line is one message; Ctrl-D ends');
    const input = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
    // The lines that wait for the gate must not be read further: the iterator holds the input back meanwhile.
    for await (const line of input) {
      await this.#gate.enter();
      void this.#send(line, newId()).finally(() => this.#gate.leave());
    }
  }

  /** Never rejects: what goes wrong is told and counts in the exit code. */
  async #send(text: string, id: string): Promise<void> {
    try {
      const sent = this.link.client.send(this.#messageOf(text, id));
      const receipt = await within(this.options.timeout, Promise.race([sent, this.link.ended]), () => noReceipt(id));
      this.#print({ ...receipt });
      if (this.options.report === true) await this.#delivered(id);
      else if (receipt.status === 'stored') await this.#mayBeAway(id);
    } catch (error) {
      this.#fail(error, id);
    }
  }

  #messageOf(text: string, id: string): OutgoingMessage {
    const { type, transient, report } = this.options;
    const payload = payloadOf(text);
    if ('payload' in payload && looksLikeJson(text)) note(`${id} is not JSON, sent as text`);
    return {
      id,
      ...destinationOf(this.options),
      ...(type !== undefined && { type }),
      ...payload,
      ...(transient === true && { transient: true }),
      ...(report === true && { report: ['delivered'] }),
    };
  }

  async #delivered(id: string): Promise<void> {
    const { timeout } = this.options;
    const destId = await within(timeout, this.news.wait(`delivered ${id}`), () => notAcknowledged(timeout));
    this.#print({ id, status: 'delivered', destId });
  }

  async #mayBeAway(id: string): Promise<void> {
    if (this.options.to === undefined) return;
    await within(OFFLINE_NEWS_MS, this.news.wait(`offline ${id}`), () => undefined);
  }

  #print({ id, status, destId }: Omit<Receipt, 'status'> & { status: string; destId?: string }): void {
    const by = destId === undefined ? '' : ` by ${destId}`;
    console.log(this.options.json === true ? JSON.stringify({ id, status, destId }) : `${status} ${id}${by}`);
  }

  #fail(error: unknown, id: string): void {
    this.#outcomes.add(error instanceof AllsparkError ? exitCodeOf(error) : failureCode(error));
    if (this.options.json === true) console.log(failureJson(error, id));
    note(failureText(error, id));
    this.#advise(error);
  }

  /** Once: with many lines to one destination it is the same each time. */
  #advise(error: unknown): void {
    const { to } = this.options;
    if (this.#isAdvised || !(error instanceof AllsparkError) || error.code !== 'node_unknown' || to === undefined)
      return;
    this.#isAdvised = true;
    note(`A node is known once it connected: npx allspark sub --as ${to}. An app may send before that: --role app.`);
  }
}

/** A client that closed, or that gave up waiting, was not refused: the message may be stored or not. */
const isRefusal = (error: unknown): error is AllsparkError =>
  error instanceof AllsparkError && exitCodeOf(error) !== EXIT.unavailable;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function failureText(error: unknown, id: string): string {
  if (isRefusal(error)) return `refused ${id} ${refusalText(error)}`;
  return `unconfirmed ${id}: ${messageOf(error)}`;
}

function failureJson(error: unknown, id: string): string {
  if (!isRefusal(error)) return JSON.stringify({ id, status: 'unconfirmed', reason: messageOf(error) });
  const { code, reason, field, retryAfterMs } = error;
  return JSON.stringify({ id, status: 'refused', code, reason, field, retryAfterMs });
}

function noReceipt(id: string): CliFault {
  return new CliFault(EXIT.tryLater, `no receipt in time; send it again with --id ${id}, and it is stored once`);
}

function notAcknowledged(ms: number): CliFault {
  return new CliFault(EXIT.tryLater, `it is stored, but was not acknowledged in ${ms} ms`);
}
