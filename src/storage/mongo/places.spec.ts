import { describe, expect, it } from 'vitest';
import { connectionRow } from '../../modules/connections/testing/index.js';
import { choosePlaces, type Held, type Wish } from './places.js';

const wish = (nodeId: string, connectionId: string, limit: number): Wish => ({
  row: connectionRow(nodeId, connectionId),
  limit,
});
const held = (nodeId: string, connectionId: string, place: number): Held => ({
  _id: `${nodeId}\u0000${place}`,
  nodeId,
  connectionId,
});
const placesOf = (choices: ReturnType<typeof choosePlaces>): string[] => choices.map(({ place }) => place);

describe('choosePlaces', () => {
  it('gives each a place of its own below the limit, and none to one too many', () => {
    const wishes = Array.from({ length: 12 }, (_, i) => wish('a', `c${i}`, 7));
    const places = placesOf(choosePlaces(wishes, [held('a', 'x', 3), held('a', 'y', 5)]));
    expect(places.toSorted()).toEqual([0, 1, 2, 4, 6].map((place) => `a\u0000${place}`));
  });

  it('counts each node for itself', () => {
    const wishes = [wish('a', 'c1', 1), wish('b', 'c1', 1), wish('a', 'c2', 1)];
    expect(placesOf(choosePlaces(wishes, []))).toEqual(['a\u00000', 'b\u00000']);
  });

  it('leaves a connection in the place that it has', () => {
    const choices = choosePlaces([wish('a', 'c1', 1), wish('a', 'c2', 1)], [held('a', 'c1', 0)]);
    expect(choices).toMatchObject([{ wish: { row: { connectionId: 'c1' } }, place: 'a\u00000', isOwn: true }]);
  });

  it('finds places where there is no limit', () => {
    const wishes = Array.from({ length: 100 }, (_, i) => wish('a', `c${i}`, Number.MAX_SAFE_INTEGER));
    expect(new Set(placesOf(choosePlaces(wishes, []))).size).toBe(100);
  });
});
