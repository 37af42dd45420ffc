import type { z } from 'zod';
import {
  isRetryable,
  PROBLEM_MEDIA_TYPE,
  problemOf,
  REFUSALS,
  Refusal,
  type RefusalCode,
} from '../../protocol/index.js';
import { Problem } from './problem.js';
import type { Route } from './route-list.js';

type Json = Record<string, unknown>;

/** What any call may be answered: it had too many header lines. */
const ALWAYS: readonly RefusalCode[] = ['too_large'];

/** What any call with a key may be answered; a client has so many nodes at most. */
const GUARDED: readonly RefusalCode[] = [
  'unauthorized',
  'rate_limited',
  'retry_later',
  'unknown_field',
  'invalid_field',
  'too_many_members',
];

const WITH_BODY: readonly RefusalCode[] = [
  'bad_json',
  'not_an_object',
  'too_deep',
  'too_many_keys',
  'unsupported_media_type',
];

const REQUEST_ID = '019b76da-a800-7c3e-9d52-6b1f2f1c8a44';

const HEADERS = {
  'X-Request-Id': 'Names the call in the log of the server',
  'Retry-After': 'Seconds after which the same may be tried again',
  'WWW-Authenticate': 'Bearer',
  Upgrade: 'websocket',
} as const;

type HeaderName = keyof typeof HEADERS;

/** The refusals of the calls: one response for each status, with an example for each code. */
export class OpenApiProblems {
  private readonly examples = new Map<RefusalCode, Json>();
  private readonly usedHeaders = new Set<HeaderName>();

  /** `shown` gives a schema as the document has it. */
  of({ guarded, body, description }: Route, shown: (schema: z.ZodType) => unknown): Json {
    const own = description.refusals ?? [];
    const codes = [...new Set([...ALWAYS, ...(guarded ? GUARDED : []), ...(body ? WITH_BODY : []), ...own])];
    const schema = shown(Problem);
    const statuses = new Set(codes.map((code) => REFUSALS[code].status));
    const responses = [...statuses].map((status) => {
      const named = codes.filter((code) => REFUSALS[code].status === status);
      return [status, this.response(named, schema)];
    });
    return Object.fromEntries(responses) as Json;
  }

  /** Of an answer; without codes: of a good one. */
  headers(codes: readonly RefusalCode[] = []): Json {
    const names = Object.keys(HEADERS) as HeaderName[];
    const used = names.filter((name) => name === 'X-Request-Id' || codes.some((code) => goesWith(name, code)));
    for (const name of used) this.usedHeaders.add(name);
    return Object.fromEntries(used.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  }

  components(): Json {
    const headers = [...this.usedHeaders].map((name) => [
      name,
      { description: HEADERS[name], schema: { type: 'string' } },
    ]);
    return { headers: Object.fromEntries(headers) as Json, examples: Object.fromEntries(this.examples) };
  }

  private response(codes: readonly RefusalCode[], schema: unknown): Json {
    for (const code of codes) this.examples.set(code, exampleOf(code));
    const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
    return {
      description: codes.join(', '),
      headers: this.headers(codes),
      content: { [PROBLEM_MEDIA_TYPE]: { schema, examples } },
    };
  }
}

function goesWith(name: HeaderName, code: RefusalCode): boolean {
  if (name === 'Retry-After') return isRetryable(code);
  return name === 'WWW-Authenticate' ? code === 'unauthorized' : name === 'Upgrade' && code === 'upgrade_required';
}

function exampleOf(code: RefusalCode): Json {
  const field = code === 'unknown_field' || code === 'invalid_field' ? { field: 'limit' } : {};
  return { summary: REFUSALS[code].title, value: problemOf(new Refusal(code, field), REQUEST_ID) };
}
