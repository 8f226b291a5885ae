import type { Market } from '../../book/market.ts';
import { LEVEL_COUNT, LEVEL_HEAD, LEVEL_KEY_DOUBLE, ORDER_NEXT } from '../../book/store.ts';
import { levelsOn, priceOfKey } from '../../book/view.ts';
import type { Dictionary } from '../../event/dictionary.ts';
import type { BookTable } from './book-table.ts';
import { ControlFrames, type StreamFacts } from './control.ts';
import { FramePieces } from './frame-writer.ts';
import * as layout from './layout.ts';
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

/** All books as frames, as they are between two events: SNAPSHOT_START, per instrument its header and its orders, SNAPSHOT_END. */
export interface Image {
  /** Cursor of the first live frame behind it. */
  readonly cursor: number;
  /** To be sent one behind the other; shared by all clients that begin here. */
  readonly pieces: readonly Buffer[];
  readonly frames: number;
}

export interface ImageSource {
  readonly books: LiveBooks;
  readonly table: BookTable;
  readonly facts: StreamFacts;
  readonly cursor: number;
  /** Is told of books that have a price without a form in frames: they have no orders in the image. */
  readonly onRefused: (book: number) => void;
}

/** Books whose prices have no form in frames are there without orders, and say so. */
export function takeImage(source: ImageSource): Image {
  return new ImageMaker(source).take();
}

class ImageMaker {
  readonly #source: ImageSource;
  readonly #pieces: FramePieces = new FramePieces(PIECE_BYTES);
  readonly #control: ControlFrames;
  readonly #orders: OrderFrames;
  readonly #price: FramePrice = new FramePrice();

  constructor(source: ImageSource) {
    this.#source = source;
    this.#control = new ControlFrames(this.#pieces);
    this.#orders = new OrderFrames(this.#control.writer, source.table, source.facts.price, true);
  }

  take(): Image {
    const { books, table, facts, cursor } = this.#source;
    const count = books.dictionary.books.length;
    if (count > 0) table.reach(count - 1, books.dictionary);
    const listed: number[] = [];
    for (let book = 0; book < count; book += 1)
      if (this.#market(book)?.bookKind[book] !== 1) listed.push(book);
    listed.sort((a, b) => compareUnsigned(table.instruments, a * 2, b * 2));
    this.#control.writer.readTime();
    this.#control.control(layout.TYPE_SNAPSHOT_START, facts, cursor, listed.length);
    let frames = 2 + listed.length;
    for (const book of listed) frames += this.#book(book);
    this.#control.control(layout.TYPE_SNAPSHOT_END, facts, cursor, 0);
    this.#pieces.finish();
    return { cursor, pieces: this.#pieces.pieces, frames };
  }

  /** The market of a book; null before its first event. */
  #market(book: number): Market | null {
    const { books } = this.#source;
    const market = books.markets[books.sourceOf(book)];
    return market === undefined || book >= market.books ? null : market;
  }

  /** @returns how many orders were written. */
  #book(book: number): number {
    const { table } = this.#source;
    const market = this.#market(book);
    if (market !== null && table.refused[book] === 0 && !this.#hasForm(market, book)) {
      table.refuse(book);
      this.#source.onRefused(book);
    }
    const isShown = market !== null && table.refused[book] === 0;
    const orders = isShown ? ordersOn(market, book * 2) + ordersOn(market, book * 2 + 1) : 0;
    this.#header(book, market, isShown, orders);
    if (!isShown || orders === 0) return 0;
    this.#orders.book = book;
    for (const bookSide of [book * 2, book * 2 + 1]) {
      for (const level of market.levels.ladders[bookSide]!.fromBest()) {
        for (let slot = market.levels.words[level * 8 + LEVEL_HEAD]!; slot !== 0; ) {
          this.#orders.add(market, slot, bookSide);
          slot = market.orders.words[slot * 8 + ORDER_NEXT]!;
        }
      }
    }
    return orders;
  }

  #header(book: number, market: Market | null, isShown: boolean, orders: number): void {
    const { table, facts, books } = this.#source;
    const { instrument, publisher, priceScale, quantityScale, symbol } = books.dictionary.books[book]!;
    const { writer } = this.#control;
    const name = Buffer.from(symbol ?? '').subarray(0, layout.SYMBOL_BYTES_MAX);
    const at = writer.begin(
      layout.TYPE_SNAPSHOT_HEADER,
      layout.SNAPSHOT_HEADER_BYTES + name.length,
      table.instruments[book * 2 + 1]!,
      table.instruments[book * 2]!,
      0,
      0,
    );
    const levels =
      isShown && market !== null ? levelsOn(market, book, false) + levelsOn(market, book, true) : 0;
    const { view } = writer;
    view.setUint32(at, levels, true);
    view.setUint32(at + 4, orders, true);
    writer.putNumber(at + 8, market === null ? 0 : market.bookChanges[book]!);
    view.setBigUint64(at + 16, BigInt.asUintN(64, instrument), true);
    view.setUint16(at + 24, publisher, true);
    view.setUint8(at + 26, frameScale(facts.price, priceScale));
    view.setUint8(at + 27, quantityScale);
    const isStale = market !== null && market.stale[book] === 1;
    const isRefused = table.refused[book] === 1;
    view.setUint8(at + 28, (isStale ? layout.FLAG_STALE : 0) | (isRefused ? layout.FLAG_REFUSED : 0));
    view.setUint8(at + 29, name.length);
    for (const [place, byte] of name.entries()) view.setUint8(at + 30 + place, byte);
    writer.end(0);
  }

  #hasForm(market: Market, book: number): boolean {
    const { facts, table } = this.#source;
    if (facts.price !== 'e8') return true;
    for (const bookSide of [book * 2, book * 2 + 1]) {
      for (const level of market.levels.ladders[bookSide]!.fromBest()) {
        const price = priceOfKey(market.levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!, bookSide);
        if (price === null) continue;
        if (!this.#price.toE8(Math.floor(price / TWO_32), price | 0, table.priceScales[book]!)) return false;
      }
    }
    return true;
  }
}

function ordersOn(market: Market, bookSide: number): number {
  let orders = 0;
  for (const level of market.levels.ladders[bookSide]!.fromBest()) {
    orders += market.levels.words[level * 8 + LEVEL_COUNT]!;
  }
  return orders;
}

function compareUnsigned(halves: Int32Array, a: number, b: number): number {
  const high = (halves[a + 1]! >>> 0) - (halves[b + 1]! >>> 0);
  return high !== 0 ? high : (halves[a]! >>> 0) - (halves[b]! >>> 0);
}
