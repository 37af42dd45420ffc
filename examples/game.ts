// A game: the master hears every player and every player hears the master, but players do not hear each other. When the
// master leaves, nobody is there to play with, and whoever goes on sending is told so.
import { type AllsparkClient, AllsparkError } from '@allspark/client';
import { connect } from './surroundings.js';

/** A node that writes down what it hears; `heard` resolves when it has heard so many messages. */
async function player(node: string, count: number): Promise<{ client: AllsparkClient; heard: Promise<string[]> }> {
  const messages: string[] = [];
  let complete: (messages: string[]) => void;
  const heard = new Promise<string[]>((resolve) => (complete = resolve));
  const client = await connect(node, {
    onMessage: ({ srcId, payload }) => {
      console.log(`${node} heard ${srcId}:`, payload);
      if (messages.push(String(payload)) === count) complete(messages);
    },
  });
  return { client, heard };
}

const alice = await player('alice', 2);
const bob = await player('bob', 1);
const carol = await player('carol', 1);

// Who creates a game is its master, unless `masterNodeId` names another.
const { sessionId } = await alice.client.createSession({ type: 'game', anyoneCanJoin: true });
await bob.client.joinSession(sessionId);
await carol.client.joinSession(sessionId);

await bob.client.send({ destSessionId: sessionId, payload: 'bob plays 3' });
await carol.client.send({ destSessionId: sessionId, payload: 'carol plays 7' });
console.log('the master heard', (await alice.heard).join(', '));

await alice.client.send({ destSessionId: sessionId, payload: 'next round' });
await carol.heard;
const heardByBob = (await bob.heard).join('", "');

await alice.client.unjoinSession(sessionId);
const outcome = await bob.client.send({ destSessionId: sessionId, payload: 'anybody there?' }).then(
  ({ status }) => status,
  (error: unknown) => (error instanceof AllsparkError ? error.code : String(error)),
);
console.log(`bob heard "${heardByBob}", and after the master left: ${outcome}`);
await Promise.all([alice.client.close(), bob.client.close(), carol.client.close()]);
