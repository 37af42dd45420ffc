import { Injectable } from '@nestjs/common';
import { type Identity, isAllowed } from '../../modules/auth/index.js';
import { type Caller, ClientsService, type EntryQuery, SessionsService } from '../../modules/sessions/index.js';
import { entryPageJson, Refusal } from '../../protocol/index.js';
import { FieldFaults } from './field-faults.js';
import { HttpSettings } from './http.settings.js';
import { listedSessionOf, memberOf, newMemberOf, newSessionOf, sessionOf } from './session-wire.js';
import type {
  EntryBounds,
  JoinRequest,
  Membership,
  Session,
  SessionList,
  SessionListQuery,
  SessionNamed,
  SessionRequest,
  UnjoinRequest,
} from './sessions.schema.js';
import { limitOf } from './wire.js';

/** What only a trusted backend may ask for. */
const OF_APPS = ['session_id', 'members'] as const;

@Injectable()
export class SessionCalls {
  constructor(
    private readonly sessions: SessionsService,
    private readonly clients: ClientsService,
    private readonly settings: HttpSettings,
  ) {}

  async create(identity: Identity, request: SessionRequest, key: string | undefined): Promise<Session> {
    const caller = callerOf(identity);
    refuseByRole(caller, request);
    return sessionOf(await this.sessions.create(caller, newSessionOf(request), key));
  }

  async list(identity: Identity, { cursor = '', limit }: SessionListQuery): Promise<SessionList> {
    const { sessions, next } = await this.sessions.list(callerOf(identity), cursor, this.limit(limit));
    return { sessions: sessions.map(listedSessionOf), next_cursor: next };
  }

  async view(identity: Identity, sessionId: string, membersCursor: string | undefined): Promise<Session> {
    return sessionOf(await this.sessions.view(callerOf(identity), sessionId, membersCursor));
  }

  /** A page as JSON text: payloads are in it byte for byte. */
  async messages(identity: Identity, sessionId: string, bounds: EntryBounds): Promise<string> {
    const { pageBytes } = this.settings;
    return entryPageJson(await this.sessions.messages(callerOf(identity), sessionId, this.query(bounds), pageBytes));
  }

  /** As `messages`, of a client. */
  async clientMessages(identity: Identity, clientId: string, bounds: EntryBounds): Promise<string> {
    const { pageBytes } = this.settings;
    return entryPageJson(await this.clients.messages(callerOf(identity), clientId, this.query(bounds), pageBytes));
  }

  async join(identity: Identity, sessionId: string, request: JoinRequest): Promise<Membership> {
    const asked = newMemberOf(request, request.node_id ?? identity.nodeId);
    const member = await this.sessions.join(callerOf(identity), sessionId, asked);
    return { session_id: sessionId, member: memberOf(member) };
  }

  async unjoin(identity: Identity, sessionId: string, request: UnjoinRequest): Promise<SessionNamed> {
    const { node_id: nodeId = identity.nodeId, alias } = request;
    await this.sessions.unjoin(callerOf(identity), sessionId, alias === undefined ? { nodeId } : { alias });
    return { session_id: sessionId };
  }

  async reveal(identity: Identity, sessionId: string): Promise<Membership> {
    return { session_id: sessionId, member: memberOf(await this.sessions.reveal(callerOf(identity), sessionId)) };
  }

  async end(identity: Identity, sessionId: string): Promise<SessionNamed> {
    await this.sessions.end(callerOf(identity), sessionId);
    return { session_id: sessionId };
  }

  private query({ limit, ...bounds }: EntryBounds): EntryQuery {
    return { ...bounds, limit: this.limit(limit) };
  }

  private limit(asked: number | undefined): number {
    const { pageMessages: usual, pageMaxMessages: most } = this.settings;
    return limitOf(asked, { usual, most });
  }
}

function callerOf({ nodeId, clientId, role }: Identity): Caller {
  return { nodeId, clientId, trusted: isAllowed(role, ['app']) };
}

function refuseByRole({ trusted }: Caller, request: SessionRequest): void {
  if (trusted && request.anonymous === true)
    throw new Refusal('invalid_field', { field: 'anonymous', reason: 'wanted: none from a backend, it takes no seat' });
  const given = trusted ? [] : OF_APPS.filter((name) => request[name] !== undefined);
  const faults = new FieldFaults();
  for (const field of given) faults.add('forbidden', field, `only a backend gives ${field}`);
  faults.refuse();
}
