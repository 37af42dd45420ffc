import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { REFUSALS, type RefusalCode } from '../../src/protocol/index.js';
import { apiDescriptionOf, codesOf, operationsOf } from '../support/api-description.js';
import { RawSocket } from '../support/raw-socket.js';
import { SessionTalk } from '../support/session-talk.js';
import { type Frame, Talker } from '../support/talker.js';
import { type KeyRequest, TestServer } from '../support/test-server.js';

const APP = { role: 'app' } as const;

let server: TestServer;
let others: TestServer[] = [];
let talker: Talker;
beforeAll(async () => {
  server = await TestServer.start({ INBOX_MAX_MESSAGES: '1', CLIENT_MAX_NODES: '1' });
  for (const name of ['ann', 'bob', 'cleo']) await server.json(name, '/v1/inbox');
  talker = await Talker.open(server, 'ann');
});
afterEach(async () => {
  await Promise.all(others.map((other) => other.stop()));
  others = [];
});
afterAll(async () => {
  Talker.hangUp();
  await server.stop();
});

async function another(settings: Readonly<Record<string, string>>): Promise<TestServer> {
  const started = await TestServer.start(settings);
  others.push(started);
  return started;
}

/** What a client is told, over whichever way; `status` where HTTP has one. */
interface Told {
  readonly code?: unknown;
  readonly status?: unknown;
  readonly retry_after_ms?: unknown;
}

/** What calls were told, for the comparison with the description at the end. */
const toldByRest: Array<{ readonly call: string; readonly code: unknown }> = [];
function noted(method: string, path: string, told: Told): Told {
  toldByRest.push({ call: `${method} ${path.split('?')[0]}`, code: told.code });
  return told;
}

const post = async (nodeId: string, path: string, body: unknown, request?: KeyRequest): Promise<Told> =>
  noted('POST', path, (await server.json(nodeId, path, body, request)) as Told);
const read = async (nodeId: string, path: string, request?: KeyRequest): Promise<Told> =>
  noted('GET', path, (await server.json(nodeId, path, undefined, request)) as Told);
const ofFetch = async (path: string, init?: RequestInit): Promise<Told> =>
  (await (await fetch(server.url + path, init)).json()) as Told;

async function said(text: string): Promise<Told> {
  talker.sendText(text);
  return talker.next(({ type }) => type === -113);
}

async function handshake(
  at: TestServer,
  query: string,
  headers: Readonly<Record<string, string | null>> = {},
): Promise<Told> {
  const authorization = `Bearer ${await at.key('ann')}`;
  const { socket, response } = await RawSocket.upgrade(Number(new URL(at.url).port), `/connect${query}`, {
    authorization,
    ...headers,
  });
  socket.destroy();
  return { ...(JSON.parse(response.body) as Told), status: response.status };
}

const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
const manyKeys = `{${Array.from({ length: 65 }, (_, index) => `"k${index}":1`).join(',')}}`;
const sessionOf = (...members: ReadonlyArray<string | Frame>): Promise<SessionTalk> => SessionTalk.of(server, members);

