export interface Sample {
  /** Monotonic ms. */
  readonly at: number;
  readonly value: number;
}

/** The median of the slopes between all pairs (Theil and Sen): single outliers do not move it. Per ms; 0 of less than two. */
export function slope(samples: readonly Sample[]): number {
  const slopes: number[] = [];
  for (const [index, { at, value }] of samples.entries()) {
    for (const later of samples.slice(index + 1)) slopes.push((later.value - value) / (later.at - at));
  }
  return median(slopes);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? 0 : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The least of each such stretch of time, ms. */
export function lows(samples: readonly Sample[], stretchMs: number): Sample[] {
  const least = new Map<number, Sample>();
  for (const sample of samples) {
    const stretch = Math.floor((sample.at - samples[0]!.at) / stretchMs);
    const known = least.get(stretch);
    if (known === undefined || sample.value < known.value) least.set(stretch, sample);
  }
  return [...least.values()];
}
