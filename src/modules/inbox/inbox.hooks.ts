import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Observers, type Undo } from '../../common/hooks.js';

/** A frame on its way to one connection of a node. */
export interface Delivered {
  readonly nodeId: string;
  /** The text that the node gets: what it may not know is not in it. */
  readonly frame: string;
}

/** Moments of a delivery at which others may look on. */
@Injectable()
export class InboxHooks {
  private readonly delivering: Observers<Delivered>;

  constructor(clock: Clock) {
    this.delivering = new Observers('afterDeliver', clock);
  }

  /**
   * After a message, durable or transient, or another row of an inbox was queued for a connection of its receiver; once
   * for each connection, and again when it is sent again. Not yet acknowledged. Called in the order of registration and
   * not waited for; what it throws or rejects with is logged, and nothing else. Answers how to take the hook back.
   */
  afterDeliver(hook: (delivered: Delivered) => unknown): Undo {
    return this.delivering.add(hook);
  }

  delivered(nodeId: string, frame: string): void {
    if (this.delivering.some) this.delivering.tell(Object.freeze({ nodeId, frame }));
  }
}
