import type { Row } from '../harness/row.js';
import { f1 } from './f01-kill.js';

export const ROWS: readonly Row[] = [f1];
