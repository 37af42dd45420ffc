import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuthSetupFault } from './auth.errors.js';
import { loadOrMakeSecret } from './secret-file.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secret-file-'));
  path = join(folder, 'data', 'auth.secret');
});

afterEach(() => rm(folder, { recursive: true }));

const prepare = async (content: string, mode: number): Promise<void> => {
  path = join(folder, 'given.secret');
  await writeFile(path, content);
  await chmod(path, mode);
};

describe('the secret of a data folder', () => {
  it('is made on the first start, random and for the owner only', async () => {
    const secret = await loadOrMakeSecret(path);
    const other = await loadOrMakeSecret(join(folder, 'other.secret'));
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(other).not.toBe(secret);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('is made in a folder that nobody else can enter', async () => {
    await loadOrMakeSecret(path);
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
  });

  it('is the same on every later start', async () => {
    const secret = await loadOrMakeSecret(path);
    const before = await readFile(path, 'utf8');
    expect(await loadOrMakeSecret(path)).toBe(secret);
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it('is one for all who start at once', async () => {
    const secrets = await Promise.all(Array.from({ length: 20 }, () => loadOrMakeSecret(path)));
    expect(new Set(secrets).size).toBe(1);
    expect(await loadOrMakeSecret(path)).toBe(secrets[0]);
  });

  it('is made anew, once, in the empty file of a maker that crashed', async () => {
    await prepare('', 0o600);
    const secrets = await Promise.all(Array.from({ length: 20 }, () => loadOrMakeSecret(path)));
    expect(new Set(secrets).size).toBe(1);
    expect(Buffer.from(secrets[0] ?? '', 'base64url')).toHaveLength(32);
  });

  it('may be given, with a line break or without', async () => {
    const given = 'x'.repeat(40);
    await prepare(given, 0o600);
    expect(await loadOrMakeSecret(path)).toBe(given);
    await prepare(`${given}\r\n`, 0o600);
    expect(await loadOrMakeSecret(path)).toBe(given);
  });

  it('is refused when it is short, without being shown', async () => {
    await prepare('canary\n', 0o600);
    const fault = await loadOrMakeSecret(path).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(AuthSetupFault);
    expect(String(fault)).toContain(path);
    expect(String(fault)).not.toContain('canary');
  });

  it('is served with a warning when others may read it', async () => {
    const warnings: string[] = [];
    await prepare('x'.repeat(40), 0o640);
    await loadOrMakeSecret(path, (text) => warnings.push(text));
    await prepare('x'.repeat(40), 0o600);
    await loadOrMakeSecret(path, (text) => warnings.push(text));
    expect(warnings).toEqual([expect.stringContaining('chmod 600')]);
  });
});
