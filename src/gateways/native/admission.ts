import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Lifecycle } from '../../common/lifecycle.js';
import type { LimitName } from '../../common/limit-names.js';
import { Overload } from '../../common/overload.js';
import { RemoteAddress } from '../../common/remote-address.js';
import { TokenBucket } from '../../common/token-bucket.js';
import { FailedAuthentications, UpgradeAuthenticator } from '../../modules/auth/index.js';
import { ConnectionHooks } from '../../modules/connections/index.js';
import { StoreHealth, StoreUnavailable } from '../../modules/inbox/index.js';
import { ServerNode } from '../../modules/nodes/index.js';
import { Refusal } from '../../protocol/index.js';
import { Crowd } from './crowd.js';
import { carriesKey, readHandshake } from './handshake.js';
import type { Admitted } from './native-connection.js';
import { NativeSettings } from './native.settings.js';

/** Who gets a websocket of this process. Everything is decided before the 101. */
@Injectable()
export class Admission {
  private readonly addresses = new Map<string, number>();
  private readonly handshakes: TokenBucket;
  private readonly crowd: Crowd;
  private sockets = 0;
  private pending = 0;

  constructor(
    private readonly authenticator: UpgradeAuthenticator,
    private readonly failures: FailedAuthentications,
    private readonly remoteAddress: RemoteAddress,
    private readonly serverNode: ServerNode,
    private readonly lifecycle: Lifecycle,
    private readonly overload: Overload,
    private readonly store: StoreHealth,
    private readonly settings: NativeSettings,
    private readonly clock: Clock,
    private readonly hooks: ConnectionHooks,
  ) {
    this.crowd = new Crowd(clock, settings.handshakesPerSecond);
    this.handshakes = new TokenBucket(clock, settings.handshakesPerSecond, settings.handshakesPerSecond);
  }

  /** Sockets that hold a place, and addresses that are counted. */
  get held(): { sockets: number; addresses: number; pending: number } {
    return { sockets: this.sockets, addresses: this.addresses.size, pending: this.pending };
  }

  /**
   * Takes a place that the socket holds until it is closed; throws a refusal when there is none. What one address may do
   * is asked before what all share, so that nobody who was refused took anything from the others.
   */
  takePlace(request: IncomingMessage, socket: Duplex, keyed: boolean): void {
    const { phase } = this.lifecycle;
    if (phase === 'starting') throw this.soon();
    if (phase !== 'ready') throw this.later('the server node takes no connections now');
    this.refuseNewcomers();
    const address = this.remoteAddress.of(request);
    if (keyed && carriesKey(request)) this.failures.refuseFlooding(request);
    const siblings = this.checkSiblings(address);
    if (this.sockets >= this.settings.capacity) throw this.later('the server node is full', 'capacity');
    const isCrowded = this.pending >= this.settings.handshakesPending;
    if (isCrowded || !this.handshakes.take()) throw this.crowded();
    this.sockets += 1;
    this.addresses.set(address, siblings + 1);
    socket.once('close', () => this.leavePlace(address));
  }

  /** Refuses a browser that comes from a page of somebody else. */
  checkOrigin({ headers }: IncomingMessage): void {
    const { origin } = headers;
    if (origin !== undefined && !this.settings.allowedOrigins().includes(origin)) throw new Refusal('origin_refused');
  }

  /**
   * Who is at the other end. A validation key is used up here and nowhere else, last of all; rejects with a refusal. Gives
   * up after its time, because a silent store must not hold sockets of unknown peers.
   */
  async admit(request: IncomingMessage, socket: Duplex): Promise<Admitted> {
    this.pending += 1;
    const { unauthenticatedTimeoutMs } = this.settings;
    const { promise: tooLate, reject: giveUp } = deferred();
    const timer = this.clock.after(unauthenticatedTimeoutMs, () =>
      giveUp(this.later('not authenticated in time', 'unauthenticated')),
    );
    const isWanted = (): boolean => !socket.destroyed && this.lifecycle.phase === 'ready';
    try {
      return await Promise.race([this.authenticate(request, isWanted), tooLate]);
    } catch (error) {
      if (error instanceof Refusal) this.refused(error, request);
      throw error instanceof StoreUnavailable ? this.later('the store does not answer') : error;
    } finally {
      timer.cancel();
      this.pending -= 1;
    }
  }

