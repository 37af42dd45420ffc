/** As the last part of a key made of parts: sorts behind every text and number that could stand there. */
export const BEHIND = new Uint8Array([0xff]);
