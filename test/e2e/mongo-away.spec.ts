import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findMongo, placeOf, startMongo, type TestMongo, throughPort } from '../support/mongo.js';
import { Link } from '../support/mongo-proxy.js';
import { TestServer } from '../support/test-server.js';

const found = await findMongo();

describe.skipIf(!found)('while MongoDB is away', () => {
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

  afterAll(async () => {
    await server.stop();
    await link.close();
    await mongo.drop(uri);
    await mongo.stop();
  });

  const readiness = async (): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${server.url}/readyz`);
    return { status: response.status, text: await response.text() };
  };
  const send = (id: string): Promise<unknown> => {
    const message = { id, dest_id: 'bob', payload: 1 };
    return server.json('alice', '/v1/messages', { messages: [message] }, { role: 'app' });
  };

  it.each(['cut', 'deaf'] as const)(
    '%s: sends are refused soon with a time to come back, and it recovers',
    async (state) => {
      expect(await send(`${state}-before`)).toMatchObject({ results: [{ status: 'stored' }] });
      link.become(state);
      const began = performance.now();
      const refused = JSON.stringify(await send(`${state}-away`));
      expect(refused).toMatch(/retry_later/);
      expect(Number(/retry_after_ms":(\d+)/.exec(refused)?.[1])).toBeLessThanOrEqual(5_000);
      expect(performance.now() - began).toBeLessThan(5_500);
      while ((await readiness()).status === 200);
      expect((await readiness()).text).toMatch(/MongoDB/);
      link.become('open');
      while ((await readiness()).status !== 200);
      expect(await send(`${state}-after`)).toMatchObject({ results: [{ status: 'stored' }] });
    },
  );
});
