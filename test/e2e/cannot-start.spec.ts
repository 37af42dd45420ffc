import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../support/server-process.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'allspark-start-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = (dataDir: string, ...more: string[]) =>
  runProgram(['start', '--port', '0', '--data-dir', dataDir, ...more]);

describe('a server that cannot start says why', { timeout: 30_000 }, () => {
  it('when the data file is no store, and ends with 74', async () => {
    writeFileSync(join(folder, 'data.mdb'), 'name,number\n'.repeat(1_000));
    const { code, stderr } = await start(folder);
    expect(stderr).toEqual([expect.stringContaining(`${join(folder, 'data.mdb')} is not an Allspark store`)]);
    expect(code).toBe(74);
    const renewed = await runProgram(['store', 'new-epoch', '--data-dir', folder]);
    expect(renewed).toMatchObject({ code: 74, stderr: [expect.stringContaining('is not an Allspark store')] });
  });

  it('when DATA_DIR is a file or cannot be made, and ends with 74', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const dataDir of [file, join(file, 'deeper'), '/proc/nope']) {
      const { code, stderr } = await start(dataDir);
      expect(stderr[0]).toContain(`DATA_DIR ${dataDir} cannot be used`);
      expect(code).toBe(74);
    }
  });

  it('when METRICS_ADDRESS is taken, and ends with 69', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stderr } = await start(folder, '--metrics-address', address);
    server.close();
    expect(stderr.join('\n')).toContain(`METRICS_ADDRESS ${address} is in use`);
    expect(code).toBe(69);
  });
});
