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

/** Types that only the server says: a frame of that type with a destination, and one without. */
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
  const serverOnly = SERVERS.map((kind): FrameRow => {
    const frame = (session: string): Record<string, unknown> => ({ dest_session_id: session, type: types[kind] });
    return { name: `${kind} of a client`, kind, frame, all: RESERVED };
  });
  const events = EVENTS.map((kind): FrameRow => {
    const frame = (session: string): Record<string, unknown> => ({ dest_session_id: session, type: types[kind] });
    return { name: `${kind} of a client`, kind, frame, all: RESERVED };
  });
  return [...MESSAGES, ...CONTROL(types), ...serverOnly, ...events];
}

const MESSAGES: readonly FrameRow[] = [
  { name: 'to a node', kind: 'message', frame: () => ({ dest_id: 'passenger' }), all: STORED },
  { name: 'to a client', kind: 'message', frame: () => ({ dest_client_id: 'member-person' }), all: STORED },
  { name: 'to nowhere', kind: 'message', frame: () => ({ payload: 1 }), all: BAD },
  {
    name: 'to a session',
    kind: 'message',
    frame: (session) => ({ dest_session_id: session, payload: 1 }),
    all: STORED,
    but: OUTSIDE,
  },
  {
    name: 'to a session, transient',
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
