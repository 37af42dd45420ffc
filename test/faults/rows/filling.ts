import { shown } from '../clients/sender.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';

const BATCH = 500;
const SRC = 'backend';

interface Result {
  readonly status: string;
  readonly code?: string;
}

/** Writes so many messages to a node by HTTP, as an application that has no rate limit, and writes down what it did. */
export async function fill(
  scene: Pick<Scene, 'report' | 'write'>,
  server: ServerNode,
  dest: string,
  messages: number,
  /** How many were written before. */
  before: number = 0,
): Promise<void> {
  for (let first = 0; first < messages; first += BATCH) {
    const ids = Array.from(
      { length: Math.min(BATCH, messages - first) },
      (_none, at) => `filler-${before + first + at + 1}`,
    );
    const batch = ids.map((id) => ({ dest_id: dest, id, payload: { id, text: 'x'.repeat(60) } }));
    for (const { id, payload } of batch) {
      scene.write({ what: 'sent', lane: SRC, src: SRC, dest, id, payload: shown(JSON.stringify(payload)) });
    }
    const answer = await server.json<{ results: Result[] }>(SRC, '/v1/messages', { messages: batch }, { role: 'app' });
    for (const [index, { status, code = status }] of answer.results.entries()) {
      const name = { src: SRC, dest, id: ids[index] as string };
      if (status === 'stored' || status === 'duplicate') scene.write({ what: 'confirmed', ...name });
      else scene.report.shortcomings.push(`${name.id} was not stored: ${code}`);
    }
  }
}
