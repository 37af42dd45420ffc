import { createHash } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { JWK } from 'jose';
import { Clock, type Timer } from '../../common/clock.js';
import { repeat } from '../../common/repeat.js';
import { AuthSettings } from './auth.settings.js';
import { KeyRing } from './key-ring.js';

/** How long a new set lies there at most before it is taken, ms. */
const LOOK_MS = 5_000;

/** Takes a renewed key set without a restart: a key that is gone from it verifies nothing from then on. */
@Injectable()
export class KeySetRenewal implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Keys');
  private taken: string;
  private fault: string | undefined;
  private timer: Timer | undefined;

  constructor(
    private readonly settings: AuthSettings,
    private readonly keys: KeyRing,
    private readonly clock: Clock,
  ) {
    this.taken = fingerprintOf(settings.keySet);
  }

  onApplicationBootstrap(): void {
    if (!this.settings.readKeySet) return;
    this.timer = repeat(
      this.clock,
      () => LOOK_MS,
      () => this.look(),
    );
  }

  onApplicationShutdown(): void {
    this.timer?.cancel();
  }

  /** Takes the set as it is now, if it is new and can be used; says so in the log, never throws. */
  async look(): Promise<void> {
    try {
      const set = (await this.settings.readKeySet?.()) ?? this.settings.keySet;
      const fingerprint = fingerprintOf(set);
      if (fingerprint !== this.taken) {
        this.keys.replaceSet(set);
        this.taken = fingerprint;
        this.logger.log(`a new key set is in use: ${set.map(({ kid }) => kid).join(', ')}`);
      }
      this.fault = undefined;
    } catch (error) {
      this.warn(error instanceof Error ? error.message : 'unknown');
    }
  }

  /** Once for each fault. */
  private warn(fault: string): void {
    if (fault !== this.fault) this.logger.warn(`a new key set cannot be used, the old one stays: ${fault}`);
    this.fault = fault;
  }
}

/** Tells two sets apart without keeping a key. */
function fingerprintOf(set: readonly JWK[]): string {
  return createHash('sha256').update(JSON.stringify(set)).digest('base64');
}
