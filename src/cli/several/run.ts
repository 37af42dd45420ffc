import { SystemClock } from '../../common/clock.js';
import type { Logger } from '../../common/logging.js';
import type { Config } from '../../config/load-config.js';
import { slices } from '../../config/slices.js';
import { ownProcess } from '../own-process.js';
import { childStarter } from './child.js';
import { NodeGroup } from './node-group.js';

/** Runs several server nodes until this process is told to go; the exit code. */
export async function runSeveral({ settings }: Config, argv: readonly string[], logger: Logger): Promise<number> {
  const group = new NodeGroup(logger, childStarter(argv), ownProcess, new SystemClock(), {
    count: slices.host(settings).nodes,
    port: slices.listen(settings).port,
    drainMs: slices.drain(settings).totalMs,
  });
  // Between the end of all of them and their next start, nothing else keeps this process alive.
  const alive = setInterval(() => {}, 60_000);
  const urls = await group.start();
  if (urls !== undefined) console.log(urls.map((url) => `ready ${url}`).join('\n'));
  const code = await group.ended;
  clearInterval(alive);
  logger.info('gone');
  return code;
}
