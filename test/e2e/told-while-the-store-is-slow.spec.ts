import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findMongo } from '../support/mongo.js';
import { MongoBehindLink } from '../support/mongo-behind-link.js';
import type { LinkState } from '../support/mongo-proxy.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const found = await findMongo();
const DIALLED = 60;

/** What a connection was told in the end: a close code, or the status of an answer in place of the handshake. */
async function told({ socket, ended }: Talker): Promise<number | string> {
  let status = '';
  socket.once('unexpected-response', (_request, { statusCode }) => {
    status = `HTTP ${statusCode}`;
    socket.terminate();
  });
  const { code } = await ended;
  return status || code;
}

describe.skipIf(!found)('a node that connects too often while MongoDB is slow', () => {
  let mongo: MongoBehindLink;
  let server: TestServer;

  beforeAll(async () => {
    mongo = await MongoBehindLink.start(found!);
    server = await TestServer.start(mongo.settings);
  });
  afterEach(() => Talker.hangUp());
  afterAll(async () => {
    await server.stop();
    await mongo.stop();
  });

  it.each<[LinkState, number]>([
    ['mute', 0],
    ['deaf', 20],
    ['cut', 40],
  ])('is told each time, before the handshake or by a close code: %s when %i are in', async (state, opened) => {
    const endings = new Set<number | string>();
    let open = 0;
    if (opened === 0) mongo.link.become(state);
    const connect = async (): Promise<void> => {
      const talker = await Talker.dial(server, `many-${state}`);
      talker.socket.once('open', () => ++open === opened && mongo.link.become(state));
      const ending = told(talker);
      await Promise.race([talker.greeted().catch(() => undefined), ending]);
      if (talker.heard.length === 0) endings.add(await ending);
    };
    await Promise.all(Array.from({ length: DIALLED }, connect));
    mongo.link.become('open');
    expect(endings.size).toBeGreaterThan(0);
    for (const ending of endings) expect([1013, 4003, 'HTTP 503']).toContain(ending);
    while ((await fetch(`${server.url}/readyz`)).status !== 200);
  });
});
