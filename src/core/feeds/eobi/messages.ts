import { toBigUint } from '../../binary/time.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { Dictionary } from '../../event/dictionary.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_FULL,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_QUANTITY_ONLY,
  FLAG_SNAPSHOT,
  GAP_LOST,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_EXTENSION,
  KIND_GAP,
  KIND_MODIFY,
  KIND_REPLACE,
  KIND_STATUS,
  KIND_TRADE,
  KIND_VENUE,
  NO_BOOK,
  NULL_PRICE_HIGH,
  NULL_PRICE_LOW,
  RECORD_WORDS,
  SIDE_ASK,
  SIDE_BID,
} from '../../event/record.ts';
import type { EventWriter } from '../../event/writer.ts';
import { Datagram } from '../../packet/datagram.ts';
import { BookTable } from '../book-table.ts';
import type { FeedCounts } from '../counts.ts';
import type { DecoderTargets } from '../feed.ts';
import {
  ID_EXECUTION_SUMMARY,
  ID_HEARTBEAT,
  ID_INSTRUMENT_SUMMARY,
  ID_MASS_INSTRUMENT_STATE_CHANGE,
  ID_PRODUCT_SUMMARY,
  ID_SNAPSHOT_ORDER,
  ID_TRADE_REVERSAL,
  MESSAGE_HEAD_BYTES,
  ORD_TYPE_MARKET,
  PRICE_SCALE,
  type Release,
  SIDE_BUY,
  SIDE_SELL,
} from './layout.ts';
import {
  LENGTH_UNKNOWN,
  type MessageTable,
  messageTable,
  NO_FIELD,
  type PlainMessage,
  TYPE_BASE,
  TYPE_COUNT,
  typeName,
} from './message-table.ts';
import { COMPLETE_OFFSET, TRANSACT_TIME_OFFSET } from './packet.ts';
import { NEXT_UNKNOWN, type Product } from './product.ts';
import { RestWatch } from './rest-watch.ts';

/** Trade condition of a trade that is taken back (TradeReversal). */
export const CONDITION_REVERSAL = 0xfffe;

const ASK: number = FLAG_ASK << 8;
const LAST: number = FLAG_LAST << 8;
const SNAPSHOT: number = FLAG_SNAPSHOT << 8;
const HEAD_ADD: number = KIND_ADD;
const HEAD_DELETE: number = KIND_DELETE;
const HEAD_MODIFY: number = KIND_MODIFY | ((FLAG_QUANTITY_ONLY | FLAG_KEEP_PRIORITY) << 8);
const HEAD_REPLACE: number = KIND_REPLACE | (FLAG_EXTENDED << 8);
const HEAD_EXECUTE: number = KIND_EXECUTE | (FLAG_EXTENDED << 8);
const HEAD_FULL: number = HEAD_EXECUTE | (FLAG_FULL << 8);

// Constants of other modules under names of this one: only those are compiled into the loop as constants.
const WORDS: number = RECORD_WORDS;
const EXTENSION: number = KIND_EXTENSION;
const BASE: number = TYPE_BASE;
const TYPES: number = TYPE_COUNT;
const HEAD_BYTES: number = MESSAGE_HEAD_BYTES;
const BUY: number = SIDE_BUY;
const SELL: number = SIDE_SELL;
const MARKET: number = ORD_TYPE_MARKET;
const NO_PRICE_HIGH: number = NULL_PRICE_HIGH;
const NO_PRICE_LOW: number = NULL_PRICE_LOW;

