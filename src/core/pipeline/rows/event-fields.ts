import type { Market } from '../../book/market.ts';
import { LEVEL_KEY_DOUBLE, ORDER_BOOK_SIDE, ORDER_LEVEL, ORDER_QUANTITY_DOUBLE } from '../../book/store.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import * as record from '../../event/record.ts';

// V8 folds a module's own constants into its code and loads imported ones each time.
const RECORD_WORDS = record.RECORD_WORDS;
const WORD_BOOK = record.WORD_BOOK;
const WORD_ID = record.WORD_ID;
const WORD_PRICE = record.WORD_PRICE;
const WORD_QUANTITY = record.WORD_QUANTITY;
const NULL_PRICE_HIGH = record.NULL_PRICE_HIGH;
const NULL_PRICE_LOW = record.NULL_PRICE_LOW;
const ASK = record.FLAG_ASK;
const EXTENDED = record.FLAG_EXTENDED;
const INFORMS = record.FLAG_INFORMS;
const BY_KIND = record.FLAG_BY_KIND;
const TWO_32 = 4294967296;

/** A 64-bit integer as signed halves that may be missing. */
export class Halves {
  has = false;
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.has = true;
    this.high = high;
    this.low = low;
  }

  /** Takes an integer within ±2^53. */
  setNumber(value: number): void {
    this.has = true;
    this.high = Math.floor(value / TWO_32);
    this.low = value | 0;
  }

  /** Takes an id: 0 names nothing. */
  setId(words: Int32Array, at: number): void {
    this.low = words[at]!;
    this.high = words[at + 1]!;
    this.has = (this.low | this.high) !== 0;
  }

  /** Takes a price unless it is the null price. */
  setPrice(words: Int32Array, at: number): void {
    this.low = words[at]!;
    this.high = words[at + 1]!;
    this.has = this.high !== NULL_PRICE_HIGH || this.low !== NULL_PRICE_LOW;
  }
}

/**
 * What the row of an event says, as numbers: filled by `read`, before the event is applied, so that what the event takes
 * from the book is still there to be told. One object is reused for all events and allocates nothing; docs/rows.md
 * describes the fields. Prices and quantities are integers in the scales of `book`.
 */
export class EventFields {
  channel = 0;
  /** 0 = messages have no number. */
  sequence = 0;
  readonly venueTime: Halves = new Halves();
  readonly receiveTime: Halves = new Halves();
  book: BookDefinition | null = null;
  kind = 0;
  /** FLAG_*. */
  flags = 0;
  nonPrintable = false;
  /** SIDE_NONE, SIDE_BID or SIDE_ASK. */
  side = 0;
  readonly price: Halves = new Halves();
  readonly quantity: Halves = new Halves();
  readonly orderId: Halves = new Halves();
  readonly relatedId: Halves = new Halves();
  readonly executionPrice: Halves = new Halves();
  readonly matchId: Halves = new Halves();
  /** The side that took. */
  aggressor = 0;
  readonly orders: Halves = new Halves();
  /** −1 = none. */
  messageType = 0;
  /** State code of the venue, of a gap GAP_*; 0 = none. */
  state = 0;
  readonly from: Halves = new Halves();
  readonly to: Halves = new Halves();
  /** The order that the event is about, as the book has it. */
  #slot = 0;

  read(batch: EventBatch, at: number, market: Market): void {
    const { words } = batch;
    const head = words[at]!;
    const flags = (head >> 8) & 255;
    this.channel = batch.channel;
    this.sequence = batch.sequenceBase === 0 ? 0 : batch.sequenceBase + (head >>> 16);
    const venue = (batch.venueBaseLow >>> 0) + words[at + record.WORD_VENUE_TIME]!;
    const carry = venue >= TWO_32 ? 1 : venue < 0 ? -1 : 0;
    this.venueTime.set(batch.venueBaseHigh + carry, venue | 0);
    const receive = (batch.receiveBaseLow >>> 0) + (words[at + record.WORD_RECEIVE_TIME]! >>> 0);
    const { receiveTime } = this;
    receiveTime.high = (batch.receiveBaseHigh + (receive >= TWO_32 ? 1 : 0)) | 0;
    receiveTime.low = receive | 0;
    receiveTime.has = (receiveTime.high | receiveTime.low) !== 0;
    this.kind = head & 255;
    this.flags = flags;
    this.book = market.dictionary.books[words[at + WORD_BOOK]!] ?? null;
    const extension = (flags & EXTENDED) !== 0 ? at + RECORD_WORDS : -1;
    this.nonPrintable = extension >= 0 && words[extension]! >>> 16 === record.CONDITION_NON_PRINTABLE;
    this.side = 0;
    this.aggressor = 0;
    this.messageType = -1;
    this.state = 0;
    this.price.has = false;
    this.quantity.has = false;
    this.orderId.has = false;
    this.relatedId.has = false;
    this.executionPrice.has = false;
    this.matchId.has = false;
    this.orders.has = false;
    this.from.has = false;
    this.to.has = false;
    this.#readBody(words, at, extension, market);
  }

