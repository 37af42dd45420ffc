import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findMongo } from '../support/mongo.js';
import { delivered, isReport, reported } from '../support/reports.js';
import { type Frame, Talker } from '../support/talker.js';
import { TwoServers } from '../support/two-servers.js';

const found = await findMongo();
const FAMILIES = ['one embedded data folder', 'MongoDB'] as const;

const isOffline = ({ type }: Frame): boolean => type === -4;

describe.each(FAMILIES)('two server nodes on %s', (family) => {
  const test = it.skipIf(family === 'MongoDB' && !found);
  let servers: TwoServers;

  beforeAll(async () => {
    if (family === 'MongoDB' && !found) return;
    servers = await TwoServers.start({ PRESENCE: 'all' }, family === 'MongoDB' ? found : undefined);
  });
  afterEach(() => Talker.hangUp());
  afterAll(() => servers?.stop());

  test('report to a sender at one, wherever else it is too, what was acknowledged at the other, once and only then', async () => {
    const { here, there } = servers;
    const bob = await Talker.open(there, 'bob');
    const sending = await Talker.open(here, 'alice');
    const other = await Talker.open(there, 'alice');
    for (const id of ['r1', 'r2']) {
      expect(await sending.ask(reported(id, 'bob'))).toMatchObject({ status: 'stored' });
    }
    await bob.nextEntries(2);
    await Promise.all([sending, other].map((alice) => alice.fence()));
    expect([...sending.rest, ...other.rest].filter(isReport)).toEqual([]);
    for (const seq of [1, 2]) {
      bob.ack(seq);
      for (const alice of [sending, other]) expect(await alice.next(isReport)).toEqual(delivered(`r${seq}`, 'bob'));
    }
    bob.ack(2);
    await sending.ask(reported('r3', 'bob'));
    await bob.nextEntries(1);
    bob.ack(3);
    for (const alice of [sending, other]) {
      expect(await alice.next(isReport)).toEqual(delivered('r3', 'bob'));
      expect(alice.rest.filter(isReport)).toEqual([]);
    }
  });

  test('report what is acknowledged by REST at the one that the sender is not at', async () => {
    const { here, there } = servers;
    await there.json('carol', '/v1/inbox');
    const alice = await Talker.open(here, 'alice');
    await alice.ask(reported('x', 'carol'));
    await there.json('carol', '/v1/inbox/ack', { seq: 1 });
    expect(await alice.next(isReport)).toEqual(delivered('x', 'carol'));
  });

  test('tell a sender at either that a node is at none of them, and never of one that is at the other', async () => {
    const { here, there } = servers;
    await here.json('dora', '/v1/inbox');
    const [near, far] = await Promise.all([Talker.open(here, 'near'), Talker.open(there, 'far')]);
    for (const [sender, other] of [
      [near, 'far'],
      [far, 'near'],
    ] as const) {
      const id = `of-${other}`;
      expect(await sender.ask({ dest_id: other, id: `to-${other}` })).toMatchObject({ status: 'stored' });
      expect(await sender.ask({ dest_id: 'dora', id })).toMatchObject({ status: 'stored' });
      expect(await sender.next(isOffline)).toEqual({ type: -4, src_id: 'dora', id });
    }
    expect([...near.rest, ...far.rest].filter(isOffline)).toEqual([]);
  });

  test('tell a sender at one that a node is away which has just left the other', async () => {
    const { here, there } = servers;
    const [erin, frank] = await Promise.all([Talker.open(here, 'erin'), Talker.open(there, 'frank')]);
    expect(await erin.ask({ dest_id: 'frank', id: 'while-there' })).toMatchObject({ status: 'stored' });
    await frank.nextEntries(1);
    await frank.close();
    // Where it was is believed until the other says that it has moved.
    for (let sent = 1; !erin.rest.some(isOffline); sent += 1) {
      expect(await erin.ask({ dest_id: 'frank', id: `m${sent}` })).toMatchObject({ status: 'stored' });
      await erin.fence();
    }
    const { src_id: srcId, id } = await erin.next(isOffline);
    expect([srcId, id]).toEqual(['frank', expect.stringMatching(/^m\d+$/)]);
  });
});
