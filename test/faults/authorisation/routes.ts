import { ALIAS, PASSENGER, type Principal } from './principals.js';

/** The status that each is answered, and the code where it is a refusal. */
type Expected = Readonly<Record<Principal, string>>;

export interface RouteRow {
  /** As the server's own description names it. */
  readonly route: string;
  /** Which of several ways to call it this is. */
  readonly way?: string;
  readonly path?: (session: string) => string;
  readonly body?: unknown;
  /** Each gets a session of its own, which may be another one afterwards. */
  readonly changes?: true;
  readonly expected: Expected;
}

const UNAUTHORIZED = '401 unauthorized';
const DENIED = '403 session_denied';
const FORBIDDEN = '403 forbidden';
const UNKNOWN_MEMBER = '404 member_unknown';

function keyless(answer: string): Pick<Expected, 'no key' | 'another kind of key' | 'a backend with a wrong key'> {
  return { 'no key': answer, 'another kind of key': answer, 'a backend with a wrong key': answer };
}

/** By a key of any node: the same for all. */
function keyed(answer: string, app = answer): Expected {
  const nodes = { stranger: answer, 'ex-member': answer, member: answer, 'hidden member': answer, owner: answer };
  return { ...keyless(UNAUTHORIZED), ...nodes, app, admin: app };
}

const OPEN = (status: string): Expected => ({ ...keyed(status), ...keyless(status) });

/** Nothing for whoever is outside. */
function members(answers: { member?: string; hidden?: string; owner?: string; app?: string } = {}): Expected {
  const { member = '200', hidden = member, owner = '200', app = '200' } = answers;
  return { ...keyed(DENIED, app), member, 'hidden member': hidden, owner };
}

const session =
  (of = ''): ((id: string) => string) =>
  (id) =>
    `/v1/sessions/${id}${of}`;

export const ROUTES: readonly RouteRow[] = [
  { route: 'POST /v1/pre-connections', expected: keyed('201') },
  { route: 'POST /v1/messages', body: { messages: [] }, expected: keyed('200') },
  { route: 'GET /v1/inbox', expected: keyed('200') },
  { route: 'POST /v1/inbox/ack', body: { seq: 0 }, expected: keyed('200') },
  { route: 'POST /v1/sessions', expected: keyed('201') },
  {
    route: 'POST /v1/sessions',
    way: 'with members',
    body: { members: [{ node_id: PASSENGER }] },
    expected: keyed(FORBIDDEN, '201'),
  },
  { route: 'GET /v1/sessions', expected: keyed('200') },
  { route: 'GET /v1/sessions/{id}', path: session(), expected: members() },
  { route: 'GET /v1/sessions/{id}/messages', path: session('/messages'), expected: members() },
  { route: 'POST /v1/sessions/{id}/join', path: session('/join'), changes: true, expected: members() },
  {
    route: 'POST /v1/sessions/{id}/join',
    way: 'anonymously',
    path: session('/join'),
    body: { anonymous: true },
    changes: true,
    expected: members(),
  },
  {
    route: 'POST /v1/sessions/{id}/join',
    way: 'for another',
    path: session('/join'),
    body: { node_id: PASSENGER },
    changes: true,
    expected: members({ member: FORBIDDEN, owner: '403 anonymous_present' }),
  },
  {
    route: 'POST /v1/sessions/{id}/join',
    way: 'for another, anonymously',
    path: session('/join'),
    body: { node_id: PASSENGER, anonymous: true },
    changes: true,
    expected: members({ member: FORBIDDEN, owner: FORBIDDEN }),
  },
  {
    route: 'POST /v1/sessions/{id}/join',
    way: 'with an alias',
    path: session('/join'),
    body: { alias: '~chosen' },
    changes: true,
    expected: keyed(FORBIDDEN, '200'),
  },
  {
    route: 'POST /v1/sessions/{id}/unjoin',
    path: session('/unjoin'),
    changes: true,
    expected: members({ app: UNKNOWN_MEMBER }),
  },
  {
    route: 'POST /v1/sessions/{id}/unjoin',
    way: 'another',
    path: session('/unjoin'),
    body: { node_id: 'owner' },
    changes: true,
    expected: members({ member: FORBIDDEN }),
  },
  {
    route: 'POST /v1/sessions/{id}/unjoin',
    way: 'a hidden one by its node',
    path: session('/unjoin'),
    body: { node_id: 'hidden' },
    changes: true,
    expected: members({ member: FORBIDDEN, hidden: '200', owner: UNKNOWN_MEMBER }),
  },
  {
    route: 'POST /v1/sessions/{id}/unjoin',
    way: 'a hidden one by its alias',
    path: session('/unjoin'),
    body: { alias: ALIAS },
    changes: true,
    expected: members({ member: FORBIDDEN, hidden: '200' }),
  },
  {
    route: 'POST /v1/sessions/{id}/unjoin',
    way: 'one who is not there',
    path: session('/unjoin'),
    body: { node_id: PASSENGER },
    changes: true,
    expected: members({ member: FORBIDDEN, owner: UNKNOWN_MEMBER, app: UNKNOWN_MEMBER }),
  },
  {
    route: 'POST /v1/sessions/{id}/reveal',
    path: session('/reveal'),
    changes: true,
    expected: members({ app: UNKNOWN_MEMBER }),
  },
  {
    route: 'DELETE /v1/sessions/{id}',
    path: session(),
    changes: true,
    expected: members({ member: FORBIDDEN }),
  },
  {
    route: 'GET /v1/clients/{id}/messages',
    path: () => '/v1/clients/member-person/messages',
    expected: { ...keyed(FORBIDDEN, '200'), member: '200' },
  },
  {
    route: 'GET /v1/clients/{id}/messages',
    way: 'of nobody',
    path: () => '/v1/clients/no-such-person/messages',
    expected: keyed(FORBIDDEN, '404 node_unknown'),
  },
  { route: 'GET /v1/nodes/{id}', path: () => '/v1/nodes/member', expected: keyed(FORBIDDEN, '200') },
  {
    route: 'GET /v1/nodes/{id}',
    way: 'of nobody',
    path: () => '/v1/nodes/no-such-node',
    expected: keyed(FORBIDDEN, '404 node_unknown'),
  },
  {
    route: 'DELETE /v1/nodes/{id}/connections',
    path: () => '/v1/nodes/no-such-node/connections',
    expected: keyed(FORBIDDEN, '200'),
  },
  {
    route: 'DELETE /v1/connections/{id}',
    path: () => '/v1/connections/no-such-connection',
    expected: keyed(FORBIDDEN, '200'),
  },
  {
    route: 'POST /v1/revocations',
    body: { node_id: 'no-such-node' },
    expected: keyed(FORBIDDEN, '201'),
  },
  { route: 'GET /metrics', expected: keyed(FORBIDDEN, '200') },
  { route: 'GET /connect', expected: OPEN('426 upgrade_required') },
  { route: 'GET /livez', expected: OPEN('200') },
  { route: 'GET /readyz', expected: OPEN('200') },
  { route: 'GET /docs', expected: OPEN('200') },
  { route: 'GET /openapi.json', expected: OPEN('200') },
];

/** Calls that nobody thought of. */
export function withoutRow(described: readonly string[], rows: readonly RouteRow[]): string[] {
  const known = new Set(rows.map(({ route }) => route));
  return described.filter((route) => !known.has(route));
}
