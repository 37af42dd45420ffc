import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** True: the upgrade was its own, and it answers. False: it did not touch the socket. */
export type UpgradeTaker = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/**
 * Upgrades of the public listener that belong to no gateway. The listener asks here before it answers that a path does
 * not exist, so that whoever is turned away by all gets just that answer.
 */
export class UpgradeClaims {
  private readonly takers: UpgradeTaker[] = [];

  add(taker: UpgradeTaker): void {
    this.takers.push(taker);
  }

  take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    return this.takers.some((taker) => taker(request, socket, head));
  }
}
