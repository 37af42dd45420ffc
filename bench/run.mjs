// `npm run bench [name …]`: runs the named benchmarks, or all of them, one after the other, each in its own process.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ALL = ['store', 'relay', 'session', 'link', 'elsewhere', 'processes', 'polls'];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there are: ${ALL.join(', ')}`);
  process.exit(64);
}
let failed = 0;
for (const name of asked.length > 0 ? asked : ALL) {
  const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', file], { stdio: 'inherit' });
  if (status !== 0) failed += 1;
}
process.exitCode = failed > 0 ? 1 : 0;
