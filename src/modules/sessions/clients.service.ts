import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Refusal } from '../../protocol/index.js';
import { clientLogOf } from '../inbox/index.js';
import { type KeyOfNode, type NodeRecord, NodesService } from '../nodes/index.js';
import type { Entry } from './group-entry.js';
import type { GroupState } from './group-state.js';
import { changeDraft } from './groups.js';
import { GroupsService } from './groups.service.js';
import { readEntries } from './session-history.js';
import { SessionsSettings } from './sessions.settings.js';
import type { Caller, EntryPage, EntryQuery } from './sessions.types.js';

const REMEMBERED_NODES = 100_000;

/** Clients: persons whose nodes are those whose latest key names them. */
@Injectable()
export class ClientsService {
  /** `iat` and client of the latest key of each node that was seen to. */
  private readonly settled = new LRUCache<string, KeyOfNode>({ max: REMEMBERED_NODES });

  constructor(
    private readonly groups: GroupsService,
    private readonly nodes: NodesService,
    private readonly settings: SessionsSettings,
  ) {}

  /**
   * A valid key of a node made a call or a connection: before it gets an answer, the node is in the group of the client
   * that the key names, and in no other. Throws `too_many_members`.
   */
  async seen(key: KeyOfNode): Promise<void> {
    const before = this.settled.get(key.nodeId);
    if (before && before.issuedAt >= key.issuedAt) return this.nodes.seen(key);
    const record = await this.nodes.find(key.nodeId);
    const isLatest = !record || record.iat <= key.issuedAt;
    if (isLatest) await this.settle(key, record);
    await this.nodes.seen(key);
    // Nobody recorded anything between this key and the one before it that was seen to here.
    const isRenewal = before !== undefined && record?.iat === before.issuedAt && before.clientId === key.clientId;
    if (isLatest && !isRenewal) await this.leaveOthers(key.nodeId);
    if (isLatest) this.settled.set(key.nodeId, key);
  }

  /** The group first, the record of the node last: who finds the old record does it all again. */
  private async settle(key: KeyOfNode, record: NodeRecord | undefined): Promise<void> {
    if (key.clientId !== null) await this.join(key.clientId, key);
    const before = record?.clientId ?? null;
    if (before !== null && before !== key.clientId) await this.leave(before, key);
  }

  /**
   * Two processes that see two keys of a node at once may both have found no record of the other. The last of them to
   * write its own finds both groups, since each was projected before.
   */
  private async leaveOthers(nodeId: string): Promise<void> {
    const latest = await this.nodes.find(nodeId);
    const others = (await this.groups.clientsOf(nodeId)).filter((clientId) => clientId !== latest?.clientId);
    for (const clientId of others) {
      const state = await this.groups.state(clientLogOf(clientId));
      if (state.stayOf(nodeId)) await this.leave(clientId, { nodeId, issuedAt: latest?.iat ?? 0 });
    }
  }

  /** Projected before the node is recorded: by that whoever comes later finds the group, and leaves it. */
  private async join(clientId: string, { nodeId, issuedAt }: KeyOfNode): Promise<void> {
    const log = clientLogOf(clientId);
    const state = await this.groups.state(log);
    const isIn = (state.stayOf(nodeId)?.issuedAt ?? -1) >= issuedAt;
    const { clientMaxNodes } = this.settings;
    const decide = (at: GroupState): Entry | Refusal => decideMember(at, nodeId, issuedAt, clientMaxNodes);
    const { n } = isIn ? state : await this.groups.happen(log, { ...changeDraft(), absent: 'created', decide });
    await this.groups.projected(log, n);
  }

  private async leave(clientId: string, { nodeId, issuedAt }: Pick<KeyOfNode, 'nodeId' | 'issuedAt'>): Promise<void> {
    const decide = (at: GroupState): Entry => {
      const isIn = at.stayOf(nodeId) && (at.latestOf(nodeId)?.issuedAt ?? 0) <= issuedAt;
      return isIn ? { kind: 'left', nodeId, issuedAt, frame: '' } : { kind: 'unchanged', nodeId, issuedAt, frame: '' };
    };
    const log = clientLogOf(clientId);
    await this.groups.happen(log, { ...changeDraft(), absent: 'created', decide });
  }

  /** What the client's log holds that the caller, one of its nodes or a trusted backend, may read. */
  async messages(caller: Caller, clientId: string, query: EntryQuery, maxBytes: number): Promise<EntryPage> {
    const state = await this.groups.state(clientLogOf(clientId));
    if (!caller.trusted && !state.stayOf(caller.nodeId)) throw new Refusal('forbidden');
    if (!state.exists) throw new Refusal('node_unknown');
    const reader = await this.groups.readerOf(state, caller);
    return readEntries(this.groups.log, state, reader, query, maxBytes);
  }
}

/** What is too late by its key changes nothing. */
function decideMember(state: GroupState, nodeId: string, issuedAt: number, maxNodes: number): Entry | Refusal {
  const seat = { nodeId, alias: null, issuedAt };
  if (!state.exists) return { kind: 'created', seats: [seat], frame: '' };
  const isLate = (state.latestOf(nodeId)?.issuedAt ?? 0) > issuedAt;
  if (state.stayOf(nodeId) || isLate) return { kind: 'unchanged', nodeId, issuedAt, frame: '' };
  if (state.size >= maxNodes)
    return new Refusal('too_many_members', { reason: `a client has at most ${maxNodes} nodes` });
  return { kind: 'joined', seat, frame: '' };
}
