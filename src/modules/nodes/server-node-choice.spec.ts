import { describe, expect, it } from 'vitest';
import { generator as numbers } from '../../../test/support/generator.js';
import { type Candidate, chooseServerNode } from './server-node-choice.js';

const candidate = (serverNodeId: string, changes: Partial<Candidate> = {}): Candidate => ({
  serverNodeId,
  capacity: 20_000,
  connections: 0,
  lagMs: 0,
  closed: false,
  expected: 0,
  ...changes,
});

/** Any number of server nodes in any state. */
function anyCandidates(random: () => number): Candidate[] {
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  return Array.from({ length: upTo(6) }, (_, index) => {
    const capacity = upTo(3) === 0 ? 0 : upTo(1_000);
    const [connections, expected] = [upTo(capacity + 10), upTo(3) === 0 ? upTo(capacity) : 0];
    return candidate(`~s${index}`, { capacity, connections, expected, lagMs: upTo(400), closed: upTo(3) === 0 });
  });
}

function spread(candidates: Candidate[], count: number, random: () => number, sessionOf?: (i: number) => string) {
  const present = new Map(candidates.map((each) => [each.serverNodeId, each]));
  for (let i = 0; i < count; i += 1) {
    const chosen = chooseServerNode([...present.values()], random, sessionOf?.(i));
    if (chosen) present.set(chosen.serverNodeId, { ...chosen, expected: chosen.expected + 1 });
  }
  return new Map([...present].map(([id, { expected }]) => [id, expected]));
}

const placeOf = (candidates: Candidate[], i: number): string | undefined =>
  chooseServerNode(candidates, numbers(i), `session-${i}`)?.serverNodeId;

describe('the choice of a server node', () => {
  it('is for any of those that have room, never a closed or full one, and none only when all are', () => {
    for (let seed = 0; seed < 2_000; seed += 1) {
      const random = numbers(seed);
      const candidates = anyCandidates(random);
      const sessionId = seed % 2 ? `s${seed}` : undefined;
      const chosen = chooseServerNode(candidates, random, sessionId);
      const open = candidates.filter((each) => !each.closed && each.connections + each.expected < each.capacity);
      if (open.length === 0) expect(chosen).toBeUndefined();
      else expect(open).toContain(chosen);
    }
  });

  it('never falls on the fullest of several', () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const random = numbers(seed);
      const candidates = [candidate('~a', { connections: 9_000 }), candidate('~b'), candidate('~c')];
      expect(chooseServerNode(candidates, random)?.serverNodeId).not.toBe('~a');
    }
  });

  it('spreads 1,000 that come at once within 10 % over three', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const counts = spread([candidate('~a'), candidate('~b'), candidate('~c')], 1_000, numbers(seed));
      for (const count of counts.values()) expect(Math.abs(count - 1_000 / 3)).toBeLessThan(1_000 / 30);
    }
  });

  it('gives to each by its capacity', () => {
    const counts = spread([candidate('~a', { capacity: 10_000 }), candidate('~b')], 3_000, numbers(1));
    expect(counts.get('~a')! / 1_000).toBeCloseTo(1, 1);
    expect(counts.get('~b')! / 2_000).toBeCloseTo(1, 1);
  });

  it('does not mind a little lag, and spares one that is late', () => {
    const [little, much] = [40, 400].map((lagMs) =>
      spread([candidate('~a', { lagMs }), candidate('~b')], 1_000, numbers(3)),
    );
    expect(little!.get('~a')).toBe(500);
    expect(much!.get('~a')).toBeLessThan(250);
  });

  it('is the same for all members of a session, wherever they ask', () => {
    const candidates = [candidate('~a'), candidate('~b', { connections: 5_000 }), candidate('~c')];
    for (let seed = 0; seed < 200; seed += 1) {
      const chosen = chooseServerNode(candidates, numbers(seed), `s${seed % 20}`);
      expect(chooseServerNode(candidates.toReversed(), numbers(seed + 7), `s${seed % 20}`)).toBe(chosen);
    }
  });

  it('spreads sessions, and moves only those of a server node that goes', () => {
    const three = [candidate('~a'), candidate('~b'), candidate('~c')];
    const before = Array.from({ length: 3_000 }, (_, i) => placeOf(three, i));
    for (const { serverNodeId } of three) {
      expect(before.filter((id) => id === serverNodeId).length).toBeGreaterThan(800);
    }
    before.forEach((id, i) => id !== '~b' && expect(placeOf([three[0]!, three[2]!], i)).toBe(id));
  });

  it('sends those of a session elsewhere when their server node is full or closed, all to the same', () => {
    const three = [candidate('~a'), candidate('~b'), candidate('~c')];
    const home = chooseServerNode(three, Math.random, 's')!;
    for (const trouble of [{ closed: true }, { connections: 20_000 }, { expected: 20_000 }]) {
      const others = three.map((each) => (each === home ? { ...each, ...trouble } : each));
      const chosen = chooseServerNode(others, Math.random, 's')!;
      expect(chosen.serverNodeId).not.toBe(home.serverNodeId);
      expect(chooseServerNode(others, Math.random, 's')).toBe(chosen);
    }
  });
});
