import { fine, warning, type Finding } from './finding.js';

/** More than two clocks that run at the same speed come apart while the doctor looks. */
const STEP_MS = 50;
/** A Date header has whole seconds, and the answer was on its way for a while. */
const HEADER_BLUR_MS = 2_000;

export interface ClockReading {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export const readClocks = (): ClockReading => ({ wallMs: Date.now(), monotonicMs: performance.now() });

/** Whether the wall clock was set meanwhile. */
export function judgeStep(before: ClockReading, after: ClockReading): Finding {
  const step = Math.round(after.wallMs - before.wallMs - (after.monotonicMs - before.monotonicMs));
  if (Math.abs(step) <= STEP_MS) return fine('clock', 'runs evenly');
  const advice = 'let a time service slew the clock instead of setting it (chrony, systemd-timesyncd)';
  return warning('clock', `stepped by ${step} ms within the last moments`, advice);
}

/** How far this clock is from that of the server, by the Date header of its answer. */
export function judgeDifference(header: string | null, nowMs: number, leewayMs: number): Finding | undefined {
  const serverMs = Date.parse(header ?? '');
  if (Number.isNaN(serverMs)) return undefined;
  const apart = Math.abs(nowMs - serverMs);
  if (apart <= HEADER_BLUR_MS) return fine('clock of server', 'agrees with this one');
  const found = `${Math.round(apart / 1_000)} s apart from this one`;
  const effect = apart > leewayMs ? 'keys signed here may be refused' : 'keys are accepted still';
  return warning('clock of server', found, `${effect}: set both by a time service`);
}
