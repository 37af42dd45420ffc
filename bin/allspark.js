#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/main.js', import.meta.url);
if (!existsSync(program)) {
  console.error('allspark: this checkout is not built yet. Run: npm run build');
  process.exit(69);
}
const { main } = await import(program.href);
await main();
