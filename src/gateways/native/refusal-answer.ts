import type { Duplex } from 'node:stream';
import { sortableId } from '../../common/ids.js';
import { problemResponse, type Refusal } from '../../protocol/index.js';

/** Writes the answer to a socket that no HTTP server looks after any more, and ends it. */
export function refuseOnSocket(socket: Duplex, refusal: Refusal): void {
  socket.end(problemResponse(refusal, sortableId()));
  // What the peer still sends is read and dropped: a reset because of it could overtake the answer.
  socket.resume();
}
