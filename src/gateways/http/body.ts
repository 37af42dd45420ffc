import type { IncomingMessage } from 'node:http';
import { parseJson, Refusal, slices } from '../../protocol/index.js';
import type { FieldFaults } from './field-faults.js';

/** An application that keeps its own body parser has to be created with `rawBody: true`. */
type RequestWithRawBody = IncomingMessage & { readonly rawBody?: unknown };

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i;

/** Names that the framework strips, at any level, before a schema could refuse them. */
const NEVER_FIELDS: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor']);

export interface BodyLimits {
  readonly maxJsonDepth: number;
  readonly maxTopLevelKeys: number;
}

/** The body's text; `undefined` when the request has none. Throws what is wrong with it as a refusal. */
export async function readText(request: RequestWithRawBody, maxBytes: number): Promise<string | undefined> {
  if (!hasBody(request)) return undefined;
  refuseMediaType(request);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const bytes = await readBytes(request, maxBytes);
  try {
    // A byte order mark stays in the text, where it is not JSON.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal('bad_json', { reason: 'the body is not UTF-8' });
  }
}

/** Parses a body that has to be one JSON object with each key once; wrong keys are added to `faults`. */
export function parseObject(text: string, limits: BodyLimits, faults: FieldFaults): Record<string, unknown> {
  const value = parseJson(text, limits.maxJsonDepth);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('not_an_object', { reason: 'the body is one JSON object' });
  }
  const names = slices(text).map(({ name }) => name);
  const { maxTopLevelKeys } = limits;
  if (names.length > maxTopLevelKeys) throw new Refusal('too_many_keys', { reason: `at most ${maxTopLevelKeys} keys` });
  addKeys(names, faults);
  addStripped(value, faults);
  return value as Record<string, unknown>;
}

/** Further inside: rather refused than silently lost. */
function addStripped(value: object, faults: FieldFaults, path: readonly string[] = []): void {
  for (const [name, inner] of Object.entries(value)) {
    if (path.length > 0 && NEVER_FIELDS.has(name)) {
      faults.add('invalid_field', [...path, name], `wanted: no key named ${name}`);
    }
    if (typeof inner === 'object' && inner !== null) addStripped(inner as object, faults, [...path, name]);
  }
}

function addKeys(names: readonly string[], faults: FieldFaults): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) faults.add('invalid_field', name, 'wanted: each key once');
    else if (NEVER_FIELDS.has(name)) faults.add('unknown_field', name, 'There is no such field');
    seen.add(name);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function refuseMediaType({ headers }: IncomingMessage): void {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = headers;
  if (!JSON_TYPE.test(type)) {
    throw new Refusal('unsupported_media_type', { reason: 'content-type: application/json (UTF-8) is wanted' });
  }
  if (encoding.toLowerCase() !== 'identity') {
    throw new Refusal('unsupported_media_type', { reason: 'the body must not be compressed' });
  }
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal('too_large', { reason: `at most ${maxBytes} bytes` });
}

async function readBytes(request: RequestWithRawBody, maxBytes: number): Promise<Buffer> {
  const kept = request.rawBody;
  if (!Buffer.isBuffer(kept)) return readStream(request, maxBytes);
  if (kept.length > maxBytes) throw tooLarge(maxBytes);
  return kept;
}

/** Not by iteration: that destroys the socket when it stops early, and the refusal could not be sent. */
function readStream(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (request.readableEnded) throw new Error('the body was read before: use bodyParser: false or rawBody: true');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const stop = (): void => {
      request.off('data', take);
      request.off('end', done);
      request.off('close', cut);
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= maxBytes) return void chunks.push(chunk);
      stop();
      // The rest flows away unread, so that the answer finds its way back.
      request.resume();
      reject(tooLarge(maxBytes));
    };
    const done = (): void => {
      stop();
      resolve(Buffer.concat(chunks));
    };
    const cut = (): void => {
      stop();
      reject(new Refusal('bad_json', { reason: 'the body ended early' }));
    };
    request.on('data', take).on('end', done).on('close', cut);
  });
}
