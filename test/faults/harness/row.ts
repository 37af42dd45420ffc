import type { Scene } from './scene.js';
import type { Family } from './stores.js';

export interface Row {
  readonly id: string;
  readonly title: string;
  /** The storage families that it concerns. */
  readonly families: readonly Family[];
  /** Whether it is part of the short form, and on which families only. */
  readonly short: boolean | readonly Family[];
  run(scene: Scene): Promise<void>;
}
