import type { KeyRequest, TestServer } from './test-server.js';

export type Json = Record<string, unknown>;

export interface Reply {
  readonly status: number;
  readonly body: Json;
  /** What was answered, request id aside: as it stands on the wire, with the headers that say something. */
  readonly whole: string;
}

export interface Member {
  readonly node_id?: string;
  readonly alias?: string;
  readonly anonymous: boolean;
  readonly role: string;
}

/** Somebody who calls the REST interface. */
export class Party {
  constructor(
    private readonly server: TestServer,
    readonly nodeId: string,
    private readonly request: KeyRequest = {},
  ) {}

  static app(server: TestServer, nodeId = 'backend'): Party {
    return new Party(server, nodeId, { role: 'app' });
  }

  /** Several nodes, which are known from now on. */
  static async known(server: TestServer, ...nodeIds: string[]): Promise<Party[]> {
    const parties = nodeIds.map((nodeId) => new Party(server, nodeId));
    await Promise.all(parties.map((party) => party.ask('GET', '/v1/sessions')));
    return parties;
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const answer = await this.server.call(this.nodeId, path, { ...init, ...this.request });
    const text = await answer.text();
    const id = answer.headers.get('x-request-id') ?? '';
    const shown = [...answer.headers].filter(([name]) => name !== 'date').map((header) => header.join(': '));
    return {
      status: answer.status,
      body: JSON.parse(text) as Json,
      whole: [answer.status, ...shown, text].join('\n').replaceAll(id, 'ID'),
    };
  }

  /** The body of an answer that is a success. */
  async done(method: string, path: string, body?: unknown): Promise<Json> {
    const reply = await this.ask(method, path, body);
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.whole}`);
    return reply.body;
  }

  /** Creates a session and answers its id. */
  async create(body: Json = {}): Promise<string> {
    return (await this.done('POST', '/v1/sessions', body))['session_id'] as string;
  }

  view(id: string, query = ''): Promise<Reply> {
    return this.ask('GET', `/v1/sessions/${id}${query}`);
  }

  async members(id: string): Promise<Member[]> {
    return (await this.done('GET', `/v1/sessions/${id}`))['members'] as Member[];
  }

  join(id: string, body?: Json): Promise<Reply> {
    return this.ask('POST', `/v1/sessions/${id}/join`, body);
  }

  unjoin(id: string, body?: Json): Promise<Reply> {
    return this.ask('POST', `/v1/sessions/${id}/unjoin`, body);
  }

  reveal(id: string): Promise<Reply> {
    return this.ask('POST', `/v1/sessions/${id}/reveal`);
  }

  end(id: string): Promise<Reply> {
    return this.ask('DELETE', `/v1/sessions/${id}`);
  }

  /** Joins as an anonymous member and answers the alias. */
  async hide(id: string): Promise<string> {
    const { member } = await this.done('POST', `/v1/sessions/${id}/join`, { anonymous: true });
    return (member as Member).alias ?? '';
  }

  /** Sends a message and answers its status, or the code with which it is refused. */
  async send(message: Json): Promise<string> {
    const { results } = await this.done('POST', '/v1/messages', { messages: [message] });
    const [{ status, code } = {}] = results as Json[];
    return (code ?? status) as string;
  }

  messages(id: string, query = ''): Promise<Reply> {
    return this.ask('GET', `/v1/sessions/${id}/messages${query}`);
  }

  /** What one may read of a session, in short: the payload of a message, type and source of what happened. */
  async read(id: string, query = ''): Promise<unknown[]> {
    const { messages } = await this.done('GET', `/v1/sessions/${id}/messages${query}`);
    return (messages as Array<{ type: number; src_id: string; payload?: unknown }>).map((entry) =>
      entry.type === 0 ? entry.payload : `${entry.type} ${entry.src_id}`,
    );
  }
}

/** Of a refusal: its status, code and field. */
export function refusalIn({ status, body }: Reply): string {
  const field = body['field'] === undefined ? '' : ` ${body['field'] as string}`;
  return `${status} ${body['code'] as string}${field}`;
}
