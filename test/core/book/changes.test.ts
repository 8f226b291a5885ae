import { expect, test } from 'vitest';
import { Market } from '../../../src/core/book/market.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_BEFORE,
  FLAG_INFORMS,
  FLAG_KEEP_PRIORITY,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_LEVEL,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
  KIND_TRADE,
  NO_BOOK,
} from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';

const RULES: BookRules = {
  idScope: 'source',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

/** [what, the event, order changes that it makes in book 0] */
const STEPS: readonly (readonly [string, EventInput, number])[] = [
  ['an order enters', { kind: KIND_ADD, book: 0, id: 1n, price: 10n, quantity: 5n }, 1],
  ['a second one', { kind: KIND_ADD, book: 0, id: 2n, price: 10n, quantity: 5n }, 1],
  ['a third one', { kind: KIND_ADD, book: 0, id: 3n, price: 10n, quantity: 5n }, 1],
  [
    'one in front of two others, which make room',
    { kind: KIND_ADD, book: 0, id: 4n, price: 10n, quantity: 5n, flags: FLAG_BEFORE, related: 2n },
    5,
  ],
  [
    'an id that is live: it leaves and enters',
    { kind: KIND_ADD, book: 0, id: 1n, price: 9n, quantity: 5n },
    2,
  ],
  ['an order without quantity', { kind: KIND_ADD, book: 0, id: 9n, price: 9n }, 0],
  [
    'a change in its place',
    { kind: KIND_MODIFY, book: 0, id: 4n, price: 10n, quantity: 9n, flags: FLAG_KEEP_PRIORITY },
    1,
  ],
  ['a change that loses its place', { kind: KIND_MODIFY, book: 0, id: 4n, price: 10n, quantity: 8n }, 2],
  ['the same at the end of the queue', { kind: KIND_MODIFY, book: 0, id: 4n, price: 10n, quantity: 9n }, 1],
  ['a change of price', { kind: KIND_MODIFY, book: 0, id: 4n, price: 11n, quantity: 9n }, 2],
  ['an order that nobody knows', { kind: KIND_MODIFY, book: 0, id: 77n, price: 11n, quantity: 9n }, 0],
  ['one less', { kind: KIND_REDUCE, book: 0, id: 4n, quantity: 1n }, 1],
  ['an order replaced', { kind: KIND_REPLACE, book: 0, id: 5n, price: 11n, quantity: 3n, related: 4n }, 2],
  ['part of an execution', { kind: KIND_EXECUTE, book: 0, id: 5n, quantity: 1n }, 1],
  ['the rest of it', { kind: KIND_EXECUTE, book: NO_BOOK, id: 5n, quantity: 2n }, 1],
  [
    'a fill that is told only',
    { kind: KIND_EXECUTE, book: NO_BOOK, id: 2n, quantity: 2n, flags: FLAG_INFORMS },
    1,
  ],
  [
    'a fill of an order that nobody knows',
    { kind: KIND_EXECUTE, book: NO_BOOK, id: 78n, quantity: 2n, flags: FLAG_INFORMS },
    0,
  ],
  ['a print', { kind: KIND_TRADE, book: 0, price: 10n, quantity: 1n }, 1],
  ['an order gone', { kind: KIND_DELETE, book: 0, id: 2n }, 1],
  ['an order gone twice', { kind: KIND_DELETE, book: 0, id: 2n }, 0],
  ['all that is left', { kind: KIND_CLEAR, book: 0 }, 2],
  ['a price level', { kind: KIND_LEVEL, book: 1, id: 1n, price: 3n, quantity: 4n }, 0],
];

test('counts each order change and each print, and nothing that changes nothing', () => {
  const dictionary = new Dictionary();
  const market = new Market(RULES, dictionary);
  let sum = 0;
  for (const [what, event, changes] of STEPS) {
    market.apply(batchOf([event]));
    sum += changes;
    expect(market.changes, what).toBe(sum);
    expect(market.bookChanges[0], what).toBe(sum);
  }
});
