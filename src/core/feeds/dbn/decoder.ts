import type { ByteWindow } from '../../binary/byte-window.ts';
import { bigHigh, bigLow, nsBetween, toBigUint } from '../../binary/time.ts';
import type { EventBatch } from '../../event/batch.ts';
import { BOOKS_MAX } from '../../event/dictionary.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_INFORMS,
  FLAG_LAST,
  FLAG_SNAPSHOT,
  KIND_ADD,
  KIND_EXECUTE,
  KIND_EXTENSION,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_TRADE,
  NO_BOOK,
  RECORD_WORDS,
  SIDE_ASK,
  SIDE_BID,
  SIDE_NONE,
} from '../../event/record.ts';
import type { EventWriter } from '../../event/writer.ts';
import { BookTable } from '../book-table.ts';
import type { FeedCounts } from '../counts.ts';
import { type DecoderOptions, STREAM_DAMAGED, STREAM_MORE, type StreamDecoder } from '../feed.ts';
import { HeadReader } from './head-reader.ts';
import {
  ACTION_ADD,
  ACTION_CANCEL,
  ACTION_CLEAR,
  ACTION_FILL,
  ACTION_MODIFY,
  ACTION_TRADE,
  F_MAYBE_BAD_BOOK,
  F_MBP,
  F_TOB,
  HEADER_WORDS,
  KIND_BY_RTYPE,
  MBO_BYTES,
  PRICE_SCALE,
  RECORD_BYTES_MAX,
  RTYPE_MBO,
  SIDE_CHAR_ASK,
  SIDE_CHAR_BID,
  SIZE_SCALE,
  UNDEFINED_SIZE,
  VERSION_MAX,
  WORD_BYTES,
} from './layout.ts';
import { TYPE_MBO_ACTION, typeName } from './message-types.ts';
import { decodeMetadata, type Metadata, MetadataError } from './metadata.ts';
import { decodeSpecialMbo, writeUnrepairedGap } from './special-mbo.ts';
import { SymbolTable, symbolInRecord, utcDate } from './symbols.ts';

const MBO_WORDS = MBO_BYTES / WORD_BYTES;
const MBO_RTYPE_BITS: number = RTYPE_MBO << 8;

/** Records that one message can become: a gap, and a trade and its extension or a clear and a level. */
const EVENT_RECORDS_MAX = 3;
/** A batch spans this many message numbers (the u16 of word 0). */
const SEQUENCE_SPAN = 0xffff;
/** High half from which a time counts as undefined (2^64 − 1 is the value; the half begins in the year 2554). */
const UNDEFINED_TIME_HIGH = -1;
/** Low half from which a signed 32-bit difference reaches every other one. */
const MIDDLE_LOW = -0x80000000;
/** No header word of a record: its length is 0. */
const NO_HEAD = 0;
const TWO_32 = 4294967296;

/*
 * What an mbo record becomes, by its action (low byte of the index) and side (high byte): one load instead of
 * branches on values that alternate at random.
 *
 *     kind u8 | event flags u8 | SPECIAL or 0, u8 | record flags that make the record special, u8
 *
 * What is special, and whatever has no plan, goes to special-mbo.ts.
 */
const SPECIAL: number = 1 << 16;
const AGGREGATED: number = (F_TOB | F_MBP) << 24;
const PLANS: Int32Array = new Int32Array(1 << 16).fill(SPECIAL);
for (let side = 0; side < 256; side++) {
  const ask = side === SIDE_CHAR_ASK ? FLAG_ASK : 0;
  const sided = ask !== 0 || side === SIDE_CHAR_BID;
  const plan = (action: number, kind: number, flags: number): void => {
    PLANS[(side << 8) | action] = kind | (flags << 8);
  };
  if (sided) plan(ACTION_ADD, KIND_ADD | AGGREGATED, ask);
  if (sided) plan(ACTION_MODIFY, KIND_MODIFY | AGGREGATED, ask);
  plan(ACTION_CANCEL, KIND_REDUCE | AGGREGATED, ask);
  plan(ACTION_FILL, KIND_EXECUTE, FLAG_INFORMS | ask);
  plan(ACTION_TRADE, KIND_TRADE, FLAG_EXTENDED);
}
const PLANNED_ACTIONS: readonly number[] = [
  ACTION_ADD,
  ACTION_CANCEL,
  ACTION_FILL,
  ACTION_MODIFY,
  ACTION_TRADE,
];

