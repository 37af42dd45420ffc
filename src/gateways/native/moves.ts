import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { connectUrl, moveFrame } from '../../protocol/index.js';
import { ValidationKeys } from '../../modules/auth/index.js';
import { ConnectionsService } from '../../modules/connections/index.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import { ServerNodeChooser, ServerNodesView } from '../../modules/nodes/index.js';
import type { NativeConnection } from './native-connection.js';

/** Finds connections of this server node another one, and tells them where. */
@Injectable()
export class Moves {
  constructor(
    private readonly view: ServerNodesView,
    private readonly chooser: ServerNodeChooser,
    private readonly validationKeys: ValidationKeys,
    private readonly connections: ConnectionsService,
    private readonly health: StoreHealth,
    private readonly clock: Clock,
  ) {}

  /** Whether it is worth trying: another server node lives, and the store keeps keys. Never rejects. */
  async arePossible(): Promise<boolean> {
    if (!this.view.others || this.health.problem() !== undefined) return false;
    // Whoever goes away as well has said so by now.
    const refreshed = this.view.refresh();
    return refreshed.then(
      () => true,
      () => false,
    );
  }

  /**
   * Tells all of them at once, so that their keys and marks go to the store together. They have until `until` (monotonic
   * ms). Answers those that could not be told: they stay as they were. Never rejects.
   */
  async tell(leaving: readonly NativeConnection[], until: number): Promise<NativeConnection[]> {
    const outcomes = await Promise.allSettled(leaving.map((connection) => this.tellOne(connection, until)));
    return leaving.filter((_, index) => {
      const outcome = outcomes[index];
      return outcome?.status !== 'fulfilled' || !outcome.value;
    });
  }

  /** Its place is free before it comes elsewhere: the limit of its node must not keep it out. */
  private async tellOne(connection: NativeConnection, until: number): Promise<boolean> {
    const { identity, byProxy = false } = connection.admitted;
    const chosen = this.chooser.choose({ needsPort80: byProxy });
    if (!chosen) return false;
    const [{ validationKey }] = await Promise.all([
      this.validationKeys.issue(identity, chosen.serverNodeId),
      this.connections.moving(connection),
    ]);
    const withinMs = Math.floor(until - this.clock.monotonic());
    if (withinMs <= 0) return false;
    connection.send(moveFrame(connectUrl(chosen, validationKey, byProxy), validationKey, withinMs));
    return true;
  }
}
