import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { Image, instructionsOf, type Stage } from '../support/dockerfile.js';
import { freePorts } from '../support/free-ports.js';
import { Program } from '../support/server-process.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Packages come from what npm keeps of the last installation: nothing is asked for over a network. */
const OFFLINE = { npm_config_offline: 'true' };
const NOT_KEPT = 'NPM KEEPS NOT ALL PACKAGES, the steps of the Dockerfile are SKIPPED: run npm ci once';

let folder: string;
/** Undefined when the packages are not at hand. */
let image: Stage | undefined;

/** The words of the last such instruction, which is in JSON. */
function wordsOf(wanted: string): string[] {
  const instructions = instructionsOf(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
  const rest = instructions.findLast(([word]) => word === wanted)?.[1] ?? '';
  return JSON.parse(/\[.*\]$/.exec(rest)?.[0] ?? '[]') as string[];
}

function built(context: TestContext): Stage {
  return image ?? context.skip(NOT_KEPT);
}

/**
 * The same commands in folders, without an engine: every COPY and ENV, `npm ci`, the build, and then what HEALTHCHECK and CMD say.
 * What this does not try: the base image and its libraries, the user, the volume, what an engine does with STOPSIGNAL.
 * Two installations and a build take a minute or two, so this is run when asked for: IMAGE_STEPS=1.
 */
describe.runIf(process.env['IMAGE_STEPS'])('the steps of the Dockerfile', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'allspark-steps-'));
    try {
      image = new Image(ROOT, folder, OFFLINE).build();
    } catch (error) {
      if (process.env['CI'] || !String((error as { stderr?: unknown }).stderr).includes('ENOTCACHED')) throw error;
      console.error(`\n${NOT_KEPT}\n`);
    }
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('leave what the server needs, and no tools and sources', (context) => {
    const { cwd, left } = built(context);
    const isThere = (path: string): boolean => existsSync(join(cwd, path));
    expect(['node_modules/ws', 'dist/main.js', 'bin/allspark.js'].filter((path) => !isThere(path))).toEqual([]);
    expect(['node_modules/typescript', 'node_modules/vitest', 'src', 'sdk/src'].filter(isThere)).toEqual([]);
    expect(left).toEqual(['mkdir -p /var/lib/allspark && chown node:node /var/lib/allspark']);
  });

  it('make a server node that starts, is healthy and goes by SIGTERM', async (context) => {
    const { cwd, env } = built(context);
    const [port] = await freePorts(1);
    const own = { DATA_DIR: join(folder, 'data'), LISTEN_ADDRESS: '127.0.0.1', PORT: String(port) };
    const [node, ...words] = wordsOf('CMD');
    expect(node).toBe('node');
    const server = new Program([], { cwd, env: { ...env, ...own }, command: words });
    await server.line(/^ready\b/);
    const check = spawnSync(process.execPath, wordsOf('HEALTHCHECK').slice(1), { cwd, env: { ...env, ...own } });
    expect(check.status).toBe(0);
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});
