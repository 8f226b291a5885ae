import {
  NUMBER_BYTES,
  PRESENT_MAKER,
  PRESENT_TAKER,
  TEMPLATE_ADD,
  TEMPLATE_DELETE,
  TEMPLATE_MODIFY,
  TEMPLATE_TRADE,
  VARINT_BYTES_MAX,
  WIRE_ASK,
  WIRE_BID,
} from './layout.ts';
import { writeVarint, writeZigzag } from './varints.ts';

const TWO_32 = 4294967296;
/** Longest body: an add, or a trade with all its fields: three of 64 bits, an instrument, a side. */
const BODY_BYTES_MAX: number = 3 * VARINT_BYTES_MAX + 5 + 1;
/** A message in front of its body: presence map, template and length take a byte each. */
const HEAD_BYTES = 3;
const PAYLOAD_BYTES_MAX = 0xffff;

/** Most bytes of a message that the encoder writes. */
export const MESSAGE_BYTES_MAX: number = HEAD_BYTES + BODY_BYTES_MAX;

/** One message to be written; its type decides which fields count. 64-bit values are signed 32-bit halves. */
export class OutgoingMessage {
  idLow = 0;
  idHigh = 0;
  /** An unsigned 32-bit integer, its sign does not matter. */
  instrument = 0;
  ask = false;
  priceLow = 0;
  priceHigh = 0;
  quantityLow = 0;
  quantityHigh = 0;
  /** Trade: the order that was hit is named by `idLow`, `idHigh`; and the side that took by `ask`. */
  hasMaker = false;
  hasTaker = false;
}

export interface FastLikePacketOptions {
  /** Number of the first packet; 0 makes packets without numbers. */
  readonly sequence: number;
  /** Most bytes of a packet. */
  readonly packetBytesMax: number;
}

/**
 * Writes FAST-like packets (layout.ts draws them): `add`, `modify`, `delete`, `trade` until one answers false because
 * the packet is full, `finish`, and on.
 *
 * What `finish` returns is the encoder's own buffer: valid until the next call.
 */
export class FastLikePacketEncoder {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;
  readonly #bytesMax: number;
  readonly #step: number;
  #sequence: number;
  #used = NUMBER_BYTES;
  /** Where the body of the message in hand begins. */
  #body = 0;

  constructor({ sequence, packetBytesMax }: FastLikePacketOptions) {
    const smallest = NUMBER_BYTES + MESSAGE_BYTES_MAX;
    if (packetBytesMax < smallest || packetBytesMax > PAYLOAD_BYTES_MAX) {
      throw new RangeError(
        `FAST-like packets have ${smallest} to ${PAYLOAD_BYTES_MAX} bytes, not ${packetBytesMax}`,
      );
    }
    this.#bytesMax = packetBytesMax;
    // A message that turns out not to fit is written all the same, and left out.
    this.#bytes = new Uint8Array(packetBytesMax + MESSAGE_BYTES_MAX);
    this.#view = new DataView(this.#bytes.buffer);
    this.#sequence = sequence;
    this.#step = sequence === 0 ? 0 : 1;
  }

  /** Number of the packet that is being filled. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Nothing was appended since the last `finish`. */
  get empty(): boolean {
    return this.#used === NUMBER_BYTES;
  }

  /** Appends an add of the message's order. @returns false where it does not fit the packet any more. */
  add(message: OutgoingMessage): boolean {
    let at = this.#begin();
    at = writeVarint(this.#bytes, at, message.idLow, message.idHigh);
    at = writeVarint(this.#bytes, at, message.instrument, 0);
    at = this.#side(at, message.ask);
    at = writeZigzag(this.#bytes, at, message.priceLow, message.priceHigh);
    at = writeZigzag(this.#bytes, at, message.quantityLow, message.quantityHigh);
    return this.#close(0, TEMPLATE_ADD, at);
  }

  /** Appends the new quantity of an order. @returns as `add`. */
  modify(message: OutgoingMessage): boolean {
    let at = this.#begin();
    at = writeVarint(this.#bytes, at, message.idLow, message.idHigh);
    at = writeZigzag(this.#bytes, at, message.quantityLow, message.quantityHigh);
    return this.#close(0, TEMPLATE_MODIFY, at);
  }

  /** Appends the end of an order. @returns as `add`. */
  delete(message: OutgoingMessage): boolean {
    const at = writeVarint(this.#bytes, this.#begin(), message.idLow, message.idHigh);
    return this.#close(0, TEMPLATE_DELETE, at);
  }

  /** Appends a print. @returns as `add`. */
  trade(message: OutgoingMessage): boolean {
    const { hasMaker, hasTaker } = message;
    let at = this.#begin();
    at = writeVarint(this.#bytes, at, message.instrument, 0);
    at = writeZigzag(this.#bytes, at, message.priceLow, message.priceHigh);
    at = writeZigzag(this.#bytes, at, message.quantityLow, message.quantityHigh);
    if (hasMaker) at = writeVarint(this.#bytes, at, message.idLow, message.idHigh);
    if (hasTaker) at = this.#side(at, message.ask);
    const presence = (hasMaker ? PRESENT_MAKER : 0) | (hasTaker ? PRESENT_TAKER : 0);
    return this.#close(presence, TEMPLATE_TRADE, at);
  }

  /** The packet with what was appended; the next one begins. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#view.setInt32(0, Math.floor(this.#sequence / TWO_32));
    this.#view.setInt32(4, this.#sequence | 0);
    const packet = this.#bytes.subarray(0, this.#used);
    this.#sequence += this.#step;
    this.#used = NUMBER_BYTES;
    return packet;
  }

  /** @returns where the body of the next message goes. */
  #begin(): number {
    this.#body = this.#used + HEAD_BYTES;
    return this.#body;
  }

  #side(at: number, ask: boolean): number {
    this.#bytes[at] = ask ? WIRE_ASK : WIRE_BID;
    return at + 1;
  }

  /** Puts the head in front of the body that ends at `end`, if the packet has room for it. */
  #close(presence: number, template: number, end: number): boolean {
    if (end > this.#bytesMax) return false;
    this.#bytes[this.#used] = presence;
    this.#bytes[this.#used + 1] = template;
    this.#bytes[this.#used + 2] = end - this.#body;
    this.#used = end;
    return true;
  }
}
