/** WebSocket messages of a server as bytes (RFC 6455 §5): one unmasked frame each. */

export const OPCODE_TEXT = 1;
export const OPCODE_BINARY = 2;

const FINAL = 0x80;
const LENGTH_16 = 126;
/** Longest payload behind a header of two bytes, and the first of these where the message is binary; the other is the length. */
export const SHORT_MAX: number = LENGTH_16 - 1;
export const SHORT_BINARY: number = FINAL | OPCODE_BINARY;
const LENGTH_64 = 127;
const TWO_32 = 4294967296;

/** Bytes in front of a payload of so many bytes. */
export function headerBytes(payload: number): 2 | 4 | 10 {
  return payload < LENGTH_16 ? 2 : payload < 65536 ? 4 : 10;
}

/** Writes the header of a whole message and answers where its payload begins. */
export function writeHeader(bytes: Uint8Array, at: number, opcode: number, payload: number): number {
  bytes[at] = FINAL | opcode;
  if (payload < LENGTH_16) {
    bytes[at + 1] = payload;
    return at + 2;
  }
  if (payload < 65536) {
    bytes[at + 1] = LENGTH_16;
    bytes[at + 2] = payload >>> 8;
    bytes[at + 3] = payload & 255;
    return at + 4;
  }
  bytes[at + 1] = LENGTH_64;
  const high = Math.floor(payload / TWO_32);
  for (let place = 0; place < 4; place += 1) {
    bytes[at + 2 + place] = high >>> (24 - place * 8);
    bytes[at + 6 + place] = payload >>> (24 - place * 8);
  }
  return at + 10;
}

/** A payload as a whole message. */
export function messageOf(payload: Uint8Array, opcode: number): Buffer {
  const head = headerBytes(payload.length);
  const message = Buffer.allocUnsafe(head + payload.length);
  writeHeader(message, 0, opcode, payload.length);
  message.set(payload, head);
  return message;
}

export function textMessage(text: string): Buffer {
  return messageOf(Buffer.from(text), OPCODE_TEXT);
}
