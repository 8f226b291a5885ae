import type { ByteWindow } from '../../binary/byte-window.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_LAST,
  FLAG_SNAPSHOT,
  KIND_CLEAR,
  KIND_LEVEL,
  KIND_TRADE,
  KIND_VENUE,
  NO_BOOK,
  RECORD_WORDS,
} from '../../event/record.ts';
import type { FeedCounts } from '../counts.ts';
import { type BatchClock, EVENT_RECORDS_MAX, SEQUENCE_SPAN } from './batch-clock.ts';
import {
  ACTION_CLEAR,
  ACTION_TRADE,
  F_LAST,
  F_MAYBE_BAD_BOOK,
  F_SNAPSHOT,
  HEADER_WORDS,
  UNDEFINED_PRICE_HIGH,
  UNDEFINED_PRICE_LOW,
  UNDEFINED_SIZE,
  WORD_BYTES,
} from './layout.ts';
import {
  HAS_ACTION,
  HAS_COUNTS,
  isTradeType,
  LEVEL_WORDS,
  LEVELS_WORD,
  levelKind,
  SHOWS_BEFORE,
  SHOWS_LEVELS,
} from './level-kinds.ts';
import { typeName } from './message-types.ts';
import { putAggressor, putEvent } from './put-event.ts';
import type { StreamBooks } from './stream-books.ts';
import type { SuspectBooks } from './suspects.ts';

const NONE = -1;
const NO_HEAD = 0;

// Imported constants are loaded and checked at every use; constants of the module itself are folded into the loop.
const HEADER_LENGTH: number = HEADER_WORDS;
const FIRST_LEVEL: number = LEVELS_WORD;
const STRIDE: number = LEVEL_WORDS;
const SPAN: number = SEQUENCE_SPAN;
const ROOM: number = EVENT_RECORDS_MAX;

/**
 * Trades, and records that show the best levels of a book (level-kinds.ts), to events: what changed since the record
 * before of the same book. The levels shown last are kept as they came, one run of words per book.
 *
 * A book follows the first kind of these records that it is seen with; mbo records keep it for themselves. What other
 * kinds show of it changes nothing: two depths of one book at a time would undo each other.
 */
export class LevelDecoder {
  readonly #counts: FeedCounts;
  readonly #clock: BatchClock;
  readonly #books: StreamBooks;
  readonly #suspects: SuspectBooks;
  /** mbp-1 records are those of the schema tbbo. */
  tbbo = false;

  /** Header word, instrument, book, kind and slot of the record before. */
  #lastHead: number = NO_HEAD;
  #lastInstrument = 0;
  #book: number = NO_BOOK;
  /** What `levelKind` says; without levels where another kind shows the book. */
  #kind = 0;
  /** Another kind shows the book. */
  #isForeign = false;
  /** Without F_LAST a record ends its group all the same. */
  #isAlone = false;
  #slot = 0;

  /** Levels shown last; per book: where its own begin + 1 (0 = nowhere), and the rtype that shows it. */
  #shown: Int32Array = new Int32Array(1024);
  #used = 0;
  #slots: Int32Array = new Int32Array(64);
  #rtypes: Uint8Array = new Uint8Array(64);
  /** Records by rtype since they were last counted. */
  readonly #tally: Int32Array = new Int32Array(256);

  /** Of the record at hand: word 0 of its events without their kind, and where its last event stands, or NONE. */
  #stamp = 0;
  #lastAt: number = NONE;

  constructor(counts: FeedCounts, clock: BatchClock, books: StreamBooks, suspects: SuspectBooks) {
    this.#counts = counts;
    this.#clock = clock;
    this.#books = books;
    this.#suspects = suspects;
  }

