import type { Row } from '../harness/row.js';
import { POWER_LOSS_ROWS } from '../power-loss/index.js';
import { f1 } from './f01-kill.js';
import { f5, f6 } from './f05-f06-mongod.js';
import { f13 } from './f13-half-open.js';
import { f14 } from './f14-never-reads.js';
import { f15 } from './f15-slow-readers.js';
import { f16 } from './f16-never-acknowledges.js';
import { f17 } from './f17-storm.js';
import { f19 } from './f19-sigterm.js';
import { f25 } from './f25-backlog.js';
import { f27 } from './f27-membership.js';
import { f29 } from './f29-soak.js';
import { f30 } from './f30-frames.js';
import { f31 } from './f31-fuzz.js';
import { f32 } from './f32-slowloris.js';
import { f33 } from './f33-header-bombs.js';
import { f34 } from './f34-spoofing.js';
import { f35 } from './f35-tokens.js';
import { f36 } from './f36-injection.js';
import { f37 } from './f37-authorisation.js';
import { f39 } from './f39-taint.js';
import { f40 } from './f40-two-worlds.js';

const ALL = [
  f1,
  ...POWER_LOSS_ROWS,
  f5,
  f6,
  f13,
  f14,
  f15,
  f16,
  f17,
  f19,
  f25,
  f27,
  f29,
  f30,
  f31,
  f32,
  f33,
  f34,
  f35,
  f36,
  f37,
  f39,
  f40,
];

/** In the order of their numbers. */
export const ROWS: readonly Row[] = ALL.toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
