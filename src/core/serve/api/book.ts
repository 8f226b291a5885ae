import { depthReport } from '../../pipeline/report.ts';
import { type AnsweringRoute, json } from '../http/route.ts';
import { COUNT, INTEGER, type Schema } from '../http/schema.ts';
import { INSTRUMENT, LEVELS } from './book-schema.ts';
import { BOOK_PARAMETERS, booksNow, findBook } from './books.ts';
import type { ApiContext } from './context.ts';
import { instrumentView } from './instruments.ts';

const DEPTH_DEFAULT = 10;
const DEPTH_MAX = 1000;

const ANSWER: Schema = {
  type: 'object',
  of: {
    epoch: { type: 'string', about: 'The history that event numbers are of, 16 hexadecimal digits.' },
    event: INTEGER,
    ...INSTRUMENT,
    bidLevels: { type: 'number', about: 'Levels there are in all.' },
    askLevels: COUNT,
    bids: LEVELS,
    asks: LEVELS,
  },
};

/** `GET /api/v1/book/{instrument}`. */
export function bookRoute(context: ApiContext): AnsweringRoute {
  return {
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
      200: { summary: 'The book behind event number `event`.', schema: ANSWER },
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
      return json({
        epoch: context.serve.status().epoch,
        event: String(now.event),
        ...instrumentView(market, definition),
        ...depthReport(market, definition, { levels: Number(values['depth']), queues: false }),
      });
    },
  };
}
