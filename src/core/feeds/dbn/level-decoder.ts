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
const EVENT_WORDS: number = RECORD_WORDS;
const LEVELS: number = SHOWS_LEVELS;
const ACTION: number = HAS_ACTION;
const COUNTS: number = HAS_COUNTS;
const BEFORE: number = SHOWS_BEFORE;
const TRADE: number = ACTION_TRADE;
const CLEAR: number = ACTION_CLEAR;
const LAST: number = F_LAST;
const SNAPSHOT: number = F_SNAPSHOT;
const SUSPECT: number = F_MAYBE_BAD_BOOK;
const LAST_BITS: number = FLAG_LAST << 8;
const SNAPSHOT_BITS: number = FLAG_SNAPSHOT << 8;
const BID_LEVEL: number = KIND_LEVEL;
const ASK_LEVEL: number = KIND_LEVEL | (FLAG_ASK << 8);
const PRICE_NONE_HIGH: number = UNDEFINED_PRICE_HIGH;
const PRICE_NONE_LOW: number = UNDEFINED_PRICE_LOW;

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
      const levels = kind & LEVELS;
      let a = at + FIRST_LEVEL;
      let b = slot;
      for (let level = 0; level < levels; level++) {
        // Most levels are as they were: eight comparisons that are foreseen cost less than eight sums.
        if (
          words[a] !== shown[b] ||
          words[a + 1] !== shown[b + 1] ||
          words[a + 2] !== shown[b + 2] ||
          words[a + 3] !== shown[b + 3] ||
          words[a + 4] !== shown[b + 4] ||
          words[a + 5] !== shown[b + 5] ||
          words[a + 6] !== shown[b + 6] ||
          words[a + 7] !== shown[b + 7]
        ) {
          dirty |= 1 << level;
          bidMoved |= (words[a] ^ shown[b]) | (words[a + 1] ^ shown[b + 1]);
          askMoved |= (words[a + 2] ^ shown[b + 2]) | (words[a + 3] ^ shown[b + 3]);
        }
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
    const action = (kind & ACTION) !== 0 ? tail & 0xff : 0;
    this.#lastAt = NONE;
    this.#stamp = (delta << 16) | ((flags & SNAPSHOT) !== 0 ? SNAPSHOT_BITS : 0);
    const isPlain = action !== TRADE && action !== CLEAR && (flags & SUSPECT) === 0 && (kind & LEVELS) !== 0;
    if (isPlain && (bidMoved | askMoved) === 0) this.#resized(words, at, dirty, true, true);
    else this.#special(window, words, at, action, dirty, bidMoved, askMoved);

    const ends = this.#isForeign || (kind & ACTION) === 0 ? this.#isAlone : (flags & LAST) !== 0;
    if (!ends && (this.#lastAt !== NONE || !this.#isForeign)) return;
    if (this.#lastAt === NONE) this.#put(KIND_VENUE, 0, 0, 0, (words[at] >>> 8) & 0xff);
    if (ends) this.#clock.batch.words[this.#lastAt] |= LAST_BITS;
  }

  /** Writes the events of a record that is more than other sizes at the same prices. */
  #special(
    window: ByteWindow,
    words: Int32Array,
    at: number,
    action: number,
    dirty: number,
    bidMoved: number,
    askMoved: number,
  ): void {
    const kind = this.#kind;
    const tail = words[at + 7];
    const isClear = action === CLEAR && !this.#isForeign && !isTradeType(words[at]);
    const isTrade = action === TRADE || isTradeType(words[at]);
    const bids = isClear || bidMoved !== 0;
    const asks = isClear || askMoved !== 0;
    const from = isClear ? 0 : lowest(dirty);
    if (((tail >>> 16) & SUSPECT) !== 0) {
      const { venue, receive } = this.#clock;
      this.#makeRoom();
      this.#suspects.note(this.#stamp >>> 16, venue, receive, this.#book);
    }
    const fault = this.#fault(words, at, isTrade, bids, asks, from);
    if (fault !== null) {
      const rtype = (words[at] >>> 8) & 0xff;
      this.#tally[rtype] -= 1;
      this.#counts.noteMalformed(`${typeName(rtype)} ${fault}`, 0, window.base + at * WORD_BYTES);
      return;
    }
    if (isClear) this.#clear();
    if (isTrade && (kind & BEFORE) === 0) this.#trade(words, at, tail);
    if (bids) this.#moved(words, at, 0, from);
    if (asks) this.#moved(words, at, 1, from);
    if (!isClear) this.#resized(words, at, dirty, !bids, !asks);
    if (isTrade && (kind & BEFORE) !== 0) this.#trade(words, at, tail);
  }

  /** Why a record cannot become events, or null. What stands in front of level `from` was good before. */
  #fault(
    words: Int32Array,
    at: number,
    isTrade: boolean,
    bids: boolean,
    asks: boolean,
    from: number,
  ): string | null {
    if (isTrade && words[at + 6] === UNDEFINED_SIZE) return 'with undefined size';
    const levels = this.#kind & LEVELS;
    const first = from === 0 ? 0 : from - 1;
    if (bids && !isOrdered(words, at + FIRST_LEVEL, first, levels, false)) return 'with bids out of order';
    if (asks && !isOrdered(words, at + FIRST_LEVEL, first, levels, true)) return 'with asks out of order';
    return null;
  }

  #clear(): void {
    this.#put(KIND_CLEAR, 0, 0, 0, 0);
    this.#suspects.clear(this.#book);
    const end = this.#slot + (this.#kind & LEVELS) * STRIDE;
    fillEmpty(this.#shown, this.#slot, end);
  }

  #trade(words: Int32Array, at: number, tail: number): void {
    const { batch } = this.#clock;
    this.#put(KIND_TRADE | (FLAG_EXTENDED << 8), 0, words[at + 4], words[at + 5], words[at + 6]);
    putAggressor(batch.words, batch.count * EVENT_WORDS, (tail >>> 8) & 0xff);
    batch.count += 1;
  }

  /** Levels whose prices stand: what changed at them, on the sides that are asked for. */
  #resized(words: Int32Array, at: number, dirty: number, bids: boolean, asks: boolean): void {
    const shown = this.#shown;
    const counts = (this.#kind & COUNTS) !== 0 ? -1 : 0;
    for (let left = dirty; left !== 0; left &= left - 1) {
      const level = lowest(left) * STRIDE;
      const a = at + FIRST_LEVEL + level;
      const b = this.#slot + level;
      if (bids) {
        const size = words[a + 4];
        const count = words[a + 6];
        const isSame = size === shown[b + 4] && ((count ^ shown[b + 6]) & counts) === 0;
        shown[b + 4] = size;
        shown[b + 6] = count;
        if (!isSame && !isUndefined(words[a + 1], words[a])) {
          this.#put(BID_LEVEL, count & counts, words[a], words[a + 1], size);
        }
      }
      if (asks) {
        const size = words[a + 5];
        const count = words[a + 7];
        const isSame = size === shown[b + 5] && ((count ^ shown[b + 7]) & counts) === 0;
        shown[b + 5] = size;
        shown[b + 7] = count;
        if (!isSame && !isUndefined(words[a + 3], words[a + 2])) {
          this.#put(ASK_LEVEL, count & counts, words[a + 2], words[a + 3], size);
        }
      }
    }
  }

  /**
   * A side (0 bids, 1 asks) whose prices are others from level `from` on: what went, what came and what changed, best
   * first; then what it shows now.
   */
  #moved(words: Int32Array, at: number, side: number, from: number): void {
    const shown = this.#shown;
    const head = side === 0 ? BID_LEVEL : ASK_LEVEL;
    const counts = (this.#kind & COUNTS) !== 0 ? -1 : 0;
    const levels = this.#kind & LEVELS;
    const now = at + FIRST_LEVEL;
    const before = this.#slot;
    const aEnd = now + levels * STRIDE;
    const bEnd = before + levels * STRIDE;
    let a = now + from * STRIDE;
    let b = before + from * STRIDE;
    for (;;) {
      const aLow = a < aEnd ? words[a + side * 2] : PRICE_NONE_LOW;
      const aHigh = a < aEnd ? words[a + side * 2 + 1] : PRICE_NONE_HIGH;
      const bLow = b < bEnd ? shown[b + side * 2] : PRICE_NONE_LOW;
      const bHigh = b < bEnd ? shown[b + side * 2 + 1] : PRICE_NONE_HIGH;
      const noA = isUndefined(aHigh, aLow);
      const noB = isUndefined(bHigh, bLow);
      if (noA && noB) break;
      if (!noA && aLow === bLow && aHigh === bHigh) {
        const size = words[a + 4 + side];
        const count = words[a + 6 + side] & counts;
        if (size !== shown[b + 4 + side] || count !== (shown[b + 6 + side] & counts)) {
          this.#put(head, count, aLow, aHigh, size);
        }
        a += STRIDE;
        b += STRIDE;
      } else if (noA || (!noB && isWorse(aHigh, aLow, bHigh, bLow, side === 1))) {
        this.#put(head, 0, bLow, bHigh, 0);
        b += STRIDE;
      } else {
        this.#put(head, words[a + 6 + side] & counts, aLow, aHigh, words[a + 4 + side]);
        a += STRIDE;
      }
    }
    a = now + from * STRIDE;
    for (b = before + from * STRIDE; b < bEnd; b += STRIDE) {
      shown[b + side * 2] = words[a + side * 2];
      shown[b + side * 2 + 1] = words[a + side * 2 + 1];
      shown[b + 4 + side] = words[a + 4 + side];
      shown[b + 6 + side] = words[a + 6 + side];
      a += STRIDE;
    }
  }

  #put(head: number, id: number, priceLow: number, priceHigh: number, quantity: number): void {
    this.#makeRoom();
    const clock = this.#clock;
    const { batch } = clock;
    this.#lastAt = batch.count * EVENT_WORDS;
    putEvent(
      batch,
      head | this.#stamp,
      this.#book,
      id,
      priceLow,
      priceHigh,
      quantity,
      clock.venue,
      clock.receive,
    );
  }

  /** A record may have more events than fit: the batch then goes in the middle of it and keeps its bases. */
  #makeRoom(): void {
    const clock = this.#clock;
    const { batch } = clock;
    if (batch.count > batch.capacity - 2) clock.writer.flush();
  }

  /**
   * Turns to a record of another kind or book than the one before.
   * @returns false where there can be no more books; it is counted then.
   */
  #turn(window: ByteWindow, words: Int32Array, at: number, head: number): boolean {
    const books = this.#books;
    const known = books.others.find(head >>> 16, words[at + 1]);
    const book = known !== NO_BOOK ? known : this.#open(window, words, at, head);
    if (book === NO_BOOK) return false;
    const rtype = (head >>> 8) & 0xff;
    let kind = levelKind(head, this.tbbo);
    this.#book = book;
    this.#isForeign = false;
    if ((kind & SHOWS_LEVELS) !== 0) {
      if (this.#slots[book] === 0 && !books.hasOrders(book)) this.#openSlot(book, rtype, kind & SHOWS_LEVELS);
      if (this.#rtypes[book] !== rtype || books.hasOrders(book)) {
        this.#isForeign = true;
        kind &= ~SHOWS_LEVELS;
      }
    }
    this.#kind = kind;
    this.#slot = this.#slots[book] - 1;
    if (!this.#isForeign && (kind & HAS_ACTION) !== 0) {
      books.markGroups(book);
      this.#isAlone = false;
    } else this.#isAlone = books.standsAlone(book);
    return true;
  }

  /** Opens the book of the record at hand; NO_BOOK where there can be no more. */
  #open(window: ByteWindow, words: Int32Array, at: number, head: number): number {
    const clock = this.#clock;
    clock.keep(clock.venue, clock.receive);
    clock.noteFirst(words, at + 8);
    const book = this.#books.open(
      this.#books.others,
      head >>> 16,
      words[at + 1],
      clock.timeHigh(words, at + 8),
      clock.timeLow(words, at + 8),
      typeName((head >>> 8) & 0xff),
      window.base + at * WORD_BYTES,
    );
    if (book >= this.#slots.length) this.#growBooks(book);
    return book;
  }

  #openSlot(book: number, rtype: number, levels: number): void {
    const size = levels * LEVEL_WORDS;
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