  /** Decodes records from word `at` on, until one of another kind or `limit`. @returns where it stopped. */
  read(window: ByteWindow, words: Int32Array, from: number, limit: number): number {
    const clock = this.#clock;
    const { batch } = clock;
    const room = batch.capacity - ROOM;
    const tally = this.#tally;
    let at = from;
    let delta = (clock.ordinal - batch.sequenceBase) | 0;
    let lastHead = this.#lastHead;
    let lastInstrument = this.#lastInstrument;
    let kind = this.#kind;
    let slot = this.#slot;
    let shown = this.#shown;

    while (at < limit) {
      const head = words[at];
      const length = head & 0xff;
      if (length < HEADER_LENGTH || limit - at < length) break;
      if (head !== lastHead || words[at + 1] !== lastInstrument) {
        if (levelKind(head, false) === 0) break;
        const isKnown = this.#turn(window, words, at, head);
        lastHead = isKnown ? head : NO_HEAD;
        lastInstrument = words[at + 1];
        kind = this.#kind;
        slot = this.#slot;
        shown = this.#shown;
        if (!isKnown) {
          delta += 1;
          at += length;
          continue;
        }
      }

      delta += 1;
      const venueHigh = words[at + 3];
      const venueLow = words[at + 2];
      const receiveHigh = words[at + 9];
      const receiveLow = words[at + 8];
      const venueBaseLow = batch.venueBaseLow;
      const receiveBaseLow = batch.receiveBaseLow;
      const venue = (venueLow - venueBaseLow) | 0;
      const receive = (receiveLow - receiveBaseLow) | 0;
      if (
        delta > SPAN ||
        batch.count > room ||
        venueHigh - batch.venueBaseHigh - (venueLow >>> 0 < venueBaseLow >>> 0 ? 1 : 0) !== venue >> 31 ||
        receiveHigh - batch.receiveBaseHigh !== (receiveLow >>> 0 < receiveBaseLow >>> 0 ? 1 : 0)
      ) {
        const sequence = batch.sequenceBase + delta;
        clock.keep(clock.venue, clock.receive);
        clock.fit(words, at + 2, at + 8, sequence);
        delta = (sequence - batch.sequenceBase) | 0;
      } else {
        clock.venue = venue;
        clock.receive = receive;
      }

      // Which levels differ from those shown last, and in a price or only in what stands at it?
      let dirty = 0;
      let bidMoved = 0;
      let askMoved = 0;
      const levels = kind & SHOWS_LEVELS;
      let a = at + FIRST_LEVEL;
      let b = slot;
      for (let level = 0; level < levels; level++) {
        const bid = (words[a] ^ shown[b]) | (words[a + 1] ^ shown[b + 1]);
        const ask = (words[a + 2] ^ shown[b + 2]) | (words[a + 3] ^ shown[b + 3]);
        const rest =
          (words[a + 4] ^ shown[b + 4]) |
          (words[a + 5] ^ shown[b + 5]) |
          (words[a + 6] ^ shown[b + 6]) |
          (words[a + 7] ^ shown[b + 7]);
        if ((bid | ask | rest) !== 0) dirty |= 1 << level;
        bidMoved |= bid;
        askMoved |= ask;
        a += STRIDE;
        b += STRIDE;
      }
      tally[(head >>> 8) & 0xff] += 1;
      this.#write(window, words, at, delta, dirty, bidMoved, askMoved);
      at += length;
    }

    clock.ordinal = batch.sequenceBase + delta;
    this.#lastHead = lastHead;
    this.#lastInstrument = lastInstrument;
    clock.keep(clock.venue, clock.receive);
    this.#count();
    return at;
  }

