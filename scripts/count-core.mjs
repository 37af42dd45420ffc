// Counts the lines of code of the core: what nodes, connections, inbox, sessions and routing decide. Not counted are
// blank lines, comments, imports, specs, doors, wiring, settings, types and ports (a port decides nothing). Prints the
// sum and fails at the limit.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LIMIT = 3_444;
const MODULES = ['nodes', 'connections', 'inbox', 'sessions', 'routing'];
const root = new URL('../src/modules/', import.meta.url).pathname;

const DECLARATIONS = /\.(spec|module|settings|types)\.ts$|^index\.ts$/;

function isPort(text) {
  return /^export abstract class/m.test(text) && !/^export class \w+ (?!extends Error)/m.test(text);
}

function codeLines(text) {
  const withoutBlocks = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^import[\s\S]*?;\n/gm, '');
  return withoutBlocks.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

function filesOf(module) {
  let entries = [];
  try {
    entries = readdirSync(join(root, module));
  } catch {
    return [];
  }
  const services = entries.filter((name) => name.endsWith('.ts') && !DECLARATIONS.test(name));
  return services.map((name) => readFileSync(join(root, module, name), 'utf8')).filter((text) => !isPort(text));
}

let sum = 0;
let files = 0;
for (const module of MODULES) {
  const texts = filesOf(module);
  const lines = texts.reduce((all, text) => all + codeLines(text), 0);
  if (texts.length > 0)
    console.log(`core: ${module.padEnd(12)} ${String(lines).padStart(5)} lines in ${texts.length} files`);
  sum += lines;
  files += texts.length;
}
console.log(`core: ${sum} lines of code in ${files} files, at most ${LIMIT}`);
if (files === 0 || sum > LIMIT) process.exit(1);
