import { toBigUint } from '../../binary/time.ts';
import { priceOfKey } from '../../book/view.ts';
import type { DbnInstruments } from '../../convert/dbn-instruments.ts';
import { DbnPrice } from '../../convert/dbn-values.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { FLAG_SNAPSHOT, NULL_PRICE_HIGH, NULL_PRICE_LOW } from '../../event/record.ts';
import { F_BAD_TS_RECV, F_LAST, F_MAYBE_BAD_BOOK, F_SNAPSHOT, MBO_BYTES } from '../../feeds/dbn/layout.ts';
import { MboRecord, writeMbo } from '../../feeds/dbn/mbo.ts';
import { NUMBER_BYTES, putNumber } from '../../publish/events/dbn-form.ts';
import type { EventMemory } from '../../publish/events/event-log.ts';
import { EVENT_KINDS } from '../../publish/events/kinds.ts';
import type { BookRecords } from './book-orders.ts';
import type { EventDesk } from './event-maker.ts';
import type { EventHead } from './event-writer.ts';
import { FormlessError } from './mbo-json.ts';

const MBO: number = EVENT_KINDS.indexOf('mbo');
/** 2^32 − 1 is the undefined size. */
const SIZE_MAX = 0xfffffffe;

/**
 * Records of the schema mbo as DBN has them, each behind the number of its event. Sizes count units of the book's own
 * scale, so none is not whole; one that 32 bits do not hold has no form.
 */
export class MboDbn implements BookRecords {
  holds = false;
  bookNumber = 0;
  readonly price: DbnPrice = new DbnPrice();
  readonly #memory: EventMemory;
  readonly #head: EventHead;
  readonly #topicOf: (book: BookDefinition) => number;
  readonly #instruments: DbnInstruments;
  readonly #namesBooks: boolean;
  readonly #record: MboRecord = new MboRecord();
  #isSnapshot = false;
  #topic = 0;

  /** @param namesBooks what a book is called stands in front of its first record. */
  constructor(
    memory: EventMemory,
    { head, topicOf }: EventDesk,
    instruments: DbnInstruments,
    namesBooks: boolean,
  ) {
    this.#memory = memory;
    this.#head = head;
    this.#topicOf = topicOf;
    this.#instruments = instruments;
    this.#namesBooks = namesBooks;
  }

  begin(batch: EventBatch, at: number): void {
    const head = batch.words[at]!;
    const record = this.#record;
    record.channel = batch.channel & 0xff;
    record.sequence = batch.sequenceBase === 0 ? 0 : (batch.sequenceBase + (head >>> 16)) >>> 0;
    this.#isSnapshot = ((head >> 8) & FLAG_SNAPSHOT) !== 0;
    this.holds = false;
  }

  beginSnapshot(channel: number): void {
    this.#record.channel = channel & 0xff;
    this.#record.sequence = 0;
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
    if (this.#namesBooks && this.#instruments.needsMapping(book)) {
      this.name(book);
      this.#instruments.tell(book);
    }
    const record = this.#record;
    this.#topic = this.#topicOf(book);
    this.bookNumber = book.number;
    record.publisher = book.publisher;
    record.instrument = this.#instruments.of(book);
    record.orderIdHigh = idHigh;
    record.orderIdLow = idLow;
    record.priceHigh = this.price.high;
    record.priceLow = this.price.low;
    record.size = size;
    record.action = action;
    record.side = side;
    record.flags =
      (this.#head.isTimed ? 0 : F_BAD_TS_RECV) |
      (this.#isSnapshot ? F_SNAPSHOT : 0) |
      (stale ? F_MAYBE_BAD_BOOK : 0);
    this.holds = true;
  }

  release(last: boolean): void {
    if (!this.holds) return;
    this.holds = false;
    const memory = this.#memory;
    const head = this.#head;
    const record = this.#record;
    if (last) record.flags |= F_LAST;
    record.eventTimeHigh = head.venueHigh;
    record.eventTimeLow = head.venueLow;
    record.receiveTimeHigh = head.isTimed ? head.receiveHigh : head.venueHigh;
    record.receiveTimeLow = head.isTimed ? head.receiveLow : head.venueLow;
    const at = memory.reserve(NUMBER_BYTES + MBO_BYTES);
    putNumber(memory.view, at, head.seq);
    writeMbo(memory.view, at + NUMBER_BYTES, record);
    memory.commit(NUMBER_BYTES + MBO_BYTES, head.seq, this.#topic, MBO);
  }

  /** Says what a book is called, where that is not its number alone. */
  name(book: BookDefinition): void {
    const head = this.#head;
    const mapping = this.#instruments.mapping(book, toBigUint(head.venueHigh, head.venueLow));
    if (mapping === null) return;
    const memory = this.#memory;
    const bytes = NUMBER_BYTES + mapping.length;
    const at = memory.reserve(bytes);
    putNumber(memory.view, at, head.seq);
    memory.buffer.set(mapping, at + NUMBER_BYTES);
    memory.commit(bytes, head.seq, this.#topicOf(book), MBO);
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
    return quantity <= SIZE_MAX ? quantity : this.refuse();
  }

  sizeHalves(high: number, low: number): number {
    const size = low >>> 0;
    return high === 0 && size <= SIZE_MAX ? size : this.refuse();
  }

  refuse(): never {
    this.holds = false;
    throw new FormlessError();
  }
}
