import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_QUANTITY_ONLY,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXTENSION,
  KIND_MODIFY,
  KIND_TRADE,
  NO_BOOK,
  RECORD_WORDS,
  SIDE_ASK,
  SIDE_BID,
} from '../../event/record.ts';
import type { Datagram } from '../../packet/datagram.ts';
import {
  NUMBER_BYTES,
  PRESENT_MAKER,
  PRESENT_TAKER,
  TEMPLATE_ADD,
  TEMPLATE_DELETE,
  TEMPLATE_MODIFY,
  TEMPLATE_TRADE,
  WIRE_BID,
} from './layout.ts';
import { VarintReader } from './varints.ts';

/** Answers of `MessageReader.read`, besides how many records the message became. */
export const READ_MALFORMED = 0;
export const READ_UNKNOWN = -1;

/** Most records that one message becomes. */
export const RECORDS_PER_MESSAGE = 2;

const TWO_32 = 4294967296;
/** Bytes of most heads, and the bits that longer ones have in one of them, in a little-endian word. */
const HEAD = 3;
const LONG_HEAD = 0x808080;

// Constants of other modules under names of this one: only those are compiled into the loop as constants.
const NUMBER: number = NUMBER_BYTES;
const WORDS: number = RECORD_WORDS;
const ADD: number = TEMPLATE_ADD;
const MODIFY: number = TEMPLATE_MODIFY;
const DELETE: number = TEMPLATE_DELETE;
const TRADE: number = TEMPLATE_TRADE;
const MAKER: number = PRESENT_MAKER;
const TAKER: number = PRESENT_TAKER;
const BID: number = WIRE_BID;
const UNNAMED: number = NO_BOOK;
const EXTENSION: number = KIND_EXTENSION;
const TOOK_BID: number = SIDE_BID << 8;
const TOOK_ASK: number = SIDE_ASK << 8;
const HEAD_ADD_BID: number = KIND_ADD | (FLAG_LAST << 8);
const HEAD_ADD_ASK: number = KIND_ADD | ((FLAG_LAST | FLAG_ASK) << 8);
const HEAD_DELETE: number = KIND_DELETE | (FLAG_LAST << 8);
const HEAD_MODIFY: number = KIND_MODIFY | ((FLAG_LAST | FLAG_QUANTITY_ONLY | FLAG_KEEP_PRIORITY) << 8);
const HEAD_TRADE: number = KIND_TRADE | ((FLAG_LAST | FLAG_EXTENDED) << 8);

/** Walks over the messages of a packet: `next` reads the head of a message, `read` its body. */
export class MessageReader {
  /** Of the message at hand: where in the datagram it begins. */
  offset = 0;
  /** Its template id. */
  templateLow = 0;
  templateHigh = 0;
  /** After `next` has said no: where in the datagram a head cannot be read or a body does not fit; −1 = all was read. */
  damageOffset = -1;
  readonly #varints: VarintReader = new VarintReader();
  /** First seven bits of the presence map; no message has more. */
  #presence = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** The last place where four bytes can be read at once. */
  #brink = 0;
  #origin = 0;
  /** Where the next message begins, and where the packet ends. */
  #next = 0;
  #end = 0;

  /** Goes to the first message of a packet, which is as long as its number at least. */
  begin(datagram: Datagram): void {
    this.#varints.attach(datagram);
    this.#view = datagram.view;
    this.#brink = datagram.view.byteLength - 4;
    this.#origin = datagram.offset;
    this.#next = datagram.offset + NUMBER;
    this.#end = datagram.offset + datagram.length;
    this.damageOffset = -1;
  }

  /** Goes to the next message. @returns whether there is one more whole one. */
  next(): boolean {
    const start = this.#next;
    const end = this.#end;
    if (start >= end) return false;
    this.offset = start - this.#origin;
    if (start > this.#brink) return this.#nextOfAny(start, end);
    const head = this.#view.getInt32(start, true);
    if ((head & LONG_HEAD) !== 0) return this.#nextOfAny(start, end);
    // Presence map, template and length of a byte each, as almost every message has them.
    this.#presence = head & 0x7f;
    this.templateLow = (head >>> 8) & 0x7f;
    this.templateHigh = 0;
    return this.#enter(start + HEAD, (head >>> 16) & 0x7f, end);
  }

  #nextOfAny(start: number, end: number): boolean {
    const varints = this.#varints;
    varints.at = start;
    varints.end = end;
    if (!varints.readPresence()) return this.#damaged();
    this.#presence = varints.low;
    if (!varints.read()) return this.#damaged();
    this.templateLow = varints.low;
    this.templateHigh = varints.high;
    if (!varints.read()) return this.#damaged();
    const { low, high, at } = varints;
    return high === 0 && low >= 0 ? this.#enter(at, low, end) : this.#damaged();
  }

