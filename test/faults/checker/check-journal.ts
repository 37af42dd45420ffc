import type { Entry, Violation } from './entries.js';
import {
  confirmedButNotRead,
  effectsTwice,
  overtaken,
  readButNotSent,
  refusedButRead,
  severalPlaces,
} from './messages.js';
import { backwards, jumps, leaks, otherEpochs, severalOrders } from './readers.js';
import { calledOffline } from './presence.js';
import { late, notAtRest, notBack } from './rest.js';
import { judgeGroups } from './sessions.js';

export interface CheckOptions {
  /** How long a connected reader that keeps up may wait for a confirmed message, ms. Default: not looked at. */
  readonly lateMs?: number;
}

/**
 * Judges a recorded run that has come to rest: all senders have their answers and all readers have read to the tail.
 * I1 what was confirmed reached every reader · I2 what arrived was sent so by its source · I3 one seq for each message,
 * and each effect once · I4 first in, first out in each lane · I5 one order for all readers · I6 each reader sees seq
 * rise by one · I7 the acknowledged seq never goes back · I8 what was refused for good is never delivered · I9 one epoch
 * as long as the store lives · I10 nothing to who has left · I11 no name of an anonymous one (its coarse half) · I12 all
 * is at rest in time · I13 what was measured is back at its baseline · presence: nobody who
 * is connected is called offline. What goes through groups is held to I1 to I5 and
 * I10 by the numbers that it has there.
 */
export function checkJournal(journal: readonly Entry[], { lateMs = Infinity }: CheckOptions = {}): Violation[] {
  return [
    ...confirmedButNotRead(journal),
    ...readButNotSent(journal),
    ...severalPlaces(journal),
    ...effectsTwice(journal),
    ...overtaken(journal),
    ...severalOrders(journal),
    ...jumps(journal),
    ...backwards(journal),
    ...refusedButRead(journal),
    ...otherEpochs(journal),
    ...judgeGroups(journal),
    ...leaks(journal),
    ...calledOffline(journal),
    ...notAtRest(journal),
    ...(lateMs === Infinity ? [] : late(journal, lateMs)),
    ...notBack(journal),
  ];
}
