import { ALIAS, type Principal } from './principals.js';

/** What a frame of each is answered by, as `type status` or `type code`; `nothing` where none is due. */
type Expected = Readonly<Partial<Record<Principal, string>>>;

export interface FrameRow {
  readonly name: string;
  /** Of the server's own list of types; `message` for all that have none of these. */
  readonly kind: string;
  readonly frame: (session: string) => Record<string, unknown>;
  /** What those get of whom nothing else is said. */
  readonly all: string;
  readonly but?: Expected;
  readonly hasNoId?: true;
}

const STORED = '-112 stored';
const DENIED = '-5 session_denied';
const NOTHING = 'nothing';
const OUTSIDE = { stranger: DENIED, 'ex-member': DENIED };
const BAD = '-113 bad_destination';
const RESERVED = '-113 reserved_type';

/** Types that only the server says. */
const SERVERS = [
  'nodeUnknown',
  'offline',
  'sessionDenied',
  'inboxPage',
  'hello',
  'receipt',
  'error',
  'move',
  'gap',
  'gone',
  'here',
];
const EVENTS = ['joined', 'left', 'revealed', 'ended'];

export function frameRows(types: Readonly<Record<string, number>>): FrameRow[] {
  const ofTheServer = [...SERVERS, ...EVENTS].flatMap((kind): FrameRow[] => {
    const type = types[kind];
    const row = (way: string, to: (session: string) => object): FrameRow => ({
      name: `${kind} of a client${way}`,
      kind,
      frame: (session) => ({ ...to(session), type }),
      all: RESERVED,
    });
    return [
      row('', () => ({})),
      row(' to a node', () => ({ dest_id: 'passenger' })),
      row(' to a session', (session) => ({ dest_session_id: session })),
    ];
  });
  return [...MESSAGES, ...CONTROL(types), ...ofTheServer];
}

const MESSAGES: readonly FrameRow[] = [
  { name: 'to a node', kind: 'message', frame: () => ({ dest_id: 'passenger' }), all: STORED },
  { name: 'to a node, now', kind: 'message', frame: () => ({ dest_id: 'passenger', transient: true }), all: NOTHING },
  {
    name: 'to a node, with a report',
    kind: 'message',
    frame: () => ({ dest_id: 'passenger', report: ['delivered'] }),
    all: STORED,
  },
  { name: 'to a client', kind: 'message', frame: () => ({ dest_client_id: 'member-person' }), all: STORED },
  {
    name: 'to a client, now',
    kind: 'message',
    frame: () => ({ dest_client_id: 'member-person', transient: true }),
    all: NOTHING,
  },
  {
    name: 'to a node in the name of another',
    kind: 'message',
    frame: () => ({ dest_id: 'passenger', src_id: 'owner' }),
    all: '-113 reserved_field',
  },
  { name: 'to nowhere', kind: 'message', frame: () => ({ payload: 1 }), all: BAD },
  {
    name: 'to a session',
    kind: 'message',
    frame: (session) => ({ dest_session_id: session, payload: 1 }),
    all: STORED,
    but: OUTSIDE,
  },
  {
    name: 'to a session, now',
    kind: 'message',
    frame: (session) => ({ dest_session_id: session, transient: true }),
    all: NOTHING,
    but: OUTSIDE,
  },
  {
    name: 'to a visible member',
    kind: 'message',
    frame: (session) => ({ dest_session_id: session, dest_id: 'owner' }),
    all: STORED,
    but: OUTSIDE,
  },
  {
    name: 'to a visible member, now',
    kind: 'message',
    frame: (session) => ({ dest_session_id: session, dest_id: 'owner', transient: true }),
    all: NOTHING,
    but: OUTSIDE,
  },
  {
    name: 'to a hidden member',
    kind: 'message',
    frame: (session) => ({ dest_session_id: session, dest_id: ALIAS }),
    all: STORED,
    but: OUTSIDE,
  },
  {
    name: 'to a hidden member by its node',
    kind: 'message',
    frame: (session) => ({ dest_session_id: session, dest_id: 'hidden' }),
    all: '-113 member_unknown',
    but: OUTSIDE,
  },
  {
    name: 'to one who left',
    kind: 'message',
    frame: (session) => ({ dest_session_id: session, dest_id: 'ex-member' }),
    all: '-113 member_unknown',
    but: OUTSIDE,
  },
];

const CONTROL = (types: Readonly<Record<string, number>>): readonly FrameRow[] => [
  {
    name: 'an acknowledgement',
    kind: 'ack',
    frame: () => ({ type: types['ack'], seq: 0 }),
    hasNoId: true,
    all: NOTHING,
  },
  { name: 'a question', kind: 'areYouThere', frame: () => ({ type: types['areYouThere'] }), all: `${types['here']}` },
  {
    name: 'a look into the own inbox',
    kind: 'fetchInbox',
    frame: () => ({ type: types['fetchInbox'], payload: { fetch_inbox: { limit: 1 } } }),
    all: `${types['inboxPage']}`,
  },
];

/** Types, and ways to name a destination, that nobody thought of. */
export function withoutFrameRow(
  types: readonly string[],
  destinations: readonly string[],
  rows: readonly FrameRow[],
): string[] {
  const frames = rows.filter(({ kind }) => kind === 'message').map(({ frame }) => frame('s'));
  const written = new Set(frames.map((frame) => wayOf(Object.keys(frame), frame['transient'] === true)));
  const ways = [...destinations.map((name) => [name]), ['dest_session_id', 'dest_id']];
  const wanted = ways.flatMap((names) => [wayOf(names, false), wayOf(names, true)]);
  return [
    ...types.filter((kind) => !rows.some((row) => row.kind === kind)).map((kind) => `frames of type ${kind}`),
    ...wanted.filter((way) => !written.has(way)).map((way) => `frames to ${way}`),
  ];
}

function wayOf(names: readonly string[], transient: boolean): string {
  const named = names.filter((name) => name.startsWith('dest_')).toSorted();
  return `${named.join(' and ')}${transient ? ', now' : ''}`;
}
