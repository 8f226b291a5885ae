import {
  COUNT,
  DECIMAL,
  DECIMAL_OR_NULL,
  FLAG,
  INTEGER,
  type Schema,
  TEXT,
  TEXT_OR_NULL,
} from '../http/schema.ts';

const LEVEL: Readonly<Record<string, Schema>> = {
  price: DECIMAL_OR_NULL,
  quantity: DECIMAL,
  orders: COUNT,
  market: FLAG,
};

export const LEVELS: Schema = { type: 'list', of: { type: 'object', of: LEVEL, optional: ['market'] } };

/** One instrument with the best of its book. */
export const INSTRUMENT: Readonly<Record<string, Schema>> = {
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
