import { Metrics } from '../../src/common/metrics.js';
import { ServerNodesView } from '../../src/modules/nodes/index.js';
import { type Found, startMongo } from './mongo.js';
import { SECRET, TestServer } from './test-server.js';

/** Two server nodes of this process on one store. */
export class TwoServers {
  private constructor(
    readonly here: TestServer,
    readonly there: TestServer,
    /** Of their database, if they have one. */
    readonly uri: string | undefined,
    private readonly letGo: () => Promise<void>,
  ) {}

  /**
   * With `found` they share a database there, which they are told in this form, otherwise an embedded data folder. They know
   * each other when it resolves.
   */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    found?: Found,
    toldAs: (uri: string) => string = (uri) => uri,
  ): Promise<TwoServers> {
    const mongo = found && (await startMongo(found.setups.at(-1)!, found));
    const uri = mongo?.freshUri();
    const shared = { LINK_SECRET: SECRET, RATE_PER_SECOND: '0', ...(uri && { MONGODB_URI: toldAs(uri) }) };
    const here = await TestServer.start({ ...shared, ...settings });
    const there = await TestServer.start({ ...shared, ...settings, DATA_DIR: here.dataDir });
    await here.running.app.get(ServerNodesView, { strict: false }).refresh();
    return new TwoServers(here, there, uri, async () => {
      await mongo?.drop(uri!);
      await mongo?.stop();
    });
  }

  /** `here` goes last, for the folder is its own. */
  async stop(): Promise<void> {
    await this.there.stop();
    await this.here.stop();
    await this.letGo();
  }
}

export type Direction = 'sent' | 'received';

/** Frames over the links of a server of this process so far. */
export async function linkFrames({ running }: TestServer, direction: Direction): Promise<number> {
  const metrics = await running.app.get(Metrics, { strict: false }).registry.getMetricsAsJSON();
  const values = metrics.find(({ name }) => name === 'allspark_link_frames_total')?.values ?? [];
  const counted = values.filter(({ labels }) => (labels as Record<string, unknown>)['direction'] === direction);
  return counted.reduce((sum, { value }) => sum + value, 0);
}
