import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import type { Schema as MongooseSchema } from 'mongoose';

/*
 * What the collections hold. Nothing is created or indexed in the background: the store does both before it says that
 * it is open. Every property names its type, as the reflected one of a union is `Object`.
 */
const options = (collection: string) =>
  ({ collection, versionKey: false, autoIndex: false, autoCreate: false }) as const;

/** A row of a log. `_id` is `rowId(log, n)`: the point read of a poll and the range read of a page are both its index. */
@Schema(options('log_rows'))
export class LogRowDocument {
  @Prop({ type: String, required: true })
  _id: string;

  @Prop({ type: String, required: true })
  log: string;

  @Prop({ type: Number, required: true })
  n: number;

  @Prop({ type: String, required: true })
  key: string;

  @Prop({ type: String, required: true })
  digest: string;

  @Prop({ type: String, required: true })
  writer: string;

  @Prop({ type: Number, required: true })
  at: number;

  /** Running totals of the log up to and including this row. */
  @Prop({ type: Number, required: true })
  count: number;

  @Prop({ type: Number, required: true })
  bytes: number;

  @Prop({ type: Boolean, required: true })
  report: boolean;

  @Prop({ type: String })
  body: string;

  /** An entry of a group that was not driven yet. Elsewhere the field is missing, and the row in no index of open ones. */
  @Prop({ type: Boolean })
  open?: true;
}

/** The highest entry of a group among the rows that were removed from an inbox. `_id` is of both. */
@Schema(options('seats'))
export class SeatDocument {
  @Prop({ type: String, required: true })
  _id: string;

  @Prop({ type: Number, required: true })
  entry: number;
}

/** The marks of a log, under its id. Every field is there from the first write on: filters compare them. */
@Schema(options('log_marks'))
export class LogMarksDocument {
  @Prop({ type: String, required: true })
  _id: string;

  @Prop({ type: Number, required: true })
  acked: number;

  @Prop({ type: Number, required: true })
  ackedCount: number;

  @Prop({ type: Number, required: true })
  ackedBytes: number;

  @Prop({ type: Number, required: true })
  floor: number;

  @Prop({ type: Number, required: true })
  floorCount: number;

  @Prop({ type: Number, required: true })
  floorBytes: number;

  /** Bodies below it were dropped. */
  @Prop({ type: Number, required: true })
  emptied: number;
}

/** A stay of a node in a group. `_id` is `stayId(log, nodeId, joined)`. */
@Schema(options('stays'))
export class StayDocument {
  @Prop({ type: String, required: true })
  _id: string;

  @Prop({ type: String, required: true })
  log: string;

  @Prop({ type: String, required: true })
  nodeId: string;

  @Prop({ type: Number, required: true })
  joined: number;

  @Prop({ type: Number })
  left: number | null;

  @Prop({ type: String })
  alias: string | null;

  @Prop({ type: Number })
  revealed: number | null;

  @Prop({ type: Number, required: true })
  issuedAt: number;
}

/** The record of a group, under the id of its log. */
@Schema(options('groups'))
export class GroupDocument {
  @Prop({ type: String, required: true })
  _id: string;

  @Prop({ type: String, required: true })
  created: string;

  @Prop({ type: Number, required: true })
  createdAt: number;

  @Prop({ type: Number })
  ended: number | null;
}

/** A connection, in one of the places of its node. `_id` is (node, place): taking a place twice is a duplicate key. */
@Schema(options('connections'))
export class ConnectionDocument {
  @Prop({ type: String, required: true })
  _id: string;

  @Prop({ type: String, required: true })
  nodeId: string;

  @Prop({ type: String, required: true })
  connectionId: string;

  @Prop({ type: String, required: true })
  serverNodeId: string;

  @Prop({ type: String, required: true })
  bootId: string;

  @Prop({ type: Number, required: true })
  since: number;

  /** It was told to move: it has a place that does not count. */
  @Prop({ type: Boolean })
  moving?: true;
}

/** A known node, under its id. */
@Schema(options('nodes'))
export class NodeDocument {
  @Prop({ type: String, required: true })
  _id: string;

  @Prop({ type: String })
  clientId: string | null;

  @Prop({ type: Number, required: true })
  iat: number;

  @Prop({ type: Number })
  lastSeen: number | null;
}

/** A server node, under its address. */
@Schema(options('server_nodes'))
export class ServerNodeDocument {
  @Prop({ type: String, required: true })
  _id: string;

  @Prop({ type: String, required: true })
  serverNodeId: string;

  @Prop({ type: String, required: true })
  bootId: string;

  @Prop({ type: Number, required: true })
  beat: number;

  @Prop({ type: String, required: true })
  baseUrl: string;

  @Prop({ type: String })
  proxyHost: string | null;

