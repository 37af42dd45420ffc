import { z } from 'zod';
import {
  Alias,
  AnyId,
  bodyWanted,
  ChosenId,
  messageFields,
  Milliseconds,
  WholeNumber,
  WholeNumberText,
} from './wire.js';

const MAX_METADATA_BYTES = 4_096;
const METADATA_WANTED = `an object of at most ${MAX_METADATA_BYTES} bytes as JSON text`;
const BOOLEAN_WANTED = 'true or false';
const ALIAS_MEANS = 'An alias makes the seat an anonymous one. App keys only';
const SEAT_EXAMPLE = { node_id: 'bob-phone', anonymous: true, alias: '~Kq3vXn0bT1mZ8yR4cW6dUw' };

const seat = { anonymous: z.boolean(BOOLEAN_WANTED).optional(), alias: Alias.optional().describe(ALIAS_MEANS) };

interface SeatFields {
  readonly anonymous?: boolean;
  readonly alias?: string;
}

const isOneSeat = ({ anonymous, alias }: SeatFields): boolean => alias === undefined || anonymous !== false;
const ONE_SEAT = { path: ['alias'], error: 'no alias for a visible member' };

const Seat = z
  .strictObject({ node_id: ChosenId, ...seat }, { error: bodyWanted('an object with node_id, anonymous?, alias?') })
  .refine(isOneSeat, ONE_SEAT)
  .meta({ id: 'Seat', examples: [SEAT_EXAMPLE] });

const isSmall = (metadata: object): boolean => Buffer.byteLength(JSON.stringify(metadata)) <= MAX_METADATA_BYTES;
const areOnce = (seats: ReadonlyArray<{ readonly node_id: string }>): boolean =>
  new Set(seats.map(({ node_id: nodeId }) => nodeId)).size === seats.length;

const SessionType = z.enum(['normal', 'game'], 'normal or game');
const HISTORY_MEANS = 'joined: a member reads what its stays cover; all: everything';
const History = z.enum(['joined', 'all'], 'joined or all').describe(HISTORY_MEANS);
const Metadata = z.record(z.string(), z.unknown(), METADATA_WANTED);

export const SessionRequest = z
  .strictObject(
    {
      session_id: ChosenId.optional().describe('Of one’s own choice: app keys only'),
      type: SessionType.optional().describe('Default: normal'),
      master_node_id: ChosenId.optional().describe('Of a game only; default: its creator'),
      anyone_can_join: z.boolean(BOOLEAN_WANTED).optional().describe('Default: false'),
      anonymous: z
        .boolean(BOOLEAN_WANTED)
        .optional()
        .describe('The creator’s own seat is an anonymous one; default: false'),
      notify_limit: WholeNumber.optional().describe(
        'Messages go to so many of the newest members; 0, the default: to all',
      ),
      history: History.optional().describe(`${HISTORY_MEANS}. Default: joined`),
      members: z
        .array(Seat, 'a list of members')
        .refine(areOnce, 'each node once')
        .optional()
        .describe('App keys only'),
      metadata: Metadata.refine(isSmall, METADATA_WANTED).optional().describe('At most 4 KiB'),
    },
    { error: bodyWanted('a JSON object') },
  )
  .refine(({ type, master_node_id: master }) => master === undefined || type === 'game', {
    path: ['master_node_id'],
    error: 'only with a game',
  })
  .meta({
    id: 'SessionRequest',
    examples: [{ anyone_can_join: true, history: 'all', metadata: { title: 'Tea' } }],
  });

const Member = z
  .object({
    node_id: ChosenId.optional().describe('Of an anonymous member: shown to apps only'),
    alias: Alias.optional().describe('Of an anonymous member'),
    anonymous: z.boolean(),
    role: z.enum(['owner', 'master', 'member']),
  })
  .meta({ id: 'Member', examples: [{ alias: SEAT_EXAMPLE.alias, anonymous: true, role: 'member' }] });

const sessionFields = {
  session_id: ChosenId,
  type: SessionType,
  owner: AnyId.nullable().describe('null: it left'),
  master: AnyId.nullable().describe('Of a game; null: it left'),
  anyone_can_join: z.boolean(),
  notify_limit: WholeNumber,
  history: History,
  created_at: Milliseconds,
  metadata: z.record(z.string(), z.unknown()),
  you: z.object({ node_id: ChosenId, alias: Alias.optional() }).nullable().describe('null: you are no member'),
};

const SESSION_EXAMPLE = {
  session_id: 'mJ0b2nT7aQ9xL4vE1cZ5kw',
  type: 'normal',
  owner: 'alice-phone',
  master: null,
  anyone_can_join: true,
  notify_limit: 0,
  history: 'all',
  created_at: 1_767_225_600_123,
  metadata: { title: 'Tea' },
  you: { node_id: 'alice-phone' },
};

