import type { ByteWindow } from '../../binary/byte-window.ts';
import { bigHigh, bigLow, toBigUint } from '../../binary/time.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_INFORMS,
  FLAG_LAST,
  FLAG_SNAPSHOT,
  KIND_ADD,
  KIND_EXECUTE,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_TRADE,
  NO_BOOK,
  NULL_PRICE_HIGH,
  NULL_PRICE_LOW,
  RECORD_WORDS,
} from '../../event/record.ts';
import type { FeedCounts } from '../counts.ts';
import { type DecoderOptions, STREAM_DAMAGED, STREAM_MORE, type StreamDecoder } from '../feed.ts';
import { BatchClock, EVENT_RECORDS_MAX, SEQUENCE_SPAN } from './batch-clock.ts';
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
  MBO_BYTES,
  RECORD_BYTES_MAX,
  RTYPE_MBO,
  SCHEMA_TBBO,
  SIDE_CHAR_ASK,
  SIDE_CHAR_BID,
  schemaName,
  UNDEFINED_PRICE_HIGH,
  UNDEFINED_PRICE_LOW,
  UNDEFINED_SIZE,
  WORD_BYTES,
} from './layout.ts';
import { LevelDecoder } from './level-decoder.ts';
import { levelKind } from './level-kinds.ts';
import { TYPE_MBO_ACTION } from './message-types.ts';
import { decodeMetadata, type Metadata, MetadataError } from './metadata.ts';
import { OtherRecords } from './other-records.ts';
import { putAggressor } from './put-event.ts';
import { ShownRecords } from './shown-records.ts';
import { decodeSpecialMbo } from './special-mbo.ts';
import { StreamBooks } from './stream-books.ts';
import { SuspectBooks } from './suspects.ts';
import { SymbolTable } from './symbols.ts';

const MBO_WORDS = MBO_BYTES / WORD_BYTES;
const MBO_RTYPE_BITS: number = RTYPE_MBO << 8;
/** No header word of a record: its length is 0. */
const NO_HEAD = 0;

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
const ROOM: number = EVENT_RECORDS_MAX;
const SPAN: number = SEQUENCE_SPAN;
const BOOK_NONE: number = NO_BOOK;
const HEADER_LENGTH: number = HEADER_WORDS;
const LAST_BITS: number = FLAG_LAST << 8;
const SNAPSHOT_BITS: number = FLAG_SNAPSHOT << 8;
const SUSPECT_BIT: number = F_MAYBE_BAD_BOOK;
const SIZE_UNDEFINED: number = UNDEFINED_SIZE;
const UNDEFINED_HIGH: number = UNDEFINED_PRICE_HIGH;
const UNDEFINED_LOW: number = UNDEFINED_PRICE_LOW;
const NO_PRICE_HIGH: number = NULL_PRICE_HIGH;
const NO_PRICE_LOW: number = NULL_PRICE_LOW;
const TRADE: number = ACTION_TRADE;
const CLEAR: number = ACTION_CLEAR;

/**
 * Decoder of a DBN stream: metadata, then records. mbo records are decoded here, trades and records with levels by
 * LevelDecoder, the others one by one; every record becomes events but those of unknown types, which are counted.
 *
 * Reading goes through one Int32Array over the window, so the machine must be little-endian as the format is.
 * The window must hold at least the largest record.
 */
export class DbnDecoder implements StreamDecoder {
  problem: string | null = null;
  truncated = false;
  readonly sequence = null;

  readonly #counts: FeedCounts;
  readonly #givenSource: string | null;
  readonly #fallbackSource: string;
  readonly #clock: BatchClock;
  readonly #books: StreamBooks;
  readonly #suspects: SuspectBooks;
  readonly #levels: LevelDecoder;
  readonly #others: OtherRecords;
  readonly #shown: ShownRecords | null;

  #head: HeadReader | null = new HeadReader();
  #metadata: Metadata | null = null;
  #buffer: ArrayBuffer | null = null;
  #words: Int32Array<ArrayBuffer> = new Int32Array(0);

