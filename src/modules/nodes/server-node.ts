import { Injectable } from '@nestjs/common';
import { newServerNodeId, randomId } from '../../common/ids.js';
import { ServerNodes, type ServerNodeAddress, type ServerNodeLoad, type ServerNodeRow } from './server-nodes.js';

/** Which run answers at a base URL, by its boot id; undefined when nobody does in a short time. Never rejects. */
export type RunAt = (baseUrl: string) => Promise<string | undefined>;

/** A live process holds the address, or took it from this one. */
export class AddressTaken extends Error {
  override readonly name = 'AddressTaken';

  constructor(readonly address: string) {
    super(
      `${address} belongs to another server node that is alive: give each an address of its own (HOST_ADDRESS, PORT)`,
    );
  }
}

/** This process as a member of the cluster: the id of its place, and the id of this run. */
@Injectable()
export class ServerNode {
  private held: ServerNodeRow | undefined;
  /** All boot ids that this process ever proposed: the answer to a proposal may have been lost. */
  private readonly own = new Set([randomId()]);
  private present = [...this.own][0]!;
  private readonly loads: Array<() => Partial<ServerNodeLoad>> = [];
  private readonly renewedListeners: Array<() => void> = [];
  private readonly lostListeners: Array<(error: AddressTaken) => void> = [];
  private loss: AddressTaken | undefined;

  constructor(private readonly serverNodes: ServerNodes) {}

  get id(): string {
    return this.place.serverNodeId;
  }

  /** Names this run. Another one after its place had lapsed: then all that the run registered is gone, too. */
  get bootId(): string {
    return this.present;
  }

  get hasPlace(): boolean {
    return this.held !== undefined;
  }

  /** As the others see it, but with the load of this moment. */
  get row(): ServerNodeRow {
    return { ...this.place, ...this.load };
  }

  /** Connections of all sources together, the highest lag; closed when any says so. */
  get load(): ServerNodeLoad {
    const parts = this.loads.map((source) => source());
    return {
      connections: parts.reduce((sum, { connections = 0 }) => sum + connections, 0),
      lagMs: Math.round(Math.max(0, ...parts.map(({ lagMs = 0 }) => lagMs))),
      closed: parts.some(({ closed }) => closed),
    };
  }

  /** Adds what is told with each heartbeat. */
  addLoad(source: () => Partial<ServerNodeLoad>): void {
    this.loads.push(source);
  }

  /** Called when the place had lapsed and was taken again, by a run with a new boot id. */
  onRenewed(call: () => void): void {
    this.renewedListeners.push(call);
  }

  /** Why this run has to end: another one took the address. */
  get lost(): AddressTaken | undefined {
    return this.loss;
  }

  /** Called when another run took the address, at once when it was before: this one has to end. */
  onLost(call: (error: AddressTaken) => void): void {
    if (this.loss) call(this.loss);
    else this.lostListeners.push(call);
  }

  /**
   * Takes its place at an address that this process listens at. Before the first connection. Rejects with `AddressTaken`
   * when another run stands there and answers; without `runAt` nobody is asked.
   */
  async claim(address: ServerNodeAddress, runAt?: RunAt): Promise<void> {
    if (runAt && (await this.isTaken(address, runAt))) throw new AddressTaken(address.address);
    const proposal = { ...address, ...this.load, serverNodeId: newServerNodeId(), bootId: this.present };
    this.held = await this.serverNodes.succeed(proposal);
  }

  /** Tells that it lives, and its load. False: its place had lapsed, or is lost; the listeners know. */
  async beat(): Promise<boolean> {
    const { serverNodeId, address } = this.place;
    if (await this.serverNodes.beat(serverNodeId, this.present, this.load)) return true;
    const holder = await this.serverNodes.find(address);
    if (holder && !this.own.has(holder.bootId)) this.lose(address);
    else if (holder?.bootId !== this.present) await this.renew(holder);
    return false;
  }

  /** Leaves its place; whatever it registered counts no more. */
  async release(): Promise<void> {
    if (this.held) await this.serverNodes.release(this.held.serverNodeId, this.present);
  }

  private async isTaken({ address, baseUrl }: ServerNodeAddress, runAt: RunAt): Promise<boolean> {
    if (!(await this.serverNodes.find(address))) return false;
    // This process listens there already: who else answers lives, and an address that leads here has no other holder.
    const answering = await runAt(baseUrl);
    if (answering === undefined || answering === this.present) return false;
    // A base URL that server nodes share behind a proxy leads to any of them.
    const shared = await this.serverNodes.all();
    return !shared.some((row) => row.bootId === answering && row.address !== address);
  }

  /**
   * Others have forgotten what the lapsed run registered, or are about to: only a new boot id keeps them from taking away
   * what is registered from now on.
   */
  private async renew(holder: ServerNodeRow | undefined): Promise<void> {
    const bootId = randomId();
    this.own.add(bootId);
    this.held = holder ?? (await this.serverNodes.succeed({ ...this.place, ...this.load, bootId }));
    this.present = this.held.bootId;
    for (const call of this.renewedListeners) call();
  }

  private lose(address: string): void {
    this.loss = new AddressTaken(address);
    for (const call of this.lostListeners.splice(0)) call(this.loss);
  }

  private get place(): ServerNodeRow {
    if (!this.held) throw new Error('The server node has no address yet: call claim() first');
    return this.held;
  }
}
