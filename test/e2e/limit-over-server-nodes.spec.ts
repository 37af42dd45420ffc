import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, nodeView } from '../support/cluster.js';
import { findMongo } from '../support/mongo.js';
import type { ProcessNode } from '../support/process-node.js';
import { Talker } from '../support/talker.js';

const found = await findMongo();
const FAMILIES = ['one embedded data folder', 'MongoDB'] as const;
const LIMIT = 10;

let cluster: Cluster;
afterEach(async () => {
  Talker.hangUp();
  await cluster.stop();
});

describe.each(FAMILIES)('two server nodes on %s', { timeout: 90_000 }, (family) => {
  it.skipIf(family === 'MongoDB' && !found)(
    'let as many connections of a node live as it may have, whoever of 100 comes first, and push none of them out',
    async () => {
      cluster = await Cluster.start(2, {}, family === 'MongoDB' ? found : undefined);
      const { nodes } = cluster;
      const statuses = new Map<unknown, number | undefined>();
      // Listened to at once: the first of them may be answered before the key of the last one is signed.
      const dial = async (node: ProcessNode): Promise<Talker> => {
        const talker = await Talker.dial(node, 'bob');
        const { socket } = talker;
        socket.once('open', () => statuses.set(socket, undefined));
        socket.once('unexpected-response', (_request, { statusCode }) => {
          statuses.set(socket, statusCode);
          socket.terminate();
        });
        return talker;
      };
      const dialled = await Promise.all(Array.from({ length: 100 }, (_, index) => dial(nodes[index % 2]!)));
      const isLive = await Promise.all(
        dialled.map((talker) =>
          talker.greeted().then(
            () => true,
            () => false,
          ),
        ),
      );
      const [live, refused] = [true, false].map((wanted) => dialled.filter((_, index) => isLive[index] === wanted));
      expect(live).toHaveLength(LIMIT);
      for (const { ended, heard, socket } of refused!) {
        const { code, reason } = await ended;
        expect([code, statuses.has(socket) ? statuses.get(socket) : 'no answer', heard]).toEqual([4003, undefined, []]);
        expect(Number(/^retry_after_ms=(\d+)$/.exec(reason)?.[1])).toBeGreaterThanOrEqual(10_000);
      }
      const alice = await Talker.open(nodes[0]!, 'alice');
      expect(await alice.ask({ dest_id: 'bob', payload: 1 })).toMatchObject({ status: 'stored' });
      for (const talker of live!) expect(await talker.nextEntries(1)).toMatchObject([{ seq: 1, payload: 1 }]);
      for (const node of nodes) expect((await nodeView(node, 'bob')).connections).toHaveLength(LIMIT);
    },
  );
});
