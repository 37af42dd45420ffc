import type { mongo } from 'mongoose';
import { type NodeRecord, NodeRegistry } from '../../modules/nodes/index.js';
import { NodeDocument } from './documents.js';
import { bulkMeeting } from './driver-errors.js';
import { Gather, paceOfCrowds } from './gather.js';
import type { MongoStore } from './mongo-store.js';

type Found = Array<NodeRecord | undefined>;

/** Records and look-ups gather: a crowd that comes or goes costs a few of either. */
export class MongoNodeRegistry extends NodeRegistry {
  private readonly nodes: mongo.Collection<NodeDocument>;
  private readonly records: Gather<readonly NodeRecord[], void>;
  private readonly looks: Gather<readonly string[], Found>;

  constructor(private readonly store: MongoStore) {
    super();
    this.nodes = store.collection(NodeDocument);
    this.looks = new Gather((lists, signal) => this.look(lists, signal));
    this.records = new Gather((lists, signal) => this.merge(lists.flat(), signal), {
      pace: paceOfCrowds(store.settings.clock),
    });
  }

  find(nodeIds: readonly string[]): Promise<Array<NodeRecord | undefined>> {
    return this.store.run((signal) => this.looks.run(nodeIds, signal));
  }

  private async look(lists: ReadonlyArray<readonly string[]>, signal: AbortSignal): Promise<Found[]> {
    const wanted = { _id: { $in: [...new Set(lists.flat())] } };
    const found = await this.nodes.find(wanted, { signal }).toArray();
    const records = new Map(found.map(({ _id: nodeId, ...rest }) => [nodeId, { nodeId, ...rest }]));
    return lists.map((nodeIds) => nodeIds.map((nodeId) => records.get(nodeId)));
  }

  record(nodes: readonly NodeRecord[]): Promise<void> {
    return this.store.run((signal) => this.records.run(nodes, signal));
  }

  private async merge(nodes: readonly NodeRecord[], signal: AbortSignal): Promise<void[]> {
    await bulkMeeting(this.nodes, nodes.map(merging), signal);
    return [];
  }
}

/** Which of two records knows more is decided where they meet, so that the order of writers does not matter. */
function merging({ nodeId, clientId, iat, lastSeen }: NodeRecord): mongo.AnyBulkWriteOperation<NodeDocument> {
  const isNewerKey = { $gt: [iat, { $ifNull: ['$iat', -1] }] };
  const merged = {
    // Literally: a client may be called what looks like the path of a field.
    clientId: { $cond: [isNewerKey, { $literal: clientId }, '$clientId'] },
    iat: { $max: [iat, '$iat'] },
    lastSeen: { $max: [lastSeen, '$lastSeen'] },
  };
  return { updateOne: { filter: { _id: nodeId }, update: [{ $set: merged }], upsert: true } };
}
