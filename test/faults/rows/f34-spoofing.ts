import { Dialogue, type Frame } from '../harness/dialogue.js';
import type { Random } from '../harness/random.js';
import type { Report } from '../harness/report.js';
import type { Row } from '../harness/row.js';
import type { ServerNode } from '../harness/server-node.js';
import { APP, call } from '../harness/session-calls.js';
import { FAMILIES } from '../harness/stores.js';

const TRIES = 1_000;
const BODY_TRIES = 300;
const FORGED = 'victim-7f3a';
const MEMBERS = ['bob', 'carol', 'mallory', 'masked'];
const ALIAS = '~somebody-else';
const FIELDS = [
  'src_id',
  'src_client_id',
  'timestamp',
  'seq',
  'session_seq',
  'alias',
  'anonymous',
  'anonymize_src_id',
  'anonymize',
  'src_alias',
  'from_session_seq',
  'node_id',
  'role',
  'owner',
  'client_id',
];
const TYPES = [-3, -4, -5, -102, -110, -112, -113, -114, -115, -116, -121, 100, 103, 104, 105];
const VALUES: readonly unknown[] = [FORGED, ALIAS, 1, true, null, { $ne: null }, [FORGED], ''];
/** What belongs into a body of such a call, by the path behind that of the session; to the others all is unknown. */
const CALLS: ReadonlyArray<{ readonly of: string; readonly known: readonly string[] }> = [
  { of: 'join', known: ['node_id', 'alias', 'anonymous'] },
  { of: 'unjoin', known: ['node_id', 'alias'] },
  { of: 'reveal', known: [] },
];
const OWN = { client_id: 'own' };

export const f34: Row = {
  id: 'F34',
  title: 'spoofing',
  families: FAMILIES,
  short: true,
  async run({ report, random, server: start }) {
    const server = await start({ RATE_PER_SECOND: '0', HTTP_RATE_PER_SECOND: '0' });
    // All are known, so that nothing is refused for naming a stranger.
    for (const node of [FORGED, ...MEMBERS]) await server.call(node, '/v1/inbox');
    const session = await sessionWith(server);
    const hearers = await Promise.all(
      ['bob', 'carol', 'masked'].map((node) => Dialogue.open(server.url, server.key(node))),
    );
    for (const [who, claims] of [
      ['mallory', OWN],
      ['masked', {}],
    ] as const) {
      const forger = await Dialogue.open(server.url, server.key(who, claims));
      await forge(report, random, { server, forger, who, session });
      await forgeBodies(report, random, server, who, session);
      await forger.close();
    }
    await judge(report, server, hearers, session);
  },
};

interface Forgery {
  readonly server: ServerNode;
  readonly forger: Dialogue;
  readonly who: string;
  readonly session: string;
}

/** All but the forged one are in it, one of them anonymously; the forger is no owner. */
async function sessionWith(server: ServerNode): Promise<string> {
  const members = MEMBERS.map((node) => ({ node_id: node, ...(node === 'masked' && { anonymous: true }) }));
  const { body } = await call(server, APP, '/v1/sessions', { members, anyone_can_join: true });
  return String(body['session_id']);
}

async function forge(report: Report, random: Random, { server, forger, who, session }: Forgery): Promise<void> {
  const claims = who === 'mallory' ? OWN : {};
  let refused = 0;
  for (let index = 0; index < TRIES; index += 1) {
    const frame = forged(random, `${who}-${index}`, session);
    if (index % 4 === 3) {
      const body = { messages: [frame] };
      const { results } = await server.json<{ results: Frame[] }>(who, '/v1/messages', body, claims);
      if (results[0]?.['status'] === 'refused') refused += 1;
    } else if ((await forger.ask(frame))['type'] === -113) refused += 1;
  }
  report.count(TRIES, `forged frames of ${who}`);
  report.exactly('refused', refused, TRIES);
  await forger.ask({ dest_session_id: session, id: `honest-${who}`, payload: 'honest' });
  await forger.ask({ dest_id: 'bob', id: `direct-${who}`, payload: 'direct' });
}

function forged(random: Random, id: string, session: string): Frame & { id: string } {
  const to = random.pick<Frame>([
    { dest_id: 'bob' },
    { dest_session_id: session },
    { dest_session_id: session },
    { dest_session_id: session, dest_id: 'carol' },
    { dest_client_id: 'own' },
  ]);
  const frame = { ...to, id, ...(random.int(0, 1) === 0 && { transient: true }) };
  if (random.int(0, 2) === 0) return { ...frame, type: random.pick(TYPES) };
  return { ...frame, [random.pick(FIELDS)]: random.pick(VALUES) };
}

/** Nothing that a call does not know is passed over: it is refused, and nothing happens. */
async function forgeBodies(
  report: Report,
  random: Random,
  server: ServerNode,
  who: string,
  session: string,
): Promise<void> {
  let refused = 0;
  for (let index = 0; index < BODY_TRIES; index += 1) {
    const { of, known } = random.pick(CALLS);
    const field = random.pick([...FIELDS, 'dest_id'].filter((name) => !known.includes(name)));
    const path = `/v1/sessions/${session}/${of}`;
    const { status } = await call(server, { node: who }, path, { [field]: random.pick(VALUES) });
    if (status === 400) refused += 1;
  }
  // In another's name, or under an alias of its own choice, nobody who is no owner does anything either.
  const others: ReadonlyArray<readonly [string, object]> = [
    ['join', { node_id: FORGED }],
    ['join', { node_id: FORGED, anonymous: true }],
    ['join', { alias: ALIAS }],
    ['unjoin', { node_id: 'bob' }],
  ];
  for (const [of, body] of others) {
    const { status } = await call(server, { node: who }, `/v1/sessions/${session}/${of}`, body);
    if (status === 403) refused += 1;
  }
  report.count(BODY_TRIES + others.length, `forged bodies of ${who}`);
  report.exactly('refused', refused, BODY_TRIES + others.length);
}

async function judge(report: Report, server: ServerNode, hearers: readonly Dialogue[], session: string): Promise<void> {
  const [bob] = hearers as [Dialogue];
  await bob.find(({ payload, src_id: src }) => payload === 'direct' && src === 'masked');
  await bob.find(({ payload, src_id: src }) => payload === 'honest' && String(src).startsWith('~'));
  const heard = hearers.flatMap((hearer) => hearer.heard.filter(({ type }) => type !== -110));
  report.exactly('reached somebody', heard.filter((frame) => !isHonest(frame)).length, 0);
  const text = JSON.stringify(heard);
  report.exactly('forged names heard', [FORGED, ALIAS].filter((name) => text.includes(name)).length, 0);
  const sources = new Set(
    bob.heard.filter(({ payload }) => payload === 'honest').map(({ src_id: src }) => String(src)),
  );
  report.holdsThat('the honest ones bear what they are known by', sources.size === 2 && sources.has('mallory'));
  const { body } = await call(server, APP, `/v1/sessions/${session}`);
  const members = body['members'] as Array<{ node_id: string; alias?: string; anonymous: boolean }>;
  const are = members.map(({ node_id: node, anonymous }) => `${node} ${anonymous}`).toSorted();
  const should = MEMBERS.map((node) => `${node} ${node === 'masked'}`).toSorted();
  report.holdsThat('the members are who they were', JSON.stringify(are) === JSON.stringify(should));
}

function isHonest({ payload }: Frame): boolean {
  return payload === 'honest' || payload === 'direct';
}
