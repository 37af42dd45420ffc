import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NativeConnections } from '../../src/gateways/native/index.js';
import { ConnectionsService } from '../../src/modules/connections/index.js';
import { cutsOf, type ExpectedAnswer, type FrameCase, websocketCases } from '../support/frame-cases.js';
import { autobahnCases, chopsOf } from '../support/autobahn-cases.js';
import { jsonCases } from '../support/frame-cases-json.js';
import { OPCODE, RawSocket } from '../support/raw-socket.js';
import { TestServer } from '../support/test-server.js';

/** Thousands of handshakes come from one address and one node here. */
const SETTINGS = {
  HANDSHAKES_PER_SECOND: '0',
  CONNECTIONS_PER_ADDRESS: '0',
  CONNECTIONS_PER_NODE: '0',
  RATE_PER_SECOND: '0',
  PRESENCE: 'none',
};
const WEBSOCKET_CASES = websocketCases();
const JSON_CASES = jsonCases();
const AUTOBAHN_CASES = autobahnCases();

let server: TestServer;
let authorization: string;
let disturbed = 0;
let sentByAlice = 0;
const seenByBob: unknown[] = [];
let bobHasSeen = (): void => {};
let sendAsAlice: (payload: number) => Promise<unknown>;
const processErrors: unknown[] = [];
const note = (error: unknown): void => void processErrors.push(error);

beforeAll(async () => {
  process.on('unhandledRejection', note);
  process.on('uncaughtExceptionMonitor', note);
  server = await TestServer.start(SETTINGS);
  authorization = `Bearer ${await server.key('mallory')}`;
  const bob = server.client('bob', {
    onMessage: ({ payload }) => {
      seenByBob.push(payload);
      bobHasSeen();
    },
  });
  const alice = server.client('alice');
  await Promise.all([bob.connect(), alice.connect()]);
  sendAsAlice = (payload) => alice.send({ destId: 'bob', payload });
});

afterAll(async () => {
  await server.stop();
  process.off('unhandledRejection', note);
  process.off('uncaughtExceptionMonitor', note);
});

async function open(): Promise<RawSocket> {
  const { socket, response } = await RawSocket.upgrade(Number(new URL(server.url).port), '/connect', { authorization });
  expect(response.status).toBe(101);
  expect(await socket.nextJson()).toMatchObject({ type: -110 });
  return socket;
}

/** A message from somebody else to somebody else still gets through. */
async function othersGoOn(): Promise<void> {
  sentByAlice += 1;
  const number = sentByAlice;
  const arrived = new Promise<void>((resolve) => {
    bobHasSeen = () => {
      if (seenByBob.at(-1) === number) resolve();
    };
  });
  expect(await sendAsAlice(number)).toMatchObject({ status: 'stored' });
  await arrived;
}

async function play(socket: RawSocket, each: FrameCase, cuts: readonly number[]): Promise<void> {
  const { bytes, closes, answers, pongs, echo } = each;
  await socket.writeCut(bytes, cuts);
  if (closes !== undefined) return expect(await socket.closed()).toMatchObject({ code: closes });
  for (let count = 0; count < (pongs ?? 0); count += 1) {
    expect(await socket.frame()).toMatchObject({ opcode: OPCODE.pong, ...(echo && { payload: echo }) });
  }
  for (const expected of answers ?? []) expect(whatCounts(await socket.nextJson())).toEqual(expected);
  await socket.json({ type: -120, id: 'still-open' });
  expect(await socket.nextJson()).toEqual({ type: -121, id: 'still-open' });
}

function whatCounts(frame: Record<string, unknown>): ExpectedAnswer {
  const named = Object.entries(frame).filter(([name]) => ['type', 'code', 'field', 'id'].includes(name));
  return Object.fromEntries(named) as unknown as ExpectedAnswer;
}

describe('by the websocket protocol, whole and cut behind byte 1, 2 and n-1', () => {
  it.each(WEBSOCKET_CASES)('$title', async (each) => {
    for (const cuts of cutsOf(each)) {
      const socket = await open();
      await play(socket, each, cuts);
      socket.destroy();
      await othersGoOn();
      disturbed += 1;
    }
  });
});

describe('by its JSON, whole and cut behind byte 1, 2 and n-1, all on one connection that stays open', () => {
  it.each(JSON_CASES)('$title', async (each) => {
    const socket = await open();
    for (const cuts of cutsOf(each)) {
      await play(socket, each, cuts);
      await othersGoOn();
      disturbed += 1;
    }
    socket.destroy();
  });
});

describe('by the sections of the Autobahn suite, in its chops too', () => {
  it.each(AUTOBAHN_CASES)('$title', async (each) => {
    for (const cuts of [...cutsOf(each), ...chopsOf(each)]) {
      const socket = await open();
      await play(socket, each, cuts);
      socket.destroy();
      await othersGoOn();
    }
  });

  it('has a case for each of its sections but those of compression', () => {
    const sections = new Set(AUTOBAHN_CASES.map(({ title }) => title.split('.', 1)[0]));
    expect([...sections]).toEqual(['1', '2', '3', '4', '5', '6', '7', '9', '10']);
    expect(AUTOBAHN_CASES.length).toBeGreaterThanOrEqual(270);
    expect(new Set(AUTOBAHN_CASES.map(({ title }) => title)).size).toBe(AUTOBAHN_CASES.length);
  });
});

describe('after all of them', () => {
  it('every case has run in every cut', () => {
    expect(WEBSOCKET_CASES.length).toBeGreaterThanOrEqual(100);
    expect(JSON_CASES.length).toBeGreaterThanOrEqual(100);
    expect(disturbed).toBe(4 * (WEBSOCKET_CASES.length + JSON_CASES.length));
  });

  it('bob has every message of alice once and in order', () => {
    expect(seenByBob).toEqual(Array.from({ length: sentByAlice }, (_none, index) => index + 1));
  });

  it('no connection of the disturber is left', async () => {
    const connections = server.running.app.get(ConnectionsService, { strict: false });
    await ended(connections);
    expect(connections.size).toBe(2);
    const left = server.running.app.get(NativeConnections, { strict: false }).all();
    expect(left.map(({ nodeId }) => nodeId).sort()).toEqual(['alice', 'bob']);
  });

  it('nothing reached the process', () => {
    expect(processErrors).toEqual([]);
  });
});

/** The ends of the last sockets have to be noticed first. */
async function ended(connections: ConnectionsService): Promise<void> {
  while (connections.here('mallory').size > 0) await new Promise<void>((resolve) => void setImmediate(resolve));
}
