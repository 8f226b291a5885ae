import type { Naming } from './naming.ts';

/** Identity and scales of one book; what a `definition` in the stream carries. */
export interface BookDefinition {
  /** Dense number, in order of first sight; index into every per-book array. Never shown to users. */
  readonly number: number;
  /** Where its events come from: the DBN dataset, else the feed's name. */
  readonly source: string;
  readonly publisher: number;
  /** The venue's own number of the instrument, unsigned 64-bit. */
  readonly instrument: bigint;
  /** The channel of its changes. */
  channel: number;
  /** Decimal digits of the price and quantity integers. */
  readonly priceScale: number;
  readonly quantityScale: number;
  /** Smallest price step in price units, null where the feed does not say. */
  readonly tick: bigint | null;
  /** Null until the feed or a naming file tells it. */
  symbol: string | null;
}

export interface BookKey {
  readonly source: string;
  readonly publisher: number;
  readonly instrument: bigint;
  readonly channel: number;
  readonly priceScale: number;
  readonly quantityScale: number;
  readonly symbol: string | null;
  /** Left out by feeds that do not say. */
  readonly tick?: bigint | null;
}

/** Most books one dictionary numbers: a hostile feed must not be able to fill memory with names. */
export const BOOKS_MAX: number = 1 << 20;

/**
 * The dictionary of books: venue keys → dense book numbers, in order of first sight.
 *
 * Decoders keep their own fast table (locate, instrument id → number) and come here only at first sight.
 */
export class Dictionary {
  readonly books: BookDefinition[] = [];
  /** Is told when a message gives a book another symbol than it has, which changes nothing. */
  onOtherName: (book: BookDefinition, symbol: string) => void = () => {};
  /** How often a book has changed its channel. */
  rehomed = 0;
  /** How often a book that was known already got its symbol. */
  #named = 0;
  readonly #naming: Naming | null;
  readonly #numbers: Map<string, number> = new Map();
  /** Numbers by key without the channel; null: a book is another one on each channel. */
  #anywhere: Map<string, number> | null = null;

  constructor(naming: Naming | null = null) {
    this.#naming = naming;
  }

  /** Moves whenever a book is not what it was when it was added. */
  get changes(): number {
    return this.rehomed + this.#named;
  }

  /** The number of a book: a new one for a new key, −1 (NO_BOOK) when BOOKS_MAX is reached. */
  add(key: BookKey): number {
    const text = `${key.source}\n${key.channel}\n${key.publisher}\n${key.instrument}`;
    const known = this.#numbers.get(text) ?? this.#anywhere?.get(placeless(key));
    if (known !== undefined) return known;
    const number = this.books.length;
    if (number >= BOOKS_MAX) return -1;
    this.#numbers.set(text, number);
    const named = this.#naming?.byInstrument.get(key.instrument);
    this.books.push({
      number,
      source: key.source,
      publisher: key.publisher,
      instrument: key.instrument,
      channel: key.channel,
      priceScale: named?.priceScale ?? key.priceScale,
      quantityScale: named?.quantityScale ?? key.quantityScale,
      tick: named?.tick ?? key.tick ?? null,
      symbol: named?.symbol ?? key.symbol,
    });
    return number;
  }

  /** A book that is known is the same on whatever channel it is seen next. */
  joinChannels(): void {
    this.#anywhere = new Map(this.books.map((book) => [placeless(book), book.number]));
  }

  /** The changes of a book come on another channel than the one it was first seen on. */
  rehome(number: number, channel: number): void {
    const book = this.books[number];
    if (book === undefined || book.channel === channel) return;
    book.channel = channel;
    this.rehomed += 1;
  }

  /** Gives a book its symbol, unless a naming file or an earlier message has. */
  name(number: number, symbol: string): void {
    const book = this.books[number];
    if (book === undefined) return;
    if (book.symbol !== null) {
      if (book.symbol !== symbol) this.onOtherName(book, symbol);
      return;
    }
    book.symbol = symbol;
    this.#named += 1;
  }
}

function placeless({ source, publisher, instrument }: BookKey): string {
  return `${source}\n${publisher}\n${instrument}`;
}
