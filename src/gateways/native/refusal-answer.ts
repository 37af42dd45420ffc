import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { sortableId } from '../../common/ids.js';
import { Refusal, REFUSALS } from '../../protocol/index.js';

const SECOND_MS = 1_000;
const WEBSOCKET_VERSION = '13';

interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A refusal as HTTP says it: status, headers, problem document. */
function httpAnswer(refusal: Refusal): HttpAnswer {
  const { code, status, reason: detail, field, retryAfterMs } = refusal;
  const { title } = REFUSALS[code];
  const requestId = sortableId();
  const what = { type: `urn:allspark:problem:${code}`, title, status, code, detail, request_id: requestId };
  const body = JSON.stringify({ ...what, field, retry_after_ms: retryAfterMs });
  return { status, headers: { 'x-request-id': requestId, ...headersOf(refusal, body) }, body };
}

/** Writes the answer to a socket that no HTTP server looks after any more, and ends it. */
export function refuseOnSocket(socket: Duplex, refusal: Refusal): void {
  const { status, headers, body } = httpAnswer(refusal);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}connection: close\r\n\r\n${body}`);
  // What the peer still sends is read and dropped: a reset because of it could overtake the answer.
  socket.resume();
}

function headersOf({ code, retryAfterMs }: Refusal, body: string): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
  };
  if (code === 'unauthorized') headers['www-authenticate'] = 'Bearer';
  if (code === 'upgrade_required') {
    headers['upgrade'] = 'websocket';
    headers['sec-websocket-version'] = WEBSOCKET_VERSION;
  }
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(retryAfterMs / SECOND_MS));
  return headers;
}
