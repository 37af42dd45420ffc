import type { Crew } from '../harness/crew.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';
import type { SendOrder } from '../clients/commands.js';
import { monotonic } from '../clients/journal-writer.js';
import { APP, SessionCalls } from '../harness/session-calls.js';

/** What the one that speaks anonymously is known by. */
const ALIAS = '~somebody';
const SPEAKERS = [
  { at: 0, kind: 'raw' },
  { at: 1, kind: 'sdk' },
  { at: 2, kind: 'raw' },
] as const;

/** A session of these nodes, some of which speak in it, one of them anonymously. Their inboxes are read by others. */
export async function manSession(
  scene: Scene,
  crew: Crew,
  server: ServerNode,
  nodes: readonly string[],
  speaking: Pick<SendOrder, 'perSecond' | 'back'>,
  url: string = server.url,
): Promise<void> {
  const hidden = nodes[SPEAKERS[1].at];
  const members = nodes.map((node) => ({ node_id: node, ...(node === hidden && { alias: ALIAS }) }));
  const askedAt = monotonic();
  const group = await new SessionCalls((entry) => scene.write(entry)).create(server, APP, { members });
  for (const { node_id: node, alias } of members) {
    scene.write({ what: 'joined', group, node, askedAt, ...(alias !== undefined && { alias }) });
  }
  for (const { at, kind } of SPEAKERS) {
    const src = nodes[at] as string;
    await crew.send({ kind, src, dests: [group], toSessions: true, url, ...speaking });
  }
}
