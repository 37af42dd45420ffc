import type { Database } from 'lmdb';
import { type ServerNodeRow, ServerNodes } from '../../modules/nodes/index.js';
import type { EmbeddedStore } from './embedded-store.js';

/** Server nodes by their addresses. */
export class EmbeddedServerNodes extends ServerNodes {
  private readonly addresses: Database<ServerNodeRow, string>;

  constructor(private readonly store: EmbeddedStore) {
    super();
    this.addresses = store.json('server-nodes');
  }

  succeed(proposal: ServerNodeRow): Promise<ServerNodeRow> {
    return this.store.writes.run(1, () => {
      const { address, bootId } = proposal;
      const serverNodeId = this.addresses.get(address)?.serverNodeId ?? proposal.serverNodeId;
      const row = { serverNodeId, address, bootId };
      void this.addresses.put(address, row);
      return row;
    });
  }
}