  /** Header word, instrument and book of the last mbo record. */
  #lastHead: number = NO_HEAD;
  #lastInstrument = 0;
  #lastBook: number = NO_BOOK;
  /** Plain mbo records by action, since they were last counted. */
  readonly #tally: Int32Array = new Int32Array(256);

  constructor(options: DecoderOptions, fallbackSource: string) {
    const { channel, counts, dictionary, writer } = options;
    this.#counts = counts;
    this.#givenSource = options.source ?? null;
    this.#fallbackSource = fallbackSource;
    this.#clock = new BatchClock(writer, channel);
    this.#books = new StreamBooks(dictionary, channel, counts);
    this.#suspects = new SuspectBooks(this.#clock);
    this.#levels = new LevelDecoder(counts, this.#clock, this.#books, this.#suspects);
    this.#others = new OtherRecords(counts, this.#clock, this.#books);
    const { messages } = options;
    this.#shown = messages == null ? null : new ShownRecords(messages, this.#clock, this.#books);
  }

  /** Values of the head, once it was read. */
  get metadata(): Metadata | null {
    return this.#metadata;
  }

  get source(): string {
    return this.#givenSource ?? (this.#metadata?.dataset || this.#fallbackSource);
  }

  /** Number of the last record. */
  get ordinal(): number {
    return this.#clock.ordinal;
  }

  set ordinal(number: number) {
    // A batch does not span any distance of numbers.
    this.#clock.writer.flush();
    this.#clock.ordinal = number;
  }

  get protocol(): string | null {
    return this.#metadata === null ? null : `dbn-${schemaName(this.#metadata.schema)}`;
  }

  get firstTime(): bigint | null {
    const { hasFirst, firstHigh, firstLow } = this.#clock;
    return hasFirst ? toBigUint(firstHigh, firstLow) : null;
  }

  get lastTime(): bigint | null {
    const { hasFirst, receiveHigh, receiveLow } = this.#clock;
    return hasFirst ? toBigUint(receiveHigh, receiveLow) : null;
  }

