import { Literal } from '../../binary/text-writer.ts';
import { priceOfKey } from '../../book/view.ts';
import { DbnPrice } from '../../convert/dbn-values.ts';
import type { MboRecords } from '../../convert/mbo-events.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { FLAG_SNAPSHOT, NULL_PRICE_HIGH, NULL_PRICE_LOW } from '../../event/record.ts';
import { F_BAD_TS_RECV, F_LAST, F_MAYBE_BAD_BOOK, F_SNAPSHOT } from '../../feeds/dbn/layout.ts';
import type { EventWriter } from './event-writer.ts';

const TWO_32 = 4294967296;
const MBO = 0;
const BODY_BYTES = 320;
const SIDE: Literal = new Literal('","side":"');
const PRICE: Literal = new Literal('","price":"');
const SIZE: Literal = new Literal('","size":');
const ORDER: Literal = new Literal(',"order_id":"');
const FLAGS: Literal = new Literal('","flags":');
const CHANNEL: Literal = new Literal(',"channel_id":');
const SEQUENCE: Literal = new Literal(',"sequence":');
const END: Literal = new Literal('}');

/** By character code, made at first use. */
class Letters {
  readonly #made: (Literal | undefined)[] = [];
  readonly #before: string;

  constructor(before: string) {
    this.#before = before;
  }

  of(code: number): Literal {
    const made = this.#made[code] ?? new Literal(this.#before + String.fromCharCode(code));
    this.#made[code] = made;
    return made;
  }
}

/** An event that DBN has no form for. */
export class FormlessError extends Error {}

/**
 * Records of the schema mbo as DBN's own JSON. Sizes count units of the book's own scale, so none is too large or not whole.
 */
export class MboJson implements MboRecords {
  holds = false;
  bookNumber = 0;
  readonly price: DbnPrice = new DbnPrice();
  readonly #writer: EventWriter;
  readonly #sink: (text: Uint8Array, topic: number, kind: number) => void;
  readonly #topicOf: (book: BookDefinition) => number;
  readonly #actions: Letters = new Letters('{"action":"');
  readonly #sides: Letters = new Letters('');
  #isSnapshot = false;
  #channel = 0;
  #sequence = 0;
  #topic = 0;
  #action = 0;
  #side = 0;
  #idHigh = 0;
  #idLow = 0;
  #size = 0;
  #flags = 0;
  #priceHigh = 0;
  #priceLow = 0;

  constructor(
    writer: EventWriter,
    sink: (text: Uint8Array, topic: number, kind: number) => void,
    topicOf: (book: BookDefinition) => number,
  ) {
    this.#writer = writer;
    this.#sink = sink;
    this.#topicOf = topicOf;
  }

  begin(batch: EventBatch, at: number): void {
    const head = batch.words[at]!;
    this.#channel = batch.channel & 0xff;
    this.#sequence = batch.sequenceBase === 0 ? 0 : (batch.sequenceBase + (head >>> 16)) >>> 0;
    this.#isSnapshot = ((head >> 8) & FLAG_SNAPSHOT) !== 0;
    this.holds = false;
  }

  /** What follows is told of the books as they are, and not by an event. */
  beginSnapshot(channel: number): void {
    this.#channel = channel & 0xff;
    this.#sequence = 0;
    this.#isSnapshot = true;
    this.holds = false;
  }

  put(
    action: number,
    side: number,
    book: BookDefinition,
    idHigh: number,
    idLow: number,
    size: number,
    stale: boolean,
  ): void {
    this.release(false);
    this.#topic = this.#topicOf(book);
    this.bookNumber = book.number;
    this.#action = action;
    this.#side = side;
    this.#idHigh = idHigh;
    this.#idLow = idLow;
    this.#size = size;
    this.#priceHigh = this.price.high;
    this.#priceLow = this.price.low;
    this.#flags =
      (this.#writer.head.isTimed ? 0 : F_BAD_TS_RECV) |
      (this.#isSnapshot ? F_SNAPSHOT : 0) |
      (stale ? F_MAYBE_BAD_BOOK : 0);
    this.holds = true;
  }

  release(last: boolean): void {
    if (!this.holds) return;
    this.holds = false;
    const writer = this.#writer;
    const { text } = writer;
    writer.begin(this.#topic, MBO, BODY_BYTES, last);
    text.literal(this.#actions.of(this.#action));
    text.literal(SIDE);
    text.literal(this.#sides.of(this.#side));
    text.literal(PRICE);
    text.signed(this.#priceHigh, this.#priceLow);
    text.literal(SIZE);
    text.integer(this.#size);
    text.literal(ORDER);
    text.unsigned(this.#idHigh, this.#idLow);
    text.literal(FLAGS);
    text.integer(this.#flags | (last ? F_LAST : 0));
    text.literal(CHANNEL);
    text.integer(this.#channel);
    text.literal(SEQUENCE);
    text.integer(this.#sequence);
    text.literal(END);
    this.#sink(writer.end(), this.#topic, MBO);
  }

  setPrice(key: number, bookSide: number, book: BookDefinition): void {
    const price = priceOfKey(key, bookSide);
    if (price === null) this.price.setUndefined();
    else if (!this.price.set(price, book.priceScale)) this.refuse();
  }

  setPriceHalves(high: number, low: number, book: BookDefinition): void {
    if (high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW) this.price.setUndefined();
    else if (!this.price.setHalves(high, low, book.priceScale)) this.refuse();
  }

  size(quantity: number): number {
    return quantity;
  }

  sizeHalves(high: number, low: number): number {
    return high * TWO_32 + (low >>> 0);
  }

  refuse(): never {
    this.holds = false;
    throw new FormlessError();
  }
}
