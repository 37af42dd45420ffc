import type { LimitName } from '../../src/common/limit-names.js';
import { Metrics } from '../../src/common/metrics.js';
import type { TestServer } from './test-server.js';

/** A figure of the metrics page, by its name with its labels. */
export function figureIn(page: string, name: string): number {
  const line = page.split('\n').find((each) => each.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no ${name} in the metrics`);
  return Number(line.slice(name.length + 1));
}

/** How often a limit was hit. */
export function hitsIn(page: string, limit: LimitName): number {
  return figureIn(page, `allspark_limit_hits_total{limit="${limit}"}`);
}

/** How often a limit of a server of this process was hit. */
export async function hitsOf({ running }: TestServer, limit: LimitName): Promise<number> {
  return hitsIn(await running.app.get(Metrics, { strict: false }).text(), limit);
}
