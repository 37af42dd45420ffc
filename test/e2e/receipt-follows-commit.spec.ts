import { afterEach, expect, it } from 'vitest';
import { ProcessNode } from '../support/process-node.js';
import { type Frame, Talker } from '../support/talker.js';

let server: ProcessNode;
afterEach(async () => {
  Talker.hangUp();
  await server.remove();
});

const isReceipt = ({ type, status }: Frame): boolean => type === -112 && status === 'stored';

it('what was confirmed is there, however soon behind the receipt the process is killed', async () => {
  server = await ProcessNode.start();
  await server.json('bob', '/v1/inbox');
  let stored = 0;
  for (const inFlight of [1, 1, 60, 200]) {
    const alice = await Talker.open(server, 'alice');
    const ids = Array.from({ length: inFlight }, (_, index) => `m${stored + index}`);
    for (const id of ids) alice.send({ dest_id: 'bob', id, payload: id });
    const confirmed: unknown[] = [];
    while (confirmed.length < Math.max(1, inFlight / 4)) confirmed.push((await alice.next(isReceipt))['id']);
    const killed = server.kill();
    await alice.ended;
    // Those that came while the signal was on its way count too.
    confirmed.push(...alice.rest.filter(isReceipt).map(({ id }) => id));
    expect(await killed).toEqual({ code: null, signal: 'SIGKILL' });
    await server.restart();

    const page = (await server.json('bob', `/v1/inbox?limit=1000`)) as { messages: Frame[]; tail_seq: number };
    const there = page.messages.map(({ id }) => id);
    expect(there).toEqual(expect.arrayContaining(confirmed));
    expect(page.messages.map(({ seq }) => seq)).toEqual(there.map((_, index) => index + 1));
    // What else is there was sent, in its order, and nothing between was left out.
    expect(there.slice(stored)).toEqual(ids.slice(0, there.length - stored));
    stored = there.length;
  }
});
