import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_BEFORE,
  FLAG_BY_KIND,
  FLAG_INFORMS,
  FLAG_KEEP_PRIORITY,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_GAP,
  KIND_LEVEL,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
  KIND_SESSION,
  NO_BOOK,
} from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { FRAME_HEADER_BYTES, FrameWriter } from '../../../src/core/journal/frame.ts';
import type { SourceSum } from '../../../src/core/journal/image-payload.ts';
import { IMAGE_RECORD_WORDS } from '../../../src/core/journal/image-records.ts';
import { sumsOfImage } from '../../../src/core/journal/image-sums.ts';
import { ImageTaker } from '../../../src/core/journal/image-taker.ts';
import { sumsOf, writeImage } from '../../../src/core/journal/image-writer.ts';
import { Books } from '../../../src/core/pipeline/books.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';
import { MARKET_PRICE } from '../../world/reference-book.ts';

const CHANNELS = 2;
const BOOKS = 6;

/** Books whose numbers are not in the order of images; the last two are told while events go on. */
function dictionaryOf(): Dictionary {
  const dictionary = new Dictionary();
  for (let book = 0; book < BOOKS; book += 1) addBook(dictionary, book);
  return dictionary;
}

function addBook(dictionary: Dictionary, book: number): void {
  dictionary.add({
    source: 'test',
    publisher: book % 2,
    instrument: BigInt((7 * (book + 1)) % 5) + (book > 2 ? 1n << 40n : 0n),
    channel: book % CHANNELS,
    priceScale: 0,
    quantityScale: 0,
    symbol: null,
  });
}

/** The records of an image that is taken at once. */
function imageOf(books: Books): number[] {
  const words: number[] = [];
  const frames = new FrameWriter(
    (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      if (view.getUint16(18, true) !== 0) return;
      for (let at = FRAME_HEADER_BYTES; at < bytes.length; at += 4) words.push(view.getInt32(at, true));
    },
    { high: 0, low: 0 },
  );
  writeImage(frames, books.markets, { busCursor: 0, channels: [] });
  return words;
}

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Few ids, so that everything meets, and prices enough that levels come, go and are swept away. */
const anyEvent: fc.Arbitrary<EventInput> = fc
  .record({
    kind: fc.oneof(
      { weight: 12, arbitrary: oneOf(KIND_ADD) },
      { weight: 12, arbitrary: oneOf(KIND_MODIFY, KIND_REPLACE, KIND_REDUCE, KIND_DELETE, KIND_EXECUTE) },
      { weight: 4, arbitrary: oneOf(KIND_LEVEL) },
      { weight: 1, arbitrary: oneOf(KIND_CLEAR, KIND_GAP, KIND_SESSION) },
    ),
    book: fc.integer({ min: 0, max: BOOKS - 1 }),
    ask: fc.boolean(),
    flags: fc
      .array(oneOf(FLAG_KEEP_PRIORITY, FLAG_INFORMS, FLAG_BEFORE, FLAG_BY_KIND), { maxLength: 2 })
      .map((flags) => flags.reduce((all, flag) => all | flag, 0)),
    id: fc.bigInt({ min: 1n, max: 40n }),
    price: fc.oneof(
      { weight: 12, arbitrary: fc.bigInt({ min: -30n, max: 30n }) },
      { weight: 12, arbitrary: fc.bigInt({ min: -1n, max: 1n }) },
      { weight: 1, arbitrary: oneOf(MARKET_PRICE, (1n << 53n) - 1n, -(1n << 53n) + 1n, (1n << 63n) - 1n) },
    ),
    quantity: fc.oneof(
      { weight: 20, arbitrary: fc.bigInt({ min: 0n, max: 5n }) },
      { weight: 1, arbitrary: oneOf(-1n, 1n << 40n, (1n << 53n) - 1n, 1n << 53n) },
    ),
    related: fc.option(fc.bigInt({ min: 1n, max: 40n }), { nil: undefined }),
    unnamed: fc.nat(7).map((draw) => draw === 0),
  })
  .map(({ related, unnamed, ...rest }) => {
    const event = { ...rest };
    if (unnamed && rest.kind !== KIND_ADD && rest.kind !== KIND_LEVEL) event.book = NO_BOOK;
    // Price levels in some books only: once there, they keep orders out.
    if (rest.kind === KIND_LEVEL) event.book = BOOKS - 1;
    return related === undefined || rest.kind === KIND_LEVEL ? event : { ...event, related };
  });

/** A batch of events of one channel, or how far the image is taken between two. */
type Step = { readonly channel: number; readonly events: readonly EventInput[] } | number | 'begin';

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      channel: fc.nat(CHANNELS - 1),
      events: fc.array(anyEvent, { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 6, arbitrary: fc.nat(9) },
  { weight: 1, arbitrary: fc.constant('begin' as const) },
);

