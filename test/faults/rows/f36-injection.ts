import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RawSocket } from '../../support/raw-socket.js';
import type { Claims } from '../clients/auth-key.js';
import { Dialogue, type Frame } from '../harness/dialogue.js';
import { ROOT } from '../harness/places.js';
import type { Report } from '../harness/report.js';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';
import { FAMILIES } from '../harness/stores.js';
import { within } from '../harness/wait.js';
import { lookInto, noting, type Seen } from '../injection/commands.js';
import { type Call, callsOf, type Description, type Place } from '../injection/fields.js';
import {
  CANARY,
  keysBeside,
  LOOSE_KEYS,
  LOOSE_QUERIES,
  namesOf,
  SEGMENTS,
  textsOf,
  VECTORS,
} from '../injection/vectors.js';

const SETTINGS = {
  RATE_PER_SECOND: '0',
  HTTP_RATE_PER_SECOND: '0',
  AUTH_FAILURES_PER_SECOND: '0',
  HANDSHAKES_PER_SECOND: '0',
  CONNECTIONS_PER_NODE: '0',
  PRESENCE: 'none',
};
const VICTIM = 'victim';
const SECRET_TEXT = 'what only the victim may read';
const ATTACKERS: ReadonlyArray<{ readonly node: string; readonly claims: Claims }> = [
  { node: 'mallory', claims: { client_id: 'mallory-person' } },
  { node: 'backend', claims: { role: 'app' } },
];
/** Fewer, and what is described is not all that there is. */
const FEWEST = { calls: 20, places: 30, parameters: 25, 'fields of frames': 20 } as const;
/** What a server reads of a key. */
const CLAIMS = ['sub', 'client_id', 'role', 'aud', 'iat', 'exp', 'nbf'];
const SHOWN = 10;
const ANSWER_MS = 5_000;

export const f36: Row = {
  id: 'F36',
  title: 'operator injection',
  families: FAMILIES,
  short: ['mongo'],
  async run(scene) {
    const file = join(scene.folder, 'commands.jsonl');
    const server = await scene.server(scene.store.family === 'mongo' ? { ...SETTINGS, ...noting(file) } : SETTINGS);
    await new Injection(scene, server).play();
    if (scene.store.family === 'mongo') judgeCommands(scene.report, file);
    scene.report.holdsThat('the server lives', server.exit === undefined && (await server.ready(1_000)));
  },
};

/** What the server said to one attempt. */
interface Said {
  readonly status: number;
  readonly text: string;
}

class Injection {
  private readonly report: Report;
  private readonly wrongs: string[] = [];
  private readonly looked = { calls: 0, places: 0, parameters: 0, 'fields of frames': 0 };
  private attempts = 0;

  constructor(
    scene: Scene,
    private readonly server: ServerNode,
  ) {
    this.report = scene.report;
  }

  async play(): Promise<void> {
    const { server } = this;
    for (const { node, claims } of [...ATTACKERS, { node: VICTIM, claims: {} }]) {
      await server.call(node, '/v1/inbox', undefined, claims);
    }
    await server.call(VICTIM, '/v1/messages', { messages: [{ dest_id: VICTIM, payload: SECRET_TEXT }] });
    for (const call of callsOf(await server.json<Description>('mallory', '/openapi.json'))) await this.call(call);
    await this.claims();
    await this.handshakes();
    await this.frames();
    this.tell();
  }

  private tell(): void {
    const { report, looked, wrongs } = this;
    for (const [what, fewest] of Object.entries(FEWEST)) {
      const count = looked[what as keyof typeof looked];
      report.count(count, what);
      report.holdsThat(`${count} ${what} are at least ${fewest}`, count >= fewest);
    }
    report.count(this.attempts, 'attempts');
    report.exactly('not refused by name', wrongs.length, 0);
    report.shortcomings.push(...wrongs.slice(0, SHOWN));
  }

  private async call(call: Call): Promise<void> {
    this.looked.calls += 1;
    this.looked.parameters += call.query.length + call.segments.length;
    this.looked.places += call.places.length;
    for (const attacker of ATTACKERS) {
      const path = call.path.replaceAll(/\{\w+\}/g, 'nobody');
      await this.addresses(call, path, attacker);
      for (const place of call.places) await this.place(call, path, place, attacker);
    }
  }

  private async addresses(call: Call, path: string, by: (typeof ATTACKERS)[number]): Promise<void> {
    const { method, segments, query, freeQuery } = call;
    const isOpen = !call.path.startsWith('/v1/');
    const loose = isOpen ? [] : LOOSE_QUERIES;
    const strict = query.filter((name) => !freeQuery.includes(name));
    const queries = [
      ...query.flatMap((name) => namesOf(name).map((text) => [name, text])),
      ...strict.flatMap((name) => textsOf(name).map((text) => [name, text])),
      ...loose.map((text) => ['', text]),
    ];
    for (const text of freeQuery.flatMap(textsOf)) {
      this.taken(`${method} ${path}?${text}`, await this.ask(method, `${path}?${text}`, by));
    }
    for (const [name = '', text] of queries)
      this.expect(`${method} ${path}?${text}`, await this.ask(method, `${path}?${text}`, by), name);
    for (const name of segments) {
      for (const segment of SEGMENTS) {
        const target = call.path.replace(`{${name}}`, encodeURIComponent(segment)).replaceAll(/\{\w+\}/g, 'nobody');
        this.expect(`${method} ${target}`, await this.ask(method, target, by), name);
      }
    }
  }

