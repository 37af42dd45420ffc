/** A queue as the sum over all of them sees it. */
export interface Weighed {
  readonly bytes: number;
  /** Whether its end has begun: giving it up once more frees nothing. */
  readonly isEnding: boolean;
  /** Ends it and forgets what waits in it. */
  giveUp(): void;
}

/** Bounds what waits for all connections together: above the limit the largest that stays is given up. */
export class OutboundBudget {
  private readonly queues = new Set<Weighed>();
  private sum = 0;

  constructor(private readonly limit: number) {}

  get bytes(): number {
    return this.sum;
  }

  /** Queues that are counted. */
  get size(): number {
    return this.queues.size;
  }

  add(queue: Weighed): void {
    this.queues.add(queue);
  }

  remove(queue: Weighed): void {
    this.queues.delete(queue);
  }

  changed(bytes: number): void {
    this.sum += bytes;
    if (bytes > 0 && this.sum > this.limit) this.largest()?.giveUp();
  }

  private largest(): Weighed | undefined {
    let largest: Weighed | undefined;
    for (const queue of this.queues) {
      if (!queue.isEnding && queue.bytes > (largest?.bytes ?? 0)) largest = queue;
    }
    return largest;
  }
}
