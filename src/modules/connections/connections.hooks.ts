import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Deciders, Observers, type Ruling, type Undo } from '../../common/hooks.js';
import { Refusal, refusalFrom } from '../../protocol/index.js';
import type { Role } from '../auth/index.js';
import type { LiveConnection } from './connections.types.js';

/** Who asks for a websocket: known by its key, not yet let in. */
export interface Newcomer {
  readonly nodeId: string;
  readonly clientId: string | null;
  readonly role: Role;
  /** Where it comes from; behind a trusted proxy what that says. */
  readonly address: string;
}

export type Connected = Pick<LiveConnection, 'connectionId' | 'nodeId' | 'clientId'>;

/** Moments of a connection at which others may have a say. Each method answers how to take the hook back. */
@Injectable()
export class ConnectionHooks {
  private readonly accepting: Deciders<Newcomer, Refusal>;
  private readonly connecting: Observers<Connected>;
  private readonly disconnecting: Observers<Connected>;

  constructor(clock: Clock) {
    this.accepting = new Deciders('beforeAccept', clock, refusalFrom);
    this.connecting = new Observers('onConnect', clock);
    this.disconnecting = new Observers('onDisconnect', clock);
  }

  /**
   * Before a websocket that needs a key is let in: after its key was found good, before the 101, and before a validation
   * key is used up. Sync or async; one after the other in the order of registration, the first refusal ends it. All hooks
   * together have 1 s. Who answers or throws a `Refusal` refuses with it; any other error or answer, and the end of the
   * time, refuse with `retry_later`, and are logged. Changes nothing: what it is given is frozen.
   */
  beforeAccept(hook: (newcomer: Newcomer) => Ruling<Refusal>): Undo {
    return this.accepting.add(hook);
  }

  /**
   * After a connection was registered; its hello is about to be sent. Called in the order of registration and not waited
   * for; what it throws or rejects with is logged, and nothing else. Each one is followed by one `onDisconnect`, unless
   * the process dies.
   */
  onConnect(hook: (connection: Connected) => unknown): Undo {
    return this.connecting.add(hook);
  }

  /** After a connection that `onConnect` was told of has ended. For the rest as `onConnect`. */
  onDisconnect(hook: (connection: Connected) => unknown): Undo {
    return this.disconnecting.add(hook);
  }

  /** For gateways: resolves when the newcomer may come in, else rejects with the refusal. */
  async accept(newcomer: Newcomer): Promise<void> {
    const refusal = await this.accepting.ask(Object.freeze({ ...newcomer }));
    if (refusal) throw refusal;
  }

  connected(connection: LiveConnection): void {
    if (this.connecting.some) this.connecting.tell(viewOf(connection));
  }

  disconnected(connection: LiveConnection): void {
    if (this.disconnecting.some) this.disconnecting.tell(viewOf(connection));
  }
}

function viewOf({ connectionId, nodeId, clientId }: LiveConnection): Connected {
  return Object.freeze({ connectionId, nodeId, clientId });
}
