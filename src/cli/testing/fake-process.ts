import { EventEmitter } from 'node:events';
import type { OwnProcess, ProcessEvent } from '../own-process.js';

/** A process that only writes down how it ended: exit codes and signals. */
export class FakeProcess implements OwnProcess {
  isInteractive = false;
  isFirst = false;
  hasTerminal = false;
  belongsToParent = false;
  readonly ends: (number | string)[] = [];
  private readonly events = new EventEmitter();

  on(event: ProcessEvent, listener: (error: unknown) => void): void {
    this.events.on(event, listener);
  }

  emit(event: ProcessEvent, error?: Error): void {
    this.events.emit(event, error);
  }

  heeds(event: ProcessEvent): boolean {
    return this.events.listenerCount(event) > 0;
  }

  exit(code: number): void {
    this.ends.push(code);
  }

  die(signal: string): void {
    this.ends.push(signal);
  }
}
