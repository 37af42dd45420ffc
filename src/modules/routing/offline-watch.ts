import type { ConnectionsService } from '../connections/index.js';
import type { NodesService } from '../nodes/index.js';
import type { PresencePolicy } from './routing.settings.js';
import type { Sender } from './routing.types.js';

interface Question {
  readonly nodeId: string;
  readonly tell: () => void;
}

/**
 * Tells senders that nobody is connected where their message went, if they may know. The look-ups are never from a
 * cache, and those of one turn are one query.
 */
export class OfflineWatch {
  private questions: Question[] = [];

  constructor(
    private readonly connections: ConnectionsService,
    private readonly nodes: NodesService,
    private readonly policy: PresencePolicy,
  ) {}

  ask(sender: Sender, nodeId: string, tell: () => void): void {
    if (this.policy === 'none') return;
    if (this.policy === 'all' || sender.trusted) return this.gather({ nodeId, tell });
    if (sender.clientId === null) return;
    void this.nodes.find(nodeId).then(
      (record) => record?.clientId === sender.clientId && this.gather({ nodeId, tell }),
      // Presence is best effort: without the store nothing is said.
      () => undefined,
    );
  }

  private gather(question: Question): void {
    if (this.questions.push(question) === 1) setImmediate(() => void this.lookUp());
  }

  private async lookUp(): Promise<void> {
    const asked = this.questions;
    this.questions = [];
    const rows = await this.connections.everywhere(asked.map(({ nodeId }) => nodeId)).catch(() => undefined);
    asked.forEach(({ tell }, index) => {
      if (rows?.[index]?.length === 0) tell();
    });
  }
}