  /** Writes the events of one record. */
  #write(
    window: ByteWindow,
    words: Int32Array,
    at: number,
    delta: number,
    dirty: number,
    bidMoved: number,
    askMoved: number,
  ): void {
    const kind = this.#kind;
    const tail = words[at + 7];
    const flags = (tail >>> 16) & 0xff;
    const isAction = (kind & HAS_ACTION) !== 0;
    const action = isAction ? tail & 0xff : 0;
    const isClear = action === ACTION_CLEAR && !this.#isForeign && !isTradeType(words[at]);
    const isTrade = action === ACTION_TRADE || isTradeType(words[at]);
    this.#lastAt = NONE;
    this.#stamp = (delta << 16) | ((flags & F_SNAPSHOT) !== 0 ? FLAG_SNAPSHOT << 8 : 0);

    if ((flags & F_MAYBE_BAD_BOOK) !== 0) {
      this.#makeRoom();
      this.#suspects.note(delta, this.#clock.venue, this.#clock.receive, this.#book);
    }
    const fault = this.#fault(words, at, isTrade, isClear || bidMoved !== 0, isClear || askMoved !== 0);
    if (fault !== null) {
      const rtype = (words[at] >>> 8) & 0xff;
      this.#tally[rtype] -= 1;
      this.#counts.noteMalformed(`${typeName(rtype)} ${fault}`, 0, window.base + at * WORD_BYTES);
    } else {
      if (isClear) this.#clear();
      if (isTrade && (kind & SHOWS_BEFORE) === 0) this.#trade(words, at, tail);
      if (isClear || bidMoved !== 0) this.#moved(words, at, false);
      if (isClear || askMoved !== 0) this.#moved(words, at, true);
      if (dirty !== 0 && !isClear) this.#resized(words, at, dirty, bidMoved === 0, askMoved === 0);
      if (isTrade && (kind & SHOWS_BEFORE) !== 0) this.#trade(words, at, tail);
    }

    const ends = this.#isForeign ? this.#isAlone : isAction ? (flags & F_LAST) !== 0 : this.#isAlone;
    if (!ends && (this.#lastAt !== NONE || !this.#isForeign)) return;
    if (this.#lastAt === NONE) this.#put(KIND_VENUE, 0, 0, 0, (words[at] >>> 8) & 0xff);
    if (ends) this.#clock.batch.words[this.#lastAt] |= FLAG_LAST << 8;
  }

  /** Why a record cannot become events, or null. Only what changed has to be looked at: the rest was good before. */
  #fault(words: Int32Array, at: number, isTrade: boolean, bids: boolean, asks: boolean): string | null {
    if (isTrade && words[at + 6] === UNDEFINED_SIZE) return 'with undefined size';
    const levels = this.#kind & SHOWS_LEVELS;
    if (levels < 2) return null;
    if (bids && !isOrdered(words, at + LEVELS_WORD, levels, false)) return 'with bids out of order';
    if (asks && !isOrdered(words, at + LEVELS_WORD, levels, true)) return 'with asks out of order';
    return null;
  }

  #clear(): void {
    this.#put(KIND_CLEAR, 0, 0, 0, 0);
    this.#suspects.clear(this.#book);
    const end = this.#slot + (this.#kind & SHOWS_LEVELS) * LEVEL_WORDS;
    fillEmpty(this.#shown, this.#slot, end);
  }

  #trade(words: Int32Array, at: number, tail: number): void {
    const { batch } = this.#clock;
    this.#put(KIND_TRADE | (FLAG_EXTENDED << 8), 0, words[at + 4], words[at + 5], words[at + 6]);
    putAggressor(batch.words, batch.count * RECORD_WORDS, (tail >>> 8) & 0xff);
    batch.count += 1;
  }

  /** Levels whose prices stand: what changed at them, on the sides that did not move. */
  #resized(words: Int32Array, at: number, dirty: number, bids: boolean, asks: boolean): void {
    const shown = this.#shown;
    const counts = (this.#kind & HAS_COUNTS) !== 0 ? -1 : 0;
    for (let level = 0, left = dirty; left !== 0; level++, left >>>= 1) {
      if ((left & 1) === 0) continue;
      const a = at + LEVELS_WORD + level * LEVEL_WORDS;
      const b = this.#slot + level * LEVEL_WORDS;
      for (let side = 0; side < 2; side++) {
        if (side === 0 ? !bids : !asks) continue;
        const size = words[a + 4 + side];
        const count = words[a + 6 + side];
        const isSame = size === shown[b + 4 + side] && ((count ^ shown[b + 6 + side]) & counts) === 0;
        shown[b + 4 + side] = size;
        shown[b + 6 + side] = count;
        const price = a + side * 2;
        if (isSame || isUndefined(words[price + 1], words[price])) continue;
        this.#put(KIND_LEVEL | (side * FLAG_ASK * 256), count & counts, words[price], words[price + 1], size);
      }
    }
  }

  /** A side whose prices are others: what went, what came and what changed, best first; then what it shows now. */
  #moved(words: Int32Array, at: number, isAsk: boolean): void {
    const shown = this.#shown;
    const side = isAsk ? 1 : 0;
    const head = KIND_LEVEL | (isAsk ? FLAG_ASK << 8 : 0);
    const counts = (this.#kind & HAS_COUNTS) !== 0 ? -1 : 0;
    const levels = this.#kind & SHOWS_LEVELS;
    const bytes = levels * LEVEL_WORDS;
    const now = at + LEVELS_WORD;
    const before = this.#slot;
    let a = 0;
    let b = 0;
    while (a < bytes || b < bytes) {
      const aPrice = now + a + side * 2;
      const bPrice = before + b + side * 2;
      const noA = a >= bytes || isUndefined(words[aPrice + 1], words[aPrice]);
      const noB = b >= bytes || isUndefined(shown[bPrice + 1], shown[bPrice]);
      if (noA && noB) break;
      const order = noA
        ? 1
        : noB
          ? -1
          : compare(words[aPrice + 1], words[aPrice], shown[bPrice + 1], shown[bPrice], isAsk);
      if (order > 0) {
        this.#put(head, 0, shown[bPrice], shown[bPrice + 1], 0);
        b += LEVEL_WORDS;
        continue;
      }
      const size = words[now + a + 4 + side];
      const count = words[now + a + 6 + side] & counts;
      const isSame =
        order === 0 &&
        size === shown[before + b + 4 + side] &&
        count === (shown[before + b + 6 + side] & counts);
      if (!isSame) this.#put(head, count, words[aPrice], words[aPrice + 1], size);
      a += LEVEL_WORDS;
      if (order === 0) b += LEVEL_WORDS;
    }
    for (let word = 0; word < bytes; word += LEVEL_WORDS) {
      shown[before + word + side * 2] = words[now + word + side * 2];
      shown[before + word + side * 2 + 1] = words[now + word + side * 2 + 1];
      shown[before + word + 4 + side] = words[now + word + 4 + side];
      shown[before + word + 6 + side] = words[now + word + 6 + side];
    }
  }

  #put(head: number, id: number, priceLow: number, priceHigh: number, quantity: number): void {
    this.#makeRoom();
    const { batch, venue, receive } = this.#clock;
    this.#lastAt = batch.count * RECORD_WORDS;
    putEvent(batch, head | this.#stamp, this.#book, id, priceLow, priceHigh, quantity, venue, receive);
  }

  /** A record may have more events than fit: the batch then goes in the middle of it and keeps its bases. */
  #makeRoom(): void {
    const { batch, writer } = this.#clock;
    if (batch.count > batch.capacity - 2) writer.flush();
  }

  /**
   * Turns to a record of another kind or book than the one before.
   * @returns false where there can be no more books; it is counted then.
   */
  #turn(window: ByteWindow, words: Int32Array, at: number, head: number): boolean {
    const books = this.#books;
    const publisher = head >>> 16;
    const instrument = words[at + 1];
    const rtype = (head >>> 8) & 0xff;
    const known = books.others.find(publisher, instrument);
    const offset = window.base + at * WORD_BYTES;
    const clock = this.#clock;
    clock.keep(clock.venue, clock.receive);
    clock.noteFirst(words, at + 8);
    const book =
      known !== NO_BOOK
        ? known
        : books.open(
            books.others,
            publisher,
            instrument,
            clock.timeHigh(words, at + 8),
            clock.timeLow(words, at + 8),
            typeName(rtype),
            offset,
          );
    if (book === NO_BOOK) return false;
    this.#book = book;
    this.#kind = levelKind(head, this.tbbo);
    this.#isAlone = books.standsAlone(publisher, instrument, book);
    if (book >= this.#slots.length) this.#growBooks(book);
    const hasLevels = (this.#kind & SHOWS_LEVELS) !== 0;
    const owner = this.#slots[book] !== 0 ? this.#rtypes[book] : rtype;
    this.#isForeign = hasLevels && (owner !== rtype || books.orders.find(publisher, instrument) !== NO_BOOK);
    if (this.#isForeign) this.#kind &= ~SHOWS_LEVELS;
    else if (hasLevels && this.#slots[book] === 0) this.#openSlot(book, rtype);
    this.#slot = this.#slots[book] - 1;
    if (!this.#isForeign && (this.#kind & HAS_ACTION) !== 0) {
      books.markGroups(book);
      this.#isAlone = false;
    }
    return true;
  }

  #openSlot(book: number, rtype: number): void {
    const size = (this.#kind & SHOWS_LEVELS) * LEVEL_WORDS;
    if (this.#used + size > this.#shown.length) {
      const grown = new Int32Array(this.#shown.length * 2);
      grown.set(this.#shown);
      this.#shown = grown;
    }
    fillEmpty(this.#shown, this.#used, this.#used + size);
    this.#slots[book] = this.#used + 1;
    this.#rtypes[book] = rtype;
    this.#used += size;
  }

  #growBooks(book: number): void {
    const size = Math.max(book + 1, this.#slots.length * 2);
    const slots = new Int32Array(size);
    slots.set(this.#slots);
    this.#slots = slots;
    const rtypes = new Uint8Array(size);
    rtypes.set(this.#rtypes);
    this.#rtypes = rtypes;
  }

  #count(): void {
    const { byType, totals } = this.#counts;
    const tally = this.#tally;
    for (let rtype = 0; rtype < tally.length; rtype++) {
      if (tally[rtype] === 0) continue;
      byType[rtype]! += tally[rtype];
      totals[0]! += tally[rtype];
      tally[rtype] = 0;
    }
  }
}

function isUndefined(high: number, low: number): boolean {
  return high === UNDEFINED_PRICE_HIGH && low === UNDEFINED_PRICE_LOW;
}

/** Below 0: the first price is the better one; above: the second; 0: they are equal. */
function compare(aHigh: number, aLow: number, bHigh: number, bLow: number, isAsk: boolean): number {
  const difference = aHigh !== bHigh ? aHigh - bHigh : (aLow >>> 0) - (bLow >>> 0);
  return isAsk ? difference : -difference;
}

/** Are the prices of a side strictly from best to worst, and behind the last only empty levels? */
function isOrdered(words: Int32Array, from: number, levels: number, isAsk: boolean): boolean {
  let at = from + (isAsk ? 2 : 0);
  for (let level = 1; level < levels; level++) {
    const next = at + LEVEL_WORDS;
    if (!isUndefined(words[next + 1], words[next])) {
      if (isUndefined(words[at + 1], words[at])) return false;
      if (compare(words[at + 1], words[at], words[next + 1], words[next], isAsk) >= 0) return false;
    }
    at = next;
  }
  return true;
}

function fillEmpty(shown: Int32Array, from: number, end: number): void {
  for (let at = from; at < end; at += LEVEL_WORDS) {
    shown[at] = UNDEFINED_PRICE_LOW;
    shown[at + 1] = UNDEFINED_PRICE_HIGH;
    shown[at + 2] = UNDEFINED_PRICE_LOW;
    shown[at + 3] = UNDEFINED_PRICE_HIGH;
    for (let word = at + 4; word < at + LEVEL_WORDS; word++) shown[word] = 0;
  }
}
