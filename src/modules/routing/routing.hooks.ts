import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Deciders, type Ruling, type Undo } from '../../common/hooks.js';
import { type Message, Refusal, refusalFrom } from '../../protocol/index.js';
import type { Sender } from './routing.types.js';

/** A message that is about to be routed. */
export interface Departure {
  readonly sender: Pick<Sender, 'nodeId' | 'clientId' | 'trusted'>;
  /** As its sender wrote it: whoever is written to under an alias stays one. */
  readonly message: Message;
}

/** The moment before a message is routed, at which others may have a say. */
@Injectable()
export class RoutingHooks {
  private readonly routing: Deciders<Departure, Refusal>;

  constructor(clock: Clock) {
    this.routing = new Deciders('beforeRoute', clock, refusalFrom);
  }

  /**
   * Before a message of the websocket or of a REST call is routed: it is well-formed and within its rate, nothing is
   * stored, and nobody has looked yet whether its destination is there. Sync or async; one after the other in the order of
   * registration, the first refusal ends it. What its sender sends later, by the same connection or in the same call,
   * waits. All hooks together have 1 s. Who answers or throws a `Refusal` refuses with it; any other error or answer, and
   * the end of the time, refuse with `retry_later`, and are logged. Changes nothing: what it is given is frozen. Asked
   * again when a message is sent again. Answers how to take the hook back.
   */
  beforeRoute(hook: (departure: Departure) => Ruling<Refusal>): Undo {
    return this.routing.add(hook);
  }

  get some(): boolean {
    return this.routing.some;
  }

  ask({ nodeId, clientId, trusted }: Sender, message: Message): Refusal | undefined | Promise<Refusal | undefined> {
    const destination = Object.freeze({ ...message.destination });
    const sender = Object.freeze({ nodeId, clientId, trusted });
    return this.routing.ask(Object.freeze({ sender, message: Object.freeze({ ...message, destination }) }));
  }
}
