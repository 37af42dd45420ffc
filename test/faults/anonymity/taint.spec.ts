import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formsOf, taintsIn } from './taint.js';

const canary = { kind: 'node', text: 'canary-7f3a', entitled: new Set(['owner', 'app']) };

describe('the search for canaries', () => {
  it('finds one in anything that somebody else was told', () => {
    const told = new Map([['other', ['{"src_id":"~x"}', '{"src_id":"canary-7f3a"}']]]);
    expect(taintsIn(told, [canary])).toMatchObject([{ kind: 'node', party: 'other' }]);
  });

  it('finds none with those whom it belongs to', () => {
    const told = new Map(['owner', 'app'].map((party) => [party, ['canary-7f3a']]));
    expect(taintsIn(told, [canary])).toEqual([]);
  });

  it('knows a name by its hash and by its bytes', () => {
    const alias = `~${createHash('sha256').update('canary-7f3a').digest('base64url').slice(0, 22)}`;
    for (const text of [alias, Buffer.from('canary-7f3a').toString('hex')]) {
      const canaries = formsOf('canary-7f3a').map((form) => ({ ...canary, text: form }));
      expect(taintsIn(new Map([['other', [text]]]), canaries)).toHaveLength(1);
    }
  });
});
