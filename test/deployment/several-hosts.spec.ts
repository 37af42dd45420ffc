import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runProgram } from '../support/server-process.js';
import { SECRET } from '../support/test-server.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'allspark-hosts-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const WARNING = 'MONGODB_URI is set and HOST_ADDRESS is not';

/** Nothing answers there; what is said before the store is looked for is enough. */
async function wordsOf(env: Record<string, string>): Promise<string> {
  const MONGODB_URI = 'mongodb://127.0.0.1:1/allspark';
  const all = { MONGODB_URI, AUTH_SECRET: SECRET, LINK_SECRET: SECRET, MONGODB_SERVER_SELECTION_MS: '200', ...env };
  return (await runProgram(['start', '--port', '0', '--data-dir', folder], { env: all })).stderr.join('\n');
}

it('warns who shares a database and has no name for the other hosts', async () => {
  expect(await wordsOf({})).toContain(WARNING);
  expect(await wordsOf({ HOST_ADDRESS: '127.0.0.1', LISTEN_ADDRESS: '127.0.0.1' })).not.toContain(WARNING);
});
