import {
  FLAG_ASK,
  FLAG_SNAPSHOT,
  GAP_LOST,
  KIND_CLEAR,
  KIND_GAP,
  NO_BOOK,
  NULL_PRICE_HIGH,
  NULL_PRICE_LOW,
  RECORD_WORDS,
  SIDE_ASK,
} from '../../event/record.ts';
import type { Datagram } from '../../packet/datagram.ts';
import type { FeedCounts } from '../counts.ts';
import type { DecoderTargets } from '../feed.ts';
import {
  CHANGE_BASE,
  CHANGE_EXTENSION,
  CHANGE_KEY,
  CHANGE_PRICE,
  CHANGE_PRICE_MASK,
  CHANGE_QUANTITY,
  CHANGE_SECURITY,
  CHANGE_SIDE,
  CHANGE_WORDS,
  CHANGES,
  changeTable,
} from './change-table.ts';
import {
  ID_HEARTBEAT,
  ID_ORDER_MODIFY,
  ID_SNAPSHOT_ORDER,
  MESSAGE_HEAD_BYTES,
  ORD_TYPE_MARKET,
  type Release,
  SIDE_BUY,
  SIDE_SELL,
} from './layout.ts';
import {
  LENGTH_UNKNOWN,
  type MessageTable,
  messageTable,
  NO_FIELD,
  TYPE_BASE,
  TYPE_COUNT,
  typeName,
} from './message-table.ts';
import { OtherMessages } from './other-messages.ts';
import { COMPLETE_OFFSET } from './packet.ts';
import { NONE, PacketEvents } from './packet-events.ts';
import { NEXT_UNKNOWN, type Product } from './product.ts';
import { ProductBooks } from './product-books.ts';
import { RestWatch } from './rest-watch.ts';

const ASK: number = FLAG_ASK << 8;
const SNAPSHOT: number = FLAG_SNAPSHOT << 8;

// Constants of other modules under names of this one: only those are compiled into the loop as constants.
const WORDS: number = RECORD_WORDS;
const BASE: number = TYPE_BASE;
const TYPES: number = TYPE_COUNT;
const HEAD_BYTES: number = MESSAGE_HEAD_BYTES;
const BUY: number = SIDE_BUY;
const MARKET: number = ORD_TYPE_MARKET;
const NO_PRICE_HIGH: number = NULL_PRICE_HIGH;
const NO_PRICE_LOW: number = NULL_PRICE_LOW;

const FIRST_CHANGE: number = CHANGE_BASE - TYPE_BASE;
const CHANGE: number = CHANGE_WORDS;
const CHANGE_END: number = CHANGES * CHANGE_WORDS;
const SECURITY: number = CHANGE_SECURITY;
const KEY: number = CHANGE_KEY;
const QUANTITY: number = CHANGE_QUANTITY;
const SIDE: number = CHANGE_SIDE;
const PRICE: number = CHANGE_PRICE;
const PRICE_MASK: number = CHANGE_PRICE_MASK;
const EXTENSION: number = CHANGE_EXTENSION;
const MODIFY: number = ID_ORDER_MODIFY - TYPE_BASE;
/** Offsets of TrdRegTSPrevTimePriority in OrderModify, and of LastPx in executions; the same in every release. */
const PREVIOUS_KEY = 16;
const LAST_PRICE = 48;

/** Most records that one message becomes in the loop. */
const RECORDS_PER_MESSAGE = 2;
/** The number of a message that has none. */
const NO_SEQUENCE = -1;

/** Tells whoever joins products with their snapshots what only the messages show. */
export interface ProductWatch {
  /**
   * A message that has another number than the one expected; `product.next` still is that one.
   * @returns true when the rest of the packet has to wait.
   */
  jumped(product: Product, sequence: number, isReset: boolean): boolean;
  /** A heartbeat names the last number sent. */
  named(product: Product, last: number): void;
}

/**
 * Turns messages of a packet into events. One for all channels: products are decoded where they come from, and what
 * waited for a snapshot when it has come.
 *
 * `#plain` decodes order by order and calls nobody. Where something else comes (another message, a number out of turn, a
 * full batch, the first sight of an instrument) it stops in front of that message; `#settle` sees to it, and on it goes.
 */
