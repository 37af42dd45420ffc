/** Lowest and highest version of the frames that a server node can speak. */
export interface VersionRange {
  readonly lowest: number;
  readonly highest: number;
}

export const OWN_VERSIONS: VersionRange = { lowest: 1, highest: 1 };

/** The highest that both can speak. */
export function commonVersion(one: VersionRange, other: VersionRange): number | undefined {
  const highest = Math.min(one.highest, other.highest);
  return highest >= Math.max(one.lowest, other.lowest) ? highest : undefined;
}