/** Most records that one message becomes in the loop. */
const RECORDS_PER_MESSAGE = 2;
/** The number of a message that has none. */
const NO_SEQUENCE = -1;
const NONE = -1;

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
  readonly #writer: EventWriter;
  readonly #batch: EventBatch;
  readonly #counts: FeedCounts;
  readonly #dictionary: Dictionary;
  readonly #books: BookTable = new BookTable();
  readonly #source: string;
  readonly #quantityScale: number;
  readonly #table: MessageTable;
  readonly #rest: RestWatch;
  readonly #watch: ProductWatch;

  /** The packet in hand. */
  #datagram: Datagram = new Datagram();
  #channel = 0;
  #venueHigh = 0;
  #venueLow = 0;
  #isReset = false;
  /** Where the next message begins and the packet ends, in the view. */
  #next = 0;
  #end = 0;
  /** Number of the next message, its difference to the batch's base, and what both grow by. */
  #expected = 0;
  #delta = 0;
  #step = 1;
  /** Words 8 and 9 of the records of this packet. */
  #venue = 0;
  #receive = 0;
  /** Word where the record of the packet's last event begins in the batch; NONE = it has none there. */
  #lastEvent: number = NONE;
  #lastLow = 0;
  #lastHigh = 0;
  #lastBook: number = NO_BOOK;
  /** The instrument of the running snapshot. */
  #summaryBook: number = NO_BOOK;

  constructor(source: string, release: Release, targets: DecoderTargets, watch: ProductWatch) {
    const { writer, counts, dictionary } = targets;
    if (writer.batch.capacity < RECORDS_PER_MESSAGE) {
      throw new RangeError(
        `an EOBI message needs ${RECORDS_PER_MESSAGE} records, the batch has ${writer.batch.capacity}`,
      );
    }
    this.#source = source;
    this.#quantityScale = release.quantityScale;
    this.#table = messageTable(release);
    this.#writer = writer;
    this.#batch = writer.batch;
    this.#counts = counts;
    this.#dictionary = dictionary;
    this.#rest = new RestWatch(counts);
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
    this.#begin(this.#expected === NEXT_UNKNOWN ? 0 : this.#expected);
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
    this.#begin(view.getUint32(this.#next + 4, true));
    while (this.#next < this.#end) {
      const at = this.#next;
      this.#next += view.getUint16(at, true);
      const template = view.getUint16(at + 2, true);
      if (template === ID_SNAPSHOT_ORDER) this.#snapshotOrder(view, at);
      else if (template === ID_PRODUCT_SUMMARY || template === ID_INSTRUMENT_SUMMARY) {
        if (template === ID_INSTRUMENT_SUMMARY) {
          const known = product.books.length;
          this.#summaryBook = this.#bookOf(
            view.getInt32(at + 8, true),
            view.getInt32(at + 12, true),
            product,
          );
          // A book first seen behind a loss is stale until it is cleared.
          if (product.hadLoss && product.books.length > known)
            this.#put(KIND_CLEAR | SNAPSHOT, this.#summaryBook, 0, 0, 0, 0, 0, 0);
        }
        const book = template === ID_PRODUCT_SUMMARY ? NO_BOOK : this.#summaryBook;
        this.#put(KIND_VENUE | SNAPSHOT, book, 0, 0, 0, 0, template - BASE, 0);
      }
      this.#delta += 1;
    }
    this.#close(view, product);
  }

  /** Writes that all books of a product are empty, as part of what the packet at hand brings. */
  clear(datagram: Datagram, channel: number, product: Product, sequence: number): void {
    this.#stamp(datagram, channel);
    this.#begin(sequence);
    for (const book of product.books) this.#put(KIND_CLEAR | SNAPSHOT, book, 0, 0, 0, 0, 0, 0);
  }

  /** Writes that numbers of a product are lost, `count` from `first` on. */
  gap(datagram: Datagram, channel: number, first: number, count: number): void {
    const writer = this.#writer;
    writer.flush();
    this.#stamp(datagram, channel);
    this.#begin(first);
    this.#put(KIND_GAP, NO_BOOK, first | 0, 0, GAP_LOST, 0, count | 0, 0);
    writer.flush();
    this.#lastEvent = NONE;
  }

  /** Counts the messages of a packet between two offsets as decoding does, without making events of them. */
  tally(datagram: Datagram, from: number, to: number): void {
    const { view } = datagram;
    this.#datagram = datagram;
    let at = datagram.offset + from;
    const end = datagram.offset + to;
    while (end - at >= HEAD_BYTES) {
      const length = view.getUint16(at, true);
      if (length < HEAD_BYTES || length > end - at) return;
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
    this.#stamp(datagram, channel);
    this.#next = datagram.offset + from;
    this.#end = datagram.offset + to;
    this.#lastEvent = NONE;
    this.#step = 1;
  }

  /** Takes the times and the channel of a packet for what is written next. */
  #stamp(datagram: Datagram, channel: number): void {
    const { view, offset } = datagram;
    this.#datagram = datagram;
    this.#channel = channel;
    this.#venueLow = view.getInt32(offset + TRANSACT_TIME_OFFSET, true);
    this.#venueHigh = view.getInt32(offset + TRANSACT_TIME_OFFSET + 4, true);
    // Undefined, or far beyond any clock: then it is the time of arrival.
    if (this.#venueHigh < 0) {
      this.#venueLow = datagram.timeLow;
      this.#venueHigh = datagram.timeHigh;
    }
  }

  /** Makes the batch ready for the rest of the packet, whose next message has this number. */
  #begin(sequence: number): void {
    const batch = this.#batch;
    const writer = this.#writer;
    const { timeHigh, timeLow } = this.#datagram;
    // No message is shorter than its head, so there are no more than this.
    const messages = Math.max(1, (this.#end - this.#next) >> 3);
    if (batch.count > 0) {
      const low = this.#venueLow - batch.venueBaseLow;
      const borrow = this.#venueLow >>> 0 < batch.venueBaseLow >>> 0 ? 1 : 0;
      if (this.#venueHigh - batch.venueBaseHigh - borrow !== (low | 0) >> 31) writer.flush();
    }
    const unsigned = sequence >>> 0;
    this.#receive = writer.begin(this.#channel, timeHigh, timeLow, unsigned, messages);
    if (batch.count === 0) {
      batch.venueBaseHigh = this.#venueHigh;
      batch.venueBaseLow = this.#venueLow;
      this.#lastEvent = NONE;
    }
    this.#venue = (this.#venueLow - batch.venueBaseLow) | 0;
    this.#delta = unsigned - batch.sequenceBase;
  }

  /** The packet's last event ends the group, if the packet is complete. */
  #close(view: DataView, product: Product): void {
    if (view.getUint8(this.#datagram.offset + COMPLETE_OFFSET) !== 1) return;
    if (this.#lastEvent !== NONE) this.#batch.words[this.#lastEvent] |= LAST;
    if (this.#rest.isOpen) this.#rest.close(product.segment, this.#datagram);
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
    const batch = this.#batch;
    const { words } = batch;
    const books = this.#books;
    const rest = this.#rest;
    const room = batch.capacity - RECORDS_PER_MESSAGE;
    const venue = this.#venue | 0;
    const receive = this.#receive | 0;
    const end = this.#end | 0;
    const step = this.#step | 0;
    const wide = quantityBytes === 8;
    let at = this.#next | 0;
    let expected = this.#expected | 0;
    let delta = this.#delta | 0;
    let count = batch.count | 0;
    let lastLow = this.#lastLow | 0;
    let lastHigh = this.#lastHigh | 0;
    let book = this.#lastBook | 0;
    let lastEvent = this.#lastEvent | 0;
    let read = 0;

    run: while (end - at >= HEAD_BYTES) {
      const length = view.getUint16(at, true);
      const type = view.getUint16(at + 2, true) - BASE;
      // One compare finds types out of range and too short messages; unknown types are longer than any.
      if (type >>> 0 >= TYPES || length < lengths[type] || length > end - at) break;
      if (view.getInt32(at + 4, true) !== expected || count > room) break;

      let security = 0;
      let details = 0;
      switch (type) {
        case 100: // OrderAdd
          security = at + 16;
          details = at + 24;
          break;
        case 101: // OrderModify
          security = at + 40;
          details = at + 48;
          break;
        case 102: // OrderDelete
          security = at + 24;
          details = at + 32;
          break;
        case 104: // FullOrderExecution
        case 105: // PartialOrderExecution
          security = at + 32;
          details = at + 24;
          break;
        case 106: // OrderModifySamePrio
          security = at + 32;
          details = at + 40;
          break;
        default:
          break run;
      }
      const securityLow = view.getInt32(security, true);
      const securityHigh = view.getInt32(security + 4, true);
      if (securityLow !== lastLow || securityHigh !== lastHigh || book < 0) {
        book = books.find(securityHigh, securityLow) | 0;
        if (book < 0) break;
        lastLow = securityLow;
        lastHigh = securityHigh;
      }

      const to = count * WORDS;
      let head = 0;
      let priceHigh = 0;
      let priceLow = 0;
      let quantityHigh = 0;
      let quantityLow = 0;
      if (type === 104 || type === 105) {
        const side = view.getUint8(at + 8);
        if (side !== BUY && side !== SELL) break;
        head = type === 104 ? HEAD_FULL : HEAD_EXECUTE;
        if (side === SELL) head |= ASK;
        const match = wide ? at + 12 : at + 40;
        const quantity = wide ? at + 40 : at + 44;
        quantityLow = view.getInt32(quantity, true);
        quantityHigh = wide ? view.getInt32(quantity + 4, true) : quantityLow >> 31;
        const more = to + WORDS;
        words[more] = EXTENSION | ((side === SELL ? SIDE_BID : SIDE_ASK) << 8);
        words[more + 1] = 0;
        words[more + 2] = 0;
        words[more + 3] = 0;
        words[more + 4] = view.getInt32(at + 48, true);
        words[more + 5] = view.getInt32(at + 52, true);
        words[more + 6] = view.getInt32(match, true);
        words[more + 7] = 0;
        words[more + 8] = 0;
        words[more + 9] = 0;
        count += 1;
      } else {
        // Quantity, side and type of the order, price: the narrow quantity lets the others stand closer.
        const quantity = details + 8;
        const side = view.getUint8(quantity + quantityBytes);
        if (side !== BUY && side !== SELL) break;
        quantityLow = view.getInt32(quantity, true);
        quantityHigh = wide ? view.getInt32(quantity + 4, true) : quantityLow >> 31;
        if (type === 106) head = HEAD_MODIFY;
        else {
          head = type === 100 ? HEAD_ADD : type === 101 ? HEAD_REPLACE : HEAD_DELETE;
          const price = quantity + quantityBytes * 2;
          if (view.getUint8(quantity + quantityBytes + 1) === MARKET) {
            priceHigh = NO_PRICE_HIGH;
            priceLow = NO_PRICE_LOW;
          } else {
            priceLow = view.getInt32(price, true);
            priceHigh = view.getInt32(price + 4, true);
          }
        }
        if (side === SELL) head |= ASK;
        if (type === 101) {
          const more = to + WORDS;
          words[more] = EXTENSION;
          words[more + 1] = 0;
          words[more + 2] = view.getInt32(at + 16, true);
          words[more + 3] = view.getInt32(at + 20, true);
          words[more + 4] = 0;
          words[more + 5] = 0;
          words[more + 6] = 0;
          words[more + 7] = 0;
          words[more + 8] = 0;
          words[more + 9] = 0;
          count += 1;
        }
        if (rest.isOpen) rest.seen(view, at, type, details, wide);
      }
      words[to] = head | (delta << 16);
      words[to + 1] = book;
      words[to + 2] = view.getInt32(details, true);
      words[to + 3] = view.getInt32(details + 4, true);
      words[to + 4] = priceLow;
      words[to + 5] = priceHigh;
      words[to + 6] = quantityLow;
      words[to + 7] = quantityHigh;
      words[to + 8] = venue;
      words[to + 9] = receive;
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
    this.#delta = delta;
    this.#lastLow = lastLow;
    this.#lastHigh = lastHigh;
    this.#lastBook = book;
    this.#lastEvent = lastEvent;
  }

  /** Sees to what stopped `#plain`. @returns false when the packet ends here or its rest has to wait. */
  #settle(view: DataView, product: Product): boolean {
    const at = this.#next;
    const left = this.#end - at;
    const length = left < HEAD_BYTES ? 0 : view.getUint16(at, true);
    if (length < HEAD_BYTES || length > left) {
      this.#counts.noteMalformed('damaged datagram', this.#datagram.packetNumber, at - this.#datagram.offset);
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
      product.next = this.#step === 0 ? product.next : this.#expected;
      return true;
    }
    if (isPlain) this.#prepare(view, at, type, product);
    else {
      this.#other(view, at, template, product);
      this.#counts.byType[type] += 1;
      this.#counts.totals[0] += 1;
      this.#advance(length);
      product.next = this.#step === 0 ? product.next : this.#expected;
    }
    return true;
  }

  /** Goes on with the product's numbers. */
  #restart(product: Product): void {
    if (this.#step === 1 && this.#expected === product.next) return;
    this.#step = 1;
    this.#expected = product.next | 0;
    this.#begin(this.#expected === NEXT_UNKNOWN ? 0 : this.#expected);
  }

  #unnumbered(): void {
    this.#step = 0;
    this.#expected = NO_SEQUENCE;
    this.#begin(0);
  }

  #advance(length: number): void {
    this.#next += length;
    this.#expected = (this.#expected + this.#step) | 0;
    this.#delta += this.#step;
  }

  /** Makes sure that the loop can take the change of an order at hand: its book is known, the batch has room. */
  #prepare(view: DataView, at: number, type: number, product: Product): void {
    const security = at + SECURITY_OF_CHANGE[type - 100];
    this.#lastBook = this.#bookOf(view.getInt32(security, true), view.getInt32(security + 4, true), product);
    if (this.#lastBook >= 0) {
      this.#lastLow = view.getInt32(security, true);
      this.#lastHigh = view.getInt32(security + 4, true);
    } else {
      // The dictionary is full.
      this.#counts.noteMalformed('instrument beyond the last book', this.#datagram.packetNumber, at);
      this.#advance(view.getUint16(at, true));
      product.next = this.#step === 0 ? product.next : this.#expected;
      return;
    }
    if (this.#batch.count > this.#batch.capacity - RECORDS_PER_MESSAGE) this.#makeRoom();
  }

  #makeRoom(): void {
    const sequence = this.#batch.sequenceBase + this.#delta;
    this.#writer.flush();
    this.#begin(sequence);
  }

  /** Writes the events of a message that is no change of one order. */
  #other(view: DataView, at: number, template: number, product: Product): void {
    const plain = this.#table.plain[template - BASE];
    if (plain === null) return;
    const { kind } = plain;
    const type = template - BASE;
    let book: number = NO_BOOK;
    if (plain.security !== NO_FIELD) {
      const security = at + plain.security;
      book = this.#bookOf(view.getInt32(security, true), view.getInt32(security + 4, true), product);
    }
    if (kind === KIND_CLEAR) this.#put(KIND_CLEAR, book, 0, 0, 0, 0, 0, 0);
    else if (kind === KIND_TRADE) this.#trade(view, at, template, plain, book);
    else {
      const state = plain.state === NO_FIELD ? 0 : view.getUint8(at + plain.state);
      this.#put(kind, book, 0, 0, state, 0, type, 0);
      if (template === ID_MASS_INSTRUMENT_STATE_CHANGE) this.#listedStates(view, at, type, product);
      if (plain.description !== NO_FIELD) this.#name(view, at + plain.description, book);
    }
  }

  #trade(view: DataView, at: number, template: number, plain: PlainMessage, book: number): void {
    const wide = this.#table.quantityBytes === 8;
    const quantity = at + plain.quantity;
    const quantityLow = view.getInt32(quantity, true);
    const quantityHigh = wide ? view.getInt32(quantity + 4, true) : quantityLow >> 31;
    const price = at + plain.price;
    const side = plain.aggressor === NO_FIELD ? 0 : view.getUint8(at + plain.aggressor);
    const aggressor = side === SIDE_BUY ? SIDE_BID : side === SIDE_SELL ? SIDE_ASK : 0;
    const condition = template === ID_TRADE_REVERSAL ? CONDITION_REVERSAL : this.#condition(view, at, plain);
    const match = at + plain.match;
    this.#room(2);
    const { words } = this.#batch;
    const more = this.#batch.count * WORDS + WORDS;
    words[more] = EXTENSION | (aggressor << 8) | (condition << 16);
    words.fill(0, more + 1, more + WORDS);
    words[more + 6] = view.getInt32(match, true);
    words[more + 7] = plain.matchBytes === 8 ? view.getInt32(match + 4, true) : 0;
    this.#put(
      KIND_TRADE | (FLAG_EXTENDED << 8),
      book,
      0,
      0,
      view.getInt32(price, true),
      view.getInt32(price + 4, true),
      quantityLow,
      quantityHigh,
    );
    this.#batch.count += 1;
    if (template === ID_EXECUTION_SUMMARY && wide) this.#rest.open(view, at);
  }

  #condition(view: DataView, at: number, { condition, conditionBytes }: PlainMessage): number {
    if (condition === NO_FIELD) return 0;
    const value = conditionBytes === 1 ? view.getUint8(at + condition) : view.getUint16(at + condition, true);
    return value === (conditionBytes === 1 ? 0xff : 0xffff) ? 0 : value;
  }

  /** The instruments that a mass change of states lists with states of their own. */
  #listedStates(view: DataView, at: number, type: number, product: Product): void {
    const used = view.getUint8(at + this.#table.groupCounter[type]);
    const bytes = this.#table.entryBytes[type];
    let entry = at + this.#table.lengths[type];
    for (let left = used === 0xff ? 0 : used; left > 0; left -= 1) {
      const book = this.#bookOf(view.getInt32(entry, true), view.getInt32(entry + 4, true), product);
      this.#put(KIND_STATUS, book, 0, 0, view.getUint8(entry + 25), 0, type, 0);
      entry += bytes;
    }
  }

  #snapshotOrder(view: DataView, at: number): void {
    const wide = this.#table.quantityBytes === 8;
    const { quantityBytes } = this.#table;
    const quantityLow = view.getInt32(at + 16, true);
    const quantityHigh = wide ? view.getInt32(at + 20, true) : quantityLow >> 31;
    const side = at + 16 + quantityBytes;
    const price = side + quantityBytes;
    const isMarket = view.getUint8(side + 1) === ORD_TYPE_MARKET;
    this.#put(
      KIND_ADD | SNAPSHOT | (view.getUint8(side) === SIDE_SELL ? ASK : 0),
      this.#summaryBook,
      view.getInt32(at + 8, true),
      view.getInt32(at + 12, true),
      isMarket ? NULL_PRICE_LOW : view.getInt32(price, true),
      isMarket ? NULL_PRICE_HIGH : view.getInt32(price + 4, true),
      quantityLow,
      quantityHigh,
    );
  }

  #room(records: number): void {
    if (this.#batch.count > this.#batch.capacity - records) this.#makeRoom();
  }

  /** Writes the first record of an event. */
  #put(
    head: number,
    book: number,
    idLow: number,
    idHigh: number,
    priceLow: number,
    priceHigh: number,
    quantityLow: number,
    quantityHigh: number,
  ): void {
    this.#room(1);
    const { words } = this.#batch;
    const to = this.#batch.count * WORDS;
    words[to] = head | (this.#delta << 16);
    words[to + 1] = book;
    words[to + 2] = idLow;
    words[to + 3] = idHigh;
    words[to + 4] = priceLow;
    words[to + 5] = priceHigh;
    words[to + 6] = quantityLow;
    words[to + 7] = quantityHigh;
    words[to + 8] = this.#venue;
    words[to + 9] = this.#receive;
    this.#batch.count += 1;
    this.#lastEvent = to;
  }

  /** The book of a SecurityID, numbered at its first sight; NO_BOOK where the dictionary is full. */
  #bookOf(low: number, high: number, product: Product): number {
    const known = this.#books.find(high, low);
    if (known >= 0) return known;
    const book = this.#dictionary.add({
      source: this.#source,
      publisher: 0,
      instrument: toBigUint(high, low),
      channel: product.channel,
      priceScale: PRICE_SCALE,
      quantityScale: this.#quantityScale,
      symbol: null,
    });
    if (book < 0) return NO_BOOK;
    this.#books.add(high, low, book);
    product.books.push(book);
    return book;
  }

  /** Names a book by the 40 bytes of a SecurityDesc. */
  #name(view: DataView, offset: number, book: number): void {
    if (book < 0) return;
    let text = '';
    for (let at = offset; at < offset + 40; at += 1) {
      const byte = view.getUint8(at);
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    text = text.trimEnd();
    if (text !== '') this.#dictionary.name(book, text);
  }

  /** Can a message become events? If not, it is counted. */
  #isReadable(view: DataView, at: number, length: number, type: number): boolean {
    const { packetNumber, offset } = this.#datagram;
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