// Imported constants are loaded and checked at every use; constants of the module itself are folded into the loop.
const EVENT_WORDS: number = RECORD_WORDS;
const BOOK_NONE: number = NO_BOOK;
const HEADER_LENGTH: number = HEADER_WORDS;
const LAST_BITS: number = FLAG_LAST << 8;
const SNAPSHOT_BITS: number = FLAG_SNAPSHOT << 8;
const SUSPECT_BIT: number = F_MAYBE_BAD_BOOK;
const SIZE_UNDEFINED: number = UNDEFINED_SIZE;
const TRADE: number = ACTION_TRADE;
const CLEAR: number = ACTION_CLEAR;

/**
 * Decoder of a DBN stream: metadata, then records. mbo records become events; the other records of the format are
 * counted, and definitions and symbol mappings name the instruments that follow.
 *
 * Reading goes through one Int32Array over the window, so the machine must be little-endian as the format is.
 * The window must hold at least the largest record.
 */
export class DbnDecoder implements StreamDecoder {
  problem: string | null = null;
  truncated = false;
  readonly sequence = null;
  /** Records with F_MAYBE_BAD_BOOK: a gap that the sender could not repair. */
  suspectRecords = 0;

  readonly #options: DecoderOptions;
  readonly #writer: EventWriter;
  readonly #batch: EventBatch;
  readonly #counts: FeedCounts;
  readonly #fallbackSource: string;

  #head: HeadReader | null = new HeadReader();
  #metadata: Metadata | null = null;
  #symbols: SymbolTable | null = null;
  #buffer: ArrayBuffer | null = null;
  #words: Int32Array<ArrayBuffer> = new Int32Array(0);

  readonly #books: BookTable = new BookTable();
  /** Header word, instrument and book of the last record if it was mbo. */
  #lastHead: number = NO_HEAD;
  #lastInstrument = 0;
  #lastBook: number = NO_BOOK;
  /** Per book: 1 from a gap that the sender could not repair to the next clear. */
  #suspectBooks: Uint8Array = new Uint8Array(64);
  /** Plain mbo records by action, since they were last counted. */
  readonly #tally: Int32Array = new Int32Array(256);

  /** Number of the last record read, from 1. */
  #ordinal = 0;
  /** Latest defined times of mbo records, and their differences to the bases of the batch. */
  #venueHigh = 0;
  #venueLow = 0;
  #receiveHigh = 0;
  #receiveLow = 0;
  #venue = 0;
  #receive = 0;
  /** The last record that was not left out is an mbo record. */
  #lastIsMbo = false;
  /** Index times of the first and last record. */
  #firstTime: bigint | null = null;
  #lastHigh = 0;
  #lastLow = 0;

  constructor(options: DecoderOptions, fallbackSource: string) {
    this.#options = options;
    this.#writer = options.writer;
    this.#batch = options.writer.batch;
    this.#counts = options.counts;
    this.#fallbackSource = fallbackSource;
  }

  /** Values of the head, once it was read. */
  get metadata(): Metadata | null {
    return this.#metadata;
  }

  get source(): string {
    return this.#metadata?.dataset || this.#fallbackSource;
  }

  get firstTime(): bigint | null {
    return this.#firstTime;
  }

  get lastTime(): bigint | null {
    return this.#firstTime === null ? null : toBigUint(this.#lastHigh, this.#lastLow);
  }

