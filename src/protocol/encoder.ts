import { TYPE } from './control-types.js';
import type { Destination, GroupDestination, Message } from './message.js';
import type { Refusal } from './refusal.js';

/** Who a message is from, as the receiver may see it. */
export interface Source {
  readonly srcId: string;
  readonly srcClientId: string | null;
}

export interface Hello {
  readonly nodeId: string;
  readonly clientId: string | null;
  readonly connectionId: string;
  readonly serverNodeId: string;
  readonly epoch: string;
  readonly resumed: boolean;
  readonly reason?: string;
  readonly floorSeq: number;
  readonly tailSeq: number;
  readonly ackedSeq: number;
  readonly maxFrameBytes: number;
  readonly window: number;
  readonly windowBytes: number;
  readonly pingIntervalMs: number;
}

/** A page of an inbox; `frames` are frame texts as they are delivered. */
export interface InboxPage {
  readonly frames: readonly string[];
  readonly epoch: string;
  readonly floorSeq: number;
  readonly tailSeq: number;
  readonly ackedSeq: number;
  readonly complete: boolean;
}

/** A page of what a session or client holds; `frames` are frame texts with their places there. */
export interface EntryPage {
  readonly frames: readonly string[];
  readonly tail: number;
  readonly complete: boolean;
}

/**
 * The part of a delivered frame that does not depend on the receiver, as JSON text. Built once per message and kept in
 * the store; the sender's payload text is spliced in, never written anew.
 */
export function messageBody(message: Message, id: string, source: Source): string {
  let text = `{"type":${message.type},${destinationFields(message.destination)},"id":"${id}","src_id":"${source.srcId}"`;
  if (source.srcClientId !== null) text += `,"src_client_id":"${source.srcClientId}"`;
  if (message.transient) text += ',"transient":true';
  if (message.payload !== undefined) text += `,"payload":${message.payload}`;
  if (message.payload1 !== undefined) text += `,"payload1":${message.payload1}`;
  if (message.payload2 !== undefined) text += `,"payload2":${message.payload2}`;
  return `${text}}`;
}

/** What a durable message looks like in the inbox where it has this seq. */
export function durableFrame(seq: number, timestamp: number, body: string): string {
  return `{"seq":${seq},"timestamp":${timestamp},${body.slice(1)}`;
}

/** What happened in a session, as a body: who joined, left, revealed itself, or that it ended. */
export function eventBody(type: number, sessionId: string, id: string, srcId: string, payload?: string): string {
  const text = `{"type":${type},"dest_session_id":"${sessionId}","id":"${id}","src_id":"${srcId}"`;
  return payload === undefined ? `${text}}` : `${text},"payload":${payload}}`;
}

/** A body of a session or client, with the place that it has there. */
export function groupBody(sessionSeq: number, body: string): string {
  return `{"session_seq":${sessionSeq},${body.slice(1)}`;
}

/** Says that of a session or client nothing from this place on was put into the inbox, as a body. */
export function gapBody(group: GroupDestination, fromSessionSeq: number): string {
  return `{"type":${TYPE.gap},${destinationFields(group)},"from_session_seq":${fromSessionSeq}}`;
}

/** Whether a body is one of `gapBody`. */
export function isGapBody(body: string): boolean {
  return body.startsWith(`{"type":${TYPE.gap},`);
}

export function transientFrame(timestamp: number, body: string): string {
  return `{"timestamp":${timestamp},${body.slice(1)}`;
}

/** Stands in place of a message that may no longer be read. */
export function goneFrame(seq: number, reason: 'expired' | 'withdrawn'): string {
  return `{"type":${TYPE.gone},"seq":${seq},"reason":"${reason}"}`;
}

export function helloFrame(hello: Hello): string {
  return JSON.stringify({
    type: TYPE.hello,
    node_id: hello.nodeId,
    client_id: hello.clientId,
    connection_id: hello.connectionId,
    server_node_id: hello.serverNodeId,
    epoch: hello.epoch,
    resumed: hello.resumed,
    reason: hello.reason,
    floor_seq: hello.floorSeq,
    tail_seq: hello.tailSeq,
    acked_seq: hello.ackedSeq,
    max_frame_bytes: hello.maxFrameBytes,
    window: hello.window,
    window_bytes: hello.windowBytes,
    ping_interval_ms: hello.pingIntervalMs,
  });
}

const RECEIPT = `{"type":${TYPE.receipt},`;

export function receiptFrame(id: string, status: 'stored' | 'duplicate'): string {
  return `{"type":${TYPE.receipt},"id":"${id}","status":"${status}"}`;
}

/** Whether a frame that is sent is a receipt. */
export function isReceipt(frame: string): boolean {
  return frame.startsWith(RECEIPT);
}

export function deliveredFrame(id: string, destId: string): string {
  return `{"type":${TYPE.receipt},"id":"${id}","status":"delivered","dest_id":"${destId}"}`;
}

/** -113, or the number of its own that an unknown node (-3) or session (-5) has. */
export function refusalFrame(refusal: Refusal, id?: string, destination?: Destination): string {
  const answer = { code: refusal.code, reason: refusal.reason };
  if (refusal.code === 'node_unknown' && destination) {
    const src = destination.kind === 'client' ? destination.clientId : nodeOf(destination);
    return JSON.stringify({ type: TYPE.nodeUnknown, src_id: src, id, ...answer });
  }
  if (refusal.code === 'session_denied' && destination && 'sessionId' in destination) {
    return JSON.stringify({ type: TYPE.sessionDenied, dest_session_id: destination.sessionId, id, ...answer });
  }
  return JSON.stringify({
    type: TYPE.error,
    ...answer,
    field: refusal.field,
    id,
    retry_after_ms: refusal.retryAfterMs,
  });
}

export function offlineFrame(nodeId: string, id: string): string {
  return `{"type":${TYPE.offline},"src_id":"${nodeId}","id":"${id}"}`;
}

export function moveFrame(url: string, validationKey: string, withinMs: number): string {
  return JSON.stringify({ type: TYPE.move, url, validation_key: validationKey, within_ms: withinMs });
}

export function hereFrame(id?: string): string {
  return JSON.stringify({ type: TYPE.here, id });
}

/** The page's JSON as REST answers it; the frames are spliced in as text. */
export function inboxPageJson(page: InboxPage): string {
  const rest = JSON.stringify({
    epoch: page.epoch,
    floor_seq: page.floorSeq,
    tail_seq: page.tailSeq,
    acked_seq: page.ackedSeq,
    complete: page.complete,
  });
  return `{"messages":[${page.frames.join(',')}],${rest.slice(1)}`;
}

export function entryPageJson({ frames, tail, complete }: EntryPage): string {
  return `{"messages":[${frames.join(',')}],"tail":${tail},"complete":${complete}}`;
}

export function inboxPageFrame(page: InboxPage, id?: string): string {
  const named = id === undefined ? '' : `"id":"${id}",`;
  return `{"type":${TYPE.inboxPage},${named}"payload":${inboxPageJson(page)}}`;
}

function nodeOf(destination: Destination): string | undefined {
  return destination.kind === 'node' ? destination.nodeId : undefined;
}

function destinationFields(to: Destination): string {
  switch (to.kind) {
    case 'node':
      return `"dest_id":"${to.nodeId}"`;
    case 'client':
      return `"dest_client_id":"${to.clientId}"`;
    case 'session':
      return `"dest_session_id":"${to.sessionId}"`;
    case 'private':
      return `"dest_session_id":"${to.sessionId}","dest_id":"${to.memberId}"`;
  }
}
