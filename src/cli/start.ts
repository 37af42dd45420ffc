import { readFileSync } from 'node:fs';
import { SystemClock } from '../common/clock.js';
import { createLogger, type Logger } from '../common/logging.js';
import { CONFIG_EXIT_CODE, formatFaults } from '../config/fault.js';
import { type Config, loadConfig } from '../config/load-config.js';
import { slices } from '../config/slices.js';
import { EXIT } from './exit-codes.js';
import { ownProcess } from './own-process.js';
import { startFault } from './start-fault.js';
import { Supervisor } from './supervisor.js';

/** Runs a server node until it is told to go; the exit code. */
export async function start(argv: readonly string[]): Promise<number> {
  const loaded = loadConfig({ env: process.env, argv, readFile: (path) => readFileSync(path, 'utf8') });
  if (!loaded.ok) {
    console.error(formatFaults(loaded.faults));
    return CONFIG_EXIT_CODE;
  }
  const { config } = loaded;
  const logger = createLogger(slices.log(config.settings));
  warnOfSharedName(config, logger);
  if (slices.host(config.settings).nodes > 1) {
    return (await import('./several/run.js')).runSeveral(config, argv, logger);
  }
  return run(config, logger);
}

/** A database is for several hosts, and on each of them localhost is another one. */
function warnOfSharedName({ settings, sources }: Config, logger: Logger): void {
  if (settings.MONGODB_URI === undefined || sources.HOST_ADDRESS !== 'default') return;
  logger.warn(
    'MONGODB_URI is set and HOST_ADDRESS is not: server nodes of several hosts would all be localhost, take the address ' +
      'from each other and send clients to the wrong place. Set HOST_ADDRESS to the name that reaches this host.',
  );
}

async function run(config: Config, logger: Logger): Promise<number> {
  const { port } = slices.listen(config.settings);
  if (ownProcess.belongsToParent && port !== 0) logger.setBindings({ port });
  const supervisor = new Supervisor(logger, slices.drain(config.settings).totalMs, ownProcess, new SystemClock());
  try {
    const { startServer } = await import('../create-app.js');
    const server = await startServer(config, logger);
    supervisor.watch(server);
    if (ownProcess.belongsToParent && port === 0) logger.setBindings({ port: Number(new URL(server.url).port) });
    announce(server.url, server.serverNodeId, config);
  } catch (error) {
    return explain(error, config, logger);
  }
  return supervisor.ended;
}

/** On a terminal the lines to paste for a first message come along; the ready line is for programs too. */
function announce(url: string, serverNodeId: string, { settings, sources }: Config): void {
  console.log(`ready ${url}`);
  if (!process.stdout.isTTY) return;
  const same = sources.DATA_DIR === 'default' ? '' : ` --data-dir ${settings.DATA_DIR}`;
  console.log(
    [
      '',
      `  Server node ${serverNodeId}`,
      `  Websocket   ${url.replace(/^http/, 'ws')}/connect`,
      `  API         ${url}/docs`,
      '',
      '  A first message, in two other terminals:',
      `    npx allspark sub --as bob --url ${url}${same}`,
      `    npx allspark pub --as alice --to bob 'Hello Bob' --url ${url}${same}`,
      '  Stop the first with Ctrl-C, send again, start it again: the message has waited.',
      '',
    ].join('\n'),
  );
}

function explain(error: unknown, { settings }: Config, logger: Logger): number {
  const fault = startFault(error, settings);
  if (fault === undefined) {
    logger.fatal({ err: error }, 'cannot start');
    return EXIT.internal;
  }
  for (const line of [fault.message, ...fault.advice]) console.error(line);
  return fault.exitCode;
}
