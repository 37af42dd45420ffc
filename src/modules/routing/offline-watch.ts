import type { ConnectionsService } from '../connections/index.js';
import type { NodesService } from '../nodes/index.js';
import type { PeerRouting } from './peer-routing.js';
import type { PresencePolicy } from './routing.settings.js';
import type { Sender } from './routing.types.js';

type Whom = Pick<Sender, 'clientId' | 'trusted'>;

interface Question {
  readonly nodeId: string;
  readonly tell: () => void;
}

/**
 * Tells senders that nobody is connected where their message went, if they may know. Where somebody is believed
 * to be nothing is asked; that nobody is, is never from a cache. The look-ups of one turn are one query.
 */
export class OfflineWatch {
  private questions: Question[] = [];

  constructor(
    private readonly connections: Pick<ConnectionsService, 'everywhere'>,
    private readonly nodes: Pick<NodesService, 'find'>,
    private readonly peers: Pick<PeerRouting, 'isElsewhere'>,
    private readonly policy: PresencePolicy,
  ) {}

  ask(sender: Whom, nodeId: string, tell: () => void): void {
    const maySee = this.policy === 'all' || sender.trusted;
    if (this.policy === 'none' || (!maySee && sender.clientId === null)) return;
    this.peers.isElsewhere(nodeId, (isElsewhere) => {
      if (isElsewhere) return;
      if (maySee) this.gather({ nodeId, tell });
      else this.askOfClient(sender, { nodeId, tell });
    });
  }

  private askOfClient(sender: Whom, question: Question): void {
    void this.nodes.find(question.nodeId).then(
      (record) => record?.clientId === sender.clientId && this.gather(question),
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
