import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, nodeView } from '../support/cluster.js';
import { findMongo } from '../support/mongo.js';
import type { ProcessNode } from '../support/process-node.js';
import { Talker } from '../support/talker.js';

const found = await findMongo();
const FAMILIES = ['one embedded data folder', 'MongoDB'] as const;

async function asApp(at: ProcessNode, method: string, path: string, body?: object): Promise<unknown> {
  const authorization = `Bearer ${await at.key('backend', { role: 'app' })}`;
  const headers = { authorization, ...(body && { 'content-type': 'application/json' }) };
  const answer = await fetch(at.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return answer.json();
}

describe.each(FAMILIES)('three server nodes on %s', (family) => {
  const test = it.skipIf(family === 'MongoDB' && !found);
  let cluster: Cluster | undefined;
  beforeAll(async () => {
    if (family === 'MongoDB' && !found) return;
    cluster = await Cluster.start(3, {}, family === 'MongoDB' ? found : undefined);
  }, 90_000);
  afterEach(() => Talker.hangUp());
  afterAll(() => cluster?.stop());

  const nodes = (): readonly ProcessNode[] => cluster?.nodes ?? [];
  const everywhere = (nodeId: string): Promise<Talker[]> =>
    Promise.all(nodes().map((node) => Talker.open(node, nodeId)));

  test('end all connections of a node, wherever they are, by one call', async () => {
    const held = await everywhere('bob');
    const other = await Talker.open(nodes()[1]!, 'carol');
    for (const node of nodes()) expect((await nodeView(node, 'bob')).connections).toHaveLength(3);
    const answer = await asApp(nodes()[0]!, 'DELETE', '/v1/nodes/bob/connections?reason=signed%20out');
    expect(answer).toEqual({ closed: 3 });
    for (const { ended } of held) expect(await ended).toEqual({ code: 4501, reason: 'signed out' });
    for (const node of nodes()) while ((await nodeView(node, 'bob')).connected);
    await other.fence();
  });

  test('end one connection that another of them holds, and no other', async () => {
    const [first, second, third] = (await everywhere('dan')) as [Talker, Talker, Talker];
    const id = String(third.hello['connection_id']);
    expect(await asApp(nodes()[0]!, 'DELETE', `/v1/connections/${id}`)).toEqual({ closed: 1 });
    expect(await third.ended).toMatchObject({ code: 4501 });
    await first.fence();
    await second.fence();
  });

  // A process that is stopped just as it writes to the embedded store stops the others on it, too.
  it.skipIf(family !== 'MongoDB' || !found)(
    'end what one of them holds that was cut off and is listed nowhere, by disconnection and by revocation',
    async () => {
      const [one, two, three] = nodes() as [ProcessNode, ProcessNode, ProcessNode];
      const held = await Promise.all(['fay', 'gus', 'hal'].map((nodeId) => Talker.open(two, nodeId)));
      const [fay, gus, hal] = held as [Talker, Talker, Talker];
      process.kill(two.pid, 'SIGSTOP');
      // The view leaves the dead out before their registrations are removed, by one of those that live.
      const log = (): string => [...one.stderr, ...three.stderr].join('\n');
      while (!/removed \d+ connections/.test(log())) await nodeView(one, 'fay');
      expect(await asApp(one, 'DELETE', '/v1/nodes/fay/connections?reason=out')).toEqual({ closed: 0 });
      await asApp(one, 'POST', '/v1/revocations', { node_id: 'gus', reason: 'lost' });
      process.kill(two.pid, 'SIGCONT');
      expect(await fay.ended).toEqual({ code: 4501, reason: 'out' });
      expect(await gus.ended).toEqual({ code: 4500, reason: 'lost' });
      await hal.fence();
      await cluster!.areLive(3);
    },
  );

  test('refuse a key that was taken back at one of them, and end what it opened', async () => {
    const held = await everywhere('eve');
    const keys = await Promise.all(nodes().map((node) => node.key('eve')));
    await asApp(nodes()[1]!, 'POST', '/v1/revocations', { node_id: 'eve', reason: 'lost' });
    for (const { ended } of held) expect(await ended).toEqual({ code: 4500, reason: 'lost' });
    for (const [index, node] of nodes().entries()) {
      const headers = { authorization: `Bearer ${keys[index]}` };
      while ((await fetch(`${node.url}/v1/inbox`, { headers })).status !== 401);
    }
  });
});