  private async authenticate(request: IncomingMessage, isWanted: () => boolean): Promise<Admitted> {
    const { credentials, resume } = readHandshake(request);
    const upgrade = await this.authenticator.authenticate(credentials, this.serverNode.id, this.settings.direct);
    const { nodeId, clientId, role } = upgrade.identity;
    await this.hooks.accept({ nodeId, clientId, role, address: this.remoteAddress.of(request) });
    if (!isWanted()) throw this.later('too late');
    if (!(await upgrade.commit())) throw new Refusal('unauthorized');
    const byProxy = this.serverNode.row.proxyHost === hostOf(request);
    return { identity: upgrade.identity, byProxy, ...(resume && { resume }) };
  }

  /** Strangers are slowed down by address; the handshakes of a second are for those who have a key. */
  private refused({ code, status }: Refusal, request: IncomingMessage): void {
    if (code === 'unauthorized' && carriesKey(request)) this.failures.add(request);
    if (status < 500) this.handshakes.giveBack();
  }

  private refuseNewcomers(): void {
    const [shortage] = this.overload.shortages;
    if (shortage) throw this.later('the server node is overloaded', shortage.limit);
    if (this.store.silentMs() >= this.settings.storeLostMs) throw this.later('the store is away', 'store_lost');
  }

  private checkSiblings(address: string): number {
    const { perAddress } = this.settings;
    const siblings = this.addresses.get(address) ?? 0;
    if (siblings < perAddress) return siblings;
    const reason = `at most ${perAddress} connections from one address`;
    throw new Refusal('too_many_connections', {
      reason,
      retryAfterMs: this.retryAfter(),
      limit: 'connections_per_address',
    });
  }

  private leavePlace(address: string): void {
    this.sockets -= 1;
    const siblings = (this.addresses.get(address) ?? 1) - 1;
    if (siblings === 0) this.addresses.delete(address);
    else this.addresses.set(address, siblings);
  }

  private later(reason: string, limit?: LimitName): Refusal {
    return new Refusal('retry_later', { reason, retryAfterMs: this.retryAfter(), ...(limit && { limit }) });
  }

  /** Who was refused with few others need not stay away for as long as in the biggest of crowds. */
  private crowded(): Refusal {
    const { handshakeRetryMinMs, handshakeRetryMaxMs } = this.settings;
    const spread = Math.min(handshakeRetryMaxMs - handshakeRetryMinMs, this.crowd.join());
    const retryAfterMs = Math.round(handshakeRetryMinMs + Math.random() * spread);
    return new Refusal('retry_later', { reason: 'too many handshakes', retryAfterMs, limit: 'handshakes' });
  }

  /** A start takes a moment only: who knocked too early must not stay away for as long as in a crowd. */
  private soon(): Refusal {
    const { handshakeRetryMinMs, handshakeRetryMaxMs } = this.settings;
    const retryAfterMs = Math.round(Math.min(handshakeRetryMaxMs, handshakeRetryMinMs * (1 + Math.random())));
    return new Refusal('retry_later', { reason: 'the server node is starting', retryAfterMs });
  }

  /** At random, so that a crowd that was refused together does not come back together. */
  private retryAfter(): number {
    const { handshakeRetryMinMs, handshakeRetryMaxMs } = this.settings;
    return Math.round(handshakeRetryMinMs + Math.random() * (handshakeRetryMaxMs - handshakeRetryMinMs));
  }
}

function deferred(): { promise: Promise<never>; reject: (reason: Refusal) => void } {
  let reject!: (reason: Refusal) => void;
  const promise = new Promise<never>((_resolve, rejectIt) => {
    reject = rejectIt;
  });
  return { promise, reject };
}

/** Without its port. */
function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
