import type { LimitName } from '../../src/common/limit-names.js';

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
