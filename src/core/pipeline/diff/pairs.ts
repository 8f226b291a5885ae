import { MdxError } from '../../errors.ts';
import type { BookDefinition } from '../../event/dictionary.ts';

export type MatchBy = 'instrument' | 'symbol';

/** A step of a side as it is kept: 0 session · 1 number · 2-3 time · 4 event · 5 channel · 6 flags. */
export const KEPT_FIELDS = 7;
export const KEPT_SESSION = 0;
export const KEPT_NUMBER = 1;
export const KEPT_TIME_HIGH = 2;
export const KEPT_TIME_LOW = 3;
export const KEPT_EVENT = 4;
export const KEPT_CHANNEL = 5;
export const KEPT_FLAGS = 6;

/** Where the books of a pair differ first. */
export interface FoundDifference {
  /** In order of finding. */
  readonly order: number;
  /** Last steps of both sides up to there, KEPT_FIELDS each. */
  readonly kept: Float64Array;
  /** Is the group where they differ one of side A, of side B, or of both? */
  readonly isOf: readonly [a: boolean, b: boolean];
  /** Which sides had a group by then. */
  readonly taken: readonly [a: boolean, b: boolean];
  /** Levels that differ. */
  readonly levels: number;
}

/** One instrument: the book of each side that has it. */
export class Pair {
  readonly number: number;
  /** Null where the side does not have it, at least not yet. */
  readonly books: [BookDefinition | null, BookDefinition | null] = [null, null];
  /** Positions of the first and last step of each side that wait; −1 = none. */
  readonly heads: [number, number] = [-1, -1];
  readonly tails: [number, number] = [-1, -1];
  /** Steps of each side that were taken. */
  readonly taken: [number, number] = [0, 0];
  /** Steps of each side so far; and of them in front of the other side's first, or behind its last. */
  readonly steps: [number, number] = [0, 0];
  readonly early: [number, number] = [0, 0];
  readonly late: [number, number] = [0, 0];
  /** Points at which the books were compared. */
  compared = 0;
  /** Key of the group at hand; the books are compared when it is over. */
  readonly key: Float64Array = new Float64Array(2);
  /** Side whose steps have the key: bits 1 A, 2 B. */
  at = 0;
  /** Something has changed since they were compared. */
  isOpen = false;
  /** Sides (bits) whose place is not known before their next step. */
  placeless = 0;
  /** Per side the greatest key so far: times and numbers of a book do not go back. */
  readonly highest: Float64Array = new Float64Array(4).fill(Number.NEGATIVE_INFINITY);
  readonly kept: Float64Array = new Float64Array(2 * KEPT_FIELDS);
  found: FoundDifference | null = null;
  /** It is known that they differ; nothing of it is looked at any more. */
  isSettled = false;

  constructor(number: number) {
    this.number = number;
  }
}

/** Which book of one side is which book of the other. */
export class Pairs {
  readonly list: Pair[] = [];
  readonly #by: MatchBy;
  readonly #withPublisher: boolean;
  readonly #byKey: Map<string, Pair> = new Map();
  /** Per side: pair by book, −1 = it has no name yet, undefined = not looked at. */
  readonly #ofBook: [(Pair | null)[], (Pair | null)[]] = [[], []];
  /** Per side: channel of the other side by channel. */
  readonly #channels: [number[], number[]] = [[], []];

  /** @param withPublisher both sides are of one feed, so their publishers are the same ones. */
  constructor(by: MatchBy, withPublisher: boolean) {
    this.#by = by;
    this.#withPublisher = withPublisher;
  }

  /** The pair of a book of a side; null while it has no symbol and goes by it. Throws where two books of a side are one. */
  of(side: 0 | 1, book: BookDefinition): Pair | null {
    const known = this.#ofBook[side][book.number];
    if (known !== undefined && known !== null) return known;
    const key = this.#keyOf(book);
    if (key === null) return null;
    // Where channels number their instruments on their own, the first of them is the first on both sides.
    let pair = this.#byKey.get(key);
    for (let twin = 2; pair !== undefined && pair.books[side] !== null; twin += 1) {
      if (this.#by === 'symbol' || !this.#withPublisher) throw ambiguous(side, pair.books[side], book);
      pair = this.#byKey.get(`${key}#${twin}`) ?? this.#make(`${key}#${twin}`);
    }
    pair ??= this.#make(key);
    pair.books[side] = book;
    this.#ofBook[side][book.number] = pair;
    const [a, b] = pair.books;
    if (a !== null && b !== null) {
      this.#channels[0][a.channel] ??= b.channel;
      this.#channels[1][b.channel] ??= a.channel;
    }
    return pair;
  }

  /** The channel of the other side where what comes on `channel` of this one comes there; −1 = not known. */
  otherChannel(side: 0 | 1, channel: number): number {
    return this.#channels[side][channel] ?? -1;
  }

  #make(key: string): Pair {
    const pair = new Pair(this.list.length);
    this.list.push(pair);
    this.#byKey.set(key, pair);
    return pair;
  }

  #keyOf({ symbol, publisher, instrument }: BookDefinition): string | null {
    if (this.#by === 'symbol') return symbol;
    return this.#withPublisher ? `${publisher}/${instrument}` : String(instrument);
  }
}

function ambiguous(side: 0 | 1, one: BookDefinition, other: BookDefinition): MdxError {
  const name = (book: BookDefinition): string =>
    `instrument ${book.instrument} of publisher ${book.publisher}${book.symbol === null ? '' : ` (${book.symbol})`}`;
  return new MdxError(
    'not-comparable',
    `matching the instruments of ${side === 0 ? 'A' : 'B'}: ${name(one)} and ${name(other)} cannot be told apart`,
    { hint: 'Choose one of them with --instrument, or match by the other measure with --by.' },
  );
}
