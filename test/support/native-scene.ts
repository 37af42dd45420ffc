import { RawSocket } from './raw-socket.js';
import { keyOf, NativeApp, type NativeAppOptions, type Who } from './native-app.js';

export interface Joined {
  readonly socket: RawSocket;
  readonly hello: Record<string, unknown>;
}

/** A server and the clients that a test opened; `end` closes all of them. */
export class Scene {
  private readonly sockets: RawSocket[] = [];

  private constructor(readonly server: NativeApp) {}

  static async start(options: NativeAppOptions = {}): Promise<Scene> {
    return new Scene(await NativeApp.start(options));
  }

  /** Asks for an upgrade with the key of somebody; whatever comes of it. */
  async ask(who: Who, query = '', headers: Readonly<Record<string, string | null>> = {}, glued?: Buffer) {
    const all = { authorization: `Bearer ${await keyOf(who)}`, ...headers };
    const asked = await RawSocket.upgrade(this.server.port, `/connect${query}`, all, glued);
    this.sockets.push(asked.socket);
    return asked;
  }

  /** Connects and reads hello. */
  async join(who: Who, query = ''): Promise<Joined> {
    const { socket, response } = await this.ask(who, query);
    if (response.status !== 101) throw new Error(`Refused with ${response.status}: ${response.body}`);
    return { socket, hello: await socket.nextJson() };
  }

  async end(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await this.server.close();
  }
}

/** Waits in turns of the event loop until it is so; the test's own time limit ends it. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise<void>((resolve) => void setImmediate(resolve));
}