export class MessageDecoder {
  readonly #events: PacketEvents;
  readonly #counts: FeedCounts;
  readonly books: ProductBooks;
  readonly #table: MessageTable;
  readonly #changes: Int32Array;
  readonly #rest: RestWatch;
  readonly #other: OtherMessages;
  readonly #watch: ProductWatch;

  #isReset = false;
  /** Where the next message begins and the packet ends, in the view. */
  #next = 0;
  #end = 0;
  /** Number of the next message, and by how much it grows: 0 for messages without a number. */
  #expected = 0;
  #step = 1;
  /** The batch is ready for that message. Only what is written makes it ready: it may hand over what the group ends with. */
  #isReady = false;
  /** The instrument of the last order, and its book. */
  #lastLow = 0;
  #lastHigh = 0;
  #lastBook: number = NO_BOOK;

  constructor(source: string, release: Release, targets: DecoderTargets, watch: ProductWatch) {
    const { writer, counts, dictionary } = targets;
    if (writer.batch.capacity < RECORDS_PER_MESSAGE) {
      throw new RangeError(
        `an EOBI message needs ${RECORDS_PER_MESSAGE} records, the batch has ${writer.batch.capacity}`,
      );
    }
    this.#counts = counts;
    this.#table = messageTable(release);
    this.#changes = changeTable(release);
    this.#events = new PacketEvents(writer);
    this.books = new ProductBooks(source, release.quantityScale, dictionary);
    this.#rest = new RestWatch(counts);
    this.#other = new OtherMessages(this.#table, this.#events, this.books, this.#rest);
    this.#watch = watch;
  }

