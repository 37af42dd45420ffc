import type { Entry } from '../checker/index.js';
import { monotonic } from '../clients/journal-writer.js';
import type { Claims } from '../clients/auth-key.js';
import type { ServerNode } from './server-node.js';

export interface Answered<T = Record<string, unknown>> {
  readonly status: number;
  readonly body: T;
}

interface Membership {
  readonly member?: { readonly node_id?: string; readonly alias?: string };
  readonly code?: string;
}

/** Who calls: a node by its own key. */
export interface By {
  readonly node: string;
  readonly claims?: Claims;
}

/** A backend of the harness. */
export const APP: By = { node: 'backend', claims: { role: 'app' } };

/** Calls about sessions, with what came of them as a journal keeps it. */
export class SessionCalls {
  constructor(private readonly write: (entry: Entry) => void) {}

  async create(server: ServerNode, by: By, asked: object): Promise<string> {
    const { status, body } = await call(server, by, '/v1/sessions', asked);
    if (status !== 201) throw new Error(`no session was made: ${JSON.stringify(body)}`);
    return String(body['session_id']);
  }

  /** Answers what the member is known by. */
  async join(server: ServerNode, by: By, group: string, node: string, asked: object): Promise<Answered<Membership>> {
    const askedAt = monotonic();
    const answer = await call<Membership>(server, by, `/v1/sessions/${group}/join`, asked);
    const alias = answer.body.member?.alias;
    const known = { group, node, askedAt, ...(alias !== undefined && { alias }) };
    if (answer.status === 200) this.write({ what: 'joined', ...known });
    else if (answer.status >= 500) this.write({ what: 'unsure', ...known });
    return answer;
  }

  async leave(server: ServerNode, by: By, group: string, node: string, asked: object): Promise<Answered> {
    const askedAt = monotonic();
    const answer = await call(server, by, `/v1/sessions/${group}/unjoin`, asked);
    // Who is told that it is no member is none, whatever is still on its way.
    if (answer.status === 200) this.write({ what: 'left', group, node, askedAt });
    else if (answer.status >= 500) this.write({ what: 'unsure', group, node, askedAt });
    return answer;
  }
}

export async function call<T = Record<string, unknown>>(
  server: ServerNode,
  { node, claims }: By,
  path: string,
  body?: unknown,
): Promise<Answered<T>> {
  const response = await server.call(node, path, body, claims);
  return { status: response.status, body: (await response.json()) as T };
}
