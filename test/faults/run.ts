// `npm run test:faults -- [ROW …] [--short] [--seed N] [--store embedded|mongo] [--minutes N] [--planted] [--keep]
//   [--beside]`, which plays the families beside each other, in a process each.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Random } from './harness/random.js';
import type { Row } from './harness/row.js';
import { Scene } from './harness/scene.js';
import { embeddedStore, type Family, FAMILIES, mongodBinary, MongoStore, type Store } from './harness/stores.js';
import { runPlanted } from './planted/run-planted.js';
import { ROWS } from './rows/index.js';

const USAGE = 64;
/** Of a soak they are its warm-up. */
const LEAST_MINUTES = 10;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    beside: { type: 'boolean', default: false },
    seed: { type: 'string' },
    store: { type: 'string' },
    minutes: { type: 'string' },
  },
});

const short = values.short || process.env['FAULTS'] === 'short';
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const families = FAMILIES.filter((family) => values.store === undefined || values.store === family);
const asked = new Set(positionals.map((name) => name.toUpperCase()));
const tally = { passed: 0, failed: 0 };

function usage(problem: string): never {
  console.error(`${problem}\nThere are: ${ROWS.map(({ id }) => id).join(' ')}; --store ${FAMILIES.join('|')}`);
  process.exit(USAGE);
}

function chosenRows(): Row[] {
  for (const name of asked) if (!ROWS.some(({ id }) => id === name)) usage(`no such row: ${name}`);
  if (families.length === 0) usage(`no such store: ${values.store}`);
  if (!Number.isSafeInteger(seed)) usage(`no such seed: ${values.seed}`);
  if (minutes !== undefined && !(minutes > LEAST_MINUTES)) usage(`more than ${LEAST_MINUTES} minutes, please`);
  return ROWS.filter(({ id }) => asked.size === 0 || asked.has(id));
}

/** A row that was asked for by name is played on every family; otherwise the short form has the say. */
function familiesOf(row: Row): Family[] {
  const inShort = (family: Family): boolean =>
    row.short === true || row.short === false ? row.short : row.short.includes(family);
  const concerned = families.filter((family) => row.families.includes(family));
  return asked.size > 0 || !short ? concerned : concerned.filter(inShort);
}

async function storeOf(family: Family, folder: string, random: Random): Promise<Store | undefined> {
  if (family === 'embedded') return embeddedStore(folder);
  const binary = mongodBinary();
  return binary === undefined ? undefined : MongoStore.start(binary, folder, random);
}

function line(row: Row, family: Family, rest: string): void {
  console.log(`${row.id.padEnd(4)} ${family.padEnd(8)} seed ${seed}  ${rest}`);
}

/** No store of this family can be had: told loudly, and a failure where nobody looks. */
function skipped(row: Row, family: Family, why: string): void {
  line(row, family, `SKIPPED: ${why}`);
  if (process.env['CI'] !== undefined) tally.failed += 1;
}

async function play(row: Row, family: Family): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `allspark-${row.id}-${family}-`));
  const random = new Random(seed);
  const store = await storeOf(family, folder, random);
  if (store === undefined) return skipped(row, family, 'no mongod: set MONGOMS_SYSTEM_BINARY, or put it on the PATH');
  const scene = new Scene(folder, store, random, short, minutes);
  const began = performance.now();
  try {
    await row.run(scene);
  } catch (error) {
    scene.report.shortcomings.push(String(error instanceof Error ? (error.stack ?? error.message) : error));
  } finally {
    await scene.close();
  }
  const { counts, figures, holds, schedule, shortcomings } = scene.report;
  tally[holds ? 'passed' : 'failed'] += 1;
  const seconds = `${((performance.now() - began) / 1_000).toFixed(0)} s`;
  if (schedule.length > 0) line(row, family, `schedule: ${schedule.join('; ')}`);
  line(row, family, `${[...counts, seconds].join(', ')}  ${figures.join(', ')}  ${holds ? 'HOLDS' : 'FALLS SHORT'}`);
  for (const shortcoming of shortcomings) console.log(`     ${shortcoming}`);
  if (holds && !values.keep) rmSync(folder, { recursive: true, force: true });
  else console.log(`     kept: ${folder}`);
}

async function playPlanted(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'allspark-planted-'));
  const scene = new Scene(folder, embeddedStore(folder), new Random(seed), short);
  try {
    const [passed = 0, failed = 0] = await runPlanted(scene, seed, (text) => console.log(text));
    tally.passed += passed;
    tally.failed += failed;
  } finally {
    await scene.close();
  }
  if (tally.failed === 0) rmSync(folder, { recursive: true, force: true });
  else console.log(`     kept: ${folder}`);
}

/** Plays the rows of a family in a process of their own: what they judge there takes no time from the proxies of others. */
async function playBeside(family: Family): Promise<void> {
  const args = process.argv.slice(1).filter((arg) => arg !== '--beside');
  const child = spawn(process.execPath, [...args, '--store', family], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let sums: RegExpExecArray | null = null;
  for await (const text of createInterface(child.stdout)) {
    sums = /^(\d+) passed, (\d+) failed$/.exec(text);
    if (sums === null) console.log(text);
  }
  const code = await exited;
  tally.passed += Number(sums?.[1] ?? 0);
  tally.failed += Math.max(Number(sums?.[2] ?? 0), code === 0 ? 0 : 1);
}

async function playInTurn(): Promise<void> {
  if (values.planted) await playPlanted();
  for (const row of values.planted && asked.size === 0 ? [] : chosenRows()) {
    for (const family of familiesOf(row)) await play(row, family);
  }
}

await (values.beside && families.length > 1 ? Promise.all(families.map(playBeside)) : playInTurn());
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exit(tally.failed > 0 ? 1 : 0);