  @Prop({ type: String, required: true })
  internalUrl: string;

  @Prop({ type: Number, required: true })
  capacity: number;

  @Prop({ type: Number, required: true })
  connections: number;

  @Prop({ type: Number, required: true })
  lagMs: number;

  @Prop({ type: Boolean, required: true })
  closed: boolean;
}

/** What a validation key opens, under the key's digest. */
@Schema(options('validation_keys'))
export class ValidationKeyDocument {
  @Prop({ type: String, required: true })
  _id: string;

  @Prop({ type: String, required: true })
  nodeId: string;

  @Prop({ type: String })
  clientId: string | null;

  @Prop({ type: String, required: true })
  role: 'node' | 'app' | 'admin';

  @Prop({ type: Number, required: true })
  issuedAt: number;

  @Prop({ type: Number, required: true })
  expiresAt: number;

  @Prop({ type: String })
  kid: string | null;

  @Prop({ type: String, required: true })
  serverNodeId: string;

  @Prop({ type: Number, required: true })
  validUntil: number;

  /** Who used it up, and will remove it. */
  @Prop({ type: String })
  usedBy: string | null;
}

/** An order to end something. `_id` is its position, one above that of the order before it. */
@Schema(options('end_orders'))
export class EndOrderDocument {
  @Prop({ type: Number, required: true })
  _id: number;

  @Prop({ type: Number, required: true })
  until: number;

  /** JSON. */
  @Prop({ type: String, required: true })
  order: string;
}

/** The store itself; there is one. */
@Schema(options('store'))
export class StoreDocument {
  @Prop({ type: String, required: true })
  _id: string;

  /** Version of all these forms. */
  @Prop({ type: Number, required: true })
  schema: number;

  @Prop({ type: String, required: true })
  epoch: string;
}

/** The index that holds (log, key) unique: a duplicate key error names it. */
export const KEY_INDEX = 'log_key';
/*
 * Indexes that are named by those who ask. Among few documents another one can look as good to the server, and it would
 * go on with that one when they are many.
 */
export const OPEN_INDEX = 'open_log_n';
export const ALIAS_INDEX = 'log_alias';
export const LASTING_INDEX = 'node_log_lasting';

const rows = SchemaFactory.createForClass(LogRowDocument);
rows.index({ log: 1, key: 1 }, { unique: true, name: KEY_INDEX });
rows.index({ log: 1, at: 1, n: 1 }, { name: 'log_at_n' });
rows.index({ open: 1, log: 1, n: 1 }, { name: OPEN_INDEX, partialFilterExpression: { open: true } });

const stays = SchemaFactory.createForClass(StayDocument);
stays.index({ log: 1, left: 1 }, { name: 'log_left' });
stays.index({ nodeId: 1, log: 1 }, { name: LASTING_INDEX, partialFilterExpression: { left: null } });
stays.index({ log: 1, alias: 1 }, { name: ALIAS_INDEX, partialFilterExpression: { alias: { $gt: '' } } });

const connections = SchemaFactory.createForClass(ConnectionDocument);
connections.index({ nodeId: 1, connectionId: 1, moving: 1 }, { unique: true, name: 'node_connection_moving' });
connections.index({ connectionId: 1 }, { name: 'connection' });
/** Made by older versions: it lets no connection stand aside while it has its place. */
export const FORMER_INDEX = 'node_connection';
connections.index({ bootId: 1 }, { name: 'boot' });

const serverNodes = SchemaFactory.createForClass(ServerNodeDocument);
serverNodes.index({ serverNodeId: 1, bootId: 1 }, { name: 'server_node_boot' });

const validationKeys = SchemaFactory.createForClass(ValidationKeyDocument);
validationKeys.index({ validUntil: 1 }, { name: 'valid_until' });

const endOrders = SchemaFactory.createForClass(EndOrderDocument);
endOrders.index({ until: 1 }, { name: 'until' });

/** A class of documents; its name is that of the model. */
export type DocumentClass<T> = abstract new () => T;

export const SCHEMAS: ReadonlyArray<readonly [DocumentClass<unknown>, MongooseSchema]> = [
  [LogRowDocument, rows],
  [LogMarksDocument, SchemaFactory.createForClass(LogMarksDocument)],
  [SeatDocument, SchemaFactory.createForClass(SeatDocument)],
  [StayDocument, stays],
  [GroupDocument, SchemaFactory.createForClass(GroupDocument)],
  [ConnectionDocument, connections],
  [NodeDocument, SchemaFactory.createForClass(NodeDocument)],
  [ServerNodeDocument, serverNodes],
  [ValidationKeyDocument, validationKeys],
  [EndOrderDocument, endOrders],
  [StoreDocument, SchemaFactory.createForClass(StoreDocument)],
];
