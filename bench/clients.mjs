// Clients of the benchmarks: they do what the protocol asks, and as little besides as they can.
import { WebSocket } from 'ws';

const PAYLOAD = JSON.stringify('x'.repeat(90));
const ACK_AFTER = 64;

/** A connection that was greeted. */
export function open(url, key) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/connect`, { headers: { authorization: `Bearer ${key}` } });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('message', () => resolve(socket));
  });
}

/** Keeps `inFlight` messages without a receipt on each sender until `total` receipts are there. */
export function pump(senders, receiverOf, total, inFlight) {
  let sent = 0;
  let confirmed = 0;
  const next = (socket, index) => {
    if (sent >= total) return;
    sent += 1;
    socket.send(`{"dest_id":"${receiverOf(index)}","payload":${PAYLOAD}}`);
  };
  return new Promise((resolve, reject) => {
    senders.forEach((socket, index) => {
      socket.on('message', (data) => {
        const text = data.toString('latin1');
        if (!text.startsWith('{"type":-112')) return reject(new Error(`no receipt but ${text}`));
        confirmed += 1;
        if (confirmed === total) resolve();
        else next(socket, index);
      });
      for (let each = 0; each < inFlight; each += 1) next(socket, index);
    });
  });
}

/** A reader that acknowledges as the protocol asks, and tells of each message. */
export function read(socket, heard = () => {}) {
  let unacknowledged = 0;
  socket.on('message', (data) => {
    const match = /^\{"seq":(\d+)/.exec(data.toString('latin1'));
    if (!match) return;
    heard();
    unacknowledged += 1;
    if (unacknowledged < ACK_AFTER) return;
    unacknowledged = 0;
    socket.send(`{"type":-111,"seq":${match[1]}}`);
  });
}
