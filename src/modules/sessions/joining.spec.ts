import { describe, expect, it } from 'vitest';
import { app, GroupServices, GroupStore, newSession, node } from '../../../test/support/group-services.js';
import { decodeEntry } from './group-entry.js';
import type { MemberView } from './sessions.types.js';

const SESSION = 's';
const BOB = { nodeId: 'bob' };

const kindsOf = ({ log }: GroupStore, session = SESSION): string[] =>
  log.rowsOf(`s:${session}`).map(({ body }) => decodeEntry(body).kind);

/** What becomes of a join whose answer is held up until the member is taken out again. */
async function joinedAndTakenOut(services: GroupServices, { groupLog }: GroupStore): Promise<unknown> {
  const { sessions } = services;
  let taken: Promise<void> | undefined;
  const joined = sessions.join(app(), SESSION, { ...BOB, anonymous: true, alias: '~b' });
  groupLog.step = async (): Promise<void> => {
    if (services.groups.depths.groupAppends > 0 || (await sessions.view(app(), SESSION)).members.length === 0) return;
    taken ??= sessions.unjoin(app(), SESSION, BOB);
    await services.settle();
  };
  const member = await services.inTime(joined).catch((error: unknown) => error);
  groupLog.step = () => Promise.resolve();
  await services.inTime(taken ?? Promise.reject(new Error('nobody was taken out')));
  return member;
}

async function worldOf(store: GroupStore): Promise<GroupServices> {
  const services = new GroupServices(store);
  services.start();
  await services.sessions.create(app(), newSession({ sessionId: SESSION, anyoneCanJoin: false }));
  return services;
}

describe('a join', () => {
  it('is answered by what it did, although the seat is empty again when the answer is made', async () => {
    const store = new GroupStore();
    const services = await worldOf(store);
    const member = { nodeId: 'bob', alias: '~b', anonymous: true, role: 'member' };
    expect(await joinedAndTakenOut(services, store)).toEqual(member);
    services.stop();
  });

  it('of a named node does not tell who asked for it which anonymous seat the node took meanwhile', async () => {
    const store = new GroupStore();
    const services = new GroupServices(store);
    await services.nodes.makeKnown('bob');
    const [ann, bob] = [node('ann'), node('bob')];
    const { sessionId } = await services.sessions.create(ann, newSession());
    let hidden: Promise<MemberView> | undefined;
    let projections = 0;
    store.groupLog.step = async (label): Promise<void> => {
      // Of the first join: the driver's, and the one that the answer waits for.
      if (label !== 'project' || (projections += 1) > 2) return;
      hidden ??= services.sessions
        .unjoin(bob, sessionId)
        .then(() => services.sessions.join(bob, sessionId, { ...BOB, anonymous: true }));
      await hidden;
    };
    const joining = services.sessions.join(ann, sessionId, { ...BOB, anonymous: false });
    expect(await services.inTime(joining)).toEqual({ nodeId: 'bob', anonymous: false, role: 'member' });
    expect(await hidden).toMatchObject({ anonymous: true, role: 'member' });
  });
});

describe('a leave that finds nobody', () => {
  it('takes the place in the log that a join on its way was decided for, if who leaves might have asked for it', async () => {
    const store = new GroupStore();
    const services = await worldOf(store);
    const [slow, quick] = [new GroupServices(store), services];
    const held = store.log.hold('insert');
    const joining = slow.sessions.join(app(), SESSION, { ...BOB, anonymous: false }).catch((error: unknown) => error);
    await held.reached;
    const leaving = quick.sessions.unjoin(app(), SESSION, BOB);
    await expect(quick.inTime(leaving)).rejects.toMatchObject({ code: 'member_unknown' });
    expect(kindsOf(store)).toEqual(['created', 'unchanged']);
    held.release();
    await slow.inTime(joining);
    expect(kindsOf(store).slice(0, 2)).toEqual(['created', 'unchanged']);
    services.stop();
  });

  it('adds the same whether the node that an owner names is a hidden member or none', async () => {
    const store = new GroupStore();
    const services = new GroupServices(store);
    for (const nodeId of ['bob', 'carol']) await services.nodes.makeKnown(nodeId);
    const { sessionId } = await services.sessions.create(node('ann'), newSession());
    await services.inTime(services.sessions.join(node('bob'), sessionId, { ...BOB, anonymous: true }));
    for (const nodeId of ['bob', 'carol']) {
      const leaving = services.inTime(services.sessions.unjoin(node('ann'), sessionId, { nodeId }));
      await expect(leaving).rejects.toMatchObject({ code: 'member_unknown' });
    }
    expect(kindsOf(store, sessionId)).toEqual(['created', 'joined', 'unchanged', 'unchanged']);
    services.stop();
  });

  it('adds nothing for a stranger', async () => {
    const store = new GroupStore();
    const services = await worldOf(store);
    await expect(services.inTime(services.sessions.unjoin(node('eve'), SESSION))).rejects.toMatchObject({
      code: 'session_denied',
    });
    expect(kindsOf(store)).toEqual(['created']);
    services.stop();
  });
});
