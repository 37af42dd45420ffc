import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signAuthKey } from '../../src/modules/auth/index.js';
import { payloads, seqs, upTo } from '../support/session-talk.js';
import { isReport } from '../support/reports.js';
import { type Frame, Talker } from '../support/talker.js';
import { SECRET, TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ CLIENT_MAX_NODES: '3' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const open = (nodeId: string, clientId?: string): Promise<Talker> =>
  Talker.open(server, nodeId, clientId === undefined ? {} : { clientId });
const isTransient = ({ transient }: Frame): boolean => transient === true;

/** A call with a key that was issued so many seconds from now. */
async function callAt(nodeId: string, clientId: string | undefined, seconds: number): Promise<Response> {
  const issuedAt = Math.floor(Date.now() / 1000) + seconds;
  const key = await signAuthKey({ sub: nodeId, clientId, issuedAt, alg: 'HS256', secret: SECRET });
  return fetch(`${server.url}/v1/inbox`, { headers: { authorization: `Bearer ${key}` } });
}

describe('a message to a client', () => {
  it('reaches all its nodes but the sender, also those that are away, once and in order', async () => {
    await server.call('tablet', '/v1/inbox', { clientId: 'ann' });
    const [phone, laptop, bob] = await Promise.all([open('phone', 'ann'), open('laptop', 'ann'), open('bob')]);
    for (const payload of upTo(3))
      expect(await bob.ask({ dest_client_id: 'ann', payload })).toMatchObject({ status: 'stored' });
    expect(await phone.ask({ dest_client_id: 'ann', id: 'own', payload: 4 })).toMatchObject({ status: 'stored' });
    const atLaptop = await laptop.nextEntries(4);
    expect(atLaptop.at(-1)).toEqual({
      seq: 4,
      session_seq: expect.any(Number) as unknown,
      timestamp: expect.any(Number) as unknown,
      type: 0,
      dest_client_id: 'ann',
      id: 'own',
      src_id: 'phone',
      src_client_id: 'ann',
      payload: 4,
    });
    expect([payloads(atLaptop), seqs(atLaptop)]).toEqual([upTo(4), upTo(4)]);
    expect(payloads(await phone.nextEntries(3))).toEqual(upTo(3));
    const tablet = await open('tablet', 'ann');
    expect(payloads(await tablet.nextEntries(4))).toEqual(upTo(4));
    await Promise.all([phone, bob].map((talker) => talker.fence()));
    expect([phone.rest, bob.rest]).toEqual([[], []]);
  });

  it('is stored also where its sender is the only node', async () => {
    const only = await open('only', 'single');
    expect(await only.ask({ dest_client_id: 'single', payload: 1 })).toMatchObject({ status: 'stored' });
    expect(await only.ask({ dest_client_id: 'single', id: 'x', payload: 1 })).toMatchObject({ status: 'stored' });
    expect(await only.ask({ dest_client_id: 'single', id: 'x', payload: 1 })).toMatchObject({ status: 'duplicate' });
    expect(only.rest).toEqual([]);
  });

  it('that nobody ever named is answered by -3, durable or not', async () => {
    const bob = await open('bob');
    const unknown = { type: -3, src_id: 'nobody', code: 'node_unknown', reason: expect.any(String) as unknown };
    expect(await bob.ask({ dest_client_id: 'nobody', id: 'm' })).toEqual({ ...unknown, id: 'm' });
    expect(await bob.ask({ dest_client_id: 'nobody', id: 't', transient: true })).toEqual({ ...unknown, id: 't' });
  });

  it('transient, reaches every connection of its nodes that are there, those of the sending node left out', async () => {
    const [first, second, other, own, sender] = await Promise.all([
      open('t-phone', 'transients'),
      open('t-phone', 'transients'),
      open('t-laptop', 'transients'),
      open('t-tablet', 'transients'),
      open('t-tablet', 'transients'),
    ]);
    sender.send({ dest_client_id: 'transients', payload: 'now', transient: true });
    const texts = await Promise.all([first, second, other].map((talker) => talker.nextText(isTransient)));
    expect(new Set(texts).size).toBe(1);
    expect(JSON.parse(texts[0]!)).toMatchObject({ dest_client_id: 'transients', src_id: 't-tablet', payload: 'now' });
    await Promise.all([own, sender].map((talker) => talker.fence()));
    expect([own.rest, sender.rest]).toEqual([[], []]);
  });

  it('with report brings one receipt for each node that acknowledged it first', async () => {
    const [phone, laptop, bob] = await Promise.all([
      open('r-phone', 'reports'),
      open('r-laptop', 'reports'),
      open('bob'),
    ]);
    await bob.ask({ dest_client_id: 'reports', id: 'r', report: ['delivered'], payload: 1 });
    for (const [reader, nodeId] of [
      [laptop, 'r-laptop'],
      [phone, 'r-phone'],
    ] as const) {
      const [entry] = await reader.nextEntries(1);
      expect(entry).not.toHaveProperty('report');
      reader.ack(1);
      expect(await bob.next(isReport)).toEqual({ type: -112, id: 'r', status: 'delivered', dest_id: nodeId });
      reader.ack(1);
      await reader.fence();
    }
    await bob.ask({ dest_id: 'bob', payload: 'end' });
    expect(bob.rest.filter(isReport)).toEqual([]);
  });
});

describe('a node', () => {
  it('that a later key gives to another client gets what is for that one from then on, and keeps what it has', async () => {
    const bob = await open('bob');
    await callAt('mover', 'old', -20);
    await bob.ask({ dest_client_id: 'old', payload: 'first' });
    await callAt('mover', 'new', -10);
    expect(await bob.ask({ dest_client_id: 'old', payload: 'lost' })).toMatchObject({ status: 'stored' });
    await bob.ask({ dest_client_id: 'new', payload: 'second' });
    const mover = await open('mover', 'new');
    expect(payloads(await mover.nextEntries(2))).toEqual(['first', 'second']);
  });

  it('is not taken back by an older key that comes late', async () => {
    const bob = await open('bob');
    await callAt('stayer', 'latest', -10);
    await callAt('stayer', 'late', -20);
    expect(await bob.ask({ dest_client_id: 'late' })).toMatchObject({ type: -3 });
    await bob.ask({ dest_client_id: 'latest', payload: 1 });
    const stayer = await open('stayer', 'latest');
    expect(payloads(await stayer.nextEntries(1))).toEqual([1]);
  });

  it('that one too many names the client is refused, by REST and on the websocket, until another goes', async () => {
    for (const nodeId of ['f1', 'f2', 'f3']) expect((await callAt(nodeId, 'full', -20)).status).toBe(200);
    const refused = await callAt('f4', 'full', -20);
    expect([refused.status, ((await refused.json()) as Frame)['code']]).toEqual([409, 'too_many_members']);
    const dialled = await Talker.dial(server, 'f4', { clientId: 'full' });
    await expect(dialled.greeted()).rejects.toThrow('ended');
    await callAt('f1', undefined, -10);
    expect((await callAt('f4', 'full', -5)).status).toBe(200);
  });

  it('reads by REST what its client was sent since it is one of its nodes; others are refused', async () => {
    const bob = await open('bob');
    await server.call('h-phone', '/v1/inbox', { clientId: 'history' });
    await bob.ask({ dest_client_id: 'history', payload: 1 });
    await server.call('h-laptop', '/v1/inbox', { clientId: 'history' });
    await bob.ask({ dest_client_id: 'history', payload: 2 });
    const read = async (nodeId: string, request = {}): Promise<unknown> => {
      const page = (await server.json(nodeId, '/v1/clients/history/messages', undefined, request)) as {
        messages: Frame[];
      };
      return payloads(page.messages);
    };
    expect(await read('h-phone', { clientId: 'history' })).toEqual([1, 2]);
    expect(await read('h-laptop', { clientId: 'history' })).toEqual([2]);
    expect(await read('backend', { role: 'app' })).toEqual([1, 2]);
    expect(await server.json('bob', '/v1/clients/history/messages')).toMatchObject({ status: 403, code: 'forbidden' });
  });
});