/** One way to each code; a code without a row does not compile. */
const WAYS: Readonly<Record<RefusalCode, () => Promise<Told>>> = {
  bad_json: () => said('{"dest_id":'),
  not_an_object: () => said('[]'),
  too_deep: () => said(`{"dest_id":"bob","payload":${deep}}`),
  too_many_keys: () => said(manyKeys),
  unknown_field: () => said('{"dest_id":"bob","colour":1}'),
  invalid_field: () => read('ann', '/v1/inbox?limit=0'),
  reserved_field: () => said('{"dest_id":"bob","src_id":"bob"}'),
  reserved_type: () => said('{"dest_id":"bob","type":100}'),
  bad_destination: () => said('{"payload":1}'),
  bad_handshake: () => handshake(server, '?epoch=e'),
  unauthorized: () => ofFetch('/v1/inbox'),
  forbidden: () => read('ann', '/v1/nodes/bob'),
  session_denied: () => read('ann', '/v1/sessions/nothing'),
  origin_refused: () => handshake(server, '', { origin: 'https://evil.example' }),
  anonymous_present: async () => {
    const { session_id: id } = (await server.json('ann', '/v1/sessions', { anonymous: true })) as Frame;
    return post('ann', `/v1/sessions/${String(id)}/join`, { node_id: 'bob' });
  },
  not_found: () => ofFetch('/nothing'),
  node_unknown: () => read('backend', '/v1/nodes/nobody', APP),
  member_unknown: async () => {
    const { id } = await sessionOf('ann');
    return post('backend', `/v1/sessions/${id}/unjoin`, { node_id: 'bob' }, APP);
  },
  session_unknown: () => read('backend', '/v1/sessions/nothing', APP),
  method_not_allowed: () => ofFetch('/v1/inbox', { method: 'PUT' }),
  session_exists: async () => {
    const { id } = await sessionOf();
    return post('backend', '/v1/sessions', { session_id: id }, APP);
  },
  id_conflict: async () => {
    await talker.ask({ dest_id: 'cleo', id: 'same', payload: 1 });
    return talker.ask({ dest_id: 'cleo', id: 'same', payload: 2 });
  },
  inbox_full: async () => {
    await talker.ask({ dest_id: 'bob' });
    return talker.ask({ dest_id: 'bob' });
  },
  alias_taken: () => {
    const members = ['ann', 'bob'].map((nodeId) => ({ node_id: nodeId, alias: '~same' }));
    return post('backend', '/v1/sessions', { members }, APP);
  },
  epoch_changed: () => post('ann', '/v1/inbox/ack', { seq: 0, epoch: 'another' }),
  no_master: async () => {
    const game = await SessionTalk.of(server, ['ann', 'bob'], { type: 'game', master_node_id: 'bob' });
    await game.unjoin('bob');
    return talker.ask(game.to());
  },
  too_many_members: async () => {
    await server.json('phone', '/v1/inbox', undefined, { clientId: 'family' });
    return read('tablet', '/v1/inbox', { clientId: 'family' });
  },
  too_large: () => post('ann', '/v1/inbox/ack', { seq: 0, epoch: 'x'.repeat(300_000) }),
  unsupported_media_type: async () => {
    const headers = { 'content-type': 'text/plain' };
    const answer = await server.call('ann', '/v1/inbox/ack', { method: 'POST', body: '{"seq":0}', headers });
    return (await answer.json()) as Told;
  },
  upgrade_required: () => ofFetch('/connect'),
  rate_limited: async () => {
    const slow = await another({ RATE_PER_SECOND: '1', RATE_BURST: '1', RATE_PAUSE_MS: '0' });
    const fast = await Talker.open(slow, 'ann');
    for (let count = 0; count < 10; count += 1) fast.send({ dest_id: 'ann', transient: true });
    return fast.next(({ type }) => type === -113);
  },
  too_many_connections: async () => {
    const small = await another({ CONNECTIONS_PER_ADDRESS: '1' });
    await Talker.open(small, 'ann');
    return handshake(small, '');
  },
  retry_later: async () => {
    const full = await another({ CAPACITY: '0' });
    return handshake(full, '');
  },
  no_server_node: async () => {
    const leaving = await another({ DRAIN_READINESS_MS: '2000' });
    const gone = leaving.stop();
    for (;;) {
      const told = (await leaving.json('ann', '/v1/pre-connections', {})) as Told;
      if (told.code === undefined) continue;
      others = others.filter((other) => other !== leaving);
      await gone;
      return told;
    }
  },
};

describe('a client can be told', () => {
  it.each(Object.keys(REFUSALS) as RefusalCode[])('%s', async (code) => {
    const told = await WAYS[code]();
    expect(told).toMatchObject({ code });
    const { status } = REFUSALS[code];
    if ('title' in told) expect(told).toMatchObject({ status, title: REFUSALS[code].title });
    const mayTryAgain = status === 429 || status === 503;
    expect(told).toEqual(
      mayTryAgain
        ? expect.objectContaining({ retry_after_ms: expect.any(Number) })
        : expect.not.objectContaining({ retry_after_ms: expect.anything() }),
    );
  });

  it('all codes of the catalogue and no other', () => {
    expect(Object.keys(WAYS).sort()).toEqual(Object.keys(REFUSALS).sort());
  });

  it('by a call only what the description lists with it', async () => {
    const operations = operationsOf(await apiDescriptionOf(server.url));
    expect(toldByRest.length).toBeGreaterThan(10);
    for (const { call, code } of toldByRest) {
      const [, operation] = operations.find(([name]) => templateOf(name).test(call))!;
      expect(codesOf(operation, REFUSALS[code as RefusalCode].status), call).toContain(code);
    }
  });
});

const templateOf = (name: string): RegExp => new RegExp(`^${name.replace(/\{\w+\}/g, '[^/]+')}$`);
