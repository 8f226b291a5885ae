import type { BookDefinition } from '../../event/dictionary.ts';
import { formatScaledBig } from '../../event/format-text.ts';
import { depthReport, instrumentReport } from '../../pipeline/report.ts';
import { json, type Route } from '../http/route.ts';
import {
  COUNT,
  COUNT_OR_NULL,
  DECIMAL,
  DECIMAL_OR_NULL,
  FLAG,
  INTEGER,
  type Schema,
  TEXT,
  TEXT_OR_NULL,
} from '../http/schema.ts';
import { BOOK_PARAMETERS, booksNow, findBook, INSTRUMENT_LENGTH_MAX, isNamed } from './books.ts';
import type { ApiContext } from './context.ts';

const DEPTH_DEFAULT = 10;
const DEPTH_MAX = 1000;
const LIST_DEFAULT = 1000;
const LIST_MAX = 10_000;

const LEVEL: Readonly<Record<string, Schema>> = {
  price: DECIMAL_OR_NULL,
  quantity: DECIMAL,
  orders: COUNT,
  market: FLAG,
};

const INSTRUMENT: Readonly<Record<string, Schema>> = {
  source: TEXT,
  publisher: COUNT,
  instrument: INTEGER,
  symbol: TEXT_OR_NULL,
  channel: COUNT,
  priceScale: { type: 'number', about: 'Decimal digits of prices.' },
  quantityScale: COUNT,
  tick: DECIMAL_OR_NULL,
  orders: COUNT,
  stale: {
    type: 'boolean',
    about: 'Numbers of its channel were lost, or an event did not fit: it may be wrong.',
  },
  bid: { type: 'object?', of: LEVEL, optional: ['market'] },
  ask: { type: 'object?', of: LEVEL, optional: ['market'] },
};

const LEVELS: Schema = { type: 'list', of: { type: 'object', of: LEVEL, optional: ['market'] } };

/** `GET /api/v1/instruments` and `GET /api/v1/book/{instrument}`: the books as the client-facing thread has them. */
export function bookRoutes(context: ApiContext): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/instruments',
      summary: 'The instruments that have been seen, with the best of their books.',
      access: 'read',
      parameters: [
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
          default: null,
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
      ],
      answers: {
        200: {
          summary: 'In order of first sight; more where `next` is no null.',
          schema: {
            type: 'object',
            of: {
              event: INTEGER,
              known: COUNT,
              instruments: { type: 'list', of: { type: 'object', of: INSTRUMENT } },
              next: COUNT_OR_NULL,
            },
          },
        },
        503: { summary: 'There are no books yet.' },
      },
      handle({ values }) {
        const now = booksNow(context);
        if ('refusal' in now) return now.refusal;
        const { books, event } = now;
        const list = books.dictionary.books;
        const limit = Number(values['limit']);
        const instruments = [];
        let at = values['after'] === null ? 0 : Number(values['after']);
        for (; at < list.length && instruments.length < limit; at += 1) {
          const definition = list[at]!;
          if (!isNamed(books, definition)) continue;
          if (values['source'] !== null && definition.source !== values['source']) continue;
          const market = books.marketOf(definition.channel);
          if (values['stale'] === true && market.stale[definition.number] !== 1) continue;
          instruments.push({ ...instrumentReport(market, definition), ...more(definition) });
        }
        return json({
          event: String(event),
          known: list.length,
          instruments,
          next: at < list.length ? at : null,
        });
      },
    },
    {
      method: 'GET',
      path: '/api/v1/book/{instrument}',
      summary: 'One book: its best levels on both sides.',
      access: 'read',
      parameters: [
        ...BOOK_PARAMETERS,
        {
          name: 'depth',
          in: 'query',
          type: 'integer',
          minimum: 1,
          maximum: DEPTH_MAX,
          default: DEPTH_DEFAULT,
          summary: 'Levels of each side.',
        },
      ],
      answers: {
        200: {
          summary: 'The book behind event number `event`.',
          schema: {
            type: 'object',
            of: {
              epoch: {
                type: 'string',
                about: 'The history that event numbers are of, 16 hexadecimal digits.',
              },
              event: INTEGER,
              ...INSTRUMENT,
              bidLevels: { type: 'number', about: 'Levels there are in all.' },
              askLevels: COUNT,
              bids: LEVELS,
              asks: LEVELS,
            },
          },
        },
        404: { summary: 'There is no such book.' },
        409: { summary: 'Several books have this name; they are listed.' },
        503: { summary: 'There are no books yet.' },
      },
      handle({ values }) {
        const now = booksNow(context);
        if ('refusal' in now) return now.refusal;
        const found = findBook(now, values);
        if ('refusal' in found) return found.refusal;
        const { market, definition } = found;
        const levels = Number(values['depth']);
        return json({
          epoch: context.serve.status().epoch,
          event: String(now.event),
          ...instrumentReport(market, definition),
          ...more(definition),
          ...depthReport(market, definition, { levels, queues: false }),
        });
      },
    },
  ];
}

function more({ channel, tick, priceScale }: BookDefinition): { channel: number; tick: string | null } {
  return { channel, tick: tick === null ? null : formatScaledBig(tick, priceScale) };
}
