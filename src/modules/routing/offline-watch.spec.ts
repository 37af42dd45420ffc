import { beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionRow } from '../connections/index.js';
import type { NodeRecord } from '../nodes/index.js';
import { OfflineWatch } from './offline-watch.js';
import type { PresencePolicy } from './routing.settings.js';

async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
}

describe('that a node is offline', () => {
  let asked: string[];
  let told: string[];
  let elsewhere: Set<string>;
  let registered: Set<string>;

  beforeEach(() => {
    [asked, told] = [[], []];
    [elsewhere, registered] = [new Set(), new Set()];
  });

  async function ask(policy: PresencePolicy, clientId: string | null, ...nodeIds: string[]): Promise<void> {
    const connections = {
      everywhere: async (of: readonly string[]): Promise<ConnectionRow[][]> => {
        asked.push(`directory ${of.join()}`);
        return of.map((nodeId) => (registered.has(nodeId) ? [{ nodeId } as ConnectionRow] : []));
      },
    };
    const nodes = {
      find: async (nodeId: string): Promise<NodeRecord> => {
        asked.push(`nodes ${nodeId}`);
        return { nodeId, clientId: 'family', iat: 1, lastSeen: null };
      },
    };
    const peers = {
      isElsewhere: (nodeId: string, tell: (isElsewhere: boolean) => void) => tell(elsewhere.has(nodeId)),
    };
    const watch = new OfflineWatch(connections, nodes, peers, policy);
    const sender = { clientId, trusted: false };
    for (const nodeId of nodeIds) watch.ask(sender, nodeId, () => void told.push(nodeId));
    await settled();
  }

  it('is never said, nor asked of the store, of one that is known to be elsewhere', async () => {
    elsewhere.add('bob');
    await ask('all', null, 'bob');
    await ask('client', 'family', 'bob');
    expect([asked, told]).toEqual([[], []]);
  });

  it('is asked of the store before it is said, together for many', async () => {
    registered.add('carol');
    await ask('all', null, 'bob', 'carol');
    expect([asked, told]).toEqual([['directory bob,carol'], ['bob']]);
  });

  it('is for nodes of the same client, where the policy is so', async () => {
    await ask('client', null, 'bob');
    expect([asked, told]).toEqual([[], []]);
    await ask('client', 'strangers', 'bob');
    expect([asked, told]).toEqual([['nodes bob'], []]);
    await ask('client', 'family', 'bob');
    expect([asked.slice(1), told]).toEqual([['nodes bob', 'directory bob'], ['bob']]);
  });
});
