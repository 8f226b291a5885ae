import type { Market } from '../../book/market.ts';
import { ORDER_NEXT } from '../../book/store.ts';
import { priceOfKey } from '../../book/view.ts';
import type { Dictionary } from '../../event/dictionary.ts';
import type { BookTable } from './book-table.ts';
import { ControlFrames, type StreamFacts } from './control.ts';
import { FramePieces } from './frame-writer.ts';
import * as layout from './layout.ts';
import { type CopyMemory, MarketCopy } from './market-copy.ts';
import { OrderFrames } from './order-frames.ts';
import { FramePrice, frameScale } from './price.ts';

const PIECE_BYTES = 1 << 18;
const TWO_32 = 4294967296;

/** The books of a run, as `Books` of the pipeline has them. */
export interface LiveBooks {
  readonly dictionary: Dictionary;
  readonly markets: readonly Market[];
  sourceOf(book: number): number;
}

export interface ImageSource {
  readonly books: LiveBooks;
  readonly table: BookTable;
  readonly facts: StreamFacts;
  readonly cursor: number;
  /** Is told of books that have a price without a form in frames: they have no orders in the image. */
  readonly onRefused: (book: number) => void;
  readonly memory: CopyMemory;
}

/**
 * All books as frames, as they are between two events: SNAPSHOT_START, per instrument its header and its orders,
 * SNAPSHOT_END. Made of a copy of the books, some orders at a time: events go on meanwhile, and clients are sent what there is.
 */
export class Image {
  /** Cursor of the first live frame behind it. */
  readonly cursor: number;
  /** Of what has been encoded so far. */
  frames = 0;
  isWhole = false;
  readonly #table: BookTable;
  readonly #facts: StreamFacts;
  readonly #dictionary: Dictionary;
  /** By book; null before its first event. */
  readonly #copies: (MarketCopy | null)[] = [];
  /** Gives back the memory of the copies. */
  #giveBack: () => void = () => {};
  readonly #pieces: FramePieces = new FramePieces(PIECE_BYTES);
  readonly #control: ControlFrames;
  readonly #orders: OrderFrames;
  /** Books, by the numbers that frames have for them. */
  readonly #listed: readonly number[];
  /** How many of them are begun; of the last one: its market, the side, the level, and the order that comes next, 0 = none. */
  #begun = 0;
  #copy: MarketCopy | null = null;
  #bookSide = 0;
  #level = 0;
  #slot = 0;

