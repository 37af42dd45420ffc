// Three nodes in a session, one of them anonymous: the others know it by an alias and can answer to it, privately too,
// without learning who it is, until it reveals itself.
import type { AllsparkClient } from '@allspark/client';
import { connect } from './surroundings.js';

const heardByCarol: unknown[] = [];
let answered: (payload: unknown) => void;
let revealed: (nodeId: string | undefined) => void;
const answer = new Promise<unknown>((resolve) => (answered = resolve));
const revelation = new Promise<string | undefined>((resolve) => (revealed = resolve));

const alice: AllsparkClient = await connect('alice', {
  onMessage: async ({ srcId, destSessionId, payload }) => {
    console.log(`alice got from ${srcId.startsWith('~') ? 'somebody' : srcId}:`, payload);
    await alice.send({ destSessionId, destId: srcId, payload: 'Nobody else reads this.' });
  },
});
const bob = await connect('bob', { onMessage: ({ payload }) => answered(payload) });
const carol = await connect('carol', {
  onMessage: ({ payload }) => void heardByCarol.push(payload),
  onSessionEvent: ({ event, nodeId }) => {
    if (event === 'revealed') revealed(nodeId);
  },
});

const { sessionId } = await alice.createSession({ anyoneCanJoin: true });
await carol.joinSession(sessionId);
await bob.joinSession(sessionId, { anonymous: true });

const { members } = await carol.session(sessionId);
console.log('carol sees', members.map(({ nodeId }) => nodeId ?? 'somebody anonymous').join(', '));

await bob.send({ destSessionId: sessionId, payload: 'Guess who I am.' });
console.log('bob got an answer to his alias:', await answer);
await bob.revealInSession(sessionId);

// What happens in a session has one order: whatever carol was to hear before this, she has heard.
const who = await revelation;
console.log(`carol heard "${heardByCarol.join('", "')}" and knows now that it was ${who}`);
await Promise.all([alice.close(), bob.close(), carol.close()]);
