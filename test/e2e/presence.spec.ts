import { afterEach, expect, it } from 'vitest';
import { type Frame, type Opening, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
afterEach(async () => {
  Talker.hangUp();
  await server.stop();
});

async function startWith(presence?: string): Promise<void> {
  server = await TestServer.start(presence === undefined ? {} : { PRESENCE: presence });
  await server.call('bob', '/v1/inbox', { clientId: 'family' });
}

const isOffline = ({ type }: Frame): boolean => type === -4;
const offline = (id: string) => ({ type: -4, src_id: 'bob', id });

/** What a sender hears of bob being away: the answers of the fence come behind it. */
async function hears(opening: Opening): Promise<boolean> {
  const sender = await Talker.open(server, 'sender', opening);
  await sender.ask({ dest_id: 'bob', id: `m${Math.random()}` });
  // The look-up runs beside the frames: the next receipt's own one is asked for later and answered later.
  const told = sender.next(isOffline).then(
    () => true,
    () => false,
  );
  for (let turn = 0; turn < 20; turn += 1) await sender.ask({ dest_id: 'sender', payload: turn });
  await sender.close();
  return told;
}

it('by default nodes of the same client and apps are told that a node is offline', async () => {
  await startWith();
  expect(await hears({ clientId: 'family' })).toBe(true);
  expect(await hears({ role: 'app' })).toBe(true);
  expect(await hears({ clientId: 'strangers' })).toBe(false);
  expect(await hears({})).toBe(false);
});

it('everybody is told where the settings say all', async () => {
  await startWith('all');
  expect(await hears({})).toBe(true);
  expect(await hears({ clientId: 'strangers' })).toBe(true);
});

it('nobody is told where the settings say none', async () => {
  await startWith('none');
  expect(await hears({ clientId: 'family' })).toBe(false);
  expect(await hears({ role: 'app' })).toBe(false);
});

it('it follows the receipt, for durable messages to a node only, and never while somebody is there', async () => {
  await startWith('all');
  const alice = await Talker.open(server, 'alice');
  alice.send({ dest_id: 'bob', id: 'now', transient: true });
  alice.send({ dest_id: 'bob', id: 'kept' });
  expect(await alice.next()).toMatchObject({ type: -112, id: 'kept' });
  expect(await alice.next()).toEqual(offline('kept'));

  const bob = await Talker.open(server, 'bob', { clientId: 'family' });
  await alice.ask({ dest_id: 'bob', id: 'there' });
  await bob.close();
  await alice.ask({ dest_id: 'bob', id: 'gone' });
  expect(await alice.next()).toEqual(offline('gone'));

  expect(await alice.ask({ dest_id: 'bob', id: 'gone' })).toMatchObject({ status: 'duplicate' });
  await alice.ask({ dest_id: 'bob', id: 'last' });
  expect(await alice.next()).toEqual(offline('last'));
});
