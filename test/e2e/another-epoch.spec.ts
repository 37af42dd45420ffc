import { afterEach, expect, it } from 'vitest';
import { ProcessNode } from '../support/process-node.js';
import { runProgram } from '../support/server-process.js';
import { Talker } from '../support/talker.js';

let server: ProcessNode;
afterEach(async () => {
  Talker.hangUp();
  await server.remove();
});

it(
  'after store new-epoch every resume is insufficient_state, and a client of the library reads on and says so',
  { timeout: 30_000 },
  async () => {
    server = await ProcessNode.start();
    const received: unknown[] = [];
    const told: unknown[] = [];
    let seen!: () => void;
    const third = new Promise<void>((resolve) => (seen = resolve));
    const bob = server.client('bob', {
      onMessage: ({ payload }) => {
        received.push(payload);
        if (payload === 'third') seen();
      },
      onStatus: (event) => void told.push(event),
    });
    const before = await bob.connect();
    const alice = await Talker.open(server, 'alice');
    await alice.ask({ dest_id: 'bob', payload: 'first' });
    await alice.ask({ dest_id: 'bob', payload: 'second' });

    expect(await server.kill('SIGTERM')).toMatchObject({ code: 0 });
    expect(await runProgram(['store', 'new-epoch', '--data-dir', server.dataDir])).toMatchObject({ code: 0 });
    await server.restart();

    const raw = await Talker.open(server, 'bob', { query: `?epoch=${before.epoch}&last_seq=2` });
    expect(raw.hello).toMatchObject({ resumed: false, reason: 'insufficient_state', tail_seq: 2 });
    expect(raw.hello['epoch']).not.toBe(before.epoch);
    const again = await Talker.open(server, 'alice');
    await again.ask({ dest_id: 'bob', payload: 'third' });
    await third;
    expect(told).toContainEqual(expect.objectContaining({ status: 'insufficient_state', epochChanged: true }));
    expect(received).toEqual(expect.arrayContaining(['first', 'second', 'third']));
  },
);
