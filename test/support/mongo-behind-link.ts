import { type Found, placeOf, startMongo, type TestMongo, throughPort } from './mongo.js';
import { Link } from './mongo-proxy.js';

/** A MongoDB of its own, over a link that a test can spoil. */
export class MongoBehindLink {
  private constructor(
    private readonly mongo: TestMongo,
    private readonly uri: string,
    readonly link: Link,
  ) {}

  /** Of the last setup that can be had. */
  static async start(found: Found): Promise<MongoBehindLink> {
    const mongo = await startMongo(found.setups.at(-1)!, found);
    const uri = mongo.freshUri();
    const { host, port } = placeOf(uri);
    return new MongoBehindLink(mongo, uri, await Link.to(host, port));
  }

  /** For a server that uses it. */
  get settings(): Readonly<Record<string, string>> {
    return {
      MONGODB_URI: throughPort(this.uri, this.link.port),
      LINK_SECRET: 'a secret of the links of tests, 32 bytes or more',
    };
  }

  async stop(): Promise<void> {
    await this.link.close();
    await this.mongo.drop(this.uri);
    await this.mongo.stop();
  }
}