  /** Records with F_MAYBE_BAD_BOOK: a gap that the sender could not repair. */
  get suspectRecords(): number {
    return this.#suspects.records;
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
      this.#books.symbols = new SymbolTable(metadata);
      this.#books.source = this.source;
      this.#levels.tbbo = metadata.schema === SCHEMA_TBBO;
      this.#others.version = metadata.version;
      this.#shown?.begin(bytes);
      this.#head = null;
      this.#clock.writer.flush(); // what another decoder of this channel may have left has other bases
      this.#clock.start(bigHigh(metadata.start), bigLow(metadata.start));
    } catch (error) {
      if (!(error instanceof MetadataError)) throw error;
      this.problem = error.message;
    }
  }

  #readRecords(window: ByteWindow): void {
    this.#clock.open();
    const words = this.#wordsOf(window);
    const limit = window.limit >> 2;
    let at = window.position >> 2;
    this.#shown?.show(window.bytes, words, at, limit);
    while (at < limit) {
      const head = words[at];
      const length = head & 0xff;
      if (length < HEADER_WORDS || limit - at < length) break;
      if (isMbo(head)) at = this.#readMbo(window, words, at, limit);
      else if (levelKind(head, false) !== 0) at = this.#levels.read(window, words, at, limit);
      else {
        this.#others.read(window, words, at);
        at += length;
      }
    }
    window.position = at * WORD_BYTES;
    if (at < limit && (words[at] & 0xff) < HEADER_WORDS) {
      this.problem = shortLength(words[at] & 0xff, window.offset);
    }
  }

  /** Decodes mbo records from word `from` on, until one of another kind or `limit`. @returns where it stopped. */
  #readMbo(window: ByteWindow, words: Int32Array, from: number, limit: number): number {
    const clock = this.#clock;
    const { batch } = clock;
    const events = batch.words;
    const room = batch.capacity - ROOM;
    const tally = this.#tally;
    const books = this.#books.orders;
    let at = from;
    let count = batch.count;
    let delta = (clock.ordinal - batch.sequenceBase) | 0;
    let venueBaseHigh = batch.venueBaseHigh;
    let venueBaseLow = batch.venueBaseLow;
    let receiveBaseHigh = batch.receiveBaseHigh;
    let receiveBaseLow = batch.receiveBaseLow;
    let venue = clock.venue;
    let receive = clock.receive;
    let lastHead = this.#lastHead;
    let lastInstrument = this.#lastInstrument;
    let book = this.#lastBook;

    while (at < limit) {
      const head = words[at];
      const length = head & 0xff;
      if (length < HEADER_LENGTH || limit - at < length) break;

      // Equal to the last mbo record in length, type, publisher and instrument: nothing to look up.
      if (head !== lastHead || words[at + 1] !== lastInstrument) {
        if (!isMbo(head)) break;
        book = head === lastHead ? books.find(head >>> 16, words[at + 1]) : BOOK_NONE;
        if (book === BOOK_NONE) {
          clock.keep(venue, receive);
          book = this.#look(window, words, at) | 0;
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
        delta > SPAN ||
        count > room ||
        venueHigh - venueBaseHigh - (venueLow >>> 0 < venueBaseLow >>> 0 ? 1 : 0) !== venueNow >> 31 ||
        receiveHigh - receiveBaseHigh !== (receiveLow >>> 0 < receiveBaseLow >>> 0 ? 1 : 0)
      ) {
        batch.count = count;
        const sequence = batch.sequenceBase + delta;
        clock.keep(venue, receive);
        clock.fit(words, at + 2, at + 10, sequence);
        count = batch.count;
        delta = (sequence - batch.sequenceBase) | 0;
        venueBaseHigh = batch.venueBaseHigh;
        venueBaseLow = batch.venueBaseLow;
        receiveBaseHigh = batch.receiveBaseHigh;
        receiveBaseLow = batch.receiveBaseLow;
        venue = clock.venue;
        receive = clock.receive;
      } else {
        venue = venueNow;
        receive = receiveNow;
      }

      const tail = words[at + 9];
      const plan = PLANS[tail >>> 16];
      const size = words[at + 8];
      if ((tail & SUSPECT_BIT) !== 0) {
        batch.count = count;
        this.#suspects.note(delta, venue, receive, book);
        count = batch.count;
      }
      if ((((plan >>> 24) & tail) | (plan & SPECIAL)) !== 0 || size === SIZE_UNDEFINED) {
        batch.count = count;
        decodeSpecialMbo(this.#counts, batch, window, words, at, delta, venue, receive, book);
        count = batch.count;
        if (((tail >>> 16) & 0xff) === CLEAR) this.#suspects.clear(book);
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
        if (words[at + 7] === UNDEFINED_HIGH && words[at + 6] === UNDEFINED_LOW) {
          events[to + 4] = NO_PRICE_LOW;
          events[to + 5] = NO_PRICE_HIGH;
        }
        count += 1;
        if (action === TRADE) {
          putAggressor(events, to + EVENT_WORDS, tail >>> 24);
          count += 1;
        }
      }
      at += length;
    }

    batch.count = count;
    clock.ordinal = batch.sequenceBase + delta;
    clock.keep(venue, receive);
    this.#lastHead = lastHead;
    this.#lastInstrument = lastInstrument;
    this.#lastBook = book;
    this.#countPlanned();
    return at;
  }

  /** Book of an mbo record that is not like the one before it; NO_BOOK beyond the most there may be. */
  #look(window: ByteWindow, words: Int32Array, at: number): number {
    const books = this.#books;
    const clock = this.#clock;
    const publisher = words[at] >>> 16;
    const known = books.orders.find(publisher, words[at + 1]);
    if (known !== NO_BOOK) return known;
    clock.noteFirst(words, at + 10);
    const high = clock.timeHigh(words, at + 10);
    const low = clock.timeLow(words, at + 10);
    const offset = window.base + at * WORD_BYTES;
    return books.open(books.orders, publisher, words[at + 1], high, low, 'mbo', offset);
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
}

/** Is it an mbo record, of whole length? */
function isMbo(head: number): boolean {
  return (head & 0xff00) === MBO_RTYPE_BITS && (head & 0xff) >= MBO_WORDS;
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
