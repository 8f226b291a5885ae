import type { Market } from '../../book/market.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { Books } from '../../pipeline/books.ts';
import { type Answer, type Parameter, problem } from '../http/route.ts';
import type { ApiContext } from './context.ts';

/** The books of this thread at one moment. */
export interface BooksNow {
  readonly books: Books;
  readonly feed: Feed;
  readonly event: number;
}

/** Longest symbol or number of an instrument that is looked for. */
export const INSTRUMENT_LENGTH_MAX = 128;

/** Candidates that are listed where a name fits several books. */
const CANDIDATES_MAX = 20;

/** What tells books of one name apart. */
export const BOOK_PARAMETERS: readonly Parameter[] = [
  {
    name: 'instrument',
    in: 'path',
    type: 'text',
    maxLength: INSTRUMENT_LENGTH_MAX,
    summary: "Symbol, or the venue's number of the instrument.",
  },
  {
    name: 'source',
    in: 'query',
    type: 'text',
    maxLength: INSTRUMENT_LENGTH_MAX,
    summary: 'Of the books with this name the one of this source.',
  },
  {
    name: 'publisher',
    in: 'query',
    type: 'integer',
    minimum: 0,
    maximum: 65_535,
    default: null,
    summary: 'Of the books with this name the one of this publisher.',
  },
  {
    name: 'channel',
    in: 'query',
    type: 'integer',
    minimum: 0,
    maximum: 1_000_000,
    default: null,
    summary: 'Of the books with this name the one on this channel.',
  },
];

/** What a book is chosen by. */
export type BookChoice = Readonly<Record<string, string | number | boolean | null>>;

/** The books as they are now, or the answer while there are none. */
export function booksNow(context: ApiContext): BooksNow | { readonly refusal: Answer } {
  const now = context.serve.books();
  if (now !== null) return now;
  return {
    refusal: problem(503, 'no-books', 'there are no books yet: nothing has come that tells the feed', {
      hint: 'GET /ready says what is waited for.',
      headers: { 'retry-after': '1' },
    }),
  };
}

/** A book that an event has named, with the market that it is in. */
export interface BookFound {
  readonly definition: BookDefinition;
  readonly market: Market;
}

/** Finds the one book that is meant: by symbol, else by number; or answers that there is none, or more than one. */
export function findBook({ books }: BooksNow, choice: BookChoice): BookFound | { readonly refusal: Answer } {
  const name = String(choice['instrument']);
  const number = /^\d{1,20}$/.test(name) ? BigInt(name) : null;
  const fit = books.dictionary.books.filter(
    (book) =>
      (choice['source'] === null || book.source === choice['source']) &&
      (choice['publisher'] === null || book.publisher === choice['publisher']) &&
      (choice['channel'] === null || book.channel === choice['channel']) &&
      (book.symbol === name || book.instrument === number),
  );
  const bySymbol = fit.filter(({ symbol }) => symbol === name);
  const found = (bySymbol.length > 0 ? bySymbol : fit).filter((book) => isNamed(books, book));
  if (found.length === 1) return { definition: found[0]!, market: books.marketOf(found[0]!.channel) };
  if (found.length === 0) {
    return {
      refusal: problem(404, 'no-book', `there is no book of ${JSON.stringify(name)}`, {
        hint: 'GET /api/v1/instruments lists them.',
      }),
    };
  }
  const candidates = found
    .slice(0, CANDIDATES_MAX)
    .map(({ source, publisher, channel, instrument, symbol }) => ({
      source,
      publisher,
      channel,
      instrument: String(instrument),
      symbol,
    }));
  const error = {
    code: 'ambiguous',
    message: `${found.length} books have the name ${JSON.stringify(name)}`,
    hint: 'Add source, publisher or channel.',
    candidates,
  };
  return { refusal: { status: 409, body: { json: { error } } } };
}

/** Has an event named the book? Before that it is in no market. */
export function isNamed(books: Books, { number, channel }: BookDefinition): boolean {
  return number < books.marketOf(channel).books;
}