  /** Takes the books as they are now. Those whose prices have no form in frames are there without orders, and say so. */
  constructor({ books, table, facts, cursor, onRefused, memory }: ImageSource) {
    this.cursor = cursor;
    this.#table = table;
    this.#facts = facts;
    this.#dictionary = books.dictionary;
    this.#control = new ControlFrames(this.#pieces);
    this.#orders = new OrderFrames(this.#control.writer, table, facts.price, true);
    const copies = books.markets.map((market) => new MarketCopy(market, memory));
    this.#giveBack = () => memory.keep(copies);
    const count = books.dictionary.books.length;
    if (count > 0) table.reach(count - 1, books.dictionary);
    const listed: number[] = [];
    for (let book = 0; book < count; book += 1) {
      const source = books.sourceOf(book);
      const copy = copies[source];
      this.#copies.push(copy === undefined || book >= copy.books ? null : copy);
      if (books.markets[source]?.bookKind[book] !== 1) listed.push(book);
    }
    listed.sort((a, b) => compareUnsigned(table.instruments, a * 2, b * 2));
    this.#listed = listed;
    for (const book of listed) {
      if (table.refused[book] === 1 || this.#hasForm(book)) continue;
      table.refuse(book);
      onRefused(book);
    }
    this.#control.writer.readTime();
    this.#control.control(layout.TYPE_SNAPSHOT_START, facts, cursor, listed.length);
    this.frames = 1;
  }

  /** What has been encoded, to be sent one behind the other; shared by all clients that begin here. */
  get pieces(): readonly Buffer[] {
    return this.#pieces.pieces;
  }

  /** Encodes some more: books and orders, so many at most. */
  encode(frames: number): void {
    const until = this.frames + frames;
    while (this.frames < until && !this.isWhole) {
      if (this.#slot !== 0) this.#encodeOrders(until);
      else if (!this.#nextLevel() && !this.#nextBook()) this.#finish();
    }
  }

  #encodeOrders(until: number): void {
    const copy = this.#copy!;
    const orders = this.#orders;
    let slot = this.#slot;
    for (; slot !== 0 && this.frames < until; this.frames += 1) {
      orders.addStored(copy, slot, this.#bookSide);
      slot = copy.words[slot * 8 + ORDER_NEXT]!;
    }
    this.#slot = slot;
  }

  /** Goes on to the next price of the book at hand. @returns false where it has no more. */
  #nextLevel(): boolean {
    const copy = this.#copy;
    if (copy === null || this.#level === copy.sides[this.#orders.book * 2 + 2]) return false;
    if (this.#level === copy.sides[this.#bookSide + 1]) this.#bookSide += 1;
    else {
      this.#orders.atPrice(copy.keys, this.#level, this.#bookSide);
      this.#slot = copy.heads[this.#level]!;
      this.#level += 1;
    }
    return true;
  }

  /** Begins with the next book. @returns false where there is none. */
  #nextBook(): boolean {
    if (this.#begun === this.#listed.length) return false;
    const book = this.#listed[this.#begun]!;
    this.#begun += 1;
    const copy = this.#copies[book] ?? null;
    const isShown = copy !== null && this.#table.refused[book] === 0;
    this.#header(book, copy, isShown);
    this.frames += 1;
    this.#copy = isShown ? copy : null;
    if (!isShown) return true;
    this.#orders.book = book;
    this.#bookSide = book * 2;
    this.#level = copy.sides[book * 2]!;
    return true;
  }

  #finish(): void {
    this.#control.control(layout.TYPE_SNAPSHOT_END, this.#facts, this.cursor, 0);
    this.#pieces.finish();
    this.#copies.length = 0;
    this.#copy = null;
    this.#giveBack();
    this.#giveBack = () => {};
    this.frames += 1;
    this.isWhole = true;
  }

  #header(book: number, copy: MarketCopy | null, isShown: boolean): void {
    const { instrument, publisher, priceScale, quantityScale, symbol } = this.#dictionary.books[book]!;
    const { writer } = this.#control;
    const { instruments, refused } = this.#table;
    const name = Buffer.from(symbol ?? '').subarray(0, layout.SYMBOL_BYTES_MAX);
    const at = writer.begin(
      layout.TYPE_SNAPSHOT_HEADER,
      layout.SNAPSHOT_HEADER_BYTES + name.length,
      instruments[book * 2 + 1]!,
      instruments[book * 2]!,
      0,
      0,
    );
    const { view } = writer;
    view.setUint32(at, isShown ? copy!.levelsIn(book) : 0, true);
    view.setUint32(at + 4, isShown ? copy!.ordersIn(book) : 0, true);
    writer.putNumber(at + 8, copy === null ? 0 : copy.bookChanges[book]!);
    view.setBigUint64(at + 16, BigInt.asUintN(64, instrument), true);
    view.setUint16(at + 24, publisher, true);
    view.setUint8(at + 26, frameScale(this.#facts.price, priceScale));
    view.setUint8(at + 27, quantityScale);
    const stale = copy !== null && copy.stale[book] === 1 ? layout.FLAG_STALE : 0;
    view.setUint8(at + 28, stale | (refused[book] === 1 ? layout.FLAG_REFUSED : 0));
    view.setUint8(at + 29, name.length);
    for (const [place, byte] of name.entries()) view.setUint8(at + 30 + place, byte);
    writer.end(0);
  }

  #hasForm(book: number): boolean {
    const copy = this.#copies[book] ?? null;
    if (this.#facts.price !== 'e8' || copy === null) return true;
    const scale = this.#table.priceScales[book]!;
    const converted = new FramePrice();
    for (const bookSide of [book * 2, book * 2 + 1]) {
      for (let level = copy.sides[bookSide]!; level < copy.sides[bookSide + 1]!; level += 1) {
        const price = priceOfKey(copy.keys[level]!, bookSide);
        if (price !== null && !converted.toE8(Math.floor(price / TWO_32), price | 0, scale)) return false;
      }
    }
    return true;
  }
}

function compareUnsigned(halves: Int32Array, a: number, b: number): number {
  const high = (halves[a + 1]! >>> 0) - (halves[b + 1]! >>> 0);
  return high !== 0 ? high : (halves[a]! >>> 0) - (halves[b]! >>> 0);
}
