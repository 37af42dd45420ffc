import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Party, refusalIn } from '../support/party.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let owner: Party;
let stranger: Party;
let former: Party;
let app: Party;
let present: string;
let ended: string;
/** Every call of one session, as the server describes it. */
let calls: Array<readonly [method: string, path: string]>;

const CALLS = 6;

beforeAll(async () => {
  server = await TestServer.start();
  [owner, stranger, former] = (await Party.known(server, 'owner', 'stranger', 'former')) as [Party, Party, Party];
  app = Party.app(server);
  present = await owner.create();
  ended = await owner.create();
  for (const id of [present, ended]) await owner.join(id, { node_id: 'former' });
  await former.unjoin(present);
  await owner.end(ended);
  const { paths } = (await stranger.ask('GET', '/openapi.json')).body as { paths: Record<string, object> };
  const ofOne = Object.entries(paths).filter(([path]) => path.startsWith('/v1/sessions/{id}'));
  calls = ofOne.flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
  );
});
afterAll(() => server.stop());

const answers = (party: Party, id: string): Promise<string[]> =>
  Promise.all(calls.map(async ([method, path]) => (await party.ask(method, path.replace('{id}', id))).whole));

describe('who is no member of a session', () => {
  it('gets for every call the very answer that it gets for a session that never was', async () => {
    expect(calls).toHaveLength(CALLS);
    const nothing = await answers(stranger, 'no-such-session');
    for (const each of nothing) expect(each).toMatch(/^403\n[^]*"code":"session_denied"/);
    expect(await answers(stranger, present)).toEqual(nothing);
    expect(await answers(former, present)).toEqual(nothing);
    expect(await answers(stranger, ended)).toEqual(nothing);
    expect(await answers(former, ended)).toEqual(nothing);
    expect(await answers(owner, ended)).toEqual(nothing);
  });

  it('learns as little by naming somebody', async () => {
    for (const [path, body] of [
      ['join', { node_id: 'owner' }],
      ['join', { node_id: 'nobody' }],
      ['join', { anonymous: true }],
      ['unjoin', { node_id: 'owner' }],
      ['unjoin', { alias: '~a' }],
    ] as const) {
      const nothing = await stranger.ask('POST', `/v1/sessions/no-such-session/${path}`, body);
      const something = await stranger.ask('POST', `/v1/sessions/${present}/${path}`, body);
      expect(something.whole).toBe(nothing.whole);
      expect(refusalIn(something)).toBe('403 session_denied');
    }
  });

  it('changes nothing by what it tries', async () => {
    await answers(stranger, present);
    expect(await owner.members(present)).toEqual([{ node_id: 'owner', anonymous: false, role: 'owner' }]);
  });

  it('may not write there, and is answered the same about no session at all', async () => {
    for (const party of [stranger, former])
      for (const id of [present, ended, 'no-such-session'])
        expect(await party.send({ dest_session_id: id })).toBe('session_denied');
    expect(await former.send({ dest_session_id: present, dest_id: 'owner' })).toBe('session_denied');
  });
});

describe('an app', () => {
  it('is told that there is no such session, or no more', async () => {
    for (const id of ['no-such-session', ended])
      for (const [method, path] of calls)
        expect(refusalIn(await app.ask(method, path.replace('{id}', id)))).toBe('404 session_unknown');
  });

  it('sees a session that it is no member of', async () => {
    const reply = await app.view(present);
    expect([reply.status, reply.body]).toMatchObject([200, { session_id: present, you: null }]);
  });
});
