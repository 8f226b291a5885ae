import { expect, test } from 'vitest';
import { checkInvariants } from '../../../src/core/book/invariants.ts';
import { Market } from '../../../src/core/book/market.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { KIND_ADD, KIND_CLEAR } from '../../../src/core/event/record.ts';
import { batchOf } from '../../world/event-builder.ts';

const BOOKS = 5000;

test('books of other channels, which a market only counts, share one empty ladder', () => {
  const dictionary = new Dictionary();
  for (let book = 0; book < BOOKS; book += 1) {
    dictionary.add({
      source: 'test',
      publisher: 0,
      instrument: BigInt(book),
      channel: book % 2,
      priceScale: 0,
      quantityScale: 0,
      symbol: null,
    });
  }
  const market = new Market(
    {
      idScope: 'source',
      groupScope: 'book',
      modifyUnknown: 'ignore',
      replaceUnknown: 'ignore',
      modifyPriority: 'lost',
    },
    dictionary,
  );
  const add = (book: number, id: bigint, ask: boolean): object => ({ id, ask, book });
  const orders = [add(BOOKS - 1, 1n, false), add(BOOKS - 1, 2n, true), add(7, 3n, false)];
  market.apply(
    batchOf(orders.map((order) => ({ book: 0, kind: KIND_ADD, price: 10n, quantity: 1n, ...order }))),
  );
  expect(market.books).toBe(BOOKS);
  expect(market.levels.inUse).toBe(3);
  expect(new Set(market.levels.ladders).size).toBe(orders.length + 1);
  market.apply(batchOf([{ kind: KIND_CLEAR, book: 8 }]));
  expect(checkInvariants(market)).toEqual([]);
  market.apply(batchOf([{ kind: KIND_CLEAR, book: -1 }]));
  expect(market.levels.inUse).toBe(0);
  expect(checkInvariants(market)).toEqual([]);
});
