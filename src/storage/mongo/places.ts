import type { ConnectionRow } from '../../modules/connections/index.js';
import type { ConnectionDocument } from './documents.js';

/** Among how many free places one is chosen, where the limit allows it. */
const SPARE_PLACES = 16;

/** A connection that wants a place of its node, which has `limit` of them. */
export interface Wish {
  readonly row: ConnectionRow;
  readonly limit: number;
}

/** A place and who has it. */
export type Held = Pick<ConnectionDocument, '_id' | 'nodeId' | 'connectionId' | 'moving'>;

export interface Choice<W extends Wish> {
  readonly wish: W;
  readonly place: string;
  /** It has this place already. */
  readonly isOwn: boolean;
}

/** A place for each for whom there is one, none of them twice; `held` has what all nodes concerned hold. */
export function choosePlaces<W extends Wish>(wishes: readonly W[], held: readonly Held[]): Array<Choice<W>> {
  const placesOf = new Map<string, Map<string, string>>();
  const moving = new Set<string>();
  for (const place of held) {
    if (place.moving) moving.add(place._id);
    else connectionsIn(placesOf, place.nodeId).set(place.connectionId, place._id);
  }
  return wishes.flatMap((wish) => {
    const { nodeId, connectionId } = wish.row;
    if (wish.row.moving) return [movingChoice(wish, moving)];
    const places = connectionsIn(placesOf, nodeId);
    const own = places.get(connectionId);
    const place = own ?? freePlace(nodeId, new Set(places.values()), wish.limit);
    if (place === undefined) return [];
    places.set(connectionId, place);
    return [{ wish, place, isOwn: own !== undefined }];
  });
}

/** One that is on the move stands aside, where there is room for any number. */
function movingChoice<W extends Wish>(wish: W, moving: ReadonlySet<string>): Choice<W> {
  const { nodeId, connectionId } = wish.row;
  const place = `${nodeId}\u0000moving\u0000${connectionId}`;
  return { wish, place, isOwn: moving.has(place) };
}

/** Places by connection. */
function connectionsIn(nodes: Map<string, Map<string, string>>, nodeId: string): Map<string, string> {
  const present = nodes.get(nodeId) ?? new Map<string, string>();
  nodes.set(nodeId, present);
  return present;
}

/** Any of those that are free, so that two who come at once seldom want the same. */
function freePlace(nodeId: string, taken: ReadonlySet<string>, limit: number): string | undefined {
  if (taken.size >= limit) return undefined;
  const places = Array.from({ length: Math.min(limit, taken.size + SPARE_PLACES) }, (_, i) => `${nodeId}\u0000${i}`);
  const free = places.filter((place) => !taken.has(place));
  return free[Math.floor(Math.random() * free.length)];
}
