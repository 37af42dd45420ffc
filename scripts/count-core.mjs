// Counts the lines of code of the core: what nodes, connections, inbox, sessions and routing decide. Blank lines,
// comments, specs, contract suites and doors do not count. Prints the sum and fails above the limit.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LIMIT = 1_000;
const MODULES = ['nodes', 'connections', 'inbox', 'sessions', 'routing'];
const root = new URL('../src/modules/', import.meta.url).pathname;

function codeLines(text) {
  const withoutBlocks = text.replace(/\/\*[\s\S]*?\*\//g, '');
  return withoutBlocks.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

function filesOf(module) {
  let entries = [];
  try {
    entries = readdirSync(join(root, module));
  } catch {
    return [];
  }
  return entries.filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts') && name !== 'index.ts');
}

let sum = 0;
let files = 0;
for (const module of MODULES) {
  const names = filesOf(module);
  const lines = names.reduce((all, name) => all + codeLines(readFileSync(join(root, module, name), 'utf8')), 0);
  if (names.length > 0) console.log(`core: ${module.padEnd(12)} ${String(lines).padStart(5)} lines in ${names.length} files`);
  sum += lines;
  files += names.length;
}
console.log(`core: ${sum} lines of code in ${files} files, at most ${LIMIT}`);
if (files === 0 || sum >= LIMIT) process.exit(1);
