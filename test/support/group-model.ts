import type { LogRow } from '../../src/modules/inbox/index.js';

interface Member {
  readonly joined: number;
  readonly alias: string | null;
  revealed: boolean;
}

/** What an entry says, read without the code that wrote it. */
interface Known {
  readonly kind: string;
  readonly from?: string;
  readonly to?: { readonly nodeId: string; readonly joined: number };
  readonly seat?: { readonly nodeId: string; readonly alias: string | null };
  readonly seats?: ReadonlyArray<{ readonly nodeId: string; readonly alias: string | null }>;
  readonly nodeId?: string;
}

/** The plainest reading of a session's log: who was in it at each entry, what was wrong then, and what is for whom. */
export class GroupModel {
  readonly wrongs: string[] = [];
  private readonly members = new Map<string, Member>();
  private readonly aliases = new Set<string>();
  private readonly forNode = new Map<string, number[]>();

  constructor(rows: readonly LogRow[]) {
    for (const row of rows) this.read(row);
  }

  /** Numbers of the entries that are for a node, ascending. */
  entitled(nodeId: string): readonly number[] {
    return this.forNode.get(nodeId) ?? [];
  }

  private read({ n, body }: LogRow): void {
    const [line = '', frame = ''] = body.split('\n');
    const entry = JSON.parse(line) as Known;
    const before = [...this.members.keys()];
    if (entry.kind === 'created') for (const seat of entry.seats ?? []) this.sit(n, seat);
    if (entry.kind === 'joined' && entry.seat) {
      if (this.members.has(entry.seat.nodeId)) this.wrongs.push(`${n}: ${entry.seat.nodeId} joined twice`);
      this.sit(n, entry.seat);
      this.give(n, [...this.members.keys()]);
    }
    if (entry.kind === 'left') {
      if (!this.members.delete(entry.nodeId ?? '')) this.wrongs.push(`${n}: ${entry.nodeId} left and was not in`);
      this.give(n, before);
    }
    if (entry.kind === 'revealed') this.reveal(n, entry.nodeId ?? '');
    if (entry.kind === 'message') this.message(n, entry, frame);
  }

  private sit(n: number, { nodeId, alias }: { readonly nodeId: string; readonly alias: string | null }): void {
    if (alias !== null && this.aliases.has(alias)) this.wrongs.push(`${n}: an alias came twice`);
    if (alias !== null) this.aliases.add(alias);
    this.members.set(nodeId, { joined: n, alias, revealed: false });
  }

  private reveal(n: number, nodeId: string): void {
    const member = this.members.get(nodeId);
    if (!member?.alias || member.revealed) this.wrongs.push(`${n}: ${nodeId} had nothing to reveal`);
    else member.revealed = true;
    this.give(n, [...this.members.keys()]);
  }

  private message(n: number, { from = '', to }: Known, frame: string): void {
    const sender = this.members.get(from);
    if (!sender) return void this.wrongs.push(`${n}: a message of ${from}, who is not a member`);
    const { src_id: src } = JSON.parse(frame) as { src_id: string };
    const name = sender.alias !== null && !sender.revealed ? sender.alias : from;
    if (src !== name) this.wrongs.push(`${n}: ${from} is shown as ${src} and should be ${name}`);
    if (!to)
      return this.give(
        n,
        [...this.members.keys()].filter((nodeId) => nodeId !== from),
      );
    if (this.members.get(to.nodeId)?.joined !== to.joined)
      this.wrongs.push(`${n}: for ${to.nodeId}, who is not a member`);
    this.give(n, [to.nodeId]);
  }

  private give(n: number, nodeIds: readonly string[]): void {
    for (const nodeId of nodeIds) this.forNode.set(nodeId, [...this.entitled(nodeId), n]);
  }
}