export const Session = z
  .object({
    ...sessionFields,
    members: z.array(Member).describe('A page, sorted by what they are known by'),
    next_members_cursor: AnyId.nullable().describe('members_cursor of the next page; null at the end'),
  })
  .meta({
    id: 'Session',
    examples: [
      {
        ...SESSION_EXAMPLE,
        members: [
          { node_id: 'alice-phone', anonymous: false, role: 'owner' },
          { alias: SEAT_EXAMPLE.alias, anonymous: true, role: 'member' },
        ],
        next_members_cursor: null,
      },
    ],
  });

const ListedSession = z.object(sessionFields).meta({ id: 'ListedSession', description: 'Without its members' });

export const SessionList = z
  .object({
    sessions: z.array(ListedSession),
    next_cursor: ChosenId.nullable().describe('cursor of the next page; null at the end'),
  })
  .meta({ id: 'SessionList', examples: [{ sessions: [SESSION_EXAMPLE], next_cursor: null }] });

export const SessionListQuery = z.strictObject({ cursor: ChosenId.optional(), limit: WholeNumberText.optional() });
export const MembersQuery = z.strictObject({ members_cursor: AnyId.optional() });
export const EntryBounds = z.strictObject({
  after: WholeNumberText.optional(),
  before: WholeNumberText.optional(),
  limit: WholeNumberText.optional(),
});

const ENTRY_EXAMPLE = {
  timestamp: 1_767_225_600_456,
  session_seq: 2,
  type: 0,
  dest_session_id: SESSION_EXAMPLE.session_id,
  id: 'm-1',
  src_id: 'alice-phone',
  src_client_id: 'alice',
  payload: { text: 'Good morning' },
};

const Entry = z
  .object({
    session_seq: WholeNumber.describe('Rises, with holes: not every entry is for everybody'),
    timestamp: Milliseconds,
    type: z.int().describe('100 joined, 103 left, 104 revealed itself, 105 ended; else the application’s own'),
    id: z.string(),
    src_id: AnyId,
    src_client_id: z.string().optional(),
    ...messageFields,
  })
  .meta({ id: 'Entry', examples: [ENTRY_EXAMPLE] });

export const EntryPage = z
  .object({
    messages: z.array(Entry),
    tail: WholeNumber.describe('The newest session_seq'),
    complete: z.boolean().describe('Whether nothing more lies between the bounds'),
  })
  .meta({ id: 'EntryPage', examples: [{ messages: [ENTRY_EXAMPLE], tail: 2, complete: true }] });

export const JoinRequest = z
  .strictObject(
    { node_id: ChosenId.optional().describe('Default: oneself'), ...seat },
    { error: bodyWanted('a JSON object with node_id?, anonymous?, alias?') },
  )
  .refine(isOneSeat, ONE_SEAT)
  .meta({ id: 'JoinRequest', examples: [{ anonymous: true }] });

export const UnjoinRequest = z
  .strictObject(
    { node_id: ChosenId.optional().describe('Default: oneself'), alias: Alias.optional() },
    { error: bodyWanted('a JSON object with node_id? or alias?') },
  )
  .refine(({ node_id: nodeId, alias }) => nodeId === undefined || alias === undefined, {
    path: ['alias'],
    error: 'node_id or alias, not both',
  })
  .meta({ id: 'UnjoinRequest', examples: [{ node_id: 'bob-phone' }] });

export const RevealRequest = z
  .strictObject({}, { error: bodyWanted('an empty JSON object, or no body') })
  .meta({ id: 'RevealRequest', examples: [{}] });

export const Membership = z.object({ session_id: ChosenId, member: Member }).meta({
  id: 'Membership',
  examples: [
    { session_id: SESSION_EXAMPLE.session_id, member: { node_id: 'bob-phone', anonymous: false, role: 'member' } },
  ],
});

export const SessionNamed = z
  .object({ session_id: ChosenId })
  .meta({ id: 'SessionNamed', examples: [{ session_id: SESSION_EXAMPLE.session_id }] });

export type SessionRequest = z.infer<typeof SessionRequest>;
export type Session = z.infer<typeof Session>;
export type Member = z.infer<typeof Member>;
export type SessionList = z.infer<typeof SessionList>;
export type SessionListQuery = z.infer<typeof SessionListQuery>;
export type MembersQuery = z.infer<typeof MembersQuery>;
export type EntryBounds = z.infer<typeof EntryBounds>;
export type JoinRequest = z.infer<typeof JoinRequest>;
export type UnjoinRequest = z.infer<typeof UnjoinRequest>;
export type RevealRequest = z.infer<typeof RevealRequest>;
export type Membership = z.infer<typeof Membership>;
export type SessionNamed = z.infer<typeof SessionNamed>;
