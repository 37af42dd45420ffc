import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { InboxLog } from '../../src/modules/inbox/index.js';
import { findMongo } from '../support/mongo.js';
import { SessionTalk, upTo } from '../support/session-talk.js';
import { type Frame, Talker } from '../support/talker.js';
import { linkFrames, TwoServers } from '../support/two-servers.js';

const MEMBERS = 20;
const MESSAGES = 6;
/** A lane makes one insert of a message, unless some of its logs rest, or it has to try again. */
const INSERTS_A_LANE = 2;
const found = await findMongo();
const FAMILIES = ['one embedded data folder', 'MongoDB'] as const;

const isTransient = ({ transient }: Frame): boolean => transient === true;

describe.each(FAMILIES)('a message to a session with many members at another server node, on %s', (family) => {
  const test = it.skipIf(family === 'MongoDB' && !found);
  let servers: TwoServers;

  beforeAll(async () => {
    if (family === 'MongoDB' && !found) return;
    servers = await TwoServers.start({}, family === 'MongoDB' ? found : undefined);
  });
  afterEach(() => Talker.hangUp());
  afterAll(() => servers?.stop());

  /** A sender here, and the members there. */
  async function gathered(name: string): Promise<{ session: SessionTalk; sender: Talker; members: Talker[] }> {
    const { here, there } = servers;
    const nodeIds = upTo(MEMBERS).map((index) => `${name}-${index}`);
    const session = await SessionTalk.of(here, [name, ...nodeIds]);
    const members = await Promise.all(nodeIds.map((nodeId) => Talker.open(there, nodeId)));
    return { session, sender: await Talker.open(here, name), members };
  }

  test('costs about a frame for each lane of the store, not for each member', async () => {
    const { session, sender, members } = await gathered('durable');
    const before = await linkFrames(servers.here, 'sent');
    for (const payload of upTo(MESSAGES)) {
      expect(await sender.ask(session.to({ payload }))).toMatchObject({ status: 'stored' });
      for (const member of members) expect(await member.nextEntries(1)).toMatchObject([{ seq: payload, payload }]);
    }
    const frames = (await linkFrames(servers.here, 'sent')) - before;
    const { lanes } = servers.here.running.app.get(InboxLog, { strict: false });
    console.log(`${MESSAGES} messages to ${MEMBERS} members, lanes of the store ${lanes}: ${frames} frames`);
    expect(frames).toBeGreaterThan(0);
    expect(frames).toBeLessThanOrEqual(MESSAGES * lanes * INSERTS_A_LANE);
    expect(frames).toBeLessThan((MESSAGES * MEMBERS) / 2);
  });

  test('costs one frame when it is transient', async () => {
    const { session, sender, members } = await gathered('transient');
    const before = await linkFrames(servers.here, 'sent');
    for (const payload of upTo(MESSAGES)) {
      sender.send(session.to({ payload, transient: true }));
      for (const member of members) expect(await member.next(isTransient)).toMatchObject({ payload });
    }
    const frames = (await linkFrames(servers.here, 'sent')) - before;
    expect(frames).toBe(MESSAGES);
  });
});
