import { X509Certificate } from 'node:crypto';
import { Server as TlsServer } from 'node:tls';
import { Logger } from '@nestjs/common';
import type { Clock, Timer } from './clock.js';
import { faultOf, fingerprintOf, type KeyPair, type KeyPairFiles, readKeyPair, tlsOptionsOf } from './key-pair.js';
import { repeat } from './repeat.js';

/** How long a new pair lies there at most before it is taken, ms. */
const LOOK_MS = 5_000;

/**
 * Takes a renewed certificate without a restart: connections stay, new ones get the new pair. The files are read, not
 * watched, so that it does not matter how they are replaced: in place, by a rename, or behind a link.
 */
export class KeyPairRenewal {
  private readonly logger = new Logger('Tls');
  private seen: string | undefined;
  private isUnreadable = false;
  private timer: Timer | undefined;

  constructor(
    /** Of the listener, for the log. */
    private readonly name: string,
    private readonly files: KeyPairFiles,
    private readonly server: () => unknown,
    private readonly clock: Clock,
  ) {}

  async begin(): Promise<void> {
    this.timer = repeat(
      this.clock,
      () => LOOK_MS,
      () => this.look(),
    );
    await this.look();
  }

  end(): void {
    this.timer?.cancel();
  }

  /** Takes what is in the files now, if it is new and can be used; says so in the log, never throws. */
  async look(): Promise<void> {
    const pair = await this.read();
    const server = this.server();
    if (!pair || !(server instanceof TlsServer)) return;
    const fingerprint = fingerprintOf(pair);
    if (fingerprint === this.seen) return;
    const isFirst = this.seen === undefined;
    this.seen = fingerprint;
    const fault = faultOf(pair);
    // It may be half of a replacement: the other half comes with one of the next looks.
    if (fault !== undefined) {
      this.logger.warn(`a new certificate cannot be used on ${this.name}, the old one stays: ${fault}`);
      return;
    }
    server.setSecureContext(tlsOptionsOf(pair));
    const { validTo } = new X509Certificate(pair.cert);
    if (!isFirst) this.logger.log(`a new certificate is in use on ${this.name}; it ends ${validTo}`);
  }

  /** Undefined when there is nothing to read; said once. */
  private async read(): Promise<KeyPair | undefined> {
    try {
      const pair = await readKeyPair(this.files);
      this.isUnreadable = false;
      return pair;
    } catch (error) {
      const what = error instanceof Error ? error.message : 'unknown';
      const warning = `the certificate of ${this.name} cannot be read, the old one stays: ${what}`;
      if (!this.isUnreadable) this.logger.warn(warning);
      this.isUnreadable = true;
      return undefined;
    }
  }
}
