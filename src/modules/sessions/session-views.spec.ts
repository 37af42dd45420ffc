import { describe, expect, it } from 'vitest';
import { created, joined, left, revealed, seat, stateOf } from '../../../test/support/entry-rows.js';
import { app, node } from '../../../test/support/group-services.js';
import { viewOf } from './session-views.js';

const masked = created({ owner: 'hal' }, seat('hal', '~h'), seat('bob'), seat('ann'));
const hiddenMember = { alias: '~h', anonymous: true, role: 'owner' };

describe('what is seen of a session', () => {
  it('is an anonymous member by its alias only, to members and to itself, sorted by what they are known by', () => {
    for (const nodeId of ['ann', 'hal']) {
      const { members, owner } = viewOf(stateOf(masked), 'party', node(nodeId));
      expect(members).toEqual([
        { nodeId: 'ann', anonymous: false, role: 'member' },
        { nodeId: 'bob', anonymous: false, role: 'member' },
        hiddenMember,
      ]);
      expect(owner).toBe('~h');
    }
  });

  it('is everything to a backend', () => {
    const { members, owner } = viewOf(stateOf(masked), 'party', app());
    expect(members.at(-1)).toEqual({ nodeId: 'hal', ...hiddenMember });
    expect(owner).toBe('hal');
  });

  it('is a node id and no alias after a reveal, except to a backend', () => {
    const state = stateOf(masked, revealed('hal'));
    const shown = { nodeId: 'hal', anonymous: false, role: 'owner' };
    expect(viewOf(state, 'party', node('ann')).members).toContainEqual(shown);
    expect(viewOf(state, 'party', node('ann')).owner).toBe('hal');
    expect(viewOf(state, 'party', app()).members).toContainEqual({ ...shown, alias: '~h' });
  });

  it('is oneself by both names, and nobody for who is no member', () => {
    const state = stateOf(masked, revealed('hal'));
    expect(viewOf(stateOf(masked), 'party', node('hal')).you).toEqual({ nodeId: 'hal', alias: '~h' });
    expect(viewOf(state, 'party', node('hal')).you).toEqual({ nodeId: 'hal', alias: '~h' });
    expect(viewOf(state, 'party', node('ann')).you).toEqual({ nodeId: 'ann' });
    expect(viewOf(state, 'party', app()).you).toBeNull();
  });

  it('is no owner once it left, even when it came back; a backend stays the owner', () => {
    const back = viewOf(stateOf(masked, left('hal'), joined('hal')), 'party', node('ann'));
    expect(back.owner).toBeNull();
    expect(back.members).toContainEqual({ nodeId: 'hal', anonymous: false, role: 'member' });
    const made = created({ owner: 'shop', isOwnerMember: false }, seat('ann'));
    expect(viewOf(stateOf(made), 'party', node('ann')).owner).toBe('shop');
  });

  it('is a master by its role, also when it owns, hidden as it is, and none once it left', () => {
    const game = created({ type: 'game', owner: 'hal', master: 'hal' }, seat('hal', '~h'), seat('ann'));
    const { master, members, owner } = viewOf(stateOf(game), 'party', node('ann'));
    expect([master, owner]).toEqual(['~h', '~h']);
    expect(members).toContainEqual({ ...hiddenMember, role: 'master' });
    expect(viewOf(stateOf(game), 'party', app()).master).toBe('hal');
    expect(viewOf(stateOf(game, left('hal')), 'party', node('ann')).master).toBeNull();
    expect(viewOf(stateOf(masked), 'party', node('ann')).master).toBeNull();
  });
});

describe('pages of members', () => {
  const nodes = Array.from({ length: 399 }, (_, index) => `n${String(index).padStart(3, '0')}`);
  const crowd = stateOf(created({}, ...nodes.map((nodeId) => seat(nodeId)), seat('hal', '~h')));

  it('hold 200, and all together everybody once; the last one says that it is the last', () => {
    const first = viewOf(crowd, 'party', node('n000'));
    const second = viewOf(crowd, 'party', node('n000'), first.nextMembersCursor!);
    expect([first.members.length, second.members.length]).toEqual([200, 200]);
    expect([first.nextMembersCursor, second.nextMembersCursor]).toEqual(['n199', null]);
    const seen = [...first.members, ...second.members].map(({ nodeId, alias }) => nodeId ?? alias);
    expect(seen).toEqual([...nodes, '~h']);
  });

  it('go on behind a member that left meanwhile', () => {
    const fewer = stateOf(created({}, ...nodes.map((nodeId) => seat(nodeId))), left('n199'));
    expect(viewOf(fewer, 'party', node('n000'), 'n199').members[0]).toMatchObject({ nodeId: 'n200' });
  });
});
