import { STATUS_CODES } from 'node:http';
import { REFUSALS, type RefusalCode } from './codes.js';
import type { FieldFault, Refusal } from './refusal.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

const SECOND_MS = 1_000;
const WEBSOCKET_VERSION = '13';

/** A refusal as HTTP shows it (RFC 9457). */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: RefusalCode;
  readonly detail: string;
  readonly request_id: string;
  readonly field?: string;
  /** Each wrong field, `field` first; at most `MAX_FIELD_FAULTS`. */
  readonly fields?: readonly FieldFault[];
  readonly retry_after_ms?: number;
}

export function problemOf(refusal: Refusal, requestId: string): ProblemDocument {
  return {
    type: `urn:allspark:problem:${refusal.code}`,
    title: REFUSALS[refusal.code].title,
    status: refusal.status,
    code: refusal.code,
    detail: refusal.reason,
    request_id: requestId,
    ...(refusal.field !== undefined && { field: refusal.field }),
    ...(refusal.fields.length > 0 && { fields: refusal.fields }),
    ...(refusal.retryAfterMs !== undefined && { retry_after_ms: refusal.retryAfterMs }),
  };
}

/** Headers that belong to a refusal, whoever writes it. */
export function problemHeaders({ code, retryAfterMs }: Refusal): Record<string, string> {
  return {
    'content-type': PROBLEM_MEDIA_TYPE,
    ...(code === 'unauthorized' && { 'www-authenticate': 'Bearer' }),
    ...(code === 'upgrade_required' && { upgrade: 'websocket', 'sec-websocket-version': WEBSOCKET_VERSION }),
    ...(retryAfterMs !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / SECOND_MS))) }),
  };
}

/** The whole HTTP answer as text, for a socket that no HTTP server looks after (any more); the socket ends with it. */
export function problemResponse(refusal: Refusal, requestId: string): string {
  const body = JSON.stringify(problemOf(refusal, requestId));
  const headers = {
    'x-request-id': requestId,
    ...problemHeaders(refusal),
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${lines.join('')}\r\n${body}`;
}
