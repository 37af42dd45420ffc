/** The higher of two numbers of entries; null is before all of them. */
export function latest(known: number | null, news: number | null): number | null {
  if (known === null || news === null) return known ?? news;
  return Math.max(known, news);
}