  private async place({ method }: Call, path: string, place: Place, by: (typeof ATTACKERS)[number]): Promise<void> {
    const name = `${method} ${path} ${place.path || 'body'}`;
    for (const [shown, value] of Object.entries(VECTORS)) {
      const said = await this.ask(method, path, by, place.bodyWith(value));
      if (place.takes(value)) this.taken(`${name} ${shown}`, said);
      else this.expect(`${name} ${shown}`, said, place.path);
    }
    if (!place.isStrict) return;
    const known = place.path === '' ? ['a'] : [place.path.split('.').at(-1) as string];
    for (const key of [...LOOSE_KEYS, ...known.flatMap(keysBeside)]) {
      const said = await this.ask(method, path, by, place.bodyWith({ [key]: CANARY }));
      this.expect(`${name} {"${key}":…}`, said, key);
    }
  }

  private async ask(method: string, path: string, by: (typeof ATTACKERS)[number], body?: unknown): Promise<Said> {
    this.attempts += 1;
    const headers = {
      authorization: `Bearer ${this.server.key(by.node, by.claims)}`,
      'content-type': 'application/json',
    };
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(this.server.directUrl + path, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
    return { status: response.status, text: await response.text() };
  }

  /** 400, and the field by its name; 403 where the whole call is not for the caller. Of a batch each element by itself. */
  private expect(what: string, { status, text }: Said, field: string): void {
    if (text.includes(SECRET_TEXT)) this.wrongs.push(`${what}: it was told ${text}`);
    const isForbidden = status === 403 && text.includes('"code":"forbidden"');
    if (isForbidden || (status === 400 && names(text, field)) || (status === 200 && refusesElement(text, field)))
      return;
    this.wrongs.push(`${what}: ${status} ${text.slice(0, 300)}`);
  }

  /** A free field: whatever was done about it, it was not for the value. */
  private taken(what: string, { status, text }: Said): void {
    if (text.includes(SECRET_TEXT)) this.wrongs.push(`${what}: it was told ${text}`);
    if (status === 400 || status >= 500) this.wrongs.push(`${what}: ${status} ${text.slice(0, 300)}`);
  }

  private async claims(): Promise<void> {
    for (const claim of CLAIMS) {
      this.looked.parameters += 1;
      for (const [shown, value] of Object.entries(VECTORS)) {
        const by = { node: 'mallory', claims: { [claim]: value } };
        const said = await this.ask('GET', '/v1/inbox', by);
        if (said.status !== 401) this.wrongs.push(`claim ${claim} ${shown}: ${said.status} ${said.text}`);
      }
    }
  }

  private async handshakes(): Promise<void> {
    const { PARAMETERS } = await inside<{ PARAMETERS: ReadonlySet<string> }>('gateways/native/handshake.js');
    for (const name of PARAMETERS) {
      this.looked.parameters += 1;
      for (const query of [...namesOf(name), ...textsOf(name)]) {
        const answer = await this.upgrade(query);
        const isKey = new URLSearchParams(query).getAll('validation_key').length === 1;
        if (answer !== (isKey && query.split('&').length === 1 ? 401 : 400))
          this.wrongs.push(`/connect?${query}: ${answer}`);
      }
    }
  }

  private async upgrade(query: string): Promise<number> {
    this.attempts += 1;
    const headers = { authorization: `Bearer ${this.server.key('mallory')}` };
    const withKey = query.startsWith('validation_key=') ? {} : headers;
    const { socket, response } = await RawSocket.upgrade(this.server.directPort, `/connect?${query}`, withKey);
    socket.destroy();
    return response.status;
  }

  private async frames(): Promise<void> {
    const dialogue = await Dialogue.open(this.server.url, this.server.key('mallory'));
    for (const { field, free, frameWith } of await frameFields()) {
      this.looked['fields of frames'] += 1;
      for (const [shown, value] of Object.entries(VECTORS)) {
        const answer = await this.say(dialogue, frameWith(field, value));
        const isRight = free ? answer?.['type'] === -112 : isRefusalOf(answer, field);
        if (!isRight) this.wrongs.push(`frame ${field} ${shown}: ${JSON.stringify(answer)}`);
      }
      for (const key of [...keysBeside(field), ...LOOSE_KEYS]) {
        const answer = await this.say(dialogue, frameWith(key, CANARY));
        if (!isRefusalOf(answer, key)) this.wrongs.push(`frame ${key}: ${JSON.stringify(answer)}`);
      }
    }
    if (dialogue.heard.some((frame) => JSON.stringify(frame).includes(SECRET_TEXT)))
      this.wrongs.push('a frame told it');
    await dialogue.close();
  }

  /** Each frame has one answer. */
  private async say(dialogue: Dialogue, frame: unknown): Promise<Frame | undefined> {
    this.attempts += 1;
    const before = dialogue.heard.length;
    dialogue.sendText(JSON.stringify(frame));
    await within(ANSWER_MS, () => dialogue.heard.length > before, 1);
    return dialogue.heard[before];
  }
}

interface FrameField {
  /** As a refusal names it. */
  readonly field: string;
  readonly free: boolean;
  readonly frameWith: (name: string, value: unknown) => unknown;
}

function flat(field: string, base: object): FrameField {
  const free = field.startsWith('payload') && 'dest_id' in base;
  return { field, free, frameWith: (name, value) => ({ ...base, [name]: value }) };
}

/** Every field of every frame of a client, as the server's own decoder lists them. */
async function frameFields(): Promise<FrameField[]> {
  interface Decoder {
    readonly MESSAGE_FIELDS: ReadonlySet<string>;
    readonly CONTROL_FIELDS: ReadonlyMap<number, ReadonlySet<string>>;
    readonly QUERY_FIELDS: Readonly<Record<string, string>>;
  }
  const { MESSAGE_FIELDS, CONTROL_FIELDS, QUERY_FIELDS } = await inside<Decoder>('protocol/decoder.js');
  const bases = new Map<number, object>([...CONTROL_FIELDS.keys()].map((type) => [type, { type, seq: 0 }]));
  const fetch = [...CONTROL_FIELDS].find(([, fields]) => fields.has('payload'))?.[0];
  const bounds = 'payload.fetch_inbox.';
  const deep = (name: string, value: unknown): unknown => ({
    type: fetch,
    payload: { fetch_inbox: { [name.replace(bounds, '')]: value } },
  });
  return [
    ...[...MESSAGE_FIELDS].map((field) => flat(field, { dest_id: VICTIM })),
    ...[...CONTROL_FIELDS].flatMap(([type, fields]) =>
      [...fields].map((field) => flat(field, fields.has('seq') ? (bases.get(type) ?? {}) : { type })),
    ),
    ...Object.keys(QUERY_FIELDS).map((name) => ({
      field: `${bounds}${name}`,
      free: false,
      frameWith: deep,
    })),
  ];
}

function inside<T>(path: string): Promise<T> {
  return import(`${ROOT}dist/${path}`) as Promise<T>;
}

function isRefusalOf(frame: Frame | undefined, field: string): boolean {
  return frame?.['type'] === -113 && !('retry_after_ms' in frame) && isNamed(frame['field'], field);
}

function isNamed(named: unknown, field: string): boolean {
  if (typeof named !== 'string') return false;
  const goesOn = named.startsWith(field) && /^\W/.test(named.slice(field.length));
  return named === field || goesOn || named.endsWith(`.${field}`);
}

interface Refused {
  readonly code?: string;
  readonly field?: string;
  readonly fields?: ReadonlyArray<{ readonly field: string }>;
}

function names(text: string, field: string): boolean {
  const { code, field: first, fields = [] } = parsed<Refused>(text);
  if (field === '') return code !== undefined;
  return [first, ...fields.map((one) => one.field)].some((named) => isNamed(named, field));
}

/** Of a page that is no JSON nothing. */
function parsed<T extends object>(text: string): Partial<T> {
  return text.startsWith('{') ? (JSON.parse(text) as T) : {};
}

/** An element has a name of its own for the field: what stands behind `messages.0.`. */
function refusesElement(text: string, field: string): boolean {
  const { results = [] } = parsed<{ results?: Array<Refused & { status: string }> }>(text);
  const [result] = results;
  const own = field.replace(/^messages(?:\.0)?\.?/, '');
  return result?.status === 'refused' && (own === '' || isNamed(result.field, own));
}

/** Of all that reached the store nothing of the input was more than a text. */
function judgeCommands(report: Report, file: string): void {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const commands = lines.map((line) => JSON.parse(line) as Seen);
  const strayed = commands.flatMap(({ name, strayed: found }) => found.map((one) => `${name}: ${one}`));
  report.count(commands.length, 'commands to the store');
  report.exactly('operators from input', strayed.length, 0);
  report.shortcomings.push(...strayed.slice(0, SHOWN));
  const texts = commands.reduce((sum, one) => sum + one.texts, 0);
  report.holdsThat(`what free fields carry is seen in the commands, as texts: ${texts}`, texts > 0);
  const planted = [
    { find: 'rows', filter: { node: { $gt: CANARY } } },
    { find: 'rows', filter: { [CANARY]: 1 } },
    { find: 'rows', filter: { $where: 'true' } },
    { update: 'rows', updates: [{ q: { node: [CANARY] }, u: {} }] },
  ];
  const seen = planted.filter((command) => lookInto('find', command).strayed.length > 0);
  report.holdsThat('planted operators are seen', seen.length === planted.length);
}
