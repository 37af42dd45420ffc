import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientHarness } from './testing/client-harness.js';

let harness: ClientHarness;

beforeEach(async () => {
  harness = await ClientHarness.start();
});

afterEach(() => harness.stop());

const SESSION = {
  session_id: 's1',
  type: 'game',
  owner: 'me',
  master: '~m',
  anyone_can_join: true,
  notify_limit: 0,
  history: 'joined',
  created_at: 5,
  metadata: { own_name: { in_there: 1 } },
  you: { node_id: 'me', alias: '~a' },
};
const MEMBER = { alias: '~m', anonymous: true, role: 'master' };

const answer = (body: object, status = 200): void => harness.server.answerNext({ status, body });

describe('calls about sessions', () => {
  it('create one, with the names of this library and metadata as it is', async () => {
    answer({ ...SESSION, members: [{ node_id: 'me', anonymous: false, role: 'owner' }, MEMBER] }, 201);
    const made = await harness.client.createSession({
      type: 'game',
      masterNodeId: 'm',
      anyoneCanJoin: true,
      notifyLimit: 3,
      members: [{ nodeId: 'm', anonymous: true }],
      metadata: { ownName: 1, own_name: 2 },
    });
    expect(made).toEqual({
      sessionId: 's1',
      type: 'game',
      owner: 'me',
      master: '~m',
      anyoneCanJoin: true,
      notifyLimit: 0,
      history: 'joined',
      createdAt: 5,
      metadata: { own_name: { in_there: 1 } },
      you: { nodeId: 'me', alias: '~a' },
      members: [{ nodeId: 'me', anonymous: false, role: 'owner' }, MEMBER],
    });
    const [call = ''] = harness.server.calls;
    expect(call.startsWith('POST /v1/sessions {')).toBe(true);
    expect(JSON.parse(call.slice('POST /v1/sessions '.length))).toEqual({
      type: 'game',
      master_node_id: 'm',
      anyone_can_join: true,
      notify_limit: 3,
      members: [{ node_id: 'm', anonymous: true }],
      metadata: { ownName: 1, own_name: 2 },
    });
  });

  it('read one, and the list of them, page by page', async () => {
    answer({ ...SESSION, you: null, members: [], next_members_cursor: '~m' });
    await expect(harness.client.session('s/1', '~b')).resolves.toMatchObject({ you: null, nextMembersCursor: '~m' });
    answer({ sessions: [SESSION], next_cursor: 's1' });
    await expect(harness.client.sessions({ limit: 1 })).resolves.toMatchObject({
      sessions: [{ sessionId: 's1', anyoneCanJoin: true }],
      nextCursor: 's1',
    });
    expect(harness.server.calls).toEqual(['GET /v1/sessions/s%2F1?members_cursor=~b', 'GET /v1/sessions?limit=1']);
  });

  it('join, leave, reveal and end', async () => {
    answer({ session_id: 's1', member: MEMBER });
    await expect(harness.client.joinSession('s1', { anonymous: true })).resolves.toEqual(MEMBER);
    answer({ session_id: 's1' });
    await harness.client.unjoinSession('s1', { alias: '~m' });
    answer({ session_id: 's1', member: { node_id: 'me', anonymous: false, role: 'member' } });
    await expect(harness.client.revealInSession('s1')).resolves.toMatchObject({ nodeId: 'me' });
    answer({ session_id: 's1' });
    await harness.client.endSession('s1');
    expect(harness.server.calls).toEqual([
      'POST /v1/sessions/s1/join {"anonymous":true}',
      'POST /v1/sessions/s1/unjoin {"alias":"~m"}',
      'POST /v1/sessions/s1/reveal {}',
      'DELETE /v1/sessions/s1',
    ]);
  });

  it('read what sessions and clients have, byte for byte', async () => {
    const body = {
      messages: [
        { type: 0, id: 'i1', src_id: 'bob', session_seq: 4, timestamp: 1, dest_session_id: 's1', payload: { a_b: 1 } },
        { type: 103, id: 'i2', src_id: '~m', session_seq: 6, timestamp: 1, dest_session_id: 's1' },
      ],
      tail: 7,
      complete: true,
    };
    answer(body);
    const page = await harness.client.sessionMessages('s1', { after: 3, limit: 2 });
    expect(page).toMatchObject({ tail: 7, complete: true });
    expect(page.messages).toMatchObject([
      { kind: 'message', sessionSeq: 4, payload: { a_b: 1 }, fromHistory: true, raw: JSON.stringify(body.messages[0]) },
      { kind: 'event', event: 'left', srcId: '~m', sessionSeq: 6, fromHistory: true },
    ]);
    answer({ messages: [], tail: 0, complete: true });
    await harness.client.clientMessages('c@1', { before: 9 });
    expect(harness.server.calls).toEqual([
      'GET /v1/sessions/s1/messages?after=3&limit=2',
      'GET /v1/clients/c%401/messages?before=9',
    ]);
  });

  it('reject with the code of a refusal, and ask for no new key because of it', async () => {
    let keys = 0;
    await harness.stop();
    harness = await ClientHarness.start({ authKey: () => `key${(keys += 1)}` });
    answer({ code: 'session_denied', detail: 'not a member, or no such session' }, 403);
    await expect(harness.client.session('s1')).rejects.toMatchObject({ code: 'session_denied', status: 403 });
    answer({ code: 'alias_taken', detail: 'taken', field: 'alias' }, 409);
    await expect(harness.client.joinSession('s1')).rejects.toMatchObject({ code: 'alias_taken', field: 'alias' });
    expect(keys).toBe(1);
  });
});
