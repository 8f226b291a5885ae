import { Literal } from '../../binary/text-writer.ts';
import { priceOfKey } from '../../book/view.ts';
import { DbnPrice } from '../../convert/dbn-values.ts';
import type { MboRecords } from '../../convert/mbo-events.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { FLAG_SNAPSHOT, NULL_PRICE_HIGH, NULL_PRICE_LOW } from '../../event/record.ts';
import { F_BAD_TS_RECV, F_LAST, F_MAYBE_BAD_BOOK, F_SNAPSHOT } from '../../feeds/dbn/layout.ts';
import { EVENT_KINDS } from '../../publish/events/kinds.ts';
import { BodyStart, type EventWriter } from './event-writer.ts';

const TWO_32 = 4294967296;
const MBO: number = EVENT_KINDS.indexOf('mbo');
const BODY_BYTES = 320;
const SIZE: Literal = new Literal('","size":');
const ORDER: Literal = new Literal(',"order_id":"');
const END: Literal = new Literal('}');
/** Low bits of a letter, by which it is told from the others. */
const LETTER_BITS = 5;
const LETTER: number = (1 << LETTER_BITS) - 1;
const STARTS: number = 1 << (2 * LETTER_BITS);
const FLAGS = 256;

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
  readonly #topicOf: (book: BookDefinition) => number;
  /** From the body's begin to the digits of the price, by action and side. */
  readonly #starts: (BodyStart | undefined)[] = new Array<undefined>(STARTS).fill(undefined);
  /** From the digits of the order's id to those of the sequence, by channel and flags. */
  readonly #marks: (Literal | undefined)[][] = [];
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

  constructor(writer: EventWriter, topicOf: (book: BookDefinition) => number) {
    this.#writer = writer;
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
    writer.begin(this.#topic, MBO, BODY_BYTES, this.#start().of(last));
    text.signed(this.#priceHigh, this.#priceLow);
    text.literal(SIZE);
    text.integer(this.#size);
    text.literal(ORDER);
    text.unsigned(this.#idHigh, this.#idLow);
    text.literal(this.#mark(this.#flags | (last ? F_LAST : 0)));
    text.integer(this.#sequence);
    text.literal(END);
    writer.end();
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
    const size = high * TWO_32 + (low >>> 0);
    return size >= 0 && size <= Number.MAX_SAFE_INTEGER ? size : this.refuse();
  }

  refuse(): never {
    this.holds = false;
    throw new FormlessError();
  }

  #start(): BodyStart {
    const letters = ((this.#action & LETTER) << LETTER_BITS) | (this.#side & LETTER);
    const known = this.#starts[letters];
    if (known !== undefined) return known;
    const [action, side] = [this.#action, this.#side].map((code) => String.fromCharCode(code));
    const made = new BodyStart(`{"action":"${action}","side":"${side}","price":"`);
    this.#starts[letters] = made;
    return made;
  }

  #mark(flags: number): Literal {
    const known = this.#marks[this.#channel]?.[flags];
    if (known !== undefined) return known;
    const made = new Literal(`","flags":${flags},"channel_id":${this.#channel},"sequence":`);
    while (this.#marks.length <= this.#channel) this.#marks.push(new Array<undefined>(FLAGS).fill(undefined));
    this.#marks[this.#channel]![flags] = made;
    return made;
  }
}
