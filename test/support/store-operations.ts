import type { mongo } from 'mongoose';
import { MongoStore } from '../../src/storage/mongo/index.js';
import type { TestServer } from './test-server.js';

/** An address with which a server tells of each of its commands. */
export function toldAt(uri: string): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}monitorCommands=true`;
}

/**
 * What server nodes of this process ask of MongoDB, by its name and collection: `insert log_rows`. What the driver asks
 * for itself (is the primary there?) is not among it.
 */
export class StoreOperations {
  private commands = new Map<string, number>();
  private carried = new Map<string, number>();
  private carriers = 0;
  private waiting: Array<() => void> = [];

  constructor(...servers: readonly TestServer[]) {
    for (const { running } of servers) {
      const client = running.app.get(MongoStore).connection.getClient();
      client.on('commandStarted', (event) => this.take(event));
    }
  }

  /** Counts from nothing again. */
  begin(): void {
    this.commands = new Map();
    this.carried = new Map();
    this.carriers = 0;
  }

  /** Commands, which are round trips, however many documents one carries. */
  get trips(): number {
    return sumOf(this.commands.values());
  }

  /** Documents that were inserted, and updates and deletions that were asked for. */
  get writes(): number {
    return sumOf(this.carried.values());
  }

  writesTo(collection: string): number {
    return this.carried.get(collection) ?? 0;
  }

  /** Commands that write nothing. */
  get reads(): number {
    return this.trips - this.carriers;
  }

  /** Every write for itself, and every other command. */
  get total(): number {
    return this.reads + this.writes;
  }

  /** Commands by name and collection. */
  of(name: string): number {
    return this.commands.get(name) ?? 0;
  }

  /** Resolves when it is true; looked at whenever something is asked of MongoDB. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** What was asked `per` thing, in words. */
  told(per: number): string {
    const figure = (count: number): string => (count / per).toFixed(2);
    const sorted = [...this.commands].toSorted(([, one], [, other]) => other - one);
    const each = sorted.map(([name, count]) => `${name} ${count}`).join(', ');
    return `${figure(this.total)} operations, ${figure(this.writes)} of them writes, in ${figure(this.trips)} round trips (${each})`;
  }

  private take({ commandName, command }: mongo.CommandStartedEvent): void {
    const on: unknown = command['collection'] ?? command[commandName];
    add(this.commands, `${commandName} ${String(on)}`, 1);
    const carried: unknown = command['documents'] ?? command['updates'] ?? command['deletes'];
    if (Array.isArray(carried)) {
      this.carriers += 1;
      add(this.carried, String(on), carried.length);
    }
    for (const wake of this.waiting.splice(0)) wake();
  }
}

function add(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more);
}

function sumOf(counts: Iterable<number>): number {
  return [...counts].reduce((sum, count) => sum + count, 0);
}
