import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LinkSwitch } from './link-switch.js';
import { Random } from './random.js';

const SERVER_HOST = '127.0.0.2';
let links: LinkSwitch;
let server: Server;
const sockets: Socket[] = [];

beforeEach(async () => {
  links = await LinkSwitch.start(new Random(1), SERVER_HOST);
  server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.on('data', (bytes) => socket.write(bytes));
  });
  server.listen(links.port, SERVER_HOST);
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await links.close();
  await new Promise((resolve) => void server.close(resolve));
});

function upgradeBy(serverNodeId: string): string {
  const claims = Buffer.from(JSON.stringify({ from: { serverNodeId } })).toString('base64url');
  return `GET /link HTTP/1.1\r\nAuthorization: Bearer head.${claims}.mac\r\n\r\n`;
}

/** Opens a link as this server node, and resolves when all that it said first was echoed. */
async function dial(serverNodeId: string): Promise<Socket> {
  const socket = connect({ port: links.port, host: '127.0.0.1' });
  sockets.push(socket.on('error', () => undefined));
  const said = upgradeBy(serverNodeId);
  socket.write(said.slice(0, 20));
  socket.write(said.slice(20));
  let echoed = '';
  while (echoed.length < said.length) echoed += String((await once(socket, 'data'))[0]);
  expect(echoed).toBe(said);
  return socket;
}

it('keeps a wire for each that dials, so that one is cut and another goes on', async () => {
  const [one, other] = [await dial('~one'), await dial('~other')];
  const cut = new Promise((resolve) => void one.once('close', resolve));
  links.wireFrom('~one').reset();
  await cut;
  other.write('still');
  expect(String((await once(other, 'data'))[0])).toBe('still');
});

it('holds back what one that dials is not to be heard saying', async () => {
  const one = await dial('~one');
  links.wireFrom('~one').blackHole(['up']);
  one.write('held');
  const other = await dial('~other');
  other.write('heard');
  expect(String((await once(other, 'data'))[0])).toBe('heard');
  links.heal();
  expect(String((await once(one, 'data'))[0])).toBe('held');
});
