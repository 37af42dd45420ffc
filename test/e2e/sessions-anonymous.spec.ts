import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Party, refusalIn } from '../support/party.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let owner: Party;
let bob: Party;
/** The one that hides: its name must not be found anywhere. */
let hidden: Party;
let app: Party;
beforeAll(async () => {
  server = await TestServer.start();
  [owner, bob, hidden] = (await Party.known(server, 'owner', 'bob', 'canary')) as [Party, Party, Party];
  app = Party.app(server);
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

async function withHidden(): Promise<{ id: string; alias: string }> {
  const id = await owner.create({ anyone_can_join: true });
  await bob.join(id);
  return { id, alias: await hidden.hide(id) };
}

describe('an anonymous member', () => {
  it('is known by its alias only, to everybody but itself and an app', async () => {
    const { id, alias } = await withHidden();
    await hidden.send({ dest_session_id: id, id: 'own-id', payload: 'hello' });
    await hidden.send({ dest_session_id: id, dest_id: 'bob', id: 'own-id-2', payload: 'psst' });
    for (const party of [owner, bob])
      for (const path of ['', '/messages']) {
        const { whole } = await party.ask('GET', `/v1/sessions/${id}${path}`);
        expect(whole).toContain(alias);
        expect(whole).not.toMatch(/canary|own-id/);
      }
    expect(await owner.members(id)).toContainEqual({ alias, anonymous: true, role: 'member' });
    expect((await hidden.view(id)).body).toMatchObject({ you: { node_id: 'canary', alias } });
    expect(await hidden.members(id)).toContainEqual({ alias, anonymous: true, role: 'member' });
    expect(await app.members(id)).toContainEqual({ node_id: 'canary', alias, anonymous: true, role: 'member' });
  });

  it('is a name in what happens and an alias in what arrives', async () => {
    const { id, alias } = await withHidden();
    const reader = await Talker.open(server, 'bob');
    await hidden.send({ dest_session_id: id, payload: 'hello' });
    const isIts = ({ dest_session_id: of, src_id: from }: Record<string, unknown>): boolean =>
      of === id && from === alias;
    expect(await reader.next(isIts)).toMatchObject({ type: 100 });
    const frame = await reader.next(isIts);
    expect(frame).toMatchObject({ payload: 'hello' });
    expect(frame).not.toHaveProperty('src_client_id');
    await hidden.unjoin(id);
    expect(await reader.next(isIts)).toMatchObject({ type: 103 });
    expect(reader.heard.join()).not.toContain('canary');
  });

  it('has another alias in every session and every stay', async () => {
    const [one, other] = [await withHidden(), await withHidden()];
    await hidden.unjoin(one.id);
    expect(new Set([one.alias, other.alias, await hidden.hide(one.id)]).size).toBe(3);
  });

  it('keeps the node that it has, by whatever it joins again', async () => {
    const { id, alias } = await withHidden();
    expect((await hidden.join(id)).body).toMatchObject({ member: { alias, anonymous: true } });
    expect(await hidden.hide(id)).toBe(alias);
  });

  it('is no one to be added or removed by its node id: that answers as for a stranger', async () => {
    const { id, alias } = await withHidden();
    const stranger = await owner.unjoin(id, { node_id: 'nobody' });
    expect(refusalIn(stranger)).toBe('404 member_unknown node_id');
    expect((await owner.unjoin(id, { node_id: 'canary' })).whole).toBe(stranger.whole);
    const added = [await owner.join(id, { node_id: 'canary' }), await owner.join(id, { node_id: 'nobody' })];
    expect(added.map(refusalIn)).toEqual(['403 anonymous_present', '403 anonymous_present']);
    expect(added[0]?.whole).toBe(added[1]?.whole);
    expect((await owner.unjoin(id, { alias })).status).toBe(200);
    expect((await hidden.view(id)).status).toBe(403);
  });

  it('leaves by itself without saying its alias', async () => {
    const { id, alias } = await withHidden();
    expect((await hidden.unjoin(id, { node_id: 'canary' })).status).toBe(200);
    expect(await owner.read(id)).toEqual(['100 bob', `100 ${alias}`, `103 ${alias}`]);
  });

  it('that owns or leads is named by its alias too', async () => {
    const id = await hidden.create({ type: 'game', anonymous: true, anyone_can_join: true });
    await bob.join(id);
    const { body, whole } = await bob.view(id);
    expect(whole).not.toContain('canary');
    expect(body['owner']).toMatch(/^~/);
    expect(body['master']).toBe(body['owner']);
    expect((await app.view(id)).body).toMatchObject({ owner: 'canary', master: 'canary' });
  });
});

describe('an anonymous seat', () => {
  it('is made by a node for itself or by an app, and by no owner for another', async () => {
    const id = await owner.create();
    expect(refusalIn(await owner.join(id, { node_id: 'bob', anonymous: true }))).toBe('403 forbidden anonymous');
    expect((await app.join(id, { node_id: 'bob', anonymous: true })).body).toMatchObject({
      member: { node_id: 'bob', alias: expect.stringMatching(/^~/), anonymous: true },
    });
  });

  it('keeps all but apps from adding others by node id, until nobody is anonymous any more', async () => {
    const { id } = await withHidden();
    expect(refusalIn(await owner.join(id, { node_id: 'bob' }))).toBe('403 anonymous_present');
    expect((await app.join(id, { node_id: 'added' })).status).toBe(200);
    await hidden.unjoin(id);
    expect((await owner.join(id, { node_id: 'bob' })).status).toBe(200);
  });

  it('has the alias that an app gives, and nobody else may give one', async () => {
    const id = await owner.create({ anyone_can_join: true });
    const { body } = await app.join(id, { node_id: 'bob', alias: '~given' });
    expect(body).toMatchObject({ member: { alias: '~given', anonymous: true } });
    expect(refusalIn(await hidden.join(id, { anonymous: true, alias: '~mine' }))).toBe('403 forbidden alias');
    expect((await owner.unjoin(id, { alias: '~given' })).status).toBe(200);
  });

  it('has no alias that was used in this session before; a repeat answers the same', async () => {
    const id = await owner.create();
    const first = await app.join(id, { node_id: 'bob', alias: '~given' });
    expect((await app.join(id, { node_id: 'bob', alias: '~given' })).whole).toBe(first.whole);
    expect(refusalIn(await app.join(id, { node_id: 'other', alias: '~given' }))).toBe('409 alias_taken alias');
    await app.unjoin(id, { alias: '~given' });
    expect(refusalIn(await app.join(id, { node_id: 'other', alias: '~given' }))).toBe('409 alias_taken alias');
    expect((await app.join(await owner.create(), { node_id: 'other', alias: '~given' })).status).toBe(200);
  });
});

describe('who reveals itself', () => {
  it('is known by node from then on, in this session only', async () => {
    const { id, alias } = await withHidden();
    const elsewhere = await withHidden();
    await hidden.send({ dest_session_id: id, payload: 'before' });
    const reply = await hidden.reveal(id);
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ session_id: id, member: { node_id: 'canary', anonymous: false, role: 'member' } });
    await hidden.send({ dest_session_id: id, payload: 'after' });
    const { messages } = (await bob.messages(id)).body;
    expect(messages).toMatchObject([
      { type: 100, src_id: 'bob' },
      { type: 100, src_id: alias },
      { payload: 'before', src_id: alias },
      { type: 104, src_id: alias, payload: { node_id: 'canary' } },
      { payload: 'after', src_id: 'canary' },
    ]);
    expect(await owner.members(id)).toContainEqual({ node_id: 'canary', anonymous: false, role: 'member' });
    expect((await owner.view(elsewhere.id)).whole).not.toContain('canary');
  });

  it('may still be named by its alias, and by its node id too', async () => {
    const { id, alias } = await withHidden();
    await hidden.reveal(id);
    for (const name of [alias, 'canary'])
      expect(await bob.send({ dest_session_id: id, dest_id: name, payload: name })).toBe('stored');
    expect(await hidden.read(id)).toEqual(expect.arrayContaining([alias, 'canary']));
    expect((await owner.unjoin(id, { alias })).status).toBe(200);
  });

  it('does so once: again, or visible from the start, changes and announces nothing', async () => {
    const { id } = await withHidden();
    const first = await hidden.reveal(id);
    expect((await hidden.reveal(id)).whole).toBe(first.whole);
    expect((await bob.reveal(id)).body).toMatchObject({ member: { node_id: 'bob', anonymous: false } });
    expect((await owner.read(id)).filter((each) => String(each).startsWith('104'))).toHaveLength(1);
  });

  it('does so itself: an app that is no member reveals nobody', async () => {
    const { id } = await withHidden();
    expect(refusalIn(await app.reveal(id))).toBe('404 member_unknown');
  });
});
