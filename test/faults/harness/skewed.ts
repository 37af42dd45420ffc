// Loaded by a server before its program (`--import`): its wall clock is wrong by as many ms as a file says, which is read
// again at SIGUSR2, so that the clock steps. As with the clocks of machines, the monotonic one knows nothing of it.
import { readFileSync } from 'node:fs';

const { SKEW_FILE = '' } = process.env;
const RightDate = Date;
let skewMs = 0;

function look(): void {
  skewMs = Number(readFileSync(SKEW_FILE, 'utf8'));
  console.log(`skewed by ${skewMs} ms`);
}

class WrongDate extends RightDate {
  constructor(...given: readonly unknown[]) {
    super(...((given.length === 0 ? [RightDate.now() + skewMs] : given) as [number]));
  }

  static override now(): number {
    return RightDate.now() + skewMs;
  }
}

/** Called without `new` it answers a text, which a class cannot. */
globalThis.Date = new Proxy(WrongDate, { apply: () => new WrongDate().toString() }) as unknown as DateConstructor;
look();
process.on('SIGUSR2', look);
