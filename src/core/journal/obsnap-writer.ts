import { bigHigh, bigLow } from '../binary/time.ts';
import type { Market } from '../book/market.ts';
import { canonicalBooks, hasEntries } from '../book/state-hash.ts';
import { ordersOf } from '../book/view.ts';
import type { ByteSink } from '../capture/block-buffer.ts';
import { MdxError } from '../errors.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { PublicId } from '../event/public-id.ts';
import { putU64 } from './frame.ts';
import {
  OBSNAP_BODY_HEAD,
  OBSNAP_BODY_VERSION,
  OBSNAP_BOOK_BYTES,
  OBSNAP_HEAD_V2,
  OBSNAP_ORDER_BYTES,
  putMagic,
} from './obsnap-layout.ts';

const INSTRUMENT_MAX = 0xffffffffn;
const NO_CURSOR = (1n << 64n) - 1n;
const CHUNK_BYTES = 65_536;

export interface ObsnapHead {
  /** ns since 1970. */
  readonly wallTime: bigint;
  /** Bus cursor that comes next, null = none. */
  readonly cursor: bigint | null;
}

interface Book {
  readonly market: Market;
  readonly definition: BookDefinition;
}

/**
 * Writes the books as version 2 of the older format, instruments in ascending order, best price first. Throws MdxError
 * `no-form` before the first byte where they have something that it cannot hold.
 * @param markets by source.
 */
export function writeObsnap(sink: ByteSink, markets: readonly Market[], head: ObsnapHead): void {
  const books = booksOf(markets);
  const writer = new ChunkWriter(sink);
  const start = writer.room(OBSNAP_HEAD_V2 + OBSNAP_BODY_HEAD);
  const { view } = writer;
  putMagic(new DataView(view.buffer, start));
  view.setUint32(start + 8, 2);
  view.setBigUint64(start + 12, head.wallTime);
  view.setBigUint64(start + 20, head.cursor ?? NO_CURSOR);
  view.setUint32(start + 28, OBSNAP_BODY_VERSION, true);
  putU64(view, start + 32, books.length);
  for (const { market, definition } of books) {
    const { number, instrument } = definition;
    const at = writer.room(OBSNAP_BOOK_BYTES);
    view.setUint32(at, Number(instrument), true);
    putU64(view, at + 4, countOf(market, number));
    for (const ask of [false, true]) putSide(writer, market, definition, ask);
  }
  writer.flush();
}

function putSide(
  writer: ChunkWriter,
  market: Market,
  { number, instrument }: BookDefinition,
  ask: boolean,
): void {
  const { view } = writer;
  const publicId = market.rules.idScope === 'bookSide' ? new PublicId() : null;
  for (const { id, price, quantity } of ordersOf(market, number, ask)) {
    const at = writer.room(OBSNAP_ORDER_BYTES);
    publicId?.hash(instrument, ask, bigHigh(id), bigLow(id));
    view.setInt32(at, publicId === null ? bigLow(id) : publicId.low, true);
    view.setInt32(at + 4, publicId === null ? bigHigh(id) : publicId.high, true);
    putU64(view, at + 8, price!);
    putU64(view, at + 16, quantity);
    view.setUint32(at + 24, ask ? 1 : 0, true);
  }
}

function countOf(market: Market, book: number): number {
  let orders = 0;
  for (const ask of [false, true]) for (const _ of ordersOf(market, book, ask)) orders += 1;
  return orders;
}

/** The books that hold something, by instrument. Throws MdxError `no-form` for what has no place. */
function booksOf(markets: readonly Market[]): Book[] {
  const books = markets.flatMap((market) => {
    const isIn = (book: number): boolean => market.stale[book] === 1 || hasEntries(market, book);
    return canonicalBooks(market, isIn).map((book) => ({
      market,
      definition: market.dictionary.books[book]!,
    }));
  });
  books.sort(({ definition: a }, { definition: b }) => (a.instrument < b.instrument ? -1 : 1));
  for (const [index, { market, definition }] of books.entries()) {
    const { number, publisher, instrument } = definition;
    const problem =
      publisher !== 0
        ? `is of publisher ${publisher}, and it has a place for none`
        : instrument > INSTRUMENT_MAX
          ? 'has a number beyond 32 bits'
          : market.stale[number] === 1
            ? 'is stale, which it cannot say'
            : market.bookKind[number] !== 0
              ? 'is a book of price levels, and it holds orders'
              : hasNoPrice(market, number)
                ? 'has orders without a price'
                : books[index - 1]?.definition.instrument === instrument
                  ? 'is there on two channels'
                  : null;
    if (problem !== null) {
      throw new MdxError('no-form', `writing a snapshot of version 2: instrument ${instrument} ${problem}`, {
        hint: 'Without --compat the snapshot holds everything; --instrument and --symbol leave books out.',
      });
    }
  }
  return books.filter(({ market, definition }) => hasEntries(market, definition.number));
}

function hasNoPrice(market: Market, book: number): boolean {
  const { bestKey } = market.levels;
  return [book * 2, book * 2 + 1].some((side) => bestKey[side] === Number.POSITIVE_INFINITY);
}

/** Puts small things together before they are handed over. */
class ChunkWriter {
  readonly view: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(CHUNK_BYTES));
  readonly #sink: ByteSink;
  #used = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** @returns where the next `bytes` go. */
  room(bytes: number): number {
    if (this.#used + bytes > CHUNK_BYTES) this.flush();
    const at = this.#used;
    this.#used += bytes;
    return at;
  }

  flush(): void {
    if (this.#used > 0) this.#sink(new Uint8Array(this.view.buffer, 0, this.#used));
    this.#used = 0;
  }
}
