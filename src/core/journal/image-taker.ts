import type { Market } from '../book/market.ts';
import {
  LEVEL_COUNT,
  LEVEL_HEAD,
  LEVEL_KEY_DOUBLE,
  LEVEL_QUANTITY_DOUBLE,
  LEVEL_TAIL,
  ORDER_LEVEL,
  ORDER_NEXT,
  ORDER_PREVIOUS,
} from '../book/store.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import { CanonicalOrder } from './canonical-order.ts';
import {
  copyLevel,
  copyOrder,
  IMAGE_RECORD_WORDS,
  ImageRecords,
  putLevel,
  type RecordSink,
} from './image-records.ts';
import { SavedOrders } from './saved-orders.ts';
import { longer, SavedParts } from './saved-parts.ts';
import { findTouched, type Touched } from './touched.ts';

/** Records handed over at a time: what fits into a frame of 64 KiB. */
const RECORDS_PER_RUN = 1600;
/** Steps of a slice between two looks at the clock. */
const STEPS_PER_LOOK = 64;

/** In front of the first side: the one behind is an even one, as behind the asks of a book. */
const NO_SIDE = -1;

/** What an image has to know of one market while it is taken. */
interface SourceState {
  readonly market: Market;
  /** Books at the beginning; later ones are not in the image. */
  books: number;
  stale: Uint8Array;
  changes: Float64Array;
  kinds: Uint8Array;
  /** By side: the part that was saved last, 0 = none. */
  lists: Int32Array;
  /** By slot of a level: the image in which it is taken, or was not there at the beginning. */
  marks: Int32Array;
  readonly orders: SavedOrders;
}

/**
 * Takes an image of all books as they are at one moment, while events go on.
 *
 * The books are walked in canonical order, some steps at a time, between batches. Whoever applies events says so first
 * (`before`): the orders that they will change and the heads of their levels are saved as they still are, a few words per
 * event. A side is handed over as its levels that are untouched and those saved, by price; a queue as its orders that
 * are untouched and those saved. Levels that come later are marked when the events that made them have been applied; the
 * slot of a level stays marked, whatever it is used for again, because what it held at the beginning is taken. So
 * nothing is kept in the books themselves.
 */
export class ImageTaker implements Touched {
  /** An image is being taken: events that are applied must be told to `before`. */
  isTaking = false;
  readonly #canonical: CanonicalOrder;
  readonly #records: ImageRecords;
  readonly #saved: SavedParts = new SavedParts();
  readonly #sources: SourceState[] = [];
  /** Number of the image. */
  #image = 0;
  /** How many sources and books are walked. */
  #sourceCount = 0;
  #ranks = 0;
  /** Where the walk is: source, place of the book in the canonical order, side. */
  #source = 0;
  #rank = 0;
  #bookSide = NO_SIDE;
  /** The search on this side: key of the level looked at last, none yet, or there are no more. */
  readonly #key: Float64Array = new Float64Array(1);
  #isSideNew = false;
  #isSideDone = true;
  /** The best level that is not taken, 0 = it has to be looked for. */
  #candidate = 0;
  /** The order that comes next of the level at hand, 0 = none; the level, and whether it was touched. */
  #order = 0;
  #level = 0;
  #isTouched = false;
  /** The source of the events that are applied. */
  #touched = 0;
  /** Prices that a level may have come to with the last events: sides and keys. */
  #newSides: Int32Array = new Int32Array(1024);
  #newKeys: Float64Array = new Float64Array(1024);
  #newCount = 0;

  constructor(dictionary: Dictionary, sink: RecordSink) {
    this.#canonical = new CanonicalOrder(dictionary.books);
    const words = new Int32Array(RECORDS_PER_RUN * IMAGE_RECORD_WORDS);
    this.#records = new ImageRecords(words, RECORDS_PER_RUN, sink);
  }

  /** Records of all images handed over so far. */
  get written(): number {
    return this.#records.written;
  }

  /** Gets some of what `begin` needs done. @returns whether it is all done. */
  prepare(): boolean {
    return this.isTaking || this.#canonical.update();
  }