  decode(window: ByteWindow): number {
    if (this.problem === null && this.#head !== null) this.#readHead(window, this.#head);
    if (this.problem === null && this.#head === null) {
      // Metadata may end anywhere; records are whole words, so the first of them decides for all.
      if (window.position % WORD_BYTES !== 0) window.room();
      this.#readRecords(window);
      if (this.problem === null && window.ended && window.available > 0) {
        this.problem = cutRecord(window);
        this.truncated = true;
      }
    }
    return this.problem === null ? STREAM_MORE : STREAM_DAMAGED;
  }

  #readHead(window: ByteWindow, head: HeadReader): void {
    if (window.bytes.length < RECORD_BYTES_MAX) {
      throw new RangeError(
        `a window of ${window.bytes.length} bytes cannot hold a record of ${RECORD_BYTES_MAX}`,
      );
    }
    if (this.#batch.capacity < EVENT_RECORDS_MAX) {
      throw new RangeError(
        `a batch of ${this.#batch.capacity} records cannot hold the ${EVENT_RECORDS_MAX} of a message`,
      );
    }
    try {
      const bytes = head.read(window);
      if (bytes === null) {
        if (window.ended) {
          this.problem = `DBN metadata cut after ${head.used} bytes`;
          this.truncated = true;
        }
        return;
      }
      const metadata = decodeMetadata(bytes);
      this.#metadata = metadata;
      this.#symbols = new SymbolTable(metadata);
      this.#head = null;
      this.#writer.flush(); // what another decoder of this channel may have left has other bases
      if (bigHigh(metadata.start) !== UNDEFINED_TIME_HIGH) {
        this.#receiveHigh = bigHigh(metadata.start);
        this.#receiveLow = bigLow(metadata.start);
        this.#venueHigh = this.#receiveHigh;
        this.#venueLow = this.#receiveLow;
      }
    } catch (error) {
      if (!(error instanceof MetadataError)) throw error;
      this.problem = error.message;
    }
  }

