import type { Row } from '../harness/row.js';
import { POWER_LOSS_ROWS } from '../power-loss/index.js';
import { f1 } from './f01-kill.js';
import { f1ofThree } from './f01-kill-of-three.js';
import { f5, f5ofThree, f6, f6ofThree } from './f05-f06-mongod.js';
import { f9, f11 } from './f09-partition.js';
import { f10 } from './f10-store-cut-off.js';
import { f12 } from './f12-link-cut.js';
import { f13 } from './f13-half-open.js';
import { f14 } from './f14-never-reads.js';
import { f15 } from './f15-slow-readers.js';
import { f16 } from './f16-never-acknowledges.js';
import { f17 } from './f17-storm.js';
import { f18 } from './f18-rolling-restart.js';
import { f19 } from './f19-sigterm.js';
import { f20 } from './f20-clock-skew.js';
import { f22 } from './f22-many-of-one.js';
import { f23 } from './f23-hopping.js';
import { f25 } from './f25-backlog.js';
import { f26 } from './f26-hot-inbox.js';
import { f27, f27ofThree } from './f27-membership.js';
import { f29 } from './f29-soak.js';
import { f30 } from './f30-frames.js';
import { f31 } from './f31-fuzz.js';
import { f32 } from './f32-slowloris.js';
import { f33 } from './f33-header-bombs.js';
import { f34 } from './f34-spoofing.js';
import { f35 } from './f35-tokens.js';
import { f36 } from './f36-injection.js';
import { f37 } from './f37-authorisation.js';
import { f39, f39ofThree } from './f39-taint.js';
import { f40, f40ofThree } from './f40-two-worlds.js';
import { f42 } from './f42-cold-start.js';

const ALL = [
  f1,
  f1ofThree,
  ...POWER_LOSS_ROWS,
  f5,
  f5ofThree,
  f6,
  f6ofThree,
  f9,
  f10,
  f11,
  f12,
  f13,
  f14,
  f15,
  f16,
  f17,
  f18,
  f19,
  f20,
  f22,
  f23,
  f25,
  f26,
  f27,
  f27ofThree,
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
  f39ofThree,
  f40,
  f40ofThree,
  f42,
];

/** In the order of their numbers. */
export const ROWS: readonly Row[] = ALL.toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