  /** Begins the image of the books as they are now. */
  begin(markets: readonly Market[]): void {
    while (!this.#canonical.update());
    this.#image += 1;
    this.#saved.reset();
    this.#newCount = 0;
    for (const [source, market] of markets.entries()) {
      this.#sources[source] = beginSource(this.#sources[source], market);
    }
    this.#sourceCount = markets.length;
    this.#ranks = this.#canonical.known;
    this.#source = 0;
    this.#rank = -1;
    this.#bookSide = NO_SIDE;
    this.#isSideDone = true;
    this.#candidate = 0;
    this.#order = 0;
    this.isTaking = this.#sourceCount > 0;
  }

  /**
   * Saves what the records `from` … `to − 1` of a batch are about to change in the market of a source.
   * @returns up to which record they may be applied; then it has to be asked again.
   */
  before(batch: EventBatch, from: number, to: number, source: number): number {
    if (!this.isTaking || source < this.#source || source >= this.#sourceCount) return to;
    this.#settle();
    this.#touched = source;
    return findTouched(this.#sources[source]!.market, batch, from, to, this);
  }

  /** Goes on for `steps` steps, of at most one record each. @returns whether the image is whole. */
  slice(steps: number): boolean {
    this.#settle();
    for (let left = steps; left > 0 && this.isTaking; left -= 1) {
      if (this.#order !== 0) left = this.#copyOrders(left) + 1;
      else if (!this.#isSideDone && this.#findCandidate()) continue;
      else if (!this.#openPart() && !this.#advance()) this.#finish();
    }
    return !this.isTaking;
  }

  /** Goes on until `until` on a clock. @returns whether the image is whole. */
  sliceUntil(until: number, clock: () => number): boolean {
    while (!this.slice(STEPS_PER_LOOK)) if (clock() >= until) return false;
    return true;
  }

  order(slot: number, bookSide: number): void {
    const source = this.#sources[this.#touched]!;
    if (this.#isBehind(source, bookSide)) return;
    const { orders } = source.market;
    this.#saveLevel(source, orders.words[slot * 8 + ORDER_LEVEL]!, bookSide);
    source.orders.save(orders, slot);
    const previous = orders.words[slot * 8 + ORDER_PREVIOUS]!;
    if (previous !== 0) source.orders.save(orders, previous);
  }

  price(bookSide: number): void {
    const source = this.#sources[this.#touched]!;
    if (this.#isBehind(source, bookSide)) return;
    const { levels, orders } = source.market;
    const level = levels.find(bookSide);
    if (level !== 0) {
      this.#saveLevel(source, level, bookSide);
      const tail = levels.words[level * 8 + LEVEL_TAIL]!;
      if (tail !== 0) source.orders.save(orders, tail);
    }
    // Even where there is one: it may go with an event in front, and another one come.
    const at = this.#newCount;
    if (at === this.#newSides.length) this.#growNew();
    this.#newSides[at] = bookSide;
    this.#newKeys[at] = levels.key[0]!;
    this.#newCount = at + 1;
  }

  side(bookSide: number): void {
    const source = this.#sources[this.#touched]!;
    if (this.#isBehind(source, bookSide)) return;
    const { levels, orders } = source.market;
    const ladder = levels.ladders[bookSide]!;
    for (let level = levels.bestLevel[bookSide]!; level !== 0; level = ladder.below(level)) {
      this.#saveLevel(source, level, bookSide);
      if (source.market.bookKind[bookSide >> 1] !== 0) continue;
      for (let slot = levels.words[level * 8 + LEVEL_HEAD]!; slot !== 0; ) {
        source.orders.save(orders, slot);
        slot = orders.words[slot * 8 + ORDER_NEXT]!;
      }
    }
  }

  /** Saves a level as it is, unless it is handed over or saved. */
  #saveLevel(source: SourceState, level: number, bookSide: number): void {
    const isCurrent = bookSide === this.#bookSide && this.#touched === this.#source;
    if (isCurrent && level === this.#level) this.#isTouched = true;
    if (!this.#mark(source, level)) return;
    const { words, doubles } = source.market.levels;
    const quantity = doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!;
    if (quantity === 0) return;
    const saved = this.#saved;
    const part = saved.add(isCurrent ? 0 : source.lists[bookSide]!);
    saved.keys[part] = doubles[level * 4 + LEVEL_KEY_DOUBLE]!;
    saved.quantities[part] = quantity;
    saved.first[part] = words[level * 8 + (source.kinds[bookSide >> 1] !== 0 ? LEVEL_COUNT : LEVEL_HEAD)]!;
    if (isCurrent) saved.push(part);
    else source.lists[bookSide] = part;
  }

  /** Marks the levels that came with the last events. */
  #settle(): void {
    const count = this.#newCount;
    if (count === 0) return;
    this.#newCount = 0;
    const source = this.#sources[this.#touched]!;
    const { levels } = source.market;
    for (let at = 0; at < count; at += 1) {
      levels.key[0] = this.#newKeys[at]!;
      const level = levels.find(this.#newSides[at]!);
      if (level !== 0) this.#mark(source, level);
    }
  }

  /** @returns false where the level was marked already. */
  #mark(source: SourceState, level: number): boolean {
    if (level >= source.marks.length) {
      source.marks = longer(source.marks, new Int32Array(source.market.levels.words.length / 8));
    }
    if (source.marks[level] === this.#image) return false;
    source.marks[level] = this.#image;
    return true;
  }

  /** Is the side handed over, or of a book that came later? */
  #isBehind(source: SourceState, bookSide: number): boolean {
    const book = bookSide >> 1;
    if (book >= source.books) return true;
    if (this.#touched !== this.#source) return false;
    const rank = this.#canonical.rank[book]!;
    return rank < this.#rank || (rank === this.#rank && bookSide < this.#bookSide);
  }

  /** Looks at one more level of the side, unless the best one left is known. @returns whether it did. */
  #findCandidate(): boolean {
    const source = this.#sources[this.#source]!;
    const { levels } = source.market;
    if (this.#candidate !== 0 && source.marks[this.#candidate] !== this.#image) return false;
    const bookSide = this.#bookSide;
    const level = this.#isSideNew
      ? levels.bestLevel[bookSide]!
      : levels.ladders[bookSide]!.belowKey(this.#key);
    this.#isSideNew = false;
    this.#candidate = 0;
    if (level === 0) {
      this.#isSideDone = true;
      return true;
    }
    this.#key[0] = levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!;
    const isHeld = levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] !== 0;
    if (isHeld && source.marks[level] !== this.#image) this.#candidate = level;
    return true;
  }

  /** Begins with the best part of the side that is left. @returns false where there is none. */
  #openPart(): boolean {
    const source = this.#sources[this.#source]!;
    const saved = this.#saved;
    const bookSide = this.#bookSide;
    const kind = source.kinds[bookSide >> 1]!;
    const level = this.#candidate;
    const part = saved.top;
    const { words, doubles } = source.market.levels;
    if (part !== 0 && (level === 0 || saved.keys[part]! > doubles[level * 4 + LEVEL_KEY_DOUBLE]!)) {
      saved.pop();
      this.#records.open(bookSide, kind, saved.keys, part);
      this.#isTouched = true;
      if (kind === 0) this.#order = saved.first[part]!;
      else putLevel(saved.first[part]!, saved.quantities[part]!, this.#records);
      return true;
    }
    if (level === 0) return false;
    this.#mark(source, level);
    this.#candidate = 0;
    this.#level = level;
    this.#isTouched = false;
    this.#records.open(bookSide, kind, doubles, level * 4 + LEVEL_KEY_DOUBLE);
    if (kind === 0) this.#order = words[level * 8 + LEVEL_HEAD]!;
    else copyLevel(source.market, level, this.#records);
    return true;
  }

  /** Hands over orders of the part at hand, at most `most`. @returns how many more it could have been. */
  #copyOrders(most: number): number {
    const { market, orders } = this.#sources[this.#source]!;
    const isTouched = this.#isTouched;
    let left = most;
    let slot = this.#order;
    for (; left > 0 && slot !== 0; left -= 1) {
      slot = isTouched
        ? orders.copy(market.orders, slot, this.#records)
        : copyOrder(market.orders, slot, this.#records);
    }
    this.#order = slot;
    return left;
  }

  /** Goes on to the next side, book or source. @returns false where there is none. */
  #advance(): boolean {
    if ((this.#bookSide & 1) === 0) {
      this.#openSide(this.#bookSide + 1);
      return true;
    }
    this.#rank += 1;
    if (this.#rank === this.#ranks) {
      this.#source += 1;
      this.#rank = -1;
      this.#bookSide = NO_SIDE;
      return this.#source < this.#sourceCount;
    }
    const source = this.#sources[this.#source]!;
    const book = this.#canonical.order[this.#rank]!;
    this.#bookSide = book * 2 + 1;
    if (book >= source.books) return true;
    this.#records.mark(book, source.stale[book] === 1, source.changes[book]!);
    this.#openSide(book * 2);
    return true;
  }

  #openSide(bookSide: number): void {
    this.#bookSide = bookSide;
    this.#isSideNew = true;
    this.#isSideDone = false;
    this.#candidate = 0;
    this.#saved.open(this.#sources[this.#source]!.lists[bookSide]!);
  }

  #finish(): void {
    this.isTaking = false;
    this.#records.flush();
  }

  #growNew(): void {
    const room = this.#newSides.length * 2;
    this.#newSides = longer(this.#newSides, new Int32Array(room));
    this.#newKeys = longer(this.#newKeys, new Float64Array(room));
  }
}

/** The state of a source at the beginning of an image, in the room of the one before. */
function beginSource(before: SourceState | undefined, market: Market): SourceState {
  const { books, levels } = market;
  const hasRoom = before !== undefined && before.market === market && books * 2 <= before.lists.length;
  const room = market.bookKind.length;
  const source: SourceState = hasRoom
    ? before
    : {
        market,
        books,
        stale: new Uint8Array(room),
        changes: new Float64Array(room),
        kinds: new Uint8Array(room),
        lists: new Int32Array(room * 2),
        marks: before?.market === market ? before.marks : new Int32Array(levels.words.length / 8),
        orders: before?.orders ?? new SavedOrders(),
      };
  source.orders.reset(market.orders.words.length / 8);
  source.books = books;
  source.stale.set(market.stale.subarray(0, books));
  source.changes.set(market.bookChanges.subarray(0, books));
  source.kinds.set(market.bookKind.subarray(0, books));
  source.lists.fill(0, 0, books * 2);
  return source;
}
