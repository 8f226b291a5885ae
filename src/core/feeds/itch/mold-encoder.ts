import { encodeMessage, type FieldValue, messageBytes } from './fields.ts';
import { LENGTH_BY_TYPE, MESSAGE_BYTES_MAX } from './layout.ts';
import { type OutgoingMessage, writeMessage } from './message-writer.ts';
import {
  BLOCK_PREFIX_BYTES,
  MOLD_COUNT_END,
  MOLD_COUNT_HEARTBEAT,
  MOLD_COUNT_OFFSET,
  MOLD_HEADER_BYTES,
  MOLD_SEQUENCE_OFFSET,
  MOLD_SESSION_BYTES,
} from './mold-layout.ts';

const TWO_32 = 4294967296;

export interface MoldPacketOptions {
  /** At most ten characters; padded with blanks on the left. */
  readonly session: string;
  /** Number of the first message, from 1; 0 makes packets without numbers. */
  readonly sequence: number;
  /** Most bytes of a packet. */
  readonly packetBytesMax: number;
}

/**
 * Writes MoldUDP64 packets (mold-layout.ts draws them): `append` until it answers false, `finish`, and on.
 *
 * What `finish`, `heartbeat` and `endOfSession` return is the encoder's own buffer: valid until the next call.
 */
export class MoldPacketEncoder {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;
  readonly #bytesMax: number;
  readonly #step: number;
  #sequence: number;
  #used = MOLD_HEADER_BYTES;
  #count = 0;

  constructor(options: MoldPacketOptions) {
    const { session, sequence, packetBytesMax } = options;
    if (session.length > MOLD_SESSION_BYTES || !/^[ -~]*$/.test(session)) {
      throw new RangeError(
        `a Mold session has at most ${MOLD_SESSION_BYTES} ASCII characters, not "${session}"`,
      );
    }
    const smallest = MOLD_HEADER_BYTES + BLOCK_PREFIX_BYTES + MESSAGE_BYTES_MAX;
    if (packetBytesMax < smallest || packetBytesMax > 0xffff) {
      throw new RangeError(`Mold packets have ${smallest} to 65535 bytes, not ${packetBytesMax}`);
    }
    this.#bytesMax = packetBytesMax;
    // writeMessage may touch more bytes than the message has.
    this.#bytes = new Uint8Array(packetBytesMax + MESSAGE_BYTES_MAX);
    this.#view = new DataView(this.#bytes.buffer);
    this.#sequence = sequence;
    this.#step = sequence === 0 ? 0 : 1;
    const padded = session.padStart(MOLD_SESSION_BYTES);
    for (let at = 0; at < MOLD_SESSION_BYTES; at += 1) this.#bytes[at] = padded.charCodeAt(at);
  }

  /** Number of the next message to be appended. */
  get nextSequence(): number {
    return this.#sequence + this.#count * this.#step;
  }

  /** Messages in the packet so far. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the packet so far. */
  get bytesUsed(): number {
    return this.#used;
  }

  /**
   * Appends a message. @returns false when the packet has no room for it: finish it and append again. Throws RangeError
   * for what no packet can hold.
   */
  append(message: OutgoingMessage): boolean {
    const at = this.#used + BLOCK_PREFIX_BYTES;
    if (!this.#fits(LENGTH_BY_TYPE[message.type])) return false;
    const length = writeMessage(this.#view, at, message);
    this.#close(length);
    return true;
  }

  /** Appends a message of any type from readable fields; slow. @returns as `append`. */
  appendFields(type: string, fields: Readonly<Record<string, FieldValue>>): boolean {
    if (!this.#fits(messageBytes(type))) return false;
    this.#close(encodeMessage(type, fields, this.#bytes, this.#used + BLOCK_PREFIX_BYTES));
    return true;
  }

  /** Appends bytes as a message, whatever they are. @returns as `append`. */
  appendBytes(message: Uint8Array): boolean {
    if (!this.#fits(message.length)) return false;
    this.#bytes.set(message, this.#used + BLOCK_PREFIX_BYTES);
    this.#close(message.length);
    return true;
  }

  /** The packet with what was appended (a heartbeat when that is nothing); the next one begins. */
  finish(): Uint8Array<ArrayBuffer> {
    const packet = this.#packet(this.#count, this.#used);
    this.#sequence = this.nextSequence;
    this.#used = MOLD_HEADER_BYTES;
    this.#count = 0;
    return packet;
  }

  /** A heartbeat. Throws when messages wait to be finished. */
  heartbeat(): Uint8Array<ArrayBuffer> {
    return this.#bare(MOLD_COUNT_HEARTBEAT);
  }

  /** The end of the session. Throws when messages wait to be finished. */
  endOfSession(): Uint8Array<ArrayBuffer> {
    return this.#bare(MOLD_COUNT_END);
  }

  #fits(length: number): boolean {
    const fits =
      this.#used + BLOCK_PREFIX_BYTES + length <= this.#bytesMax && this.#count < MOLD_COUNT_END - 1;
    if (!fits && this.#count === 0) {
      throw new RangeError(`a message of ${length} bytes does not fit a Mold packet of ${this.#bytesMax}`);
    }
    return fits;
  }

  #close(length: number): void {
    this.#view.setUint16(this.#used, length);
    this.#used += BLOCK_PREFIX_BYTES + length;
    this.#count += 1;
  }

  #bare(count: number): Uint8Array<ArrayBuffer> {
    if (this.#count > 0) throw new RangeError(`${this.#count} messages wait: finish the packet first`);
    return this.#packet(count, MOLD_HEADER_BYTES);
  }

  #packet(count: number, bytes: number): Uint8Array<ArrayBuffer> {
    this.#view.setInt32(MOLD_SEQUENCE_OFFSET, Math.floor(this.#sequence / TWO_32));
    this.#view.setInt32(MOLD_SEQUENCE_OFFSET + 4, this.#sequence | 0);
    this.#view.setUint16(MOLD_COUNT_OFFSET, count);
    return this.#bytes.subarray(0, bytes);
  }
}