/** Number of the lowest bit that is set; 0 where none is. */
function lowest(bits: number): number {
  return bits === 0 ? 0 : 31 - Math.clz32(bits & -bits);
}

function isUndefined(high: number, low: number): boolean {
  return high === PRICE_NONE_HIGH && low === PRICE_NONE_LOW;
}

/** Is the first price worse than the second? */
function isWorse(aHigh: number, aLow: number, bHigh: number, bLow: number, isAsk: boolean): boolean {
  const difference = aHigh !== bHigh ? aHigh - bHigh : (aLow >>> 0) - (bLow >>> 0);
  return isAsk ? difference > 0 : difference < 0;
}

/** Are the prices of a side from level `first` on strictly from best to worst, and behind the last only empty levels? */
function isOrdered(
  words: Int32Array,
  levelsAt: number,
  first: number,
  levels: number,
  isAsk: boolean,
): boolean {
  let at = levelsAt + first * STRIDE + (isAsk ? 2 : 0);
  for (let level = first + 1; level < levels; level++) {
    const next = at + STRIDE;
    if (!isUndefined(words[next + 1], words[next])) {
      if (isUndefined(words[at + 1], words[at])) return false;
      if (!isWorse(words[next + 1], words[next], words[at + 1], words[at], isAsk)) return false;
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