const anyRules: fc.Arbitrary<BookRules> = fc.record({
  idScope: oneOf('source', 'book', 'bookSide'),
  groupScope: oneOf('source', 'book'),
  modifyUnknown: oneOf('add', 'ignore'),
  replaceUnknown: oneOf('add', 'ignore'),
  modifyPriority: oneOf('lost', 'keptUnlessBetter'),
});

test('an image taken between events, step by step, and its sums are those taken at once where it began', () => {
  fc.assert(
    fc.property(
      anyRules,
      fc.array(fc.array(anyEvent, { minLength: 1, maxLength: 60 }), { maxLength: 2 }),
      fc.array(anyStep, { maxLength: 40 }),
      (rules, first, steps) => {
        const books = new Books(rules, dictionaryOf(), null, []);
        let taken: number[] = [];
        const accept = (events: readonly EventInput[], channel: number): void => {
          // Where each channel has books of its own, its events are about these.
          const isOwn = rules.idScope === 'source';
          const own = (book: number): number =>
            isOwn && book >= 0 ? book - (book % CHANNELS) + channel : book;
          books.accept(
            batchOf(
              events.map((event) => ({ ...event, book: own(event.book) })),
              channel,
            ),
          );
        };
        const taker = new ImageTaker(books.dictionary, (words, records) => {
          for (let word = 0; word < records * IMAGE_RECORD_WORDS; word += 1) taken.push(words[word]!);
        });
        let wanted: number[] = [];
        let wantedSums: SourceSum[] = [];
        const check = (): void => {
          expect(taken).toEqual(wanted);
          const shape = {
            sources: wantedSums.length,
            perChannel: rules.idScope === 'source',
            hasSideIds: rules.idScope === 'bookSide',
          };
          const records = taken.length / IMAGE_RECORD_WORDS;
          const sums = sumsOfImage(Int32Array.from(taken), records, books.dictionary.books, shape);
          expect(sums).toEqual(wantedSums);
        };
        const begin = (): void => {
          taken = [];
          wanted = imageOf(books);
          wantedSums = sumsOf(books.markets);
          taker.begin(books.markets);
        };
        books.takers.push(taker);
        for (const [channel, events] of first.entries()) accept(events, channel);
        begin();
        for (const step of steps) {
          if (step === 'begin') {
            if (taker.isTaking) continue;
            check();
            begin();
          } else if (typeof step === 'number') taker.slice(step);
          else accept(step.events, step.channel);
        }
        while (!taker.slice(5));
        check();
      },
    ),
    { numRuns: 800 },
  );
});

/** The image that is begun in front of the second batch, and the one taken at once there. */
function imagesAround(
  first: readonly EventInput[],
  second: readonly EventInput[],
): { readonly taken: number[]; readonly wanted: number[] } {
  const rules: BookRules = {
    idScope: 'source',
    groupScope: 'book',
    modifyUnknown: 'add',
    replaceUnknown: 'ignore',
    modifyPriority: 'lost',
  };
  const books = new Books(rules, dictionaryOf(), null, []);
  const taken: number[] = [];
  const taker = new ImageTaker(books.dictionary, (words, records) => {
    taken.push(...words.subarray(0, records * IMAGE_RECORD_WORDS));
  });
  books.takers.push(taker);
  books.accept(batchOf(first));
  const wanted = imageOf(books);
  taker.begin(books.markets);
  books.accept(batchOf(second));
  while (!taker.slice(1));
  return { taken, wanted };
}

function order(kind: number, ask: boolean, id: bigint, price: bigint, book = 0): EventInput {
  return { kind, ask, id, price, book, quantity: 1n };
}

test('an order that came in front in its batch is found where it moves to', () => {
  const { taken, wanted } = imagesAround(
    [order(KIND_ADD, false, 1n, 9n)],
    [order(KIND_ADD, false, 2n, 5n), order(KIND_MODIFY, false, 2n, 9n, NO_BOOK)],
  );
  expect(taken).toEqual(wanted);
});

test('an order that goes, comes back on the other side and moves there is found where it moves to', () => {
  const { taken, wanted } = imagesAround(
    [order(KIND_ADD, false, 1n, 1n), order(KIND_ADD, true, 2n, 9n)],
    [
      order(KIND_DELETE, false, 1n, 1n),
      order(KIND_MODIFY, true, 1n, 5n),
      order(KIND_MODIFY, false, 1n, 9n, NO_BOOK),
    ],
  );
  expect(taken).toEqual(wanted);
});