  /** Bounds what is read by a body. */
  #enter(at: number, length: number, end: number): boolean {
    const varints = this.#varints;
    if (length > end - at) return this.#damaged();
    this.#next = at + length;
    varints.at = at;
    varints.end = this.#next;
    return true;
  }

  /**
   * Reads the body of the message at hand into records at word `to`: everything but message number and times, and an
   * instrument where the book belongs (NO_BOOK where there is none; `namesInstrument` tells).
   * @returns how many records, or one of READ_*.
   */
  read(words: Int32Array, to: number): number {
    if (this.templateHigh !== 0) return READ_UNKNOWN;
    switch (this.templateLow) {
      case ADD:
        return this.#readAdd(words, to);
      case MODIFY:
        return this.#readModify(words, to);
      case DELETE:
        return this.#readDelete(words, to);
      case TRADE:
        return this.#readTrade(words, to);
      default:
        return READ_UNKNOWN;
    }
  }

  /** Has the message at hand an instrument? */
  get namesInstrument(): boolean {
    return this.templateLow === ADD || this.templateLow === TRADE;
  }

  /** Length of the message at hand, its head included. */
  get bytes(): number {
    return this.#next - this.#origin - this.offset;
  }

  /** After `read`: nothing is left in the body. */
  get filled(): boolean {
    return this.#varints.at === this.#varints.end;
  }

  /** The template id in decimal; in hexadecimal where a double may not hold it. */
  templateText(): string {
    const high = this.templateHigh >>> 0;
    const low = this.templateLow >>> 0;
    if (high < 0x200000) return String(high * TWO_32 + low);
    return `0x${high.toString(16)}${low.toString(16).padStart(8, '0')}`;
  }

  #readAdd(words: Int32Array, to: number): number {
    const varints = this.#varints;
    if (!varints.read()) return READ_MALFORMED;
    words[to + 2] = varints.low;
    words[to + 3] = varints.high;
    if (!varints.read()) return READ_MALFORMED;
    words[to + 1] = varints.low;
    if (!varints.readByte()) return READ_MALFORMED;
    words[to] = varints.low === BID ? HEAD_ADD_BID : HEAD_ADD_ASK;
    return this.#readPriceAndQuantity(words, to) ? 1 : READ_MALFORMED;
  }

  #readModify(words: Int32Array, to: number): number {
    const varints = this.#varints;
    words[to] = HEAD_MODIFY;
    words[to + 1] = UNNAMED;
    if (!varints.read()) return READ_MALFORMED;
    words[to + 2] = varints.low;
    words[to + 3] = varints.high;
    words[to + 4] = 0;
    words[to + 5] = 0;
    if (!varints.readZigzag()) return READ_MALFORMED;
    words[to + 6] = varints.low;
    words[to + 7] = varints.high;
    return 1;
  }

  #readDelete(words: Int32Array, to: number): number {
    const varints = this.#varints;
    words[to] = HEAD_DELETE;
    words[to + 1] = UNNAMED;
    if (!varints.read()) return READ_MALFORMED;
    words[to + 2] = varints.low;
    words[to + 3] = varints.high;
    words[to + 4] = 0;
    words[to + 5] = 0;
    words[to + 6] = 0;
    words[to + 7] = 0;
    return 1;
  }

  #readTrade(words: Int32Array, to: number): number {
    const varints = this.#varints;
    const second = to + WORDS;
    words.fill(0, second, second + WORDS);
    words[second] = EXTENSION;
    words[to] = HEAD_TRADE;
    words[to + 2] = 0;
    words[to + 3] = 0;
    if (!varints.read()) return READ_MALFORMED;
    words[to + 1] = varints.low;
    if (!this.#readPriceAndQuantity(words, to)) return READ_MALFORMED;
    if ((this.#presence & MAKER) !== 0) {
      if (!varints.read()) return READ_MALFORMED;
      words[to + 2] = varints.low;
      words[to + 3] = varints.high;
    }
    if ((this.#presence & TAKER) !== 0) {
      if (!varints.readByte()) return READ_MALFORMED;
      words[second] |= varints.low === BID ? TOOK_BID : TOOK_ASK;
    }
    return 2;
  }

  #readPriceAndQuantity(words: Int32Array, to: number): boolean {
    const varints = this.#varints;
    if (!varints.readZigzag()) return false;
    words[to + 4] = varints.low;
    words[to + 5] = varints.high;
    if (!varints.readZigzag()) return false;
    words[to + 6] = varints.low;
    words[to + 7] = varints.high;
    return true;
  }

  #damaged(): boolean {
    this.damageOffset = this.offset;
    return false;
  }
}
