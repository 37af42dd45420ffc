import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { payloads, SessionTalk } from '../support/session-talk.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
let session: SessionTalk;
let [master, bob, cleo]: Talker[] = [];

beforeAll(async () => {
  server = await TestServer.start();
});
beforeEach(async (context) => {
  const at = context.task.id;
  session = await SessionTalk.of(server, [`bob${at}`, `cleo${at}`, `max${at}`], {
    type: 'game',
    master_node_id: `max${at}`,
  });
  [master, bob, cleo] = await Promise.all(['max', 'bob', 'cleo'].map((name) => Talker.open(server, `${name}${at}`)));
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const idOf = (talker: Talker | undefined): string => String(talker!.hello['node_id']);

describe('in a game', () => {
  it('a player’s message reaches the master only, the master’s all players', async () => {
    expect(await bob!.ask(session.to({ payload: 'move' }))).toMatchObject({ status: 'stored' });
    expect(await master!.nextEntries(1)).toMatchObject([{ src_id: idOf(bob), payload: 'move', session_seq: 2 }]);
    await master!.ask(session.to({ payload: 'board' }));
    for (const player of [bob, cleo])
      expect(await player!.nextEntries(1)).toMatchObject([{ seq: 1, payload: 'board' }]);
    await Promise.all([master, bob, cleo].map((talker) => talker!.fence()));
    expect([master!.rest, bob!.rest, cleo!.rest]).toEqual([[], [], []]);
  });

  it('the same holds for transient messages', async () => {
    bob!.send(session.to({ payload: 'move', transient: true }));
    expect(await master!.next()).toMatchObject({ type: 0, payload: 'move', transient: true });
    master!.send(session.to({ payload: 'board', transient: true }));
    for (const player of [bob, cleo])
      expect(await player!.next(({ type }) => type === 0)).toMatchObject({ payload: 'board' });
  });

  it('players write to each other neither durably nor at once, the master to each of them', async () => {
    const refused = { type: -113, code: 'forbidden' };
    expect(await bob!.ask(session.to({ dest_id: idOf(cleo) }))).toMatchObject(refused);
    expect(await bob!.ask(session.to({ dest_id: idOf(cleo), transient: true }))).toMatchObject(refused);
    expect(await bob!.ask(session.to({ dest_id: idOf(master), payload: 'psst' }))).toMatchObject({ status: 'stored' });
    expect(await master!.ask(session.to({ dest_id: idOf(cleo), payload: 'you' }))).toMatchObject({ status: 'stored' });
    expect(payloads(await cleo!.nextEntries(1))).toEqual(['you']);
    expect(payloads(await master!.nextEntries(1))).toEqual(['psst']);
  });

  it('without its master players hear that there is none, and what they sent is not used up', async () => {
    await session.unjoin(idOf(master));
    const refusal = await bob!.ask(session.to({ id: 'm', payload: 1 }));
    expect(refusal).toMatchObject({ type: -113, code: 'no_master', id: 'm' });
    expect(refusal).not.toHaveProperty('retry_after_ms');
    expect(await bob!.ask(session.to({ id: 't', transient: true }))).toMatchObject({ code: 'no_master', id: 't' });
    await session.seat(idOf(master));
    expect(await bob!.ask(session.to({ id: 'm', payload: 1 }))).toMatchObject({ status: 'stored' });
    expect((await master!.nextEntries(3)).map(({ type }) => type)).toEqual([103, 100, 0]);
  });

  it('players do not read what others told the master', async () => {
    await bob!.ask(session.to({ payload: 'move' }));
    const read = async (talker?: Talker): Promise<unknown[]> =>
      payloads((await session.messages(idOf(talker))).messages);
    expect([await read(master), await read(bob), await read(cleo)]).toEqual([['move'], ['move'], []]);
  });

  it('the node that makes one is its master', async () => {
    const own = await SessionTalk.by(server, idOf(bob), { type: 'game', anyone_can_join: true });
    await own.join(idOf(cleo));
    expect(await own.view(idOf(cleo))).toMatchObject({
      master: idOf(bob),
      owner: idOf(bob),
      members: [{ role: 'master' }, { role: 'member' }],
    });
    await bob!.nextEntries(1);
    await cleo!.ask(own.to({ payload: 'move' }));
    expect(payloads(await bob!.nextEntries(1))).toEqual(['move']);
  });
});
