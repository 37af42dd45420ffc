import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const PARTS = ['bin', 'config', 'scripts', 'sdk/src', 'sdk/package.json', 'sdk/tsconfig.json', 'src'];
const FILES = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/** A copy of the project in a folder of its own, as after `npm ci`: installed, and nothing compiled. */
export function freshCheckout(): string {
  const root = mkdtempSync(join(tmpdir(), 'allspark-checkout-'));
  for (const part of [...PARTS, ...FILES]) cpSync(join(PROJECT, part), join(root, part), { recursive: true });
  const modules = join(PROJECT, 'node_modules');
  mkdirSync(join(root, 'node_modules/@allspark'), { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name !== '@allspark') symlinkSync(join(modules, name), join(root, 'node_modules', name));
  }
  symlinkSync('../../sdk', join(root, 'node_modules/@allspark/client'));
  return root;
}
