/** Lets work on one log begin only when what was handed in before it on the same log has ended. */
export class LogOrder {
  private readonly last = new Map<string, Promise<unknown>>();

  run<T>(logs: ReadonlySet<string>, work: () => Promise<T>): Promise<T> {
    const before = [...logs].flatMap((log) => this.last.get(log) ?? []);
    const running = before.length === 0 ? work() : Promise.all(before).then(work);
    const ended: Promise<void> = running.then(nothing, nothing).then(() => this.forget(logs, ended));
    for (const log of logs) this.last.set(log, ended);
    return running;
  }

  private forget(logs: ReadonlySet<string>, ended: Promise<void>): void {
    for (const log of logs) if (this.last.get(log) === ended) this.last.delete(log);
  }
}

function nothing(): void {}
