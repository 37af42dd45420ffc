import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule, type AppSurroundings, type GivenKeys } from './app.module.js';
import { readKeyPair } from './common/key-pair.js';
import { Lifecycle } from './common/lifecycle.js';
import { type Logger, NestLogger } from './common/logging.js';
import { isKeySet } from './config/cross-checks.js';
import type { Config } from './config/load-config.js';
import { Secret } from './config/secret.js';
import { slices } from './config/slices.js';
import { LimitedExpressAdapter, ProblemFilter, PublicAddress, runAt } from './gateways/http/index.js';
import { NativeSettings, useNativeWebsockets } from './gateways/native/index.js';
import { type AuthOptions, loadOrMakeSecret } from './modules/auth/index.js';
import { Registrations } from './modules/connections/index.js';
import { Heartbeat, ServerNode, type ServerNodeAddress } from './modules/nodes/index.js';
import { BoundAddress, type LinkKeys, placeOf } from './settings-of-modules.js';

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
export async function createApp(config: Config, logger: Logger): Promise<INestApplication> {
  const surroundings = await surroundingsOf(config, logger);
  const app = await NestFactory.create(AppModule.forRoot(surroundings), await httpAdapterOf(config), {
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
  return app;
}

/** What `AllsparkModule` needs: reads the keys that are in files, and makes the secrets of a first start. */
export async function surroundingsOf(config: Config, logger: Logger): Promise<AppSurroundings> {
  const [keys, links] = [await keysOf(config, logger), await linkKeysOf(config, logger)];
  return { config, address: new BoundAddress(config), keys, links };
}

/**
 * For `NestFactory.create`: Express on a listener that has the certificate of the configuration, and its limits of what
 * comes before a handler sees anything. Rejects when the certificate cannot be read.
 */
export async function httpAdapterOf({ settings }: Config): Promise<LimitedExpressAdapter> {
  const { tls } = slices.listen(settings);
  return new LimitedExpressAdapter({ ...slices.http(settings), ...(tls && { tls: await readKeyPair(tls) }) });
}

/** A server node that is in its place. */
export interface Admitting {
  readonly url: string;
  readonly serverNodeId: string;
  /** Connections that earlier runs did not close in good order. */
  readonly forgotten: number;
}

/**
 * To be called once the application listens; before that nobody is let in. Takes the address over from whoever ran there
 * before: the bound socket is the proof that no live process holds it, unless one answers there that listens elsewhere;
 * then it rejects with `AddressTaken`, as it does when another one takes the address from it meanwhile.
 */
export async function letIn(app: INestApplication): Promise<Admitting> {
  const address = app.get(PublicAddress, { strict: false });
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  if (address instanceof BoundAddress) address.bind(port);
  const serverNode = app.get(ServerNode, { strict: false });
  await serverNode.claim(placeAt(app, address), isForced(address) ? undefined : runAt);
  const forgotten = await app.get(Registrations, { strict: false }).sweep();
  const lifecycle = app.get(Lifecycle, { strict: false });
  await lifecycle.prepared();
  lifecycle.becomeReady();
  await app.get(Heartbeat, { strict: false }).start();
  if (serverNode.lost) throw serverNode.lost;
  return { url: address.baseUrl, serverNodeId: serverNode.id, forgotten };
}

/** An application may have an address of its own making. */
function placeAt(app: INestApplication, address: PublicAddress): ServerNodeAddress {
  if (address instanceof BoundAddress) return address.serverNode();
  return placeOf(address, app.get(NativeSettings, { strict: false }).capacity);
}

function isForced(address: PublicAddress): boolean {
  return address instanceof BoundAddress && address.force;
}

/** Listens, and lets everybody in. */
export async function startServer(config: Config, logger: Logger): Promise<RunningServer> {
  const app = await createApp(config, logger);
  try {
    await listen(app, config);
    const { url, serverNodeId, forgotten } = await letIn(app);
    const unclean = 'an earlier run did not end in good order: the connections it still listed were removed';
    if (forgotten > 0) logger.info({ removed: forgotten }, unclean);
    return { app, url, serverNodeId, close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function listen(app: INestApplication, config: Config): Promise<void> {
  const { port, listenAddress, backlog } = slices.listen(config.settings);
  const server = app.getHttpServer() as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: listenAddress, backlog }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Without any auth key the first start makes a secret, which the processes of a data directory share. */
async function keysOf({ settings }: Config, logger: Logger): Promise<GivenKeys> {
  const { secret, publicKey, jwksUri, keysFile, dataDir } = slices.auth(settings);
  const warn = (text: string): void => logger.warn(text);
  if (keysFile !== undefined) {
    const readKeySet = (): Promise<KeySet> => readKeys(keysFile);
    return { secret: secret?.reveal(), keySet: await readKeySet(), readKeySet };
  }
  if (secret !== undefined || publicKey !== undefined || jwksUri !== undefined) return { secret: secret?.reveal() };
  return { secret: await loadOrMakeSecret(join(dataDir, 'auth.secret'), warn) };
}

type KeySet = NonNullable<AuthOptions['keySet']>;

async function readKeys(file: string): Promise<KeySet> {
  const text = await readFile(file, 'utf8');
  // What a parser says of it would show a piece of it.
  if (!isKeySet(text)) throw new Error(`${file} is no JWK Set whose keys have a kid of their own and an alg`);
  return (JSON.parse(text) as { keys: KeySet }).keys;
}

/** Without a secret of the cluster the first start makes one, which the processes of a data directory share. */
async function linkKeysOf({ settings }: Config, logger: Logger): Promise<LinkKeys> {
  const { secret, caFile } = slices.links(settings);
  const path = join(slices.store(settings).dataDir, 'link.secret');
  const made = async (): Promise<Secret> => new Secret(await loadOrMakeSecret(path, (text) => logger.warn(text)));
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
  return { secret: secret ?? (await made()), ca };
}
