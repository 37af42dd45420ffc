import type { mongo } from 'mongoose';

/** The time of the server that carries a command out, ms since 1970, whatever the clock of this process shows. */
const NOW = { $toLong: '$$NOW' };

/** For an update by a pipeline. */
export function msFromNow(ms: number): mongo.Document {
  return { $add: [NOW, ms] };
}

/** Documents whose `field` is over; an index on it serves. */
export function isOver(field: string): mongo.Document {
  return { $expr: { $lt: [`$${field}`, NOW] } };
}

export function isLaterThanNow(field: string): mongo.Document {
  return { $expr: { $gt: [`$${field}`, NOW] } };
}
