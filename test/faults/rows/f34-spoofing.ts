import { Dialogue, type Frame } from '../harness/dialogue.js';
import type { Random } from '../harness/random.js';
import type { Row } from '../harness/row.js';
import { FAMILIES } from '../harness/stores.js';

const TRIES = 1_000;
const FORGED = 'victim-7f3a';
const FIELDS = ['src_id', 'src_client_id', 'timestamp', 'seq', 'session_seq', 'anonymize_src_id', 'node_id', 'role'];
const TYPES = [-3, -4, -5, -102, -110, -112, -113, -114, -115, -116, -121, 100, 103, 104, 105];
const VALUES: readonly unknown[] = [FORGED, 1, null, true, { $ne: null }, [FORGED], ''];

export const f34: Row = {
  id: 'F34',
  title: 'spoofing',
  families: FAMILIES,
  short: true,
  async run({ report, random, server: start }) {
    const server = await start({ RATE_PER_SECOND: '0' });
    // The victim is known, so that nothing is refused for naming a stranger.
    await server.call(FORGED, '/v1/inbox');
    const bob = await Dialogue.open(server.url, server.key('bob'));
    const mallory = await Dialogue.open(server.url, server.key('mallory', { client_id: 'own' }));
    let refused = 0;
    for (let index = 0; index < TRIES; index += 1) {
      const frame = forged(random, index);
      if (index % 4 === 3) {
        const body = { messages: [frame] };
        const { results } = await server.json<{ results: Frame[] }>('mallory', '/v1/messages', body, {
          client_id: 'own',
        });
        if (results[0]?.['status'] === 'refused') refused += 1;
      } else if ((await mallory.ask(frame))['type'] === -113) refused += 1;
    }
    await mallory.ask({ dest_id: 'bob', id: 'honest', payload: 'honest' });
    await bob.find(({ id }) => id === 'honest');
    const got = bob.heard.filter(({ type }) => type !== -110);
    report.count(TRIES, 'forged frames');
    report.exactly('refused', refused, TRIES);
    report.exactly('reached somebody', got.filter(({ id }) => id !== 'honest').length, 0);
    report.holdsThat('the honest one bears its true source', got[0]?.['src_id'] === 'mallory' && got[0]['seq'] === 1);
  },
};

function forged(random: Random, index: number): Frame & { id: string } {
  const frame = { dest_id: 'bob', id: `forged-${index}`, ...(random.int(0, 1) === 0 && { transient: true }) };
  if (random.int(0, 2) === 0) return { ...frame, type: random.pick(TYPES) };
  return { ...frame, [random.pick(FIELDS)]: random.pick(VALUES) };
}
