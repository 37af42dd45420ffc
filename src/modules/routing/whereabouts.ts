import { LRUCache } from 'lru-cache';
import type { Clock } from '../../common/clock.js';
import type { ConnectionsService } from '../connections/index.js';

const REMEMBERED_NODES = 100_000;
/** As much waits for an answer of the store, at most, as for one other server node. */
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** About what a node costs that is asked about. */
const NODE_BYTES = 40;

/** Node ids by the server node that holds connections of them. Those of whom nobody is connected are in none. */
export type Held = ReadonlyMap<string, readonly string[]>;

/** `undefined`: the store could not be asked, or too much waits for its answer. */
type Tell = (held: Held | undefined) => void;

interface Question {
  readonly nodeIds: readonly string[];
  readonly tell: Tell;
  /** Only what is looked up from now on counts. */
  readonly isFresh: boolean;
  /** What is kept until it is answered. */
  readonly bytes: number;
}

interface Remembered {
  readonly serverNodeIds: readonly string[];
  /** Monotonic ms, when it was asked for. */
  readonly askedAt: number;
}

interface Places {
  get(nodeId: string): Remembered | undefined;
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
  private waitingBytes = 0;

  constructor(
    private readonly connections: Pick<ConnectionsService, 'everywhere'>,
    private readonly clock: Clock,
    /** How long (ms) a place is believed. */
    private readonly trustMs: number,
    /** Whether a place is known to be over: nobody tells a process that somebody left it. */
    private readonly isOver: (nodeId: string, serverNodeIds: readonly string[]) => boolean = () => false,
  ) {}

  /**
   * Tells at once of those whose places are remembered, and of the others, if any, behind a look-up. `bytes`: what the
   * caller keeps meanwhile.
   */
  locate(nodeIds: readonly string[], tell: Tell, bytes = 0): void {
    const [known, unknown]: [string[], string[]] = [[], []];
    for (const nodeId of nodeIds) (this.mayTell(nodeId) ? known : unknown).push(nodeId);
    if (known.length > 0) tell(heldOf(known, this.remembered));
    if (unknown.length > 0) this.enqueue({ nodeIds: unknown, tell, isFresh: false, bytes });
  }

  /** As `locate`, from a look-up that begins after the call. */
  lookUp(nodeIds: readonly string[], tell: Tell, bytes = 0): void {
    this.enqueue({ nodeIds, tell, isFresh: true, bytes });
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
    const bytes = question.bytes + question.nodeIds.length * NODE_BYTES;
    // One alone always has room, however big it is.
    if (this.waitingBytes > 0 && this.waitingBytes + bytes > MAX_WAITING_BYTES) return question.tell(undefined);
    this.waitingBytes += bytes;
    this.questions.push({ ...question, bytes });
    for (const nodeId of question.nodeIds) this.waiting.add(nodeId);
    if (this.asking) return;
    this.asking = true;
    setImmediate(() => void this.ask());
  }

  /** What is asked behind something that waits must not overtake it. */
  private mayTell(nodeId: string): boolean {
    return !this.waiting.has(nodeId) && !this.lookedUp.has(nodeId) && this.believed(nodeId) !== undefined;
  }

  private believed(nodeId: string): Remembered | undefined {
    const place = this.remembered.get(nodeId);
    if (!place || this.clock.monotonic() - place.askedAt >= this.trustMs) return undefined;
    return this.isOver(nodeId, place.serverNodeIds) ? undefined : place;
  }

  private async ask(): Promise<void> {
    while (this.questions.length > 0) {
      const { questions } = this;
      this.lookedUp = this.waiting;
      this.questions = [];
      this.waiting = new Set();
      const places = await this.learn(questions);
      this.lookedUp = new Set();
      for (const { nodeIds, tell, bytes } of questions) {
        this.waitingBytes -= bytes;
        tell(places && heldOf(nodeIds, places));
      }
    }
    this.asking = false;
  }

  /** Where those are that are asked about; undefined: the store is away. What was believed then is believed for its time. */
  private async learn(questions: readonly Question[]): Promise<Places | undefined> {
    const places = new Map<string, Remembered>();
    const unknown = new Set<string>();
    for (const { nodeIds, isFresh } of questions) {
      for (const nodeId of nodeIds) {
        const place = isFresh ? undefined : this.believed(nodeId);
        if (place) places.set(nodeId, place);
        else unknown.add(nodeId);
      }
    }
    return unknown.size === 0 || (await this.lookInto(places, [...unknown])) ? places : undefined;
  }

  private async lookInto(places: Map<string, Remembered>, nodeIds: readonly string[]): Promise<boolean> {
    const askedAt = this.clock.monotonic();
    const rows = await this.connections.everywhere(nodeIds).catch(() => undefined);
    if (!rows) return false;
    nodeIds.forEach((nodeId, index) => {
      const serverNodeIds = [...new Set(rows[index]?.map((row) => row.serverNodeId))];
      places.set(nodeId, { serverNodeIds, askedAt });
      if (serverNodeIds.length > 0) this.remembered.set(nodeId, { serverNodeIds, askedAt });
      else this.remembered.delete(nodeId);
    });
    return true;
  }
}

function heldOf(nodeIds: readonly string[], places: Places): Held {
  const held = new Map<string, string[]>();
  for (const nodeId of nodeIds) {
    for (const serverNodeId of places.get(nodeId)?.serverNodeIds ?? []) {
      const present = held.get(serverNodeId);
      if (present) present.push(nodeId);
      else held.set(serverNodeId, [nodeId]);
    }
  }
  return held;
}
