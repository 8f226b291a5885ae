import { expect, test } from 'vitest';
import { makeEventStream } from '../../../src/core/bench/event-stream.ts';
import { Market } from '../../../src/core/book/market.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { KIND_LEVEL, NULL_PRICE_HIGH, RECORD_WORDS } from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { IMAGE_RECORD_WORDS, ImageRecords } from '../../../src/core/journal/image-records.ts';
import { sumsOfImage } from '../../../src/core/journal/image-sums.ts';
import { putImage, sumsOf } from '../../../src/core/journal/image-writer.ts';

const { fill, steady } = makeEventStream({ instruments: 6, live: 400, seed: 3, shape: 'touch', events: 900 });

/** Six books of orders, one of price levels and an empty one, on the channels 0 and 1 in turn. */
function dictionary(publisher: number, first: bigint): Dictionary {
  const books = new Dictionary();
  for (let book = 0; book < 8; book += 1) {
    const key = { source: 'x', publisher, instrument: first - BigInt(book), channel: book % 2 };
    books.add({ ...key, priceScale: 4, quantityScale: 0, symbol: null });
  }
  return books;
}

function filled(rules: BookRules, books: Dictionary, source: number | null, levels: boolean): Market {
  const market = new Market(rules, books);
  for (const batch of [...fill, ...steady]) {
    for (let record = 0; record < batch.count; record += 1) {
      const isHere = source === null || batch.words[record * RECORD_WORDS + 1]! % 2 === source;
      if (isHere) market.apply(batch, record, record + 1);
    }
  }
  market.restoreMarks([], [source ?? 0]);
  if (!levels) return market;
  const level = new EventBatch(2);
  level.words.set([KIND_LEVEL, 6, 3, 0, 700, 0, 50, 0]);
  level.words.set([KIND_LEVEL | (1 << 8), 6, 0, 0, 0, NULL_PRICE_HIGH, 9, 0], RECORD_WORDS);
  level.count = 2;
  market.apply(level);
  return market;
}

const RULES: BookRules = {
  idScope: 'book',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

test.each([
  { idScope: 'book', publisher: 0, first: 90n, levels: false },
  { idScope: 'book', publisher: 7, first: 90n, levels: true },
  { idScope: 'bookSide', publisher: 0, first: (1n << 40n) + 5n, levels: false },
  { idScope: 'source', publisher: 0, first: 90n, levels: false },
] as const)('what the records of an image sum up to is what its books do: %o', (given) => {
  const rules = { ...RULES, idScope: given.idScope };
  const perChannel = given.idScope === 'source';
  const books = dictionary(given.publisher, given.first);
  const markets = perChannel
    ? [filled(rules, books, 0, false), filled(rules, books, 1, false), new Market(rules, books)]
    : [filled(rules, books, null, given.levels)];
  const words: number[] = [];
  const sink = (part: Int32Array, records: number): void => {
    words.push(...part.subarray(0, records * IMAGE_RECORD_WORDS));
  };
  putImage(new ImageRecords(new Int32Array(100 * IMAGE_RECORD_WORDS), 100, sink), markets);
  const shape = { sources: markets.length, perChannel, hasSideIds: given.idScope === 'bookSide' };
  const records = words.length / IMAGE_RECORD_WORDS;
  expect(sumsOfImage(Int32Array.from(words), records, books.books, shape)).toEqual(sumsOf(markets));
  expect(records).toBeGreaterThan(300);
});
