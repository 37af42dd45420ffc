import { type INestApplication, Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { interval, map, take } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientFrame, RawSocket } from '../../../test/support/raw-socket.js';
import { Scene } from '../../../test/support/native-scene.js';
import { useNativeWebsockets } from './websocket-adapter.js';

@WebSocketGateway({ path: '/chat' })
class ChatGateway {
  private turn = Promise.resolve();

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return { event: 'echo', data };
  }

  /** Each takes fewer turns than the one before. */
  @SubscribeMessage('slow')
  async slow(@MessageBody() turns: number): Promise<unknown> {
    for (let index = 0; index < turns; index += 1) await this.turn;
    return { event: 'slow', data: turns };
  }

  @SubscribeMessage('stream')
  stream(): unknown {
    return interval(1).pipe(
      take(2),
      map((data) => ({ event: 'stream', data })),
    );
  }

  @SubscribeMessage('silent')
  silent(): void {}

  @SubscribeMessage('fail')
  fail(): never {
    throw new WsException('no');
  }
}

/** Shares the path of another one. */
@WebSocketGateway({ path: '/chat' })
class HelpGateway {
  @SubscribeMessage('help')
  help(): unknown {
    return { event: 'help', data: 'echo' };
  }
}

@WebSocketGateway({ path: '/members', admission: 'key' })
class MembersGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return { event: 'echo', data };
  }
}

@Module({ providers: [ChatGateway, HelpGateway, MembersGateway] })
class TeamModule {}

it('an application that was made by another copy of the framework is refused, and told why', () => {
  expect(() => useNativeWebsockets({} as INestApplication)).toThrow(/two copies of @nestjs\/core/);
});

describe('gateways of other teams', () => {
  let scene: Scene;
  let socket: RawSocket;

  beforeEach(async () => {
    scene = await Scene.start({ imports: [TeamModule] });
    ({ socket } = await RawSocket.upgrade(scene.server.port, '/chat'));
  });

  afterEach(async () => {
    socket.destroy();
    await scene.end();
  });

  it('take events and answer in the usual form', async () => {
    await socket.json({ event: 'echo', data: { x: 1 } });
    expect(await socket.nextJson()).toEqual({ event: 'echo', data: { x: 1 } });
  });

  it('handle the events of one socket one after the other', async () => {
    const turns = [50, 5, 0];
    await socket.write(Buffer.concat(turns.map((data) => clientFrame(JSON.stringify({ event: 'slow', data })))));
    for (const data of turns) expect(await socket.nextJson()).toEqual({ event: 'slow', data });
  });

  it('stream answers, and take the next event meanwhile', async () => {
    await socket.json({ event: 'stream' });
    await socket.json({ event: 'echo', data: 'x' });
    const answers = [await socket.nextJson(), await socket.nextJson(), await socket.nextJson()];
    expect(answers).toContainEqual({ event: 'echo', data: 'x' });
    expect(answers).toContainEqual({ event: 'stream', data: 1 });
  });

  it.each([
    ['{"event":"nothing"}', 'no such event'],
    ['{"event":1}', 'wanted'],
    ['[1', 'wanted'],
    ['null', 'wanted'],
  ])('answer what they do not understand: %s', async (text, message) => {
    await socket.text(text);
    const answer = await socket.nextJson();
    expect(answer).toMatchObject({ event: 'exception', data: { status: 'error' } });
    expect(JSON.stringify(answer)).toContain(message);
    await socket.json({ event: 'echo', data: 1 });
    expect(await socket.nextJson()).toEqual({ event: 'echo', data: 1 });
  });

  it('may answer nothing, or an exception', async () => {
    await socket.json({ event: 'silent' });
    await socket.json({ event: 'fail' });
    expect(await socket.nextJson()).toMatchObject({ event: 'exception', data: { message: 'no' } });
  });

  it('may share a path', async () => {
    await socket.json({ event: 'help' });
    await socket.json({ event: 'echo', data: 1 });
    expect(await socket.nextJson()).toEqual({ event: 'help', data: 'echo' });
    expect(await socket.nextJson()).toEqual({ event: 'echo', data: 1 });
  });

  it('may ask for a valid key', async () => {
    const { response } = await RawSocket.upgrade(scene.server.port, '/members');
    expect(response.status).toBe(401);
  });

  it('are told to come back when the server node goes away', async () => {
    const end = socket.closed();
    await Promise.all([scene.server.app.close(), end.then(() => socket.destroy())]);
    expect((await end).code).toBe(1012);
  });
});
