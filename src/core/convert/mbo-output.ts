import { bigHigh, bigLow, toBigInt, toBigUint } from '../binary/time.ts';
import { priceOfKey } from '../book/view.ts';
import { MdxError } from '../errors.ts';
import type { EventBatch } from '../event/batch.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { formatScaled } from '../event/format-text.ts';
import {
  FLAG_SNAPSHOT,
  KIND_NAMES,
  NULL_PRICE_HIGH,
  NULL_PRICE_LOW,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../event/record.ts';
import { DbnMboEncoder, mboMetadata } from '../feeds/dbn/encoder.ts';
import { F_BAD_TS_RECV, F_LAST, F_MAYBE_BAD_BOOK, F_SNAPSHOT } from '../feeds/dbn/layout.ts';
import { MboRecord } from '../feeds/dbn/mbo.ts';
import type { ChunkSink } from './conversion.ts';
import { DbnInstruments } from './dbn-instruments.ts';
import { DbnPrice, dbnSize, SIZE_NOT_WHOLE } from './dbn-values.ts';
import type { MboRecords } from './mbo-events.ts';

const TWO_32 = 4294967296;
const DATASET_CHARACTERS_MAX = 15;
const TIME_UNDEFINED: bigint = (1n << 64n) - 1n;
const SCHEMA_MIXED = 0xffff;

/**
 * The file that a conversion to DBN writes: `begin` with every event, then `put` its records one by one. A record is held
 * back until the next one comes or `release` says whether its group ends with it.
 *
 * The schema of the metadata is "mixed", as in live sessions, because symbol mappings stand between the mbo records.
 */
export class MboOutput implements MboRecords {
  written = 0;
  /** A record was put and not let go yet. */
  holds = false;
  /** Book of the record that was put last. */
  bookNumber = 0;
  /** Price of the record that is put next. */
  readonly price: DbnPrice = new DbnPrice();
  readonly #encoder: DbnMboEncoder;
  readonly #sizeScale: number;
  readonly #instruments: DbnInstruments = new DbnInstruments();
  readonly #record: MboRecord = new MboRecord();
  #dataset = '';
  #hasHead = false;
  /** The input tells when the event at hand arrived. */
  #isTimed = false;
  #batch: EventBatch | null = null;
  #at = 0;

  constructor(sink: ChunkSink, sizeScale: number) {
    this.#encoder = new DbnMboEncoder(sink);
    this.#sizeScale = sizeScale;
  }

  /** Names the dataset: as much of the text as the metadata hold. */
  open(dataset: string): void {
    this.#dataset = dataset.slice(0, DATASET_CHARACTERS_MAX);
  }

  /** Takes times and number of the event at word `at` for the records that follow. */
  begin(batch: EventBatch, at: number): void {
    const { words } = batch;
    const record = this.#record;
    this.#batch = batch;
    this.#at = at;
    const venue = (batch.venueBaseLow >>> 0) + words[at + WORD_VENUE_TIME]!;
    record.eventTimeHigh = batch.venueBaseHigh + Math.floor(venue / TWO_32);
    record.eventTimeLow = venue | 0;
    const receive = (batch.receiveBaseLow >>> 0) + (words[at + WORD_RECEIVE_TIME]! >>> 0);
    record.receiveTimeHigh = batch.receiveBaseHigh + Math.floor(receive / TWO_32);
    record.receiveTimeLow = receive | 0;
    this.#isTimed = (record.receiveTimeHigh | record.receiveTimeLow) !== 0;
    if (!this.#isTimed) {
      record.receiveTimeHigh = record.eventTimeHigh;
      record.receiveTimeLow = record.eventTimeLow;
    }
    record.channel = batch.channel & 0xff;
    record.sequence = batch.sequenceBase === 0 ? 0 : (batch.sequenceBase + (words[at]! >>> 16)) >>> 0;
  }

  /** Puts a record of the event into the file. @param stale something of the book is known to be missing. */
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
    const record = this.#record;
    const time = this.#hasHead ? null : toBigUint(record.receiveTimeHigh, record.receiveTimeLow);
    if (time !== null) this.#writeHead(time);
    this.#writeMapping(book);
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
    const isSnapshot = ((this.#batch!.words[this.#at]! >> 8) & FLAG_SNAPSHOT) !== 0;
    record.flags =
      (this.#isTimed ? 0 : F_BAD_TS_RECV) | (isSnapshot ? F_SNAPSHOT : 0) | (stale ? F_MAYBE_BAD_BOOK : 0);
    this.holds = true;
    this.written += 1;
  }

  /** Lets go of the record that was put last. @param last the group of its book ends with it. */
  release(last: boolean): void {
    if (!this.holds) return;
    if (last) this.#record.flags |= F_LAST;
    this.#encoder.record(this.#record);
    this.holds = false;
  }

  /** Takes the price of a record, an integer in the book's scale. */
  setPrice(key: number, bookSide: number, book: BookDefinition): void {
    const price = priceOfKey(key, bookSide);
    if (price === null) this.price.setUndefined();
    else if (!this.price.set(price, book.priceScale)) this.#refusePrice(book, BigInt(price));
  }

  /** The same from two words of the event. */
  setPriceHalves(high: number, low: number, book: BookDefinition): void {
    if (high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW) this.price.setUndefined();
    else if (!this.price.setHalves(high, low, book.priceScale)) this.#refusePrice(book, toBigInt(high, low));
  }

  /** The size that a quantity in the book's scale is. Throws MdxError `no-form` where it is none. */
  size(quantity: number, book: BookDefinition): number {
    return this.sizeHalves(Math.floor(quantity / TWO_32), quantity | 0, book);
  }

  sizeHalves(high: number, low: number, book: BookDefinition): number {
    const size = dbnSize(high, low, book.quantityScale, this.#sizeScale);
    if (size >= 0) return size;
    const text = formatScaled(high, low, book.quantityScale);
    if (size === SIZE_NOT_WHOLE) {
      this.refuse(
        book,
        `quantity ${text} is no whole number of units of 10^-${this.#sizeScale}`,
        `With --size-scale ${book.quantityScale} sizes count units of 10^-${book.quantityScale}.`,
      );
    }
    const hint = this.#sizeScale > 0 ? 'Choose a smaller --size-scale.' : undefined;
    return this.refuse(book, `quantity ${text} is more than a size of 32 bits holds`, hint);
  }

  /** Ends the conversion: the event at hand has no form in DBN. */
  refuse(book: BookDefinition | null, why: string, hint?: string): never {
    const batch = this.#batch!;
    const head = batch.words[this.#at]!;
    const number = batch.sequenceBase === 0 ? '' : ` of message ${batch.sequenceBase + (head >>> 16)}`;
    const name = book === null ? '' : `, instrument ${book.symbol ?? book.instrument}`;
    throw new MdxError(
      'no-form',
      `writing DBN: ${KIND_NAMES[head & 255]}${number} in channel ${batch.channel}${name}: ${why}`,
      { hint },
    );
  }

  flush(): void {
    this.#encoder.flush();
  }

  /** A file without records is one, too. */
  finish(): void {
    if (!this.#hasHead) this.#writeHead(0n);
    this.flush();
  }

  #refusePrice(book: BookDefinition, price: bigint): never {
    const text = formatScaled(bigHigh(price), bigLow(price), book.priceScale);
    return this.refuse(book, `price ${text} is no whole number of units of 10^-9 within 64 bits`);
  }

  #writeHead(start: bigint): void {
    this.#hasHead = true;
    const metadata = mboMetadata({ dataset: this.#dataset, start, end: start, instruments: [] });
    this.#encoder.begin({ ...metadata, schema: SCHEMA_MIXED, end: TIME_UNDEFINED });
  }

  #writeMapping(book: BookDefinition): void {
    if (!this.#instruments.needsMapping(book)) return;
    const { receiveTimeHigh, receiveTimeLow } = this.#record;
    this.#encoder.copy(this.#instruments.mapping(book, toBigUint(receiveTimeHigh, receiveTimeLow))!);
    this.#instruments.tell(book);
  }
}
