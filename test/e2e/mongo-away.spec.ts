import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findMongo } from '../support/mongo.js';
import { MongoBehindLink } from '../support/mongo-behind-link.js';
import { TestServer } from '../support/test-server.js';

const found = await findMongo();

describe.skipIf(!found)('while MongoDB is away', () => {
  let mongo: MongoBehindLink;
  let server: TestServer;

  beforeAll(async () => {
    mongo = await MongoBehindLink.start(found!);
    server = await TestServer.start(mongo.settings);
  });

  afterAll(async () => {
    await server.stop();
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
      mongo.link.become(state);
      const began = performance.now();
      const refused = JSON.stringify(await send(`${state}-away`));
      expect(refused).toMatch(/retry_later/);
      expect(Number(/retry_after_ms":(\d+)/.exec(refused)?.[1])).toBeLessThanOrEqual(5_000);
      expect(performance.now() - began).toBeLessThan(10_000);
      while ((await readiness()).status === 200);
      expect((await readiness()).text).toMatch(/MongoDB/);
      mongo.link.become('open');
      while ((await readiness()).status !== 200);
      expect(await send(`${state}-after`)).toMatchObject({ results: [{ status: 'stored' }] });
    },
  );
});
