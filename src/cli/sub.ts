import type { Hello, InboxEntry, Message, Position, SessionEvent } from '@allspark/client';
import { clientCall, type CallOptions, type ClientCall } from './client-call.js';
import { EXIT } from './exit-codes.js';
import { usage } from './fault.js';
import { interrupted } from './interruption.js';
import { openLink } from './link.js';
import { entryLine, jsonLine } from './message-text.js';
import { isClosedPipe, note, printLine } from './output.js';

export interface SubOptions extends CallOptions {
  readonly count?: number;
  readonly epoch?: string;
  readonly lastSeq?: number;
}

/** Thrown to the client library for a message behind the last that was asked for, so that it stays in the inbox. */
class Enough extends Error {}

/** Prints what arrives, acknowledging what was printed, until `--count` messages came or a signal ends it. */
export async function sub(options: SubOptions, args: readonly string[]): Promise<number> {
  if (options.count === 0) throw usage('--count 0: wanted 1 or more');
  const resumeFrom = positionOf(options);
  const call = await clientCall(options, args, 0);
  const printing = new Printing(options);
  const link = openLink(call, {
    onMessage: (message) => printing.message(message),
    onSessionEvent: (event) => printing.event(event),
    onGap: (gap) => printing.entry(gap),
    onGone: (gone) => printing.entry(gone),
    onError: (error) => printing.failed(error),
    onOpen: (hello) => note(readyLine(hello, call, resumeFrom)),
    ...(resumeFrom !== undefined && { resumeFrom }),
  });
  let isInterrupted = false;
  const signal = interrupted().then(() => (isInterrupted = true));
  try {
    await Promise.race([printing.done, signal, link.opened.then(() => link.ended)]);
  } finally {
    await link.client.close();
  }
  if (isInterrupted) note(byeLine(link.client.position));
  return EXIT.ok;
}

function positionOf({ epoch, lastSeq }: SubOptions): Position | undefined {
  if (epoch === undefined && lastSeq === undefined) return undefined;
  if (epoch !== undefined && lastSeq !== undefined) return { epoch, lastSeq };
  throw usage('--epoch and --last-seq belong together');
}

export function readyLine(hello: Hello, { url }: Pick<ClientCall, 'url'>, from?: Position): string {
  const start = hello.resumed && from !== undefined ? from.lastSeq : Math.max(hello.ackedSeq, hello.floorSeq - 1);
  const waiting = Math.max(0, hello.tailSeq - start);
  const who = hello.clientId === null ? hello.nodeId : `${hello.nodeId} (client ${hello.clientId})`;
  const what = waiting === 1 ? '1 message waits' : `${waiting} messages wait`;
  return `connected to ${url} as ${who}, epoch ${hello.epoch}: ${what}. Ctrl-C ends.`;
}

/** What was printed is acknowledged by then; without a connection there was nothing to acknowledge. */
export function byeLine(position: Position | undefined): string {
  return position === undefined ? 'bye' : `bye, acknowledged up to seq ${position.lastSeq}`;
}

class Printing {
  readonly done: Promise<void>;
  #finish!: () => void;
  #abort!: (reason: Error) => void;
  #begun = 0;
  #printed = 0;

  constructor(private readonly options: SubOptions) {
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#abort = reject;
    });
    this.done.catch(() => undefined);
  }

  async message(message: Message): Promise<void> {
    this.#refuseMore();
    this.#begun += 1;
    await this.entry(message);
    this.#printed += 1;
    if (this.#printed === this.options.count) this.#finish();
  }

  /** Whoever counts waits for what somebody wrote. */
  event(event: SessionEvent): Promise<void> {
    this.#refuseMore();
    return this.entry(event);
  }

  #refuseMore(): void {
    if (this.#begun >= (this.options.count ?? Number.POSITIVE_INFINITY)) throw new Enough();
  }

  entry(entry: InboxEntry): Promise<void> {
    return printLine(this.options.json === true ? jsonLine(entry) : entryLine(entry));
  }

  /** What could not be printed stays unacknowledged, so there is nothing to go on for. */
  failed(error: unknown): void {
    if (error instanceof Enough) return;
    if (isClosedPipe(error)) this.#finish();
    else if (error instanceof Error && 'syscall' in error) this.#abort(error);
    else note(`allspark: ${error instanceof Error ? error.message : String(error)}`);
  }
}
