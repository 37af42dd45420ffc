const FIN_TEXT = 0x81;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MAX_7_BIT = 125;
const MAX_16_BIT = 0xffff;

/** Bytes of a text frame on the wire as a server sends it: not masked, in one piece. */
export function framedBytes(payloadBytes: number): number {
  return payloadBytes + headerBytes(payloadBytes);
}

/** Writes one text frame; answers where the next one begins. `payloadBytes` is the UTF-8 length of the text. */
export function writeTextFrame(target: Buffer, at: number, text: string, payloadBytes: number): number {
  target[at] = FIN_TEXT;
  const body = at + headerBytes(payloadBytes);
  if (payloadBytes <= MAX_7_BIT) target[at + 1] = payloadBytes;
  else if (payloadBytes <= MAX_16_BIT) {
    target[at + 1] = LENGTH_16;
    target.writeUInt16BE(payloadBytes, at + 2);
  } else {
    target[at + 1] = LENGTH_64;
    target.writeUInt32BE(0, at + 2);
    target.writeUInt32BE(payloadBytes, at + 6);
  }
  // As many bytes as characters means ASCII, which the narrower encoding writes faster.
  target.write(text, body, payloadBytes, payloadBytes === text.length ? 'latin1' : 'utf8');
  return body + payloadBytes;
}

function headerBytes(payloadBytes: number): number {
  if (payloadBytes <= MAX_7_BIT) return 2;
  return payloadBytes <= MAX_16_BIT ? 4 : 10;
}
