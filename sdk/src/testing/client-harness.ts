import { WebSocket } from 'ws';
import { AllsparkClient } from '../client.js';
import type { Message } from '../frames.js';
import type { ClientOptions, StatusEvent } from '../options.js';
import { Mailbox } from './mailbox.js';
import { ManualTimers } from './manual-timers.js';
import { type ScriptedConnection, ScriptedServer, type WireFrame } from './scripted-server.js';

/** A client, the server that it talks to, and everything that the client told the application. */
export class ClientHarness {
  readonly timers = new ManualTimers();
  readonly messages = new Mailbox<Message>();
  readonly statuses = new Mailbox<StatusEvent>();
  readonly errors = new Mailbox<unknown>();
  readonly client: AllsparkClient;

  private constructor(
    readonly server: ScriptedServer,
    options: Partial<ClientOptions>,
  ) {
    this.client = new AllsparkClient({
      url: server.url,
      authKey: 'key',
      WebSocket,
      timers: this.timers,
      random: () => 0.5,
      onMessage: (message) => this.messages.put(message),
      onStatus: (event) => this.statuses.put(event),
      onError: (error) => this.errors.put(error),
      ...options,
    });
  }

  static async start(options: Partial<ClientOptions> = {}): Promise<ClientHarness> {
    return new ClientHarness(await ScriptedServer.start(), options);
  }

  async stop(): Promise<void> {
    const closed = this.client.close();
    await this.server.stop();
    this.timers.advance(60_000);
    await closed;
  }

  /** The client's first connection, greeted. */
  async open(hello: WireFrame = {}): Promise<ScriptedConnection> {
    void this.client.connect();
    const connection = await this.accept(hello);
    await this.status('open');
    return connection;
  }

  /** The client's next connection, greeted. */
  async accept(hello: WireFrame = {}): Promise<ScriptedConnection> {
    const connection = await this.server.connections.take();
    connection.hello(hello);
    return connection;
  }

  /** Waits until the client is about to come back, lets its delay pass, and greets it. */
  async comeBack(hello: WireFrame = { resumed: true }): Promise<ScriptedConnection> {
    await this.passDelay();
    return this.accept(hello);
  }

  async passDelay(): Promise<Extract<StatusEvent, { status: 'reconnecting' }>> {
    const event = await this.status('reconnecting');
    this.timers.advance(event.delayMs);
    return event;
  }

  status<S extends StatusEvent['status']>(status: S): Promise<Extract<StatusEvent, { status: S }>> {
    return this.statuses.takeWhere((event) => event.status === status) as Promise<Extract<StatusEvent, { status: S }>>;
  }

  async seqs(count: number): Promise<(number | undefined)[]> {
    const seqs: (number | undefined)[] = [];
    while (seqs.length < count) seqs.push((await this.messages.take()).seq);
    return seqs;
  }
}
