/** What all clients of one process did together. */
export class Tally {
  sent = 0;
  confirmed = 0;
  refused = 0;
  received = 0;

  get counts(): { sent: number; confirmed: number; refused: number; received: number } {
    const { sent, confirmed, refused, received } = this;
    return { sent, confirmed, refused, received };
  }
}