  /**
   * Decodes the messages of a packet of changes between two offsets of its payload.
   * @returns the offset of what has to wait for a snapshot; `to` when everything was decoded.
   */
  changes(
    datagram: Datagram,
    channel: number,
    product: Product,
    from: number,
    to: number,
    isReset: boolean,
  ): number {
    this.#open(datagram, channel, from, to);
    this.#isReset = isReset;
    const { view } = datagram;
    if (product.through !== 0) this.#leaveOut(view, product);
    this.#expected = product.next | 0;
    this.#isReady = false;
    this.#makeReady();
    for (;;) {
      if (this.#step === 0 || product.next !== NEXT_UNKNOWN) this.#plain(view);
      if (this.#step === 1) product.next = this.#expected;
      if (this.#next >= this.#end || !this.#settle(view, product)) break;
    }
    if (this.#next >= this.#end) this.#close(view, product);
    return this.#next - datagram.offset;
  }

  /** Decodes the messages of a packet of a snapshot that is loaded. Everything in it was looked at before. */
  snapshot(datagram: Datagram, channel: number, product: Product, from: number, to: number): void {
    this.#open(datagram, channel, from, to);
    const { view } = datagram;
    this.#begin(view.getInt32(this.#next + 4, true));
    while (this.#next < this.#end) {
      const at = this.#next;
      this.#next += view.getUint16(at, true);
      this.#other.writeSnapshot(view, at, view.getUint16(at + 2, true), product);
      this.#events.delta += 1;
    }
    this.#close(view, product);
  }

  /** Writes that all books of a product are empty, as part of what the packet at hand brings. */
  clear(datagram: Datagram, channel: number, product: Product, sequence: number): void {
    this.#events.stamp(datagram, channel);
    this.#begin(sequence);
    for (const book of product.books) this.#events.put(KIND_CLEAR | SNAPSHOT, book, 0, 0, 0, 0, 0, 0);
  }

  /** Writes that numbers of a product are lost, `count` from `first` on. */
  gap(datagram: Datagram, channel: number, first: number, count: number): void {
    const events = this.#events;
    events.flush();
    events.stamp(datagram, channel);
    this.#begin(first);
    events.put(KIND_GAP, NO_BOOK, first | 0, 0, GAP_LOST, 0, count | 0, 0);
    events.flush();
  }

  /** Counts the messages of a packet between two offsets as decoding does, without making events of them. */
  tally(datagram: Datagram, from: number, to: number): void {
    const { view } = datagram;
    this.#events.datagram = datagram;
    let at = datagram.offset + from;
    const end = datagram.offset + to;
    while (at < end) {
      const length = end - at < HEAD_BYTES ? 0 : view.getUint16(at, true);
      if (length < HEAD_BYTES || length > end - at) {
        this.#counts.noteMalformed('damaged datagram', datagram.packetNumber, at - datagram.offset);
        return;
      }
      this.#count(view, at, length);
      at += length;
    }
  }

  /** Can a message be read whole? If so it is counted as read, if not as unknown or malformed. */
  #count(view: DataView, at: number, length: number): boolean {
    const type = view.getUint16(at + 2, true) - BASE;
    if (!this.#isReadable(view, at, length, type)) return false;
    this.#counts.byType[type] += 1;
    this.#counts.totals[0] += 1;
    return true;
  }

  #open(datagram: Datagram, channel: number, from: number, to: number): void {
    this.#events.stamp(datagram, channel);
    this.#next = datagram.offset + from;
    this.#end = datagram.offset + to;
    this.#events.lastEvent = NONE;
    this.#step = 1;
  }

  /** Makes the batch ready for the rest of the packet, whose next message has this number. */
  #begin(sequence: number): void {
    // No message is shorter than its head, so there are no more than this.
    this.#events.begin(sequence, Math.max(1, (this.#end - this.#next) >> 3));
  }

  /** The packet's last event ends the group, if the packet is complete. */
  #close(view: DataView, product: Product): void {
    const { datagram } = this.#events;
    if (view.getUint8(datagram.offset + COMPLETE_OFFSET) !== 1) return;
    this.#events.endGroup();
    if (this.#rest.isOpen) this.#rest.close(product.segment, datagram);
  }

  /** Counts and leaves out the messages that the loaded snapshot contains. */
  #leaveOut(view: DataView, product: Product): void {
    while (this.#end - this.#next >= HEAD_BYTES) {
      const length = view.getUint16(this.#next, true);
      const sequence = view.getUint32(this.#next + 4, true);
      const isNumbered = view.getInt32(this.#next + 4, true) !== NO_SEQUENCE;
      if (length < HEAD_BYTES || length > this.#end - this.#next) return;
      if (isNumbered && sequence > product.through) product.through = 0;
      if (product.through === 0 || !isNumbered) return;
      this.#count(view, this.#next, length);
      this.#next += length;
    }
  }

  /** Decodes the changes of orders up to the first message that is something else. */
  #plain(view: DataView): void {
    const { lengths, quantityBytes } = this.#table;
    const { byType, totals } = this.#counts;
    const events = this.#events;
    const { batch } = events;
    const { words } = batch;
    const books = this.books.table;
    const changes = this.#changes;
    const rest = this.#rest;
    const room = this.#isReady ? batch.capacity - RECORDS_PER_MESSAGE : -1;
    const venue = events.venue | 0;
    const receive = events.receive | 0;
    const end = this.#end | 0;
    const step = this.#step | 0;
    const wide = quantityBytes === 8;
    let at = this.#next | 0;
    let expected = this.#expected | 0;
    let delta = events.delta | 0;
    let count = batch.count | 0;
    let lastLow = this.#lastLow | 0;
    let lastHigh = this.#lastHigh | 0;
    let book = this.#lastBook | 0;
    let lastEvent = events.lastEvent | 0;
    let read = 0;

    while (end - at >= HEAD_BYTES) {
      const length = view.getUint16(at, true);
      const type = view.getUint16(at + 2, true) - BASE;
      // One compare finds types out of range and too short messages; unknown types are longer than any.
      if (type >>> 0 >= TYPES || length < lengths[type] || length > end - at) break;
      if (view.getInt32(at + 4, true) !== expected || count > room) break;

      const change = (type - FIRST_CHANGE) * CHANGE;
      if (change >>> 0 >= CHANGE_END) break;
      const head = changes[change];
      if (head === 0) break;
      const security = at + changes[change + SECURITY];
      const securityLow = view.getInt32(security, true);
      const securityHigh = view.getInt32(security + 4, true);
      if (securityLow !== lastLow || securityHigh !== lastHigh || book < 0) {
        book = books.find(securityHigh, securityLow) | 0;
        if (book < 0) break;
        lastLow = securityLow;
        lastHigh = securityHigh;
      }
      // Bit 0 of what is left: ask. The byte behind the side is the order's type.
      const side = at + changes[change + SIDE];
      const ask = view.getUint8(side) - BUY;
      if (ask >>> 0 > 1) break;
      const key = at + changes[change + KEY];
      const quantity = at + changes[change + QUANTITY];
      const price = at + changes[change + PRICE];
      const mask = changes[change + PRICE_MASK];
      const isMarket = (view.getUint8(side + 1) === MARKET ? mask : 0) !== 0;
      const quantityLow = view.getInt32(quantity, true);

      const to = count * WORDS;
      words[to] = head | (ask * ASK) | (delta << 16);
      words[to + 1] = book;
      words[to + 2] = view.getInt32(key, true);
      words[to + 3] = view.getInt32(key + 4, true);
      words[to + 4] = isMarket ? NO_PRICE_LOW : view.getInt32(price, true) & mask;
      words[to + 5] = isMarket ? NO_PRICE_HIGH : view.getInt32(price + 4, true) & mask;
      words[to + 6] = quantityLow;
      words[to + 7] = wide ? view.getInt32(quantity + 4, true) : quantityLow >> 31;
      words[to + 8] = venue;
      words[to + 9] = receive;
      const extension = changes[change + EXTENSION];
      if (extension !== 0) {
        const isModify = type === MODIFY;
        const more = to + WORDS;
        // The aggressor's side is the one opposite to the resting order's.
        words[more] = isModify ? extension : extension | ((SIDE_ASK - ask) << 8);
        words[more + 1] = 0;
        words[more + 2] = isModify ? view.getInt32(at + PREVIOUS_KEY, true) : 0;
        words[more + 3] = isModify ? view.getInt32(at + PREVIOUS_KEY + 4, true) : 0;
        words[more + 4] = isModify ? 0 : view.getInt32(at + LAST_PRICE, true);
        words[more + 5] = isModify ? 0 : view.getInt32(at + LAST_PRICE + 4, true);
        words[more + 6] = isModify ? 0 : view.getInt32(at + (wide ? 12 : 40), true);
        words[more + 7] = 0;
        words[more + 8] = 0;
        words[more + 9] = 0;
        count += 1;
      }
      if (rest.isOpen) rest.seen(view, at, type, key, wide);
      byType[type] += 1;
      read += 1;
      count += 1;
      lastEvent = to;
      expected = (expected + step) | 0;
      delta += step;
      at += length;
    }

    batch.count = count;
    totals[0] += read;
    this.#next = at;
    this.#expected = expected;
    events.delta = delta;
    this.#lastLow = lastLow;
    this.#lastHigh = lastHigh;
    this.#lastBook = book;
    events.lastEvent = lastEvent;
  }

  /** Sees to what stopped `#plain`. @returns false when the packet ends here or its rest has to wait. */
  #settle(view: DataView, product: Product): boolean {
    const at = this.#next;
    const left = this.#end - at;
    const length = left < HEAD_BYTES ? 0 : view.getUint16(at, true);
    if (length < HEAD_BYTES || length > left) {
      this.#counts.noteMalformed(
        'damaged datagram',
        this.#events.datagram.packetNumber,
        at - this.#events.datagram.offset,
      );
      this.#next = this.#end;
      return false;
    }
    const template = view.getUint16(at + 2, true);
    const type = template - BASE;
    const signed = view.getInt32(at + 4, true);
    if (template === ID_HEARTBEAT) {
      this.#next += length;
      if (this.#count(view, at, length)) {
        this.#watch.named(product, view.getUint32(at + 8, true));
        this.#restart(product);
      }
      return true;
    }
    if (signed === NO_SEQUENCE) {
      // A message without a number: one step of the loop, outside of the count.
      if (this.#step === 1) this.#unnumbered();
    } else if (this.#step === 0 || signed !== this.#expected) {
      this.#restart(product);
      if (signed !== product.next && this.#watch.jumped(product, signed >>> 0, this.#isReset)) return false;
      this.#restart(product);
    }
    const isPlain = type >= 100 && type <= 106 && type !== 103;
    if (!this.#isReadable(view, at, length, type)) {
      this.#advance(length);
      if (this.#step === 1) product.next = this.#expected;
      return true;
    }
    if (isPlain) this.#prepare(view, at, type, product);
    else {
      this.#makeReady();
      this.#other.write(view, at, template, product);
      this.#counts.byType[type] += 1;
      this.#counts.totals[0] += 1;
      this.#advance(length);
      if (this.#step === 1) product.next = this.#expected;
    }
    return true;
  }

  /** Goes on with the product's numbers. */
  #restart(product: Product): void {
    if (this.#step === 1 && this.#expected === product.next) return;
    this.#step = 1;
    this.#expected = product.next | 0;
    this.#isReady = false;
  }

  #unnumbered(): void {
    this.#step = 0;
    this.#expected = NO_SEQUENCE;
    this.#isReady = false;
  }

  /** Makes the batch ready for the next message, which will be written. */
  #makeReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    const isNumbered = this.#step === 1 && this.#expected !== NEXT_UNKNOWN;
    this.#begin(isNumbered ? this.#expected : 0);
  }

  #advance(length: number): void {
    this.#next += length;
    this.#expected = (this.#expected + this.#step) | 0;
    this.#events.delta += this.#step;
  }

  /** Makes sure that the loop can take the change of an order at hand: its book is known, the batch has room. */
  #prepare(view: DataView, at: number, type: number, product: Product): void {
    const security = at + SECURITY_OF_CHANGE[type - 100];
    this.#lastBook = this.books.at(view, security, product);
    if (this.#lastBook === NO_BOOK) {
      // The dictionary is full.
      const { packetNumber, offset } = this.#events.datagram;
      this.#counts.noteMalformed('instrument beyond the last book', packetNumber, at - offset);
      this.#advance(view.getUint16(at, true));
      if (this.#step === 1) product.next = this.#expected;
      return;
    }
    this.#lastLow = view.getInt32(security, true);
    this.#lastHigh = view.getInt32(security + 4, true);
    this.#makeReady();
    this.#events.room(RECORDS_PER_MESSAGE);
  }

  /** Can a message become events? If not, it is counted. */
  #isReadable(view: DataView, at: number, length: number, type: number): boolean {
    const { packetNumber, offset } = this.#events.datagram;
    const table = this.#table;
    const least = type >= 0 && type < TYPE_COUNT ? table.lengths[type] : LENGTH_UNKNOWN;
    if (least === LENGTH_UNKNOWN) {
      this.#counts.noteUnknown(`template ${typeName(type)}`, packetNumber, at - offset);
      return false;
    }
    let problem: string | null = null;
    if (length < least) problem = `shorter than ${least} bytes`;
    else if (table.groupCounter[type] !== NO_FIELD) {
      const used = view.getUint8(at + table.groupCounter[type]);
      if (used !== 0xff && least + used * table.entryBytes[type] > length) problem = 'shorter than its group';
      else if (length !== table.wholeLengths[type]) {
        this.#counts.remark('a group has room for more or fewer entries', packetNumber, at - offset);
      }
    } else if (SIDE_OF_CHANGE[type] !== 0) {
      const quantityBytes = table.quantityBytes;
      const side = view.getUint8(
        at + SIDE_OF_CHANGE[type] + (SIDE_BEHIND_QUANTITY[type] === 1 ? quantityBytes : 0),
      );
      if (side !== SIDE_BUY && side !== SIDE_SELL) problem = 'without side';
    }
    if (problem === null) return true;
    this.#counts.noteMalformed(`${typeName(type)} ${problem}`, packetNumber, at - offset);
    return false;
  }
}

/** Offset of SecurityID, by type − 100 (13100 … 13106). */
const SECURITY_OF_CHANGE: readonly number[] = [16, 40, 24, 8, 32, 32, 32];
/** Offset of the side, or of the quantity in front of it; 0 = the message has none. */
const SIDE_OF_CHANGE: Uint8Array = new Uint8Array(TYPE_COUNT);
const SIDE_BEHIND_QUANTITY: Uint8Array = new Uint8Array(TYPE_COUNT);
SIDE_OF_CHANGE.set([32, 56, 40, 0, 8, 8, 48], 100);
SIDE_BEHIND_QUANTITY.set([1, 1, 1, 0, 0, 0, 1], 100);
SIDE_OF_CHANGE[ID_SNAPSHOT_ORDER - TYPE_BASE] = 16;
SIDE_BEHIND_QUANTITY[ID_SNAPSHOT_ORDER - TYPE_BASE] = 1;
