import type { Row } from '../harness/row.js';
import { FAMILIES } from '../harness/stores.js';
import { pause, within } from '../harness/wait.js';
import { fill } from './filling.js';

const MESSAGES = 10_000;
const WINDOW = 256;
const NODE = 'never-acknowledges';
const READER = `${NODE}/one`;

export const f16: Row = {
  id: 'F16',
  title: 'a client that reads and never acknowledges',
  families: FAMILIES,
  short: true,
  async run(scene) {
    const { report, short } = scene;
    const messages = short ? 2_000 : MESSAGES;
    const server = await scene.server({ INBOX_MAX_MESSAGES: '20000' });
    const crew = scene.crew();
    await crew.read({ kind: 'raw', reader: READER, node: NODE, acks: 'none', url: server.url });
    await crew.connected();
    await fill(scene, server, NODE, messages);
    await pause(7_000);
    const { positions } = await crew.state();
    report.atMost('in flight', positions[READER] ?? 0, WINDOW);
    report.exactly('given', positions[READER] ?? 0, WINDOW);
    const { inbox } = await server.json<{ inbox: { pending: number } }>('harness', `/v1/nodes/${NODE}`, undefined, {
      role: 'app',
    });
    report.exactly('pending in the store', inbox.pending, messages);
    await crew.tell({ do: 'acknowledge', reader: READER });
    const all = async (): Promise<boolean> => (await crew.state()).positions[READER] === messages;
    report.holdsThat('everything comes once it acknowledges', await within(60_000, all, 100));
    await scene.rest(server, [NODE]);
    const { counts } = await scene.judge();
    report.count(counts['confirmed'] ?? 0, 'messages');
  },
};
