import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/common/logging.js';
import { loadConfig } from '../../src/config/load-config.js';
import { createApp, letIn } from '../../src/create-app.js';
import { Registrations } from '../../src/modules/connections/index.js';
import { AddressTaken, ServerNode, ServerNodes } from '../../src/modules/nodes/index.js';
import { SECRET } from '../support/test-server.js';

let dataDir: string;
let app: INestApplication;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'allspark-test-'));
  const env = { PORT: '0', AUTH_SECRET: SECRET, DATA_DIR: dataDir };
  const loaded = loadConfig({ env, readFile: (path) => path });
  if (!loaded.ok) throw new Error('the settings of this test are wrong');
  app = await createApp(loaded.config, createLogger({ level: 'silent' }));
  await app.listen(0, '127.0.0.1');
});

afterEach(async () => {
  await app.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Another run takes the address as soon as this one has it, before its first heartbeat. */
function succeedAtOnce(): void {
  const registrations = app.get(Registrations, { strict: false });
  const sweep = registrations.sweep.bind(registrations);
  registrations.sweep = async () => {
    const { row } = app.get(ServerNode, { strict: false });
    await app.get(ServerNodes, { strict: false }).succeed({ ...row, bootId: 'another' });
    return sweep();
  };
}

describe('a server node whose address another one takes while it starts', () => {
  it('does not start, and says why', async () => {
    succeedAtOnce();
    await expect(letIn(app)).rejects.toBeInstanceOf(AddressTaken);
  });
});
