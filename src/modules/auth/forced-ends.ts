import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock, type Timer } from '../../common/clock.js';
import { repeat } from '../../common/repeat.js';
import { Refusal } from '../../protocol/index.js';
import { type EndOrder, EndOrders, type IssuedKey, type KeyHolder, type KeysEnd } from './end-orders.js';
import { RevokedKeys } from './revoked-keys.js';

const POLL_MS = 1_000;
const ORDERS_A_READ = 1_000;
/** Each is two short texts; an application that wants more at once has to change its signing key. */
export const MOST_REVOCATIONS = 100_000;
const FULL_RETRY_MS = 60_000;

/**
 * What was ordered to end, as far as this process has heard: at once what it was told itself, within two seconds what
 * others were. While the store cannot be read, what is known stays in force.
 */
@Injectable()
export class ForcedEnds extends RevokedKeys implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ForcedEnds.name);
  /** The oldest first, so that those that are over are found without a search. */
  private readonly revoked = new Map<string, Pick<KeysEnd, 'issuedUntil' | 'until'>>();
  private readonly listeners: Array<(order: EndOrder) => void> = [];
  private position = 0;
  private polling: Timer | undefined;
  private isDeaf = false;

  constructor(
    private readonly orders: EndOrders,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** Nobody is let in before the first read; without it the start fails like that of any part that needs the store. */
  async onModuleInit(): Promise<void> {
    await this.readOn();
    this.polling = repeat(
      this.clock,
      () => POLL_MS,
      () => this.poll(),
    );
  }

  onApplicationShutdown(): void {
    this.polling?.cancel();
  }

  /** Called for each order that is heard of, now and then twice for the same. Must not throw. */
  onOrder(call: (order: EndOrder) => void): void {
    this.listeners.push(call);
  }

  /**
   * Tells everybody, this process first of all, and whoever starts within `keepMs`. Throws `Refusal('rate_limited')` when
   * too many revocations are in force.
   */
  async give(order: EndOrder, keepMs: number): Promise<void> {
    if (order.kind === 'keys') this.requireRoom(order);
    await this.orders.add(order, keepMs);
    this.obey(order);
  }

  isRevoked({ nodeId, clientId, kid, issuedAt }: IssuedKey): boolean {
    if (this.revoked.size === 0) return false;
    const isOver = (by: KeyHolder['by'], id: string | null): boolean =>
      id !== null && issuedAt <= (this.revoked.get(nameOf({ by, id }))?.issuedUntil ?? -1);
    return isOver('node', nodeId) || isOver('client', clientId) || isOver('kid', kid);
  }

  /** Revocations in force. */
  get size(): number {
    return this.revoked.size;
  }

  private requireRoom(holder: KeyHolder): void {
    if (this.revoked.size < MOST_REVOCATIONS || this.revoked.has(nameOf(holder))) return;
    const reason = `${MOST_REVOCATIONS} revocations are in force: change the signing key instead`;
    throw new Refusal('rate_limited', { reason, retryAfterMs: FULL_RETRY_MS });
  }

  private async poll(): Promise<void> {
    try {
      await this.readOn();
      this.isDeaf = false;
    } catch (error) {
      if (!this.isDeaf) this.logger.warn(`orders to end keys and connections are not heard: ${String(error)}`);
      this.isDeaf = true;
    }
    this.forgetEnded();
  }

  private async readOn(): Promise<void> {
    for (;;) {
      const rows = await this.orders.after(this.position, ORDERS_A_READ);
      for (const { order } of rows) this.obey(order);
      this.position = rows.at(-1)?.position ?? this.position;
      if (rows.length < ORDERS_A_READ) return;
    }
  }

  private obey(order: EndOrder): void {
    if (order.kind === 'keys') this.hold(order);
    for (const call of this.listeners) call(order);
  }

  /** The later of two orders about the same keys holds; it goes behind all others. */
  private hold(order: KeysEnd): void {
    const name = nameOf(order);
    const before = this.revoked.get(name) ?? order;
    this.revoked.delete(name);
    this.revoked.set(name, {
      issuedUntil: Math.max(before.issuedUntil, order.issuedUntil),
      until: Math.max(before.until, order.until),
    });
  }

  private forgetEnded(): void {
    const now = this.clock.now();
    for (const [name, { until }] of this.revoked) {
      if (until >= now) return;
      this.revoked.delete(name);
    }
  }
}

const nameOf = ({ by, id }: KeyHolder): string => `${by} ${id}`;

/** Whether the order is about that key. */
export function endsKey({ by, id, issuedUntil }: KeysEnd, key: IssuedKey): boolean {
  const holder = { node: key.nodeId, client: key.clientId, kid: key.kid }[by];
  return holder === id && key.issuedAt <= issuedUntil;
}