  #readRecords(window: ByteWindow): void {
    const batch = this.#batch;
    const channel = this.#options.channel;
    if (batch.channel !== channel) this.#writer.flush();
    if (batch.count === 0) this.#beginBatch(this.#ordinal + 1);
    const events = batch.words;
    const room = batch.capacity - EVENT_RECORDS_MAX;
    const tally = this.#tally;
    const books = this.#books;
    const words = this.#wordsOf(window);
    const limit = window.limit >> 2;
    let at = window.position >> 2;
    let count = batch.count;
    let delta = (this.#ordinal - batch.sequenceBase) | 0;
    let venueBaseHigh = batch.venueBaseHigh;
    let venueBaseLow = batch.venueBaseLow;
    let receiveBaseHigh = batch.receiveBaseHigh;
    let receiveBaseLow = batch.receiveBaseLow;
    let venue = this.#venue;
    let receive = this.#receive;
    let lastHead = this.#lastHead;
    let lastInstrument = this.#lastInstrument;
    let book = this.#lastBook;

    while (at < limit) {
      const head = words[at];
      const length = head & 0xff;
      if (length < HEADER_LENGTH || limit - at < length) break;

      // Equal to the last mbo record in length, type, publisher and instrument: nothing to look up.
      if (head !== lastHead || words[at + 1] !== lastInstrument) {
        book = head === lastHead ? books.find(head >>> 16, words[at + 1]) : BOOK_NONE;
        if (book === BOOK_NONE) {
          this.#keepTimes(venue, receive);
          book = this.#look(window, at, length) | 0;
          if (book !== BOOK_NONE) this.#lastIsMbo = true;
        }
        if (book === BOOK_NONE) {
          lastHead = NO_HEAD;
          delta += 1;
          at += length;
          continue;
        }
        lastHead = head;
        lastInstrument = words[at + 1];
      }

      delta += 1;
      const venueHigh = words[at + 3];
      const venueLow = words[at + 2];
      const receiveHigh = words[at + 11];
      const receiveLow = words[at + 10];
      const venueNow = (venueLow - venueBaseLow) | 0;
      const receiveNow = (receiveLow - receiveBaseLow) | 0;
      if (
        delta > SEQUENCE_SPAN ||
        count > room ||
        venueHigh - venueBaseHigh - (venueLow >>> 0 < venueBaseLow >>> 0 ? 1 : 0) !== venueNow >> 31 ||
        receiveHigh - receiveBaseHigh !== (receiveLow >>> 0 < receiveBaseLow >>> 0 ? 1 : 0)
      ) {
        batch.count = count;
        const sequence = batch.sequenceBase + delta;
        this.#keepTimes(venue, receive);
        this.#fit(words, at, sequence);
        count = batch.count;
        delta = (sequence - batch.sequenceBase) | 0;
        venueBaseHigh = batch.venueBaseHigh;
        venueBaseLow = batch.venueBaseLow;
        receiveBaseHigh = batch.receiveBaseHigh;
        receiveBaseLow = batch.receiveBaseLow;
        venue = this.#venue;
        receive = this.#receive;
      } else {
        venue = venueNow;
        receive = receiveNow;
      }

      const tail = words[at + 9];
      const plan = PLANS[tail >>> 16];
      const size = words[at + 8];
      if ((tail & SUSPECT_BIT) !== 0) {
        batch.count = count;
        this.#suspect(delta, venue, receive, book);
        count = batch.count;
      }
      if ((((plan >>> 24) & tail) | (plan & SPECIAL)) !== 0 || size === SIZE_UNDEFINED) {
        batch.count = count;
        decodeSpecialMbo(this.#counts, batch, window, words, at, delta, venue, receive, book);
        count = batch.count;
        if (((tail >>> 16) & 0xff) === CLEAR) this.#suspectBooks[book] = 0;
      } else {
        const action = (tail >>> 16) & 0xff;
        tally[action] += 1;
        const to = count * EVENT_WORDS;
        const flags = ((tail << 1) & LAST_BITS) | ((tail << 4) & SNAPSHOT_BITS);
        events[to] = (plan & 0xffff) | flags | (delta << 16);
        events[to + 1] = book;
        events[to + 2] = words[at + 4];
        events[to + 3] = words[at + 5];
        events[to + 4] = words[at + 6];
        events[to + 5] = words[at + 7];
        events[to + 6] = size;
        events[to + 7] = 0;
        events[to + 8] = venue;
        events[to + 9] = receive;
        count += 1;
        if (action === TRADE) {
          writeExtension(events, to + EVENT_WORDS, tail >>> 24);
          count += 1;
        }
      }
      at += length;
    }

    window.position = at * WORD_BYTES;
    if (at < limit && (words[at] & 0xff) < HEADER_LENGTH) {
      this.problem = shortLength(words[at] & 0xff, window.offset);
    }
    batch.count = count;
    this.#ordinal = batch.sequenceBase + delta;
    this.#venue = venue;
    this.#receive = receive;
    this.#lastHead = lastHead;
    this.#lastInstrument = lastInstrument;
    this.#lastBook = book;
    this.#keepTimes(venue, receive);
    if (this.#lastIsMbo) {
      this.#lastHigh = this.#receiveHigh;
      this.#lastLow = this.#receiveLow;
    }
    this.#countPlanned();
  }

  /** Counts a record behind a gap that the sender could not repair; the first one of a book makes an event of the gap. */
  #suspect(delta: number, venue: number, receive: number, book: number): void {
    this.suspectRecords += 1;
    if (book >= this.#suspectBooks.length) {
      const grown = new Uint8Array(Math.max(book + 1, this.#suspectBooks.length * 2));
      grown.set(this.#suspectBooks);
      this.#suspectBooks = grown;
    }
    if (this.#suspectBooks[book] === 1) return;
    this.#suspectBooks[book] = 1;
    writeUnrepairedGap(this.#batch, delta, venue, receive, book);
  }

  /**
   * Makes the empty batch ready for this channel: its bases are the latest times. Where the high half beside a base is
   * that of undefined times, the base is put where it reaches all of its own half and nothing of the other, so that
   * no undefined time is ever taken for one of the batch.
   */
  #beginBatch(sequence: number): void {
    const batch = this.#batch;
    const below = this.#venueHigh === UNDEFINED_TIME_HIGH - 1;
    const above = this.#venueHigh === UNDEFINED_TIME_HIGH + 1;
    batch.channel = this.#options.channel;
    batch.sequenceBase = sequence;
    batch.venueBaseHigh = this.#venueHigh;
    batch.venueBaseLow = below || above ? MIDDLE_LOW : this.#venueLow;
    batch.receiveBaseHigh = this.#receiveHigh;
    batch.receiveBaseLow = this.#receiveHigh === UNDEFINED_TIME_HIGH - 1 ? 0 : this.#receiveLow;
    this.#venue = (this.#venueLow - batch.venueBaseLow) | 0;
    this.#receive = (this.#receiveLow - batch.receiveBaseLow) | 0;
  }

  /** Makes the batch fit for the record: its times, number and place. Undefined times are those of the record before. */
  #fit(words: Int32Array, at: number, sequence: number): void {
    const batch = this.#batch;
    if (words[at + 3] !== UNDEFINED_TIME_HIGH) {
      this.#venueHigh = words[at + 3];
      this.#venueLow = words[at + 2];
    }
    if (words[at + 11] !== UNDEFINED_TIME_HIGH) {
      this.#receiveHigh = words[at + 11];
      this.#receiveLow = words[at + 10];
    }
    const venue = nsBetween(this.#venueHigh, this.#venueLow, batch.venueBaseHigh, batch.venueBaseLow);
    const receive = nsBetween(
      this.#receiveHigh,
      this.#receiveLow,
      batch.receiveBaseHigh,
      batch.receiveBaseLow,
    );
    if (
      batch.count > batch.capacity - EVENT_RECORDS_MAX ||
      sequence - batch.sequenceBase > SEQUENCE_SPAN ||
      venue !== (venue | 0) ||
      receive !== receive >>> 0
    ) {
      this.#writer.flush();
      this.#beginBatch(sequence);
    } else {
      this.#venue = venue | 0;
      this.#receive = receive | 0;
    }
  }

  /** Latest times = bases of the batch + differences. */
  #keepTimes(venue: number, receive: number): void {
    const batch = this.#batch;
    const venueLow = (batch.venueBaseLow >>> 0) + venue;
    const receiveLow = (batch.receiveBaseLow >>> 0) + (receive >>> 0);
    this.#venueHigh = batch.venueBaseHigh + Math.floor(venueLow / TWO_32);
    this.#venueLow = venueLow | 0;
    this.#receiveHigh = batch.receiveBaseHigh + Math.floor(receiveLow / TWO_32);
    this.#receiveLow = receiveLow | 0;
  }

  #countPlanned(): void {
    const { byType, totals } = this.#counts;
    for (const action of PLANNED_ACTIONS) {
      byType[TYPE_MBO_ACTION + action] += this.#tally[action];
      totals[0] += this.#tally[action];
      this.#tally[action] = 0;
    }
  }

  #wordsOf(window: ByteWindow): Int32Array<ArrayBuffer> {
    const { buffer } = window.bytes;
    if (this.#buffer !== buffer) {
      this.#buffer = buffer;
      this.#words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
    }
    return this.#words;
  }

  /**
   * Looks at a whole record that is not like the one before it.
   * @returns the book of an mbo record; NO_BOOK = the record gives no events and was counted.
   */
  #look(window: ByteWindow, at: number, length: number): number {
    const words = this.#words;
    const head = words[at];
    if ((head & 0xff00) !== MBO_RTYPE_BITS || length < MBO_WORDS) {
      this.#skip(window, at * WORD_BYTES, length * WORD_BYTES);
      return NO_BOOK;
    }
    const publisher = head >>> 16;
    const known = this.#books.find(publisher, words[at + 1]);
    if (known !== NO_BOOK) return known;
    const instrument = words[at + 1] >>> 0;
    const time = this.#timeAt(words, at + 10);
    const book = this.#options.dictionary.add({
      source: this.source,
      publisher,
      instrument: BigInt(instrument),
      channel: this.#options.channel,
      priceScale: PRICE_SCALE,
      quantityScale: SIZE_SCALE,
      symbol: this.#symbols?.symbolOf(instrument, utcDate(time)) ?? null,
    });
    if (book !== NO_BOOK) this.#books.add(publisher, words[at + 1], book);
    else this.#counts.noteMalformed(`mbo beyond ${BOOKS_MAX} books`, 0, window.base + at * WORD_BYTES);
    return book;
  }

  /** Time of a record, or the latest of mbo records where it is undefined. */
  #timeAt(words: Int32Array, at: number): bigint {
    const time =
      words[at + 1] === UNDEFINED_TIME_HIGH
        ? toBigUint(this.#receiveHigh, this.#receiveLow)
        : toBigUint(words[at + 1], words[at]);
    this.#firstTime ??= time;
    return time;
  }

  /** Counts a record that gives no events, and takes the symbol it may carry. */
  #skip(window: ByteWindow, position: number, length: number): void {
    const rtype = window.bytes[position + 1];
    const offset = window.base + position;
    const kind = KIND_BY_RTYPE[rtype];
    if (kind === undefined) {
      this.#counts.noteUnknown(typeName(rtype), 0, offset);
      return;
    }
    const version = this.#metadata?.version ?? VERSION_MAX;
    const expected = kind.bytes[version - 1];
    if (length < expected) {
      this.#counts.noteMalformed(`${kind.name} shorter than ${expected} bytes`, 0, offset);
      return;
    }
    this.#counts.totals[0] += 1;
    this.#counts.byType[rtype] += 1;
    const time = this.#timeAt(this.#words, (position + kind.indexTime) / WORD_BYTES);
    this.#lastIsMbo = false;
    this.#lastHigh = bigHigh(time);
    this.#lastLow = bigLow(time);
    const symbol = symbolInRecord(window.bytes, position, rtype, version);
    if (symbol !== null) {
      const publisher = window.view.getUint16(position + 2, true);
      const instrument = window.view.getInt32(position + 4, true);
      this.#symbols?.learn(instrument >>> 0, symbol);
      const book = this.#books.find(publisher, instrument);
      if (book !== NO_BOOK) this.#options.dictionary.name(book, symbol);
    }
  }
}

/** Second record of a trade: the side that took. */
function writeExtension(events: Int32Array, to: number, side: number): void {
  const aggressor = side === SIDE_CHAR_ASK ? SIDE_ASK : side === SIDE_CHAR_BID ? SIDE_BID : SIDE_NONE;
  events[to] = KIND_EXTENSION | (aggressor << 8);
  for (let word = to + 1; word < to + EVENT_WORDS; word++) events[word] = 0;
}

function shortLength(words: number, offset: number): string {
  return `DBN record at offset ${offset}: expected a length of at least ${HEADER_WORDS} words, found ${words}`;
}

/** What is wrong with the unfinished record at the end of a stream. */
function cutRecord(window: ByteWindow): string {
  const words = window.bytes[window.position];
  if (words < HEADER_WORDS) return shortLength(words, window.offset);
  return `DBN record of ${words * WORD_BYTES} bytes cut after ${window.available} bytes at offset ${window.offset}`;
}
