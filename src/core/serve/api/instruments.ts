import type { Market } from '../../book/market.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { formatScaledBig } from '../../event/format-text.ts';
import { type InstrumentReport, instrumentReport } from '../../pipeline/report.ts';
import { type AnsweringRoute, type Call, json, type Parameter } from '../http/route.ts';
import { COUNT_OR_NULL, INTEGER, type Schema } from '../http/schema.ts';
import { INSTRUMENT } from './book-schema.ts';
import { type BooksNow, booksNow, INSTRUMENT_LENGTH_MAX, isNamed } from './books.ts';
import type { ApiContext } from './context.ts';

const LIST_DEFAULT = 1000;
const LIST_MAX = 10_000;

const PARAMETERS: readonly Parameter[] = [
  {
    name: 'limit',
    in: 'query',
    type: 'integer',
    minimum: 1,
    maximum: LIST_MAX,
    default: LIST_DEFAULT,
    summary: 'At most so many.',
  },
  {
    name: 'after',
    in: 'query',
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    default: 0,
    summary: '`next` of the answer that this one goes on from.',
  },
  {
    name: 'source',
    in: 'query',
    type: 'text',
    maxLength: INSTRUMENT_LENGTH_MAX,
    summary: 'Only those of this source.',
  },
  { name: 'stale', in: 'query', type: 'flag', summary: 'Only those whose books are stale.' },
];

const ANSWER: Schema = {
  type: 'object',
  of: {
    event: INTEGER,
    known: { type: 'number', about: 'Books in all.' },
    instruments: { type: 'list', of: { type: 'object', of: INSTRUMENT } },
    next: COUNT_OR_NULL,
  },
};

/** `GET /api/v1/instruments`. */
export function instrumentsRoute(context: ApiContext): AnsweringRoute {
  return {
    method: 'GET',
    path: '/api/v1/instruments',
    summary: 'The instruments that have been seen, with the best of their books.',
    access: 'read',
    parameters: PARAMETERS,
    answers: {
      200: { summary: 'In order of first sight; more where `next` is no null.', schema: ANSWER },
      503: { summary: 'There are no books yet.' },
    },
    handle({ values }) {
      const now = booksNow(context);
      return 'refusal' in now ? now.refusal : json(page(now, values));
    },
  };
}

function page({ books, event }: BooksNow, { limit, after, source, stale }: Call['values']): object {
  const list = books.dictionary.books;
  const instruments: object[] = [];
  let at = Number(after);
  for (; at < list.length && instruments.length < Number(limit); at += 1) {
    const definition = list[at]!;
    if (!isNamed(books, definition) || (source !== null && definition.source !== source)) continue;
    const market = books.marketOf(definition.channel);
    if (stale === true && market.stale[definition.number] !== 1) continue;
    instruments.push(instrumentView(market, definition));
  }
  return { event: String(event), known: list.length, instruments, next: at < list.length ? at : null };
}

/** An instrument as in reports, with what only a running engine's users need. */
export function instrumentView(
  market: Market,
  definition: BookDefinition,
): InstrumentReport & { readonly channel: number; readonly tick: string | null } {
  const { channel, tick, priceScale } = definition;
  return {
    ...instrumentReport(market, definition),
    channel,
    tick: tick === null ? null : formatScaledBig(tick, priceScale),
  };
}
