import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configOf, settingsOf } from '../config/testing/given.js';
import { exitCodeOf } from './doctor.js';
import { judgeDifference, judgeStep } from './doctor/clock.js';
import { judgeSpace, judgeSync, lookAtStore, nearestDirectory } from './doctor/disk.js';
import { failing, findingText, fine, warning } from './doctor/finding.js';
import { judgeFileDescriptors, judgeNode } from './doctor/machine.js';
import { lookAtPort } from './doctor/port.js';
import { judgeMode, lookAtDataFiles, lookAtSecretFiles } from './doctor/secret-files.js';
import { EXIT } from './exit-codes.js';

const GIB = 2 ** 30;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'allspark-doctor-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('doctor', () => {
  it('wants Node.js 20.19 or newer', () => {
    expect(['20.18.3', '18.20.0'].map((version) => judgeNode(version).level)).toEqual(['fail', 'fail']);
    expect(['20.19.0', '22.0.0'].map((version) => judgeNode(version).level)).toEqual(['ok', 'ok']);
  });

  it('wants a file descriptor for each connection', () => {
    const tooFew = judgeFileDescriptors(1_024, 20_000);
    expect(tooFew.level).toBe('note');
    expect(tooFew.found).toContain('enough for 768 connections, CAPACITY allows 20000');
    expect(judgeFileDescriptors(1_024, 500).level).toBe('ok');
    expect(judgeFileDescriptors(undefined, 500).level).toBe('ok');
  });

  it('notices a wall clock that was set, and one far from that of the server', () => {
    const start = { wallMs: 1_000, monotonicMs: 0 };
    expect(judgeStep(start, { wallMs: 1_210, monotonicMs: 200 }).level).toBe('ok');
    expect(judgeStep(start, { wallMs: 200, monotonicMs: 200 }).level).toBe('warn');
    const now = Date.UTC(2026, 0, 1, 0, 2);
    const header = new Date(now - 90_000).toUTCString();
    expect(judgeDifference(header, now, 60_000)?.advice).toContain('may be refused');
    expect(judgeDifference(header, now - 89_000, 60_000)?.level).toBe('ok');
    expect(judgeDifference(null, now, 60_000)).toBeUndefined();
  });

  it('fails below the watermark of the store and warns near it', () => {
    const watermark = { diskFreeBytes: GIB, diskFreeFraction: 0.1 };
    expect(judgeSpace(0.5 * GIB, 100 * GIB, watermark).level).toBe('fail');
    expect(judgeSpace(1.5 * GIB, 100 * GIB, watermark).level).toBe('warn');
    expect(judgeSpace(0.5 * GIB, 1 * GIB, watermark).level).toBe('ok');
    expect(judgeSpace(0, GIB, { ...watermark, diskFreeBytes: 0 }).level).toBe('ok');
  });

  it('warns of a disk whose usual sync is slow, not of one slow sync', () => {
    expect(judgeSync([1, 2, 900], './data').level).toBe('ok');
    expect(judgeSync([1, 30, 40], './data').level).toBe('warn');
  });

  it('leaves nothing behind in the data directory and makes none', async () => {
    const missing = join(folder, 'a', 'b');
    expect(nearestDirectory(missing)).toBe(folder);
    const { found } = await lookAtStore(settingsOf({ argv: ['--data-dir', missing] }));
    expect(found).toContain(`${missing} (not made yet; tried in ${folder}): a write and its sync take`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('fails for a data file that is no store', async () => {
    writeFileSync(join(folder, 'data.mdb'), 'name,number');
    const finding = await lookAtStore(settingsOf({ argv: ['--data-dir', folder] }));
    expect(finding).toMatchObject({ check: 'store', level: 'fail' });
    expect(finding.found).toContain('is not an Allspark store');
  });

  it('warns of secrets that others can use', () => {
    expect(judgeMode('x', 0o100600).level).toBe('ok');
    expect(judgeMode('x', 0o100640)).toMatchObject({ level: 'warn', advice: 'chmod 600 x' });
    const path = join(folder, 'auth.secret');
    writeFileSync(path, 'secret', { mode: 0o644 });
    expect(lookAtSecretFiles(configOf({ argv: ['--data-dir', folder] }), {})).toMatchObject([{ level: 'warn' }]);
    expect(lookAtSecretFiles(configOf({ argv: ['--data-dir', '/nowhere'] }), {})).toMatchObject([{ level: 'ok' }]);
  });

  it('warns of messages that others can read', () => {
    const settings = settingsOf({ argv: ['--data-dir', folder] });
    writeFileSync(join(folder, 'data.mdb'), '', { mode: 0o600 });
    expect(lookAtDataFiles(settings).map(({ level }) => level)).toEqual(['ok', 'ok']);
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'data.mdb'), 0o644);
    expect(lookAtDataFiles(settings)).toMatchObject([
      { level: 'warn', advice: `chmod 700 ${folder}` },
      { level: 'warn', advice: `chmod 600 ${join(folder, 'data.mdb')}` },
    ]);
    expect(lookAtDataFiles(settingsOf({ argv: ['--data-dir', '/nowhere'] }))).toEqual([]);
  });

  it('ends with 0 unless something fails', () => {
    expect(exitCodeOf([fine('a', ''), warning('b', '', '')])).toBe(EXIT.ok);
    expect(exitCodeOf([failing('port', '', '')])).toBe(EXIT.unavailable);
    expect(exitCodeOf([failing('port', '', ''), failing('store', '', '')])).toBe(EXIT.io);
  });

  it('shows what to do below what was found', () => {
    expect(findingText(warning('port', 'taken', 'free it'))).toBe(
      `warn  port              taken\n${' '.repeat(24)}free it`,
    );
  });
});

describe('the port', () => {
  it.each([
    [200, 'ok'],
    [503, 'warn'],
    [404, 'fail'],
  ])('that answers /readyz with %i is %s', async (status, level) => {
    const server = createServer((_request, response) => response.writeHead(status).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const report = await lookAtPort(
      settingsOf({ argv: ['--host-address', '127.0.0.1', '--listen-address', '127.0.0.1', '--port', String(port)] }),
    );
    expect(report.finding.level).toBe(level);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
