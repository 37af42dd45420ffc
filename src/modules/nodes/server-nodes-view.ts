import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Observations } from './observations.js';
import { homeOf } from './server-node-choice.js';
import { ServerNode } from './server-node.js';
import { ServerNodes, type ServerNodeRow } from './server-nodes.js';
import { ServerNodesSettings } from './server-nodes.settings.js';

/** Runs that are known to be over; a run never comes back under its boot id. */
const REMEMBERED_RUNS = 1_000;

type Listener = (row: ServerNodeRow) => void;

/** The server nodes of the cluster as this process sees them: which of them live. */
@Injectable()
export class ServerNodesView {
  private readonly logger = new Logger(ServerNodesView.name);
  private readonly observations: Observations;
  private readonly over = new Set<string>();
  private readonly listeners = { appeared: [] as Listener[], died: [] as Listener[], vanished: [] as Listener[] };
  private reading: Promise<void> | undefined;
  private nextReading: Promise<void> | undefined;
  private readAt = 0;
  private hasOthers = false;

  constructor(
    private readonly serverNodes: ServerNodes,
    private readonly serverNode: ServerNode,
    private readonly clock: Clock,
    { heartbeatMs, staleMs }: ServerNodesSettings,
  ) {
    this.observations = new Observations({ staleMs, longestGapMs: Math.max(2 * heartbeatMs, staleMs - heartbeatMs) });
  }

  /** Whether there is any other live server node. Cheap. */
  get others(): boolean {
    return this.hasOthers;
  }

  /** The live ones, this one included, as told with their last heartbeats. */
  live(): ServerNodeRow[] {
    return this.withSelf(this.observations.live);
  }

  /** Those of the live ones whose heartbeats rise: one may send newcomers there. This one is always among them. */
  beating(): ServerNodeRow[] {
    return this.withSelf(this.observations.beating);
  }

  /** Whether a chore for this name falls to this one of the live ones. Two may think so for a while, or none. */
  cares(name: string): boolean {
    return !this.hasOthers || homeOf(name, this.live())?.serverNodeId === this.serverNode.id;
  }

  /** A live one. */
  find(serverNodeId: string): ServerNodeRow | undefined {
    return this.live().find((row) => row.serverNodeId === serverNodeId);
  }

  /** Whether a run lives, as far as is known: see `learn` for runs that may be new. */
  isLive(bootId: string): boolean {
    return bootId === this.serverNode.bootId || this.observations.isLive(bootId);
  }

  /** Whether a run has a place, dead or alive: what it registered may still be needed. */
  holds(bootId: string): boolean {
    return bootId === this.serverNode.bootId || this.observations.holds(bootId);
  }

  /** All that have a place, dead or alive, by a reading that is begun after the call. Rejects when that fails. */
  async runs(): Promise<string[]> {
    await this.refresh();
    return [...new Set([this.serverNode.bootId, ...this.observations.boots])];
  }

  /** How many hold a place, by state. */
  get count(): { live: number; dead: number } {
    return { live: this.live().length, dead: this.observations.dead.length };
  }

  /** Makes `isLive` true to runs that have registered something: reads anew when there is an unknown one among them. */
  async learn(bootIds: readonly string[]): Promise<void> {
    const unknown = bootIds.filter((bootId) => !this.holds(bootId) && !this.over.has(bootId));
    if (unknown.length === 0) return;
    await this.refresh();
    for (const bootId of unknown) if (!this.holds(bootId)) this.remember(bootId);
  }

  /** Reads all places, by a reading that is begun after the call; many calls share one. Rejects when that fails. */
  refresh(): Promise<void> {
    if (!this.reading) return (this.reading = this.read().finally(() => (this.reading = undefined)));
    this.nextReading ??= this.reading
      .catch(() => undefined)
      .then(() => {
        this.nextReading = undefined;
        return this.refresh();
      });
    return this.nextReading;
  }

  /** One turn: looks at all heartbeats while the own one goes out, and judges. Never rejects. */
  async observe(ownBeat: Promise<boolean>): Promise<void> {
    const [read, beat] = await Promise.allSettled([this.refresh(), ownBeat]);
    const proves = read.status === 'fulfilled' && beat.status === 'fulfilled' && beat.value;
    if (!proves) return this.observations.interrupt();
    const died = this.observations.judge(this.readAt, this.serverNode.bootId);
    this.changed();
    for (const row of died) this.logger.warn(`server node ${row.serverNodeId} at ${row.address} is dead`);
    this.tell('died', died);
    await this.bury();
  }

  onAppeared(call: Listener): void {
    this.listeners.appeared.push(call);
  }

  /** Called once for each run that died, left or was succeeded. */
  onDied(call: Listener): void {
    this.listeners.died.push(call);
  }

  /** Called when a run has no place any more: it may have none again, so what it registered can go. */
  onVanished(call: Listener): void {
    this.listeners.vanished.push(call);
  }

  /** Takes the places of the dead away: one whose heartbeat rose meanwhile keeps its own. Each turn until it is done. */
  private async bury(): Promise<void> {
    const { dead } = this.observations;
    if (dead.length === 0) return;
    const releases = dead.map((row) => this.serverNodes.release(row.serverNodeId, row.bootId, row.beat));
    await Promise.allSettled(releases);
    await this.refresh().catch(() => undefined);
  }

  private async read(): Promise<void> {
    const sentAt = this.clock.monotonic();
    const rows = await this.serverNodes.all();
    this.readAt = sentAt;
    const { appeared, vanished } = this.observations.take(rows, this.clock.monotonic());
    this.changed();
    const isOther = (row: ServerNodeRow): boolean => row.bootId !== this.serverNode.bootId;
    for (const { row } of vanished) this.remember(row.bootId);
    const gone = vanished.filter(({ row }) => isOther(row));
    this.tell(
      'died',
      gone.filter(({ wasDead }) => !wasDead).map(({ row }) => row),
    );
    this.tell(
      'vanished',
      gone.map(({ row }) => row),
    );
    this.tell('appeared', appeared.filter(isOther));
  }

  private changed(): void {
    this.hasOthers = this.observations.live.some(({ bootId }) => bootId !== this.serverNode.bootId);
  }

  private tell(what: 'appeared' | 'died' | 'vanished', rows: readonly ServerNodeRow[]): void {
    for (const row of rows) for (const call of this.listeners[what]) call(row);
  }

  private withSelf(rows: readonly ServerNodeRow[]): ServerNodeRow[] {
    if (!this.serverNode.hasPlace) return [...rows];
    const self = this.serverNode.row;
    return [self, ...rows.filter(({ serverNodeId }) => serverNodeId !== self.serverNodeId)];
  }

  private remember(bootId: string): void {
    this.over.add(bootId);
    if (this.over.size > REMEMBERED_RUNS) for (const oldest of this.over) return void this.over.delete(oldest);
  }
}
