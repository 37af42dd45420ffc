import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findMongo, placeOf, startMongo, type TestMongo, throughPort } from '../support/mongo.js';
import { Link, type LinkState } from '../support/mongo-proxy.js';
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

describe.skipIf(!found)('a node that connects too often while MongoDB is slow', { timeout: 60_000 }, () => {
  let mongo: TestMongo;
  let uri: string;
  let link: Link;
  let server: TestServer;

  beforeAll(async () => {
    mongo = await startMongo(found!.setups.at(-1)!, found!);
    uri = mongo.freshUri();
    const { host, port } = placeOf(uri);
    link = await Link.to(host, port);
    server = await TestServer.start({
      MONGODB_URI: throughPort(uri, link.port),
      LINK_SECRET: 'a secret of the links of tests, 32 bytes or more',
    });
  }, 60_000);
  afterEach(() => Talker.hangUp());
  afterAll(async () => {
    await server.stop();
    await link.close();
    await mongo.drop(uri);
    await mongo.stop();
  });

  it.each<[LinkState, number]>([
    ['mute', 0],
    ['deaf', 20],
    ['cut', 40],
  ])('is told each time, before the handshake or by a close code: %s when %i are in', async (state, opened) => {
    const endings = new Set<number | string>();
    let open = 0;
    if (opened === 0) link.become(state);
    const connect = async (): Promise<void> => {
      const talker = await Talker.dial(server, `many-${state}`);
      talker.socket.once('open', () => ++open === opened && link.become(state));
      const ending = told(talker);
      await Promise.race([talker.greeted().catch(() => undefined), ending]);
      if (talker.heard.length === 0) endings.add(await ending);
    };
    await Promise.all(Array.from({ length: DIALLED }, connect));
    link.become('open');
    expect(endings.size).toBeGreaterThan(0);
    for (const ending of endings) expect([1013, 4003, 'HTTP 503']).toContain(ending);
    while ((await fetch(`${server.url}/readyz`)).status !== 200);
  });
});
