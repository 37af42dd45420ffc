import { describe, expect, it } from 'vitest';
import { settableNames } from '../../src/config/settings.js';
import { ManualClock } from '../../src/common/clock.js';
import { Disconnected } from '../../src/gateways/http/connections.schema.js';
import { Acknowledged, Acknowledgement, InboxPage } from '../../src/gateways/http/inbox.schema.js';
import { BatchRequest, BatchResults } from '../../src/gateways/http/messages.schema.js';
import { Node } from '../../src/gateways/http/nodes.schema.js';
import { PreConnection, PreConnectionRequest } from '../../src/gateways/http/pre-connections.schema.js';
import { Revocation, RevocationRequest } from '../../src/gateways/http/revocations.schema.js';
import { Problem } from '../../src/gateways/http/problem.js';
import {
  EntryPage,
  JoinRequest,
  Membership,
  Session,
  SessionList,
  SessionNamed,
  SessionRequest,
  UnjoinRequest,
} from '../../src/gateways/http/sessions.schema.js';
import { FailStop } from '../../src/modules/routing/index.js';
import {
  CLOSE,
  decodeBatchElement,
  decodeFrame,
  deliveredFrame,
  durableFrame,
  entryPageJson,
  eventBody,
  gapBody,
  goneFrame,
  groupBody,
  helloFrame,
  hereFrame,
  inboxPageFrame,
  inboxPageJson,
  invitesBack,
  type Message,
  messageBody,
  moveFrame,
  offlineFrame,
  receiptFrame,
  Refusal,
  refusalFrame,
  REFUSALS,
  slices,
  transientFrame,
  TYPE,
  problemOf,
} from '../../src/protocol/index.js';
import { prose, tables } from './markdown.js';
import {
  accepted,
  blocks,
  clientFrames,
  examples,
  markdown,
  optionOf,
  parsed,
  refused,
  serverFrames,
  shapeOf,
  shown,
} from './protocol-examples.js';

const LIMITS = { maxDepth: 32, maxKeys: 64, maxPageRows: 1_000 };

const transcript = blocks
  .filter(({ words }) => words.includes('transcript'))
  .flatMap(({ text }) => text.split('\n'))
  .filter((line) => /^[CS] /.test(line));
const withoutTicks = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');

const toBob: Message = {
  destination: { kind: 'node', nodeId: 'bob' },
  type: 0,
  payload: '{"text":""}',
  transient: false,
  report: false,
};
const fromAlice = { srcId: 'alice', srcClientId: 'a' };
const body = messageBody(toBob, 'm', fromAlice);
const now = { ...toBob, payload: '{"typing":true}', transient: true };
const toSession = { ...toBob, destination: { kind: 'session', sessionId: 's' }, payload: '""' } as const;
const toMember = { ...toSession, destination: { kind: 'private', sessionId: 's', memberId: '~a' } } as const;
const { payload: _none, ...bare } = toBob;
const toClient: Message = { ...bare, destination: { kind: 'client', clientId: 'b' } };
const inSession = messageBody(toSession, 'm', fromAlice);
const inGroup = (text: string): string => durableFrame(2, 1, groupBody(1, text));
const happened = (type: number, payload?: string): string => inGroup(eventBody(type, 's', 'i', '~a', payload));
const hello = {
  nodeId: 'bob',
  clientId: 'b',
  connectionId: 'c',
  serverNodeId: '~s',
  epoch: 'e',
  resumed: true,
  floorSeq: 1,
  tailSeq: 0,
  ackedSeq: 0,
  maxFrameBytes: 1,
  window: 1,
  windowBytes: 1,
  pingIntervalMs: 1,
};
const page = {
  frames: [goneFrame(1, 'expired'), durableFrame(2, 1, body)],
  epoch: 'e',
  floorSeq: 1,
  tailSeq: 2,
  ackedSeq: 0,
  complete: false,
};

/** What the encoder makes, by the name that an example of it has in the document. */
const ENCODED: Readonly<Record<string, string>> = {
  durable: durableFrame(1, 1, body),
  transient: transientFrame(1, messageBody(now, 'm', { srcId: 'sensor', srcClientId: null })),
  hello: helloFrame(hello),
  'hello-unresumed': helloFrame({ ...hello, clientId: null, resumed: false, reason: 'insufficient_state' }),
  receipt: receiptFrame('m', 'stored'),
  delivered: deliveredFrame('m', 'bob'),
  'in-session': inGroup(inSession),
  'from-anonymous': inGroup(messageBody(toSession, 'm', { srcId: '~a', srcClientId: null })),
  private: inGroup(messageBody(toMember, 'm', fromAlice)),
  'transient-in-session': transientFrame(
    1,
    messageBody({ ...now, destination: toSession.destination }, 'm', fromAlice),
  ),
  'to-client': inGroup(messageBody(toClient, 'm', fromAlice)),
  joined: happened(TYPE.joined),
  left: happened(TYPE.left),
  revealed: happened(TYPE.revealed, '{"node_id":"n"}'),
  ended: happened(TYPE.ended),
  gap: durableFrame(2, 1, gapBody(toSession.destination, 1)),
  'gap-of-client': durableFrame(2, 1, gapBody({ kind: 'client', clientId: 'b' }, 1)),
  'member-unknown': refusalFrame(new Refusal('member_unknown', { field: 'dest_id' }), 'm', toMember.destination),
  'error-final': refusalFrame(new Refusal('inbox_full'), 'm', toBob.destination),
  'error-field': refusalFrame(new Refusal('invalid_field', { field: 'report' }), 'm'),
  'error-retry': refusalFrame(new Refusal('retry_later'), 'm', toBob.destination),
  'node-unknown': refusalFrame(new Refusal('node_unknown'), 'm', toBob.destination),
  offline: offlineFrame('bob', 'm'),
  'session-denied': refusalFrame(new Refusal('session_denied'), 'm', { kind: 'session', sessionId: 's' }),
  page: inboxPageFrame(page, 'p'),
  gone: goneFrame(1, 'expired'),
  here: hereFrame('h'),
  move: moveFrame('ws://b', 'k', 1),
};