  #readBody(words: Int32Array, at: number, extension: number, market: Market): void {
    const { kind, flags } = this;
    switch (kind) {
      case record.KIND_GAP:
        this.#readGap(words, at);
        return;
      case record.KIND_SESSION:
      case record.KIND_RESET:
        this.from.setId(words, at + WORD_ID);
        return;
      case record.KIND_STATUS:
      case record.KIND_DEFINITION:
      case record.KIND_VENUE:
        this.messageType = words[at + WORD_QUANTITY]!;
        this.state = words[at + WORD_PRICE]!;
        if (extension >= 0) this.matchId.setId(words, extension + record.EXT_WORD_MATCH_ID);
        return;
      case record.KIND_CLEAR:
        if ((flags & BY_KIND) !== 0) this.side = sideSaid(flags);
        return;
      default:
        break;
    }
    if (this.book === null) this.orderId.setId(words, at + WORD_ID);
    else if (kind === record.KIND_ADD || kind === record.KIND_LEVEL || kind === record.KIND_TRADE) {
      this.#readNew(words, at, extension);
    } else this.#readChange(words, at, extension, market);
  }

  #readGap(words: Int32Array, at: number): void {
    this.from.setId(words, at + WORD_ID);
    this.state = words[at + WORD_PRICE]!;
    if (!this.from.has) return;
    const low = (this.from.low >>> 0) + (words[at + WORD_QUANTITY]! >>> 0) - 1;
    this.to.set((this.from.high + words[at + WORD_QUANTITY + 1]! + Math.floor(low / TWO_32)) | 0, low | 0);
  }

  /** add, level, trade: what needs no look at the book. */
  #readNew(words: Int32Array, at: number, extension: number): void {
    const { kind, flags } = this;
    this.price.setPrice(words, at + WORD_PRICE);
    this.quantity.set(words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!);
    if (kind === record.KIND_LEVEL) this.orders.setId(words, at + WORD_ID);
    else this.orderId.setId(words, at + WORD_ID);
    if (kind !== record.KIND_TRADE) this.side = sideSaid(flags);
    if (extension < 0) return;
    if (kind === record.KIND_ADD) this.relatedId.setId(words, extension + record.EXT_WORD_RELATED_ID);
    if (kind === record.KIND_TRADE) {
      const side = (words[extension]! >> 8) & 255;
      this.aggressor = side === record.SIDE_BID || side === record.SIDE_ASK ? side : 0;
      this.matchId.setId(words, extension + record.EXT_WORD_MATCH_ID);
    }
  }

  /** modify, replace, reduce, delete, execute: completed from the order in the book. */
  #readChange(words: Int32Array, at: number, extension: number, market: Market): void {
    const { kind, flags } = this;
    const isReplace = kind === record.KIND_REPLACE;
    const id = isReplace && extension >= 0 ? extension + record.EXT_WORD_RELATED_ID : at + WORD_ID;
    const bookSide = words[at + WORD_BOOK]! * 2 + ((flags & ASK) !== 0 ? 1 : 0);
    const slot = market.findOrder(words[id]!, words[id + 1]!, bookSide);
    this.#slot = slot;
    this.orderId.setId(words, at + WORD_ID);
    const isQuantity = kind === record.KIND_MODIFY && (flags & BY_KIND) !== 0;
    const namesSide = market.rules.modifyIsSideless !== true;
    if (kind === record.KIND_MODIFY && namesSide && (!isQuantity || slot === 0)) this.side = sideSaid(flags);
    else if (slot === 0) this.side = (flags & ASK) !== 0 ? record.SIDE_ASK : 0;
    else
      this.side =
        (market.orders.words[slot * 8 + ORDER_BOOK_SIDE]! & 1) !== 0 ? record.SIDE_ASK : record.SIDE_BID;
    switch (kind) {
      case record.KIND_MODIFY:
        if (isQuantity) this.#takePrice(market);
        else this.price.setPrice(words, at + WORD_PRICE);
        this.quantity.set(words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!);
        break;
      case record.KIND_REPLACE:
        this.price.setPrice(words, at + WORD_PRICE);
        this.quantity.set(words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!);
        if (extension >= 0) this.relatedId.setId(words, extension + record.EXT_WORD_RELATED_ID);
        break;
      case record.KIND_EXECUTE:
        this.#takePrice(market);
        if ((flags & BY_KIND) === 0) {
          this.quantity.set(words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!);
        } else if (slot !== 0)
          this.quantity.setNumber(market.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!);
        if ((flags & INFORMS) !== 0) this.executionPrice.setPrice(words, at + WORD_PRICE);
        else if (extension >= 0) this.executionPrice.setId(words, extension + record.EXT_WORD_PRICE);
        if (extension >= 0) this.matchId.setId(words, extension + record.EXT_WORD_MATCH_ID);
        break;
      default:
        // reduce, delete: feeds that name a price here name the order's own.
        if (slot !== 0) this.#takePrice(market);
        else if ((words[at + WORD_PRICE]! | words[at + WORD_PRICE + 1]!) !== 0) {
          this.price.setPrice(words, at + WORD_PRICE);
        }
        if (kind === record.KIND_REDUCE) {
          this.quantity.set(words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!);
        }
        break;
    }
  }

  /** Takes the price that the order in the book has. */
  #takePrice(market: Market): void {
    const slot = this.#slot;
    if (slot === 0) return;
    const level = market.orders.words[slot * 8 + ORDER_LEVEL]!;
    const key = market.levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!;
    if (key === Number.POSITIVE_INFINITY) return;
    this.price.setNumber((market.orders.words[slot * 8 + ORDER_BOOK_SIDE]! & 1) !== 0 ? 0 - key : key);
  }
}

function sideSaid(flags: number): number {
  return (flags & ASK) !== 0 ? record.SIDE_ASK : record.SIDE_BID;
}
