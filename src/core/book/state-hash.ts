import { Fnv64 } from '../binary/fnv64.ts';
import { bigHigh, bigLow } from '../binary/time.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { PublicId } from '../event/public-id.ts';
import { SIDE_ASK, SIDE_BID } from '../event/record.ts';
import type { Market } from './market.ts';
import {
  LEVEL_COUNT,
  LEVEL_HEAD,
  LEVEL_KEY_DOUBLE,
  LEVEL_QUANTITY_DOUBLE,
  ORDER_ID_HIGH,
  ORDER_ID_LOW,
  ORDER_NEXT,
  ORDER_QUANTITY_DOUBLE,
} from './store.ts';
import { priceOfKey } from './view.ts';

export interface StateHash {
  readonly version: 1 | 2;
  readonly hash: bigint;
}

const INSTRUMENT_MAX_V1 = 0xffffffffn;

/**
 * The canonical state hash: FNV-1a 64 over the content and queue order of all books with at least one entry
 * (docs/formats.md, "State hash").
 *
 *     version 1, iff every book is order-based with publisher 0 and instrument ≤ 2^32−1:
 *       u32 1, u64 books; per book by instrument: u32 instrument, u64 orders;
 *       per order: u64 id, i64 price, i64 quantity, u8 side
 *     version 2 otherwise:
 *       u32 2, u64 books; per book by (publisher, instrument): u16 publisher, u64 instrument, u8 kind, u64 entries;
 *       per entry: u64 id (price levels: their order count), i64 price, i64 quantity, u8 side
 */
export function stateHash(market: Market): StateHash {
  const definitions = market.dictionary.books;
  const books = canonicalBooks(market, (book) => hasEntries(market, book));
  const isVersion1 = books.every((book) => isPlain(definitions[book]!, market.bookKind[book]!));
  const version = isVersion1 ? 1 : 2;
  const fnv = new Fnv64();
  fnv.u32(version);
  fnv.integer(books.length);
  for (const book of books) {
    const { instrument } = definitions[book]!;
    const entries = entriesOf(market, book * 2) + entriesOf(market, book * 2 + 1);
    hashBook(fnv, version, definitions[book]!, market.bookKind[book]!, entries);
    hashSide(fnv, market, book * 2, instrument);
    hashSide(fnv, market, book * 2 + 1, instrument);
  }
  return { version, hash: fnv.value };
}

/** Can version 1 say what the book is? `kind`: 0 orders, 1 price levels. */
export function isPlain({ publisher, instrument }: BookDefinition, kind: number): boolean {
  return kind === 0 && publisher === 0 && instrument <= INSTRUMENT_MAX_V1;
}

/** Hashes what stands in front of the entries of a book. */
export function hashBook(
  fnv: Fnv64,
  version: 1 | 2,
  { publisher, instrument }: BookDefinition,
  kind: number,
  entries: number,
): void {
  if (version === 1) fnv.u32(Number(instrument) | 0);
  else {
    fnv.u16(publisher);
    fnv.u64(bigHigh(instrument), bigLow(instrument));
    fnv.byte(kind);
  }
  fnv.integer(entries);
}

/** The books of a market that are in, by (publisher, instrument). */
export function canonicalBooks(market: Market, isIn: (book: number) => boolean): number[] {
  const definitions = market.dictionary.books;
  const books: number[] = [];
  for (let book = 0; book < market.books; book += 1) if (isIn(book)) books.push(book);
  return books.sort((left, right) => {
    const a = definitions[left]!;
    const b = definitions[right]!;
    if (a.publisher !== b.publisher) return a.publisher - b.publisher;
    return a.instrument < b.instrument ? -1 : a.instrument > b.instrument ? 1 : 0;
  });
}

/** Does a book hold an order or a price level? */
export function hasEntries(market: Market, book: number): boolean {
  return market.levels.bestLevel[book * 2] !== 0 || market.levels.bestLevel[book * 2 + 1] !== 0;
}

function entriesOf(market: Market, bookSide: number): number {
  const ladder = market.levels.ladders[bookSide]!;
  if (market.bookKind[bookSide >> 1] !== 0) return ladder.size;
  let orders = 0;
  for (const level of ladder.fromBest()) orders += market.levels.words[level * 8 + LEVEL_COUNT]!;
  return orders;
}

function hashSide(fnv: Fnv64, market: Market, bookSide: number, instrument: bigint): void {
  const side = (bookSide & 1) !== 0 ? SIDE_ASK : SIDE_BID;
  const { words, doubles } = market.orders;
  const publicId = market.rules.idScope === 'bookSide' ? new PublicId() : null;
  for (const level of market.levels.ladders[bookSide]!.fromBest()) {
    const price = priceOfKey(market.levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!, bookSide);
    if (market.bookKind[bookSide >> 1] !== 0) {
      fnv.u64(0, market.levels.words[level * 8 + LEVEL_COUNT]!);
      hashPrice(fnv, price);
      fnv.integer(market.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!);
      fnv.byte(side);
      continue;
    }
    for (let slot = market.levels.words[level * 8 + LEVEL_HEAD]!; slot !== 0; ) {
      const order = slot * 8;
      const idHigh = words[order + ORDER_ID_HIGH]!;
      const idLow = words[order + ORDER_ID_LOW]!;
      if (publicId === null) fnv.u64(idHigh, idLow);
      else {
        publicId.hash(instrument, (bookSide & 1) !== 0, idHigh, idLow);
        fnv.u64(publicId.high, publicId.low);
      }
      hashPrice(fnv, price);
      fnv.integer(doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!);
      fnv.byte(side);
      slot = words[order + ORDER_NEXT]!;
    }
  }
}

/** No price is −2^63. */
function hashPrice(fnv: Fnv64, price: number | null): void {
  if (price === null) fnv.u64(0x80000000 | 0, 0);
  else fnv.integer(price);
}
