import { judgeDifference, judgeStep, readClocks } from './doctor/clock.js';
import { lookAtSpace, lookAtStore } from './doctor/disk.js';
import { findingText, type Finding } from './doctor/finding.js';
import { fileDescriptorLimit, judgeFileDescriptors, judgeNode } from './doctor/machine.js';
import { lookAtPort } from './doctor/port.js';
import { lookAtDataFiles, lookAtSecretFiles } from './doctor/secret-files.js';
import { EXIT } from './exit-codes.js';
import { requireSettings } from './settings.js';

export interface DoctorOptions {
  readonly json?: boolean;
}

const DISK_CHECKS = ['store', 'disk space'];

/** Looks at what a server node of these settings needs; changes nothing. */
export async function doctor({ json = false }: DoctorOptions, args: readonly string[]): Promise<number> {
  const findings: Finding[] = [];
  for await (const finding of lookAround(args)) {
    findings.push(finding);
    console.log(json ? JSON.stringify(finding) : findingText(finding));
  }
  return exitCodeOf(findings);
}

export function exitCodeOf(findings: readonly Finding[]): number {
  const failed = findings.filter(({ level }) => level === 'fail');
  if (failed.length === 0) return EXIT.ok;
  return failed.some(({ check }) => DISK_CHECKS.includes(check)) ? EXIT.io : EXIT.unavailable;
}

async function* lookAround(flags: readonly string[]): AsyncGenerator<Finding> {
  const clocks = readClocks();
  yield judgeNode(process.versions.node);
  const config = requireSettings(flags);
  const { settings } = config;
  const port = await lookAtPort(settings);
  yield port.finding;
  yield await lookAtStore(settings);
  yield await lookAtSpace(settings);
  yield* lookAtSecretFiles(config, process.env);
  yield* lookAtDataFiles(settings);
  yield judgeFileDescriptors(await fileDescriptorLimit(), settings.CAPACITY);
  yield judgeStep(clocks, readClocks());
  const difference = judgeDifference(port.serverDate, Date.now(), settings.CLOCK_LEEWAY_MS);
  if (difference !== undefined) yield difference;
}
