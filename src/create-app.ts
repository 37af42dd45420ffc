import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule, type AppSurroundings } from './app.module.js';
import { Lifecycle } from './common/lifecycle.js';
import { type Logger, NestLogger } from './common/logging.js';
import type { Config } from './config/load-config.js';
import { Secret } from './config/secret.js';
import { slices } from './config/slices.js';
import { LimitedExpressAdapter, ProblemFilter, runAt } from './gateways/http/index.js';
import { useNativeWebsockets } from './gateways/native/index.js';
import { type AuthOptions, loadOrMakeSecret } from './modules/auth/index.js';
import { Registrations } from './modules/connections/index.js';
import { Heartbeat, ServerNode } from './modules/nodes/index.js';
import { BoundAddress, type LinkKeys } from './settings-of-modules.js';

/** A server node that takes connections. */
export interface RunningServer {
  readonly app: INestApplication;
  /** Base URL for clients. */
  readonly url: string;
  readonly serverNodeId: string;
  /** Drains and closes; resolves when everything is let go. */
  close(): Promise<void>;
}

/** The one assembly, for the command line and for tests: everything wired, nothing listening yet. */
export async function createApp(
  config: Config,
  logger: Logger,
): Promise<{ app: INestApplication; address: BoundAddress }> {
  const address = new BoundAddress(config);
  const keys = await keysOf(config, logger);
  const surroundings: AppSurroundings = { config, address, keys, links: await linkKeysOf(config, logger) };
  const app = await NestFactory.create(AppModule.forRoot(surroundings), new LimitedExpressAdapter(limitsOf(config)), {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(app.get(ProblemFilter, { strict: false }));
  useNativeWebsockets(app);
  try {
    await app.init();
  } catch (error) {
    await app.close();
    throw error;
  }
  return { app, address };
}

/**
 * Binds the address, takes it over from whoever ran there before, and only then lets anybody in. The bound socket is the
 * proof that no live process holds the address, unless one answers there that listens elsewhere: then the start fails.
 */
export async function startServer(config: Config, logger: Logger): Promise<RunningServer> {
  const { app, address } = await createApp(config, logger);
  try {
    await listen(app, config, address);
    const serverNode = app.get(ServerNode, { strict: false });
    await serverNode.claim(address.serverNode(), slices.connections(config.settings).force ? undefined : runAt);
    const forgotten = await app.get(Registrations, { strict: false }).sweep();
    const unclean = 'an earlier run did not end in good order: the connections it still listed were removed';
    if (forgotten > 0) logger.info({ removed: forgotten }, unclean);
    app.get(Lifecycle, { strict: false }).becomeReady();
    await app.get(Heartbeat, { strict: false }).start();
    return { app, url: address.baseUrl, serverNodeId: serverNode.id, close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function listen(app: INestApplication, config: Config, address: BoundAddress): Promise<void> {
  const { port, listenAddress, backlog } = slices.listen(config.settings);
  const server = app.getHttpServer() as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: listenAddress, backlog }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  address.bind((server.address() as AddressInfo).port);
}

/** Without any auth key the first start makes a secret, which the processes of a data directory share. */
async function keysOf({ settings }: Config, logger: Logger): Promise<Pick<AuthOptions, 'secret' | 'keySet'>> {
  const { secret, publicKey, jwksUri, keysFile, dataDir } = slices.auth(settings);
  const warn = (text: string): void => logger.warn(text);
  if (keysFile !== undefined) {
    const { keys } = JSON.parse(readFileSync(keysFile, 'utf8')) as { keys: NonNullable<AuthOptions['keySet']> };
    return { secret: secret?.reveal(), keySet: keys };
  }
  if (secret !== undefined || publicKey !== undefined || jwksUri !== undefined) return { secret: secret?.reveal() };
  return { secret: await loadOrMakeSecret(join(dataDir, 'auth.secret'), warn) };
}

/** Without a secret of the cluster the first start makes one, which the processes of a data directory share. */
async function linkKeysOf({ settings }: Config, logger: Logger): Promise<LinkKeys> {
  const { secret, caFile } = slices.links(settings);
  const path = join(slices.store(settings).dataDir, 'link.secret');
  const made = async (): Promise<Secret> => new Secret(await loadOrMakeSecret(path, (text) => logger.warn(text)));
  const ca = caFile === undefined ? undefined : readFileSync(caFile, 'utf8');
  return { secret: secret ?? (await made()), ca, tls: tlsOf(settings) };
}

function tlsOf(settings: Config['settings']): { cert: string; key: string } | undefined {
  const { tls } = slices.listen(settings);
  return tls && { cert: readFileSync(tls.certFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8') };
}

function limitsOf({ settings }: Config): ConstructorParameters<typeof LimitedExpressAdapter>[0] {
  const tls = tlsOf(settings);
  return { ...slices.http(settings), ...(tls && { tls }) };
}
