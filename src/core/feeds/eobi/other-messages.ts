import {
  CONDITION_NON_PRINTABLE,
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_SNAPSHOT,
  KIND_ADD,
  KIND_CLEAR,
  KIND_EXTENSION,
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
import {
  ID_EXECUTION_SUMMARY,
  ID_INSTRUMENT_SUMMARY,
  ID_MASS_INSTRUMENT_STATE_CHANGE,
  ID_PRODUCT_SUMMARY,
  ID_SNAPSHOT_ORDER,
  ID_TRADE_REVERSAL,
  NULL_I32,
  NULL_I64_HIGH,
  NULL_I64_LOW,
  NULL_U8,
  NULL_U16,
  ORD_TYPE_MARKET,
  SIDE_BUY,
  SIDE_SELL,
} from './layout.ts';
import { type MessageTable, NO_FIELD, type PlainMessage, TYPE_BASE } from './message-table.ts';
import type { PacketEvents } from './packet-events.ts';
import type { Product } from './product.ts';
import type { ProductBooks } from './product-books.ts';
import type { RestWatch } from './rest-watch.ts';

const SNAPSHOT: number = FLAG_SNAPSHOT << 8;
const ASK: number = FLAG_ASK << 8;
const HEAD_TRADE: number = KIND_TRADE | (FLAG_EXTENDED << 8);
/** SecurityTradingStatus within an entry of SecMassStatGrp. */
const LISTED_STATUS_OFFSET = 25;

/** Writes the events of messages that are no change of one order; each must be known to be whole. */
export class OtherMessages {
  readonly #table: MessageTable;
  readonly #events: PacketEvents;
  readonly #books: ProductBooks;
  readonly #rest: RestWatch;
  /** The instrument of the running snapshot. */
  #summaryBook: number = NO_BOOK;

  constructor(table: MessageTable, events: PacketEvents, books: ProductBooks, rest: RestWatch) {
    this.#table = table;
    this.#events = events;
    this.#books = books;
    this.#rest = rest;
  }

  /** A message of a channel of changes. */
  write(view: DataView, at: number, template: number, product: Product): void {
    const type = template - TYPE_BASE;
    const plain = this.#table.plain[type];
    if (plain === null) return;
    const { kind } = plain;
    const book = plain.security === NO_FIELD ? NO_BOOK : this.#books.at(view, at + plain.security, product);
    if (kind === KIND_CLEAR) this.#events.put(KIND_CLEAR, book, 0, 0, 0, 0, 0, 0);
    else if (kind === KIND_TRADE) this.#trade(view, at, template, plain, book);
    else {
      const state = plain.state === NO_FIELD ? 0 : view.getUint8(at + plain.state);
      this.#events.put(kind, book, 0, 0, state, 0, type, 0);
      if (template === ID_MASS_INSTRUMENT_STATE_CHANGE) this.#listedStates(view, at, type, product);
      if (plain.description !== NO_FIELD) this.#books.name(book, view, at + plain.description);
    }
  }

  /** A message of a snapshot that is loaded. */
  writeSnapshot(view: DataView, at: number, template: number, product: Product): void {
    if (template === ID_SNAPSHOT_ORDER) this.#snapshotOrder(view, at);
    else if (template === ID_PRODUCT_SUMMARY) {
      this.#events.put(KIND_VENUE | SNAPSHOT, NO_BOOK, 0, 0, 0, 0, template - TYPE_BASE, 0);
    } else if (template === ID_INSTRUMENT_SUMMARY) {
      const known = product.books.length;
      const book = this.#books.at(view, at + 8, product);
      this.#summaryBook = book;
      // A book first seen behind a loss is stale until it is cleared.
      const isNew = product.books.length > known;
      if (product.hadLoss && isNew) this.#events.put(KIND_CLEAR | SNAPSHOT, book, 0, 0, 0, 0, 0, 0);
      this.#events.put(KIND_VENUE | SNAPSHOT, book, 0, 0, 0, 0, template - TYPE_BASE, 0);
    }
  }

  #trade(view: DataView, at: number, template: number, plain: PlainMessage, book: number): void {
    const wide = this.#table.quantityBytes === 8;
    const quantity = at + plain.quantity;
    const low = view.getInt32(quantity, true);
    const high = wide ? view.getInt32(quantity + 4, true) : low >> 31;
    // A trade without a quantity has 0, as one without a price has the null price.
    const isNull = wide ? low === NULL_I64_LOW && high === NULL_I64_HIGH : low === NULL_I32;
    const price = at + plain.price;
    const match = at + plain.match;
    const condition = template === ID_TRADE_REVERSAL ? CONDITION_NON_PRINTABLE : conditionOf(view, at, plain);
    const events = this.#events;
    events.room(2);
    const { batch } = events;
    const { words } = batch;
    const more = (batch.count + 1) * RECORD_WORDS;
    words.fill(0, more, more + RECORD_WORDS);
    words[more] = KIND_EXTENSION | (aggressorOf(view, at, plain) << 8) | (condition << 16);
    words[more + 6] = view.getInt32(match, true);
    if (plain.matchBytes === 8) words[more + 7] = view.getInt32(match + 4, true);
    const priceLow = view.getInt32(price, true);
    const priceHigh = view.getInt32(price + 4, true);
    events.put(HEAD_TRADE, book, 0, 0, priceLow, priceHigh, isNull ? 0 : low, isNull ? 0 : high);
    batch.count += 1;
    if (template === ID_EXECUTION_SUMMARY && wide) this.#rest.open(view, at);
  }

  /** The instruments that a mass change of states lists with states of their own. */
  #listedStates(view: DataView, at: number, type: number, product: Product): void {
    const used = view.getUint8(at + this.#table.groupCounter[type]);
    let entry = at + this.#table.lengths[type];
    for (let left = used === NULL_U8 ? 0 : used; left > 0; left -= 1) {
      const book = this.#books.at(view, entry, product);
      this.#events.put(KIND_STATUS, book, 0, 0, view.getUint8(entry + LISTED_STATUS_OFFSET), 0, type, 0);
      entry += this.#table.entryBytes[type];
    }
  }

  #snapshotOrder(view: DataView, at: number): void {
    const { quantityBytes } = this.#table;
    const quantityLow = view.getInt32(at + 16, true);
    const quantityHigh = quantityBytes === 8 ? view.getInt32(at + 20, true) : quantityLow >> 31;
    const side = at + 16 + quantityBytes;
    const price = side + quantityBytes;
    const isMarket = view.getUint8(side + 1) === ORD_TYPE_MARKET;
    this.#events.put(
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
}

function aggressorOf(view: DataView, at: number, { aggressor }: PlainMessage): number {
  if (aggressor === NO_FIELD) return 0;
  const side = view.getUint8(at + aggressor);
  return side === SIDE_BUY ? SIDE_BID : side === SIDE_SELL ? SIDE_ASK : 0;
}

function conditionOf(view: DataView, at: number, { condition, conditionBytes }: PlainMessage): number {
  if (condition === NO_FIELD) return 0;
  const isByte = conditionBytes === 1;
  const value = isByte ? view.getUint8(at + condition) : view.getUint16(at + condition, true);
  return value === (isByte ? NULL_U8 : NULL_U16) ? 0 : value;
}
