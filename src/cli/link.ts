import { AllsparkClient, AllsparkError, type ClientOptions, type Hello, type StatusEvent } from '@allspark/client';
import { WebSocket } from 'ws';
import { callFault, refusalText, unreachable, type ClientCall } from './client-call.js';
import { EXIT } from './exit-codes.js';
import { CliFault } from './fault.js';
import { note } from './output.js';

/** Close codes by which a server ends an application's rights: 4500 revoked or banned. */
const REVOKED = 4500;

/** Somebody who started the server again looks at this program and waits. */
const MAX_WAIT_MS = 2_000;

type ClientHandlers = Pick<
  ClientOptions,
  'onMessage' | 'onSessionEvent' | 'onGap' | 'onGone' | 'onError' | 'onDelivered' | 'onOffline' | 'resumeFrom'
>;

export interface LinkHandlers extends ClientHandlers {
  /** Once, at the first hello, before any message. */
  readonly onOpen?: (hello: Hello) => void;
}

export interface Link {
  readonly client: AllsparkClient;
  /** Resolves at the first hello. Rejects when nothing answers, or when the server refuses for good. */
  readonly opened: Promise<Hello>;
  /** Rejects when the server ends the connection for good after that; never resolves. */
  readonly ended: Promise<never>;
}

/** A connection that is kept up; its news goes to standard error. */
export function openLink(call: ClientCall, { onOpen, ...handlers }: LinkHandlers): Link {
  let fail!: (reason: unknown) => void;
  const ended = new Promise<never>((_resolve, reject) => (fail = reject));
  ended.catch(() => undefined);
  let wasOpen = false;
  const onStatus = (event: StatusEvent): void => {
    // Somebody at a terminal would rather hear of a wrong address than wait until there is a server at it.
    if (!wasOpen && event.status === 'reconnecting' && isNoAnswer(event.error)) {
      return fail(event.error instanceof CliFault ? event.error : unreachable(call.url, event.error));
    }
    if (event.status === 'closed' && isServersDecision(event)) fail(closedFault(event, call));
    const line = statusLine(event, wasOpen);
    if (!wasOpen && (event.status === 'open' || event.status === 'resumed')) {
      wasOpen = true;
      onOpen?.(event.hello);
    }
    if (line !== undefined) note(line);
  };
  const { url, authKey } = call;
  const backoff = { maxMs: MAX_WAIT_MS };
  const client = new AllsparkClient({ url, authKey, WebSocket, backoff, onError: tellError, ...handlers, onStatus });
  const connected = client.connect().catch((error: unknown) => Promise.reject(toError(callFault(error, call))));
  const opened = Promise.race([ended, connected]);
  opened.catch(() => undefined);
  return { client, opened, ended };
}

const isNoAnswer = (error: unknown): boolean => error !== undefined && !(error instanceof AllsparkError);

const toError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

function tellError(error: unknown): void {
  note(`allspark: ${error instanceof AllsparkError ? refusalText(error) : toError(error).message}`);
}

/** The close that this program asks for itself carries 1000. */
function isServersDecision({ code, error }: Extract<StatusEvent, { status: 'closed' }>): boolean {
  return error !== undefined || (code !== undefined && code !== 1000);
}

function closedFault({ code, reason, error }: Extract<StatusEvent, { status: 'closed' }>, call: ClientCall): unknown {
  if (error !== undefined) return callFault(error, call);
  const why = reason === undefined || reason === '' ? '' : `: ${reason}`;
  const exitCode = code === REVOKED ? EXIT.noPermission : EXIT.refused;
  return new CliFault(exitCode, `the server closed the connection for good (${code}${why})`);
}

/** What a person should know of it; undefined for what is told elsewhere. */
export function statusLine(event: StatusEvent, wasOpen: boolean): string | undefined {
  switch (event.status) {
    case 'open':
      return wasOpen ? 'connected again' : undefined;
    case 'resumed':
      return 'resumed';
    case 'moved':
      return `moved to server node ${event.hello.serverNodeId}`;
    case 'reconnecting':
      return `reconnecting in ${event.delayMs} ms (${lossText(event)})`;
    case 'insufficient_state':
      return insufficientText(event);
    default:
      return undefined;
  }
}

function lossText({ code, reason, error }: Extract<StatusEvent, { status: 'reconnecting' }>): string {
  if (error instanceof AllsparkError) return refusalText(error);
  if (error instanceof Error) return toError(error.cause ?? error).message || 'no answer';
  const words = reason === undefined || reason === '' ? 'connection lost' : reason;
  return code === undefined ? words : `${code}, ${words}`;
}

function insufficientText({ epochChanged, lost }: Extract<StatusEvent, { status: 'insufficient_state' }>): string {
  if (lost !== undefined) return `seq ${lost.fromSeq} to ${lost.toSeq} can no longer be read`;
  return epochChanged ? 'the inbox has another epoch: messages may come again' : 'reading on from what can be read';
}
