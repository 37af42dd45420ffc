import { afterEach, describe, expect, it } from 'vitest';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
afterEach(async () => {
  Talker.hangUp();
  await server.stop();
});

const COME_BACK = expect.stringMatching(/^retry_after_ms=\d+$/) as unknown;

describe('a connection ends', () => {
  it('with its key: 4002, also when the key came by a pre-connection', async () => {
    server = await TestServer.start({ CLOCK_LEEWAY_MS: '0' });
    const request = { ttlSeconds: 3 };
    const made = (await server.json('carol', '/v1/pre-connections', {}, request)) as { url: string };
    const [direct, lasting, granted] = await Promise.all([
      Talker.open(server, 'bob', request),
      Talker.open(server, 'bob'),
      Talker.open(server, 'carol', { address: made.url }),
    ]);
    expect(await direct.ended).toEqual({ code: 4002, reason: COME_BACK });
    expect(await granted.ended).toEqual({ code: 4002, reason: COME_BACK });
    await lasting.fence();
  });

  it('with 4003 before its hello when the node has ten; the others stay, and room comes back', async () => {
    server = await TestServer.start();
    const ten = await Promise.all(Array.from({ length: 10 }, () => Talker.open(server, 'bob')));
    const eleventh = await Talker.dial(server, 'bob');
    expect(await eleventh.ended).toEqual({ code: 4003, reason: COME_BACK });
    expect(eleventh.heard).toEqual([]);
    await Talker.open(server, 'alice');
    for (const talker of ten) await talker.fence();
    await ten[0]?.close();
    await offlineAgain(9);
    await Talker.open(server, 'bob');
  });

  it('with 4003 for all but ten of thirty at once, and every one that stays reads the whole inbox', async () => {
    server = await TestServer.start();
    await server.json('bob', '/v1/inbox');
    const dialled = await Promise.all(Array.from({ length: 30 }, () => Talker.dial(server, 'bob')));
    const outcomes = await Promise.all(
      dialled.map((talker) => Promise.race([talker.greeted().then(() => 'greeted'), talker.ended])),
    );
    expect(outcomes.filter((outcome) => outcome === 'greeted')).toHaveLength(10);
    for (const outcome of outcomes) if (outcome !== 'greeted') expect(outcome).toMatchObject({ code: 4003 });
    await server.json('alice', '/v1/messages', { messages: [{ dest_id: 'bob' }, { dest_id: 'bob' }] });
    for (const [index, talker] of dialled.entries()) if (outcomes[index] === 'greeted') await talker.nextEntries(2);
  });

  it('with 1003 at a binary frame', async () => {
    server = await TestServer.start();
    const bob = await Talker.open(server, 'bob');
    bob.socket.send(Buffer.from('{}'), { binary: true });
    expect(await bob.ended).toEqual({ code: 1003, reason: '' });
  });

  it('with 1009 at a frame above the limit, and not at one that just fits', async () => {
    server = await TestServer.start();
    const bob = await Talker.open(server, 'bob');
    const limit = Number(bob.hello['max_frame_bytes']);
    expect(limit).toBe(64 * 1024);
    const padding = limit - bigFrame('').length;
    bob.sendText(bigFrame('x'.repeat(padding)));
    expect(await bob.answerTo('big')).toMatchObject({ status: 'stored' });
    bob.sendText(bigFrame('x'.repeat(padding + 1)));
    expect((await bob.ended).code).toBe(1009);
  });

  it('never for one bad text frame: each is answered, and the next one is heard', async () => {
    server = await TestServer.start();
    const bob = await Talker.open(server, 'bob');
    const bad: Array<[string, string]> = [
      ['not json', 'bad_json'],
      ['[]', 'not_an_object'],
      [`{"dest_id":"bob","payload":${'['.repeat(40)}${']'.repeat(40)}}`, 'too_deep'],
      ['{"dest_id":"bob","colour":1}', 'unknown_field'],
      ['{"dest_id":"bob","dest_id":"bob"}', 'invalid_field'],
      ['{"dest_id":null}', 'invalid_field'],
      ['{"dest_id":"bob","type":100}', 'reserved_type'],
      ['{"dest_id":"bob","type":-7}', 'reserved_type'],
      ['{"dest_id":"bob","dest_client_id":"c"}', 'bad_destination'],
    ];
    for (const [text, code] of bad) {
      bob.sendText(text);
      expect(await bob.next()).toMatchObject({ type: -113, code, reason: expect.any(String) });
    }
    expect(await bob.ask({ dest_id: 'bob' })).toMatchObject({ status: 'stored' });
  });
});

const bigFrame = (payload: string): string => JSON.stringify({ dest_id: 'bob', id: 'big', payload });

/** The place of a closed connection is free once the server has noted that it is gone. */
async function offlineAgain(left: number): Promise<void> {
  for (;;) {
    const view = (await server.json('backend', '/v1/nodes/bob', undefined, { role: 'app' })) as {
      connections: Frame[];
    };
    if (view.connections.length <= left) return;
  }
}
