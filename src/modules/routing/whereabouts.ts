import { LRUCache } from 'lru-cache';
import type { Clock } from '../../common/clock.js';
import type { ConnectionsService } from '../connections/index.js';

const REMEMBERED_NODES = 100_000;

/** Node ids by the server node that holds connections of them. Those of whom nobody is connected are in none. */
export type Held = ReadonlyMap<string, readonly string[]>;

/** `undefined`: the store could not be asked. */
type Tell = (held: Held | undefined) => void;

interface Question {
  readonly nodeIds: readonly string[];
  readonly tell: Tell;
  /** Only what is looked up from now on counts. */
  readonly isFresh: boolean;
}

interface Remembered {
  readonly serverNodeIds: readonly string[];
  /** Monotonic ms, when it was asked for. */
  readonly askedAt: number;
}

/**
 * Which server nodes hold connections of a node. Where somebody is, is remembered for a moment; that nobody is, never:
 * a connection that is registered before a look-up began is always found by it. One look-up runs at a time, and what is
 * asked about its nodes meanwhile waits for its end, so that answers about one node keep the order of the questions.
 */
export class Whereabouts {
  private readonly remembered = new LRUCache<string, Remembered>({ max: REMEMBERED_NODES });
  private questions: Question[] = [];
  private waiting = new Set<string>();
  private lookedUp: ReadonlySet<string> = new Set();
  private asking = false;

  constructor(
    private readonly connections: Pick<ConnectionsService, 'everywhere'>,
    private readonly clock: Clock,
    /** How long (ms) a place is believed. */
    private readonly trustMs: number,
    /** Whether a place is known to be over: nobody tells a process that somebody left it. */
    private readonly isOver: (nodeId: string, serverNodeIds: readonly string[]) => boolean = () => false,
  ) {}

  /** Tells at once of those whose places are remembered, and of the others, if any, behind a look-up. */
  locate(nodeIds: readonly string[], tell: Tell): void {
    const [known, unknown]: [string[], string[]] = [[], []];
    for (const nodeId of nodeIds) (this.mayTell(nodeId) ? known : unknown).push(nodeId);
    if (known.length > 0) tell(this.held(known));
    if (unknown.length > 0) this.enqueue({ nodeIds: unknown, tell, isFresh: false });
  }

  /** As `locate`, from a look-up that begins after the call. */
  lookUp(nodeIds: readonly string[], tell: Tell): void {
    this.enqueue({ nodeIds, tell, isFresh: true });
  }

  /** They are not where it was believed. */
  forget(nodeIds: readonly string[]): void {
    for (const nodeId of nodeIds) this.remembered.delete(nodeId);
  }

  /** A server node may hold none of those any more that it was believed to hold. */
  forgetServerNode(serverNodeId: string): void {
    for (const [nodeId, { serverNodeIds }] of this.remembered.entries()) {
      if (serverNodeIds.includes(serverNodeId)) this.remembered.delete(nodeId);
    }
  }

  private enqueue(question: Question): void {
    this.questions.push(question);
    for (const nodeId of question.nodeIds) this.waiting.add(nodeId);
    if (this.asking) return;
    this.asking = true;
    setImmediate(() => void this.ask());
  }

  /** What is asked behind something that waits must not overtake it. */
  private mayTell(nodeId: string): boolean {
    return !this.waiting.has(nodeId) && !this.lookedUp.has(nodeId) && this.isRemembered(nodeId);
  }

  private isRemembered(nodeId: string): boolean {
    const place = this.remembered.get(nodeId);
    if (!place || this.clock.monotonic() - place.askedAt >= this.trustMs) return false;
    return !this.isOver(nodeId, place.serverNodeIds);
  }

  private held(nodeIds: readonly string[]): Held {
    const held = new Map<string, string[]>();
    for (const nodeId of nodeIds) {
      for (const serverNodeId of this.remembered.get(nodeId)?.serverNodeIds ?? []) {
        const present = held.get(serverNodeId);
        if (present) present.push(nodeId);
        else held.set(serverNodeId, [nodeId]);
      }
    }
    return held;
  }

  private async ask(): Promise<void> {
    while (this.questions.length > 0) {
      const { questions } = this;
      this.lookedUp = this.waiting;
      this.questions = [];
      this.waiting = new Set();
      const isKnown = await this.learn(this.unknownTo(questions));
      this.lookedUp = new Set();
      for (const { nodeIds, tell } of questions) tell(isKnown ? this.held(nodeIds) : undefined);
    }
    this.asking = false;
  }

  private unknownTo(questions: readonly Question[]): string[] {
    const unknown = questions.flatMap(({ nodeIds, isFresh }) =>
      isFresh ? nodeIds : nodeIds.filter((nodeId) => !this.isRemembered(nodeId)),
    );
    return [...new Set(unknown)];
  }

  /** False: the store is away. What was believed then is believed for its time. */
  private async learn(nodeIds: readonly string[]): Promise<boolean> {
    if (nodeIds.length === 0) return true;
    const askedAt = this.clock.monotonic();
    const rows = await this.connections.everywhere(nodeIds).catch(() => undefined);
    nodeIds.forEach((nodeId, index) => {
      const serverNodeIds = [...new Set(rows?.[index]?.map((row) => row.serverNodeId))];
      if (serverNodeIds.length > 0) this.remembered.set(nodeId, { serverNodeIds, askedAt });
      else if (rows) this.remembered.delete(nodeId);
    });
    return rows !== undefined;
  }
}