const shapeOfText = (text: string): unknown => shapeOf(JSON.parse(text));

function refusalOf(text: string): unknown {
  try {
    return decodeFrame(text, LIMITS);
  } catch (error) {
    return error;
  }
}

describe(`docs/protocol.md, with ${clientFrames.length} frames of clients and ${serverFrames.length} of servers`, () => {
  it('has as many examples as there are', () => {
    expect(accepted.length).toBe(13);
    expect(refused.length).toBe(17);
    expect(serverFrames.length).toBe(31);
    expect(transcript.length).toBe(16);
    expect(examples('request').length).toBe(Object.keys(REQUESTS).length);
    expect(examples('response').length).toBe(Object.keys(RESPONSES).length);
    const kinds = blocks.filter(({ words }) => words[0] === 'json').map(({ words }) => words[1]);
    expect(new Set(kinds)).toEqual(new Set(['claims', 'client', 'request', 'response', 'server']));
  });

  it.each(accepted)('shows at line $line a frame that the server takes', ({ text }) => {
    expect(() => decodeFrame(text, LIMITS)).not.toThrow();
  });

  it('shows every kind of frame that the server takes', () => {
    const kinds = accepted.map(({ text }) => decodeFrame(text, LIMITS).kind);
    expect(new Set(kinds)).toEqual(new Set(['ack', 'alive', 'areYouThere', 'fetchInbox', 'message']));
  });

  it.each(refused)('shows at line $line a frame that is refused with the code that it says', (fence) => {
    const refusal = refusalOf(fence.text);
    expect(refusal).toBeInstanceOf(Refusal);
    const { code, field } = refusal as Refusal;
    expect({ code, field }).toEqual({ code: optionOf(fence, 'refused'), field: optionOf(fence, 'field') });
  });

  it('names every code that a frame alone can be refused with', () => {
    const manyKeys = JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 0])));
    expect(refusalOf(manyKeys)).toMatchObject({ code: 'too_many_keys' });
    const section = markdown.slice(markdown.indexOf('### Wrong frames'), markdown.indexOf('## Frames from the server'));
    const named = [...section.matchAll(/^`([a-z_]+)`: /gm)].map(([, code]) => code);
    const examined = refused.map((fence) => optionOf(fence, 'refused'));
    expect(new Set(named)).toEqual(new Set([...examined, 'too_many_keys']));
  });

  it.each(serverFrames)('shows at line $line the fields that the encoder writes', ({ words, text }) => {
    const encoded = ENCODED[words[2] ?? ''];
    expect(encoded, `an encoder for ${words[2]}`).toBeDefined();
    expect(shapeOfText(text)).toEqual(shapeOfText(encoded ?? ''));
  });

  it('shows every frame that the encoder can write', () => {
    const names = new Set(serverFrames.map(({ words }) => words[2]));
    expect(Object.keys(ENCODED).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each(transcript)('shows in its worked example a frame that can travel: %s', (line) => {
    const text = line.slice(2);
    if (line.startsWith('C')) return expect(() => decodeFrame(text, LIMITS)).not.toThrow();
    const known = Object.values(ENCODED).map(shapeOfText);
    return expect(known).toContainEqual(shapeOfText(text));
  });
});

/** What the sender of the worked example is told of a message that it may not send yet. */
const OVERTAKES = 'an earlier message has to come first';

describe('the worked example of docs/protocol.md', () => {
  it('is what the memory of failures does', () => {
    const failStop = new FailStop(new ManualClock(), { failStopMs: 30_000, failStopMessages: 1_000 }, () => {});
    const entered = new Map<string, { to: string; ordinal: number | undefined }>();
    const answers = transcript.map((line) => {
      const {
        id,
        dest_id: to,
        reason,
      } = JSON.parse(line.slice(2)) as { id: string; dest_id?: string; reason?: string };
      if (to !== undefined) return void entered.set(id, { to, ordinal: failStop.enter(to, id) });
      const place = entered.get(id);
      const failed = reason !== undefined && reason !== OVERTAKES;
      if (failed && place?.ordinal !== undefined) failStop.fail(place.to, id, place.ordinal);
      return [id, reason === OVERTAKES, place?.ordinal === undefined] as const;
    });
    const compared = answers.filter((answer) => answer !== undefined);
    expect(compared.filter(([, told]) => told)).toHaveLength(2);
    expect(compared.filter(([, told, held]) => told !== held)).toEqual([]);
    failStop.stop();
  });
});

describe('the lists of docs/protocol.md', () => {
  it('name every code with its status, and no other', () => {
    const codes = tables(markdown).find(({ head }) => head[0] === 'code' && head[1] === 'status');
    const listed = codes?.rows.map(([code, status]) => [withoutTicks(code), Number(status)]);
    expect(listed).toEqual(Object.entries(REFUSALS).map(([code, { status }]) => [code, status]));
  });

  it('name every close code, with whether a client comes back', () => {
    const closes = tables(markdown).find(({ head }) => head[0] === 'code' && head[1] === 'come back');
    const listed = new Map(closes?.rows.map(([code, back]) => [Number(code), back === 'yes']));
    expect(Object.values(CLOSE).filter((code) => !listed.has(code))).toEqual([]);
    expect(listed.size).toBeGreaterThanOrEqual(Object.keys(CLOSE).length);
    for (const [code, back] of listed) expect([code, back]).toEqual([code, invitesBack(code)]);
  });

  it('name every type of the protocol', () => {
    const headings = [...prose(markdown).matchAll(/^### (-\d+) /gm)].map(([, type]) => Number(type));
    const events = tables(markdown).find(({ head }) => head[0] === 'type')?.rows ?? [];
    const named = [...headings, ...events.map(([type]) => Number(type))];
    expect(named.sort((a, b) => a - b)).toEqual(Object.values(TYPE).sort((a, b) => a - b));
  });

  it('name only settings that exist', () => {
    const named = [...prose(markdown).matchAll(/`([A-Z][A-Z0-9_]+)(?:=[^`]*)?`/g)].map(([, name = '']) => name);
    expect(new Set(named).size).toBeGreaterThanOrEqual(70);
    expect(named.filter((name) => !settableNames.includes(name))).toEqual([]);
  });
});

const REQUESTS = {
  'pre-connections': PreConnectionRequest,
  messages: BatchRequest,
  'inbox-ack': Acknowledgement,
  session: SessionRequest,
  'session-of-app': SessionRequest,
  game: SessionRequest,
  join: JoinRequest,
  'join-another': JoinRequest,
  unjoin: UnjoinRequest,
  revocation: RevocationRequest,
};
const RESPONSES = {
  problem: Problem,
  'pre-connections': PreConnection,
  messages: BatchResults,
  inbox: InboxPage,
  'inbox-ack': Acknowledged,
  node: Node,
  disconnected: Disconnected,
  revocation: Revocation,
  session: Session,
  'session-of-app': Session,
  game: Session,
  sessions: SessionList,
  'session-seen': Session,
  'session-denied': Problem,
  join: Membership,
  'join-another': Membership,
  unjoin: SessionNamed,
  reveal: Membership,
  'session-ended': SessionNamed,
  'session-messages': EntryPage,
  'client-messages': EntryPage,
};

describe('the calls of docs/protocol.md', () => {
  it.each(Object.entries(REQUESTS))('show a body of %s that the server takes', (name, schema) => {
    expect(schema.parse(parsed('request', name))).toEqual(parsed('request', name));
  });

  it.each(Object.entries(RESPONSES))('show an answer of %s with the fields that it has', (name, schema) => {
    expect(schema.parse(parsed('response', name))).toEqual(parsed('response', name));
  });

  it('show a batch whose elements the codec takes', () => {
    const list = slices(shown('request', 'messages')).find(({ name }) => name === 'messages');
    const messages = slices(list?.raw ?? '[]').map(({ raw }) => decodeBatchElement(raw, LIMITS, false));
    expect(messages).toHaveLength(3);
  });

  it('show a page with the fields that the encoder writes', () => {
    expect(shapeOf(parsed('response', 'inbox'))).toEqual(shapeOfText(inboxPageJson(page)));
    const entries = [eventBody(TYPE.joined, 's', 'i', 'n'), inSession];
    const frames = entries.map((text, index) => transientFrame(1, groupBody(index, text)));
    expect(shapeOf(parsed('response', 'session-messages'))).toEqual(
      shapeOfText(entryPageJson({ frames, tail: 9, complete: false })),
    );
  });

  it('show a problem with all that the code gives it', () => {
    const { fields, request_id: id } = parsed('response', 'problem') as ReturnType<typeof problemOf>;
    const [first, ...others] = fields ?? [];
    expect(parsed('response', 'problem')).toEqual(problemOf(Refusal.ofFields([first!, ...others]), id));
  });
});
