import { afterEach, expect, it } from 'vitest';
import { ProcessNode } from '../support/process-node.js';
import { Talker } from '../support/talker.js';

let server: ProcessNode;
afterEach(async () => {
  Talker.hangUp();
  await server.remove();
});

const view = (nodeId: string): Promise<unknown> =>
  server.json('backend', `/v1/nodes/${nodeId}`, undefined, { role: 'app' });

it('a process that follows a killed one at its address knows none of the connections of that', async () => {
  server = await ProcessNode.start({ PRESENCE: 'all' });
  const ten = await Promise.all(Array.from({ length: 10 }, () => Talker.open(server, 'bob')));
  expect(await view('bob')).toMatchObject({ connected: true, connections: { length: 10 } });

  await server.killAndRestart();
  for (const talker of ten) expect(await talker.ended).toMatchObject({ code: 1006 });
  expect(await view('bob')).toMatchObject({ node_id: 'bob', connected: false, connections: [] });

  const alice = await Talker.open(server, 'alice');
  await alice.ask({ dest_id: 'bob', id: 'm' });
  expect(await alice.next()).toEqual({ type: -4, src_id: 'bob', id: 'm' });
  // The places of the dead ones are free.
  await Promise.all(Array.from({ length: 10 }, () => Talker.open(server, 'bob')));
  expect(await view('bob')).toMatchObject({ connected: true, connections: { length: 10 } });
});
