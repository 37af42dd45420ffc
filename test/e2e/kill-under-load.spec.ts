import { afterEach, expect, it } from 'vitest';
import { checkJournal } from '../faults/checker/index.js';
import { Journal, readBare, readByClient, sendBare, sendByClient } from '../support/journalling.js';
import { ProcessNode } from '../support/process-node.js';
import { Talker } from '../support/talker.js';

const KILLS = 4;
const BETWEEN_KILLS = 400;

let server: ProcessNode;
afterEach(async () => {
  Talker.hangUp();
  await server.remove();
});

/** Faster than one connection may be by default, and back at once after a refused handshake. */
const SETTINGS = {
  RATE_PER_SECOND: '0',
  HTTP_RATE_PER_SECOND: '0',
  HANDSHAKE_RETRY_MIN_MS: '10',
  HANDSHAKE_RETRY_MAX_MS: '50',
};

it(
  'a server that is killed again and again under load loses, repeats and reorders nothing',
  { timeout: 90_000 },
  async () => {
    server = await ProcessNode.start(SETTINGS);
    const journal = new Journal();
    const tails = new Map([
      ['bob', Infinity],
      ['carol', Infinity],
    ]);
    // Readers of their own first: a node is known by them.
    await Promise.all([...tails.keys()].map((node) => readByClient(server, journal, node)));
    const reading = readBare(server, journal, 'bob', () => tails.get('bob') as number);
    const sending = [
      sendByClient(server, journal, 'alice', ['bob', 'carol']),
      sendByClient(server, journal, 'dave', ['carol', 'bob']),
      sendByClient(server, journal, 'erin', ['bob']),
      sendBare(server, journal, 'frank', 'bob'),
      sendBare(server, journal, 'grace', 'carol'),
    ];

    for (let kill = 1; kill <= KILLS; kill += 1) {
      const enough = journal.confirmed + BETWEEN_KILLS;
      await journal.until(() => journal.confirmed >= enough);
      await server.killAndRestart();
    }
    const settled = journal.confirmed + BETWEEN_KILLS;
    await journal.until(() => journal.confirmed >= settled);
    for (const sender of sending) sender.stop();
    await Promise.all(sending.map(({ ended }) => ended));

    for (const node of tails.keys()) {
      const page = (await server.json(node, '/v1/inbox?limit=1')) as { tail_seq: number; acked_seq: number };
      tails.set(node, page.tail_seq);
      journal.write({ what: 'acked', node, seq: page.acked_seq });
    }
    const everything: Array<readonly [string, number]> = [
      ...[...tails].map(([node, tail]) => [`client of ${node}`, tail] as const),
      ['bare connection of bob', Number(tails.get('bob'))],
    ];
    await journal.until(() => everything.every(([reader, tail]) => journal.positionOf(reader) === tail));

    expect(journal.confirmed).toBeGreaterThan(KILLS * BETWEEN_KILLS);
    const openings = journal.entries.filter((entry) => entry.what === 'opened' && entry.reader.startsWith('bare'));
    expect(openings.length).toBeGreaterThan(KILLS);
    expect(checkJournal(journal.entries)).toEqual([]);
    Talker.hangUp();
    await reading;
  },
);
