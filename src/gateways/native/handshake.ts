import type { IncomingMessage } from 'node:http';
import type { UpgradeCredentials } from '../../modules/auth/index.js';
import type { ResumeRequest } from '../../modules/inbox/index.js';
import { isId, Refusal } from '../../protocol/index.js';

/** What a client says in its upgrade request. */
export interface Handshake {
  readonly credentials: UpgradeCredentials;
  readonly resume?: ResumeRequest;
}

const KEY = /^[+/0-9A-Za-z]{22}==$/;
const PROTOCOLS = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*$/;
const MAX_PROTOCOLS = 16;
const SEQ = /^\d{1,16}$/;
/** What the query of a handshake may carry. */
export const PARAMETERS: ReadonlySet<string> = new Set(['validation_key', 'epoch', 'last_seq']);
const ONCE: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'origin',
  'sec-websocket-key',
  'sec-websocket-version',
]);

/** The path of a request target as it stands, without its query. */
export function pathOf(request: IncomingMessage): string {
  const target = request.url ?? '';
  const end = target.indexOf('?');
  return end < 0 ? target : target.slice(0, end);
}

/** Refuses what is no well-formed websocket handshake. Says nothing of what it found: that may be a token. */
export function checkUpgrade(request: IncomingMessage, maxHeaders: number): void {
  const { headers, rawHeaders } = request;
  if (rawHeaders.length > 2 * maxHeaders) throw bad(`at most ${maxHeaders} headers`);
  checkRequest(request);
  if (headers.upgrade?.toLowerCase() !== 'websocket') throw bad('wanted: Upgrade: websocket');
  const names = rawHeaders.filter((_text, index) => index % 2 === 0).map((name) => name.toLowerCase());
  for (const name of ONCE) if (names.indexOf(name) !== names.lastIndexOf(name)) throw bad(`${name} once`);
  if (headers['sec-websocket-version'] !== '13') throw new Refusal('upgrade_required', { reason: 'version 13' });
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) throw bad('wanted: a Sec-WebSocket-Key of 16 bytes in base64');
  checkProtocols(headers['sec-websocket-protocol']);
}

/** A body would be read as frames by us, and as a body by whoever stands between. */
function checkRequest({ headers, httpVersion, method }: IncomingMessage): void {
  if (method !== 'GET') throw bad('a websocket is opened by GET');
  if (httpVersion !== '1.1') throw bad('wanted: HTTP/1.1');
  if (headers.host === undefined) throw bad('wanted: a Host');
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
  if (hasBody) throw bad('a handshake has no body');
}

/** Whether somebody has to be asked if the caller may come in. */
export function carriesKey(request: IncomingMessage): boolean {
  return request.headers.authorization !== undefined || queryOf(request).has('validation_key');
}

/** Reads credentials and resume parameters. */
export function readHandshake(request: IncomingMessage): Handshake {
  const query = queryOf(request);
  for (const name of query.keys()) {
    if (!PARAMETERS.has(name)) throw bad(`known parameters are: ${[...PARAMETERS].join(', ')}`);
    if (query.getAll(name).length > 1) throw bad(`${name} once`);
  }
  const { authorization } = request.headers;
  const validationKey = query.get('validation_key');
  const credentials = {
    ...(authorization !== undefined && { authorization }),
    ...(validationKey !== null && { validationKey }),
  };
  return { credentials, ...resumeOf(query) };
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const target = request.url ?? '';
  const start = target.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : target.slice(start + 1));
}

function resumeOf(query: URLSearchParams): { resume?: ResumeRequest } {
  const epoch = query.get('epoch');
  const lastSeq = query.get('last_seq');
  if (epoch === null && lastSeq === null) return {};
  if (epoch === null || lastSeq === null) throw bad('epoch and last_seq: both or none');
  if (!isId(epoch)) throw bad('epoch as hello gave it');
  if (!SEQ.test(lastSeq) || !Number.isSafeInteger(Number(lastSeq))) throw bad('last_seq: a whole number');
  return { resume: { epoch, lastSeq: Number(lastSeq) } };
}

function checkProtocols(offered: string | undefined): void {
  if (offered === undefined) return;
  const names = PROTOCOLS.test(offered) ? offered.split(',').map((name) => name.trim()) : [];
  const distinct = new Set(names).size;
  if (distinct === 0 || distinct !== names.length || distinct > MAX_PROTOCOLS) {
    throw bad(`Sec-WebSocket-Protocol: at most ${MAX_PROTOCOLS} different names`);
  }
}

function bad(reason: string): Refusal {
  return new Refusal('bad_handshake', { reason });
}
