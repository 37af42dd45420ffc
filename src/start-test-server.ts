import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { randomId } from './common/ids.js';
import { createLogger } from './common/logging.js';
import { formatFaults } from './config/fault.js';
import { loadConfig } from './config/load-config.js';
import { startServer } from './create-app.js';
import { type AuthKeyRequest, signAuthKey } from './modules/auth/index.js';

export interface TestServerOptions {
  /** Variables of the configuration. A `DATA_DIR` that is given is not removed. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A server node in the process of a test. */
export interface StartedTestServer {
  readonly url: string;
  /** To reach services and hooks: `app.get(RoutingHooks, { strict: false })`. */
  readonly app: INestApplication;
  /** An auth key of the node. */
  mint(nodeId: string, claims?: Pick<AuthKeyRequest, 'clientId' | 'role' | 'ttlSeconds'>): Promise<string>;
  /** Drains, closes and removes its folder. */
  close(): Promise<void>;
}

/** Starts a whole server node on a free port of this machine, with an embedded store in a folder of its own. */
export async function startTestServer({ settings = {} }: TestServerOptions = {}): Promise<StartedTestServer> {
  const secret = settings['AUTH_SECRET'] ?? randomId() + randomId();
  const folder = settings['DATA_DIR'] ?? (await mkdtemp(join(tmpdir(), 'allspark-test-')));
  const own = { PORT: '0', LISTEN_ADDRESS: '127.0.0.1', DRAIN_READINESS_MS: '0', DISK_FREE_BYTES: '0' };
  const loaded = loadConfig({ env: { ...own, ...settings, AUTH_SECRET: secret, DATA_DIR: folder }, readFile: unread });
  if (!loaded.ok) throw new Error(formatFaults(loaded.faults));
  const server = await startServer(loaded.config, createLogger({ level: settings['LOG_LEVEL'] ?? 'silent' }));
  return {
    url: server.url,
    app: server.app,
    mint: (sub, claims = {}) => signAuthKey({ ...claims, sub, alg: 'HS256', secret }),
    close: async () => {
      await server.close();
      if (settings['DATA_DIR'] === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

function unread(path: string): string {
  throw new Error(`a test server reads no files: ${path}`);
}
