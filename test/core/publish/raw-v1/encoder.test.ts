import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Market } from '../../../../src/core/book/market.ts';
import { ordersOf } from '../../../../src/core/book/view.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import { PublicId } from '../../../../src/core/event/public-id.ts';
import * as record from '../../../../src/core/event/record.ts';
import type { BookRules } from '../../../../src/core/event/rules.ts';
import { Books, type EventObserver } from '../../../../src/core/pipeline/books.ts';
import { FrameRun } from '../../../../src/core/publish/bus.ts';
import { BookTable } from '../../../../src/core/publish/raw-v1/book-table.ts';
import { ControlFrames } from '../../../../src/core/publish/raw-v1/control.ts';
import { FramePieces, FrameWriter } from '../../../../src/core/publish/raw-v1/frame-writer.ts';
import type { Image } from '../../../../src/core/publish/raw-v1/image.ts';
import { OrderFrames } from '../../../../src/core/publish/raw-v1/order-frames.ts';
import { RawV1Publisher } from '../../../../src/core/publish/raw-v1/publisher.ts';
import { batchOf, type EventInput } from '../../../world/event-builder.ts';
import { ClientBooks, type Frame, framesOf } from './frames.ts';

const BOOKS = 3;
const RULES: BookRules = {
  idScope: 'source',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

const KEY = { source: 's', publisher: 1, channel: 0, quantityScale: 0, symbol: null };

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

const anyRules: fc.Arbitrary<BookRules> = fc.record({
  idScope: oneOf('source', 'book', 'bookSide'),
  groupScope: oneOf('source', 'book'),
  modifyUnknown: oneOf('add', 'ignore'),
  replaceUnknown: oneOf('add', 'ignore'),
  modifyPriority: oneOf('lost', 'keptUnlessBetter'),
  modifyIsSideless: fc.boolean(),
});

const OF_ORDERS = [
  record.KIND_MODIFY,
  record.KIND_REPLACE,
  record.KIND_REDUCE,
  record.KIND_DELETE,
  record.KIND_EXECUTE,
];

const anyEvent: fc.Arbitrary<EventInput> = fc
  .record({
    kind: fc.oneof(
      { weight: 8, arbitrary: oneOf(record.KIND_ADD) },
      { weight: 8, arbitrary: oneOf(...OF_ORDERS) },
      {
        weight: 2,
        arbitrary: oneOf(record.KIND_CLEAR, record.KIND_TRADE, record.KIND_SESSION, record.KIND_GAP),
      },
      { weight: 1, arbitrary: oneOf(record.KIND_LEVEL, record.KIND_STATUS) },
    ),
    book: fc.integer({ min: 0, max: BOOKS - 1 }),
    ask: fc.boolean(),
    flags: fc
      .array(oneOf(record.FLAG_KEEP_PRIORITY, record.FLAG_INFORMS, record.FLAG_BEFORE, record.FLAG_BY_KIND), {
        maxLength: 2,
      })
      .map((flags) => flags.reduce((all, flag) => all | flag, 0)),
    id: fc.bigInt({ min: 1n, max: 9n }),
    price: fc.oneof(
      { weight: 20, arbitrary: fc.bigInt({ min: -1n, max: 1n }) },
      { weight: 1, arbitrary: oneOf(-(1n << 63n), 1n << 60n) },
    ),
    quantity: fc.oneof(
      { weight: 20, arbitrary: fc.bigInt({ min: 1n, max: 5n }) },
      { weight: 1, arbitrary: oneOf(0n, -1n, (1n << 53n) - 1n, 1n << 60n) },
    ),
    related: fc.option(fc.bigInt({ min: 1n, max: 9n }), { nil: undefined }),
    unnamed: fc.nat(7).map((draw) => draw === 0),
  })
  .map(({ related, unnamed, ...event }) => {
    const isUnnamed = unnamed && (OF_ORDERS.includes(event.kind) || event.kind === record.KIND_CLEAR);
    const isLevel = event.kind === record.KIND_LEVEL;
    const book = isUnnamed ? record.NO_BOOK : isLevel ? BOOKS - 1 : event.book;
    return related === undefined || isLevel ? { ...event, book } : { ...event, book, related };
  });

interface Stage {
  readonly publisher: RawV1Publisher;
  readonly books: Books;
}

function stageOf(
  rules: BookRules,
  price: 'native' | 'e8' = 'native',
  priceScale = 2,
  others: readonly EventObserver[] = [],
): Stage {
  const dictionary = new Dictionary();
  for (let book = 0; book < BOOKS; book += 1) {
    dictionary.add({ ...KEY, instrument: BigInt(1000 + book), priceScale });
  }
  const publisher = new RawV1Publisher({ price, retainedFrames: 100_000, retainedBytes: 1 << 19 });
  const books = new Books(rules, dictionary, null, [publisher, ...others]);
  publisher.start(null, { books, epoch: { high: 1, low: 2 }, imageEvent: 0 });
  return { publisher, books };
}

function published({ publisher }: Stage): Frame[] {
  const run = new FrameRun();
  const frames: Frame[] = [];
  for (let cursor = publisher.bus.oldest; publisher.bus.run(cursor, 1 << 16, run); cursor = run.to) {
    frames.push(...framesOf(run.bytes()));
  }
  return frames;
}

function linesOf(market: Market, shown: (book: number) => boolean = () => true): string[] {
  const lines: string[] = [];
  for (let book = 0; book < market.books; book += 1) {
    const { instrument } = market.dictionary.books[book]!;
    for (const ask of market.bookKind[book] === 0 && shown(book) ? [false, true] : []) {
      for (const { id, price, quantity } of ordersOf(market, book, ask)) {
        const named = market.rules.idScope === 'bookSide' ? publicId(instrument, ask, id) : id;
        lines.push(`${instrument} ${ask ? 'ask' : 'bid'} ${price ?? -(1n << 63n)} #${named} ${quantity}`);
      }
    }
  }
  return lines;
}

function publicId(instrument: bigint, ask: boolean, id: bigint): bigint {
  const made = new PublicId();
  made.hash(instrument, ask, Number(BigInt.asIntN(32, id >> 32n)), Number(BigInt.asIntN(32, id)));
  return (BigInt(made.high >>> 0) << 32n) | BigInt(made.low >>> 0);
}

function encoded(image: Image): Frame[] {
  while (!image.isWhole) image.encode(3);
  return framesOf(Buffer.concat(image.pieces));
}

function imageFrames({ publisher }: Stage): Frame[] {
  return encoded(publisher.image()!);
}

test('frames bear the time of the monotonic clock', () => {
  const writer = new FrameWriter(new FramePieces(64));
  const before = process.hrtime.bigint();
  writer.readTime();
  const after = process.hrtime.bigint();
  const time = (BigInt(writer.timeHigh) << 32n) | BigInt(writer.timeLow >>> 0);
  expect(time >= before && time <= after).toBe(true);
});

test('frames are to the byte what the protocol says', () => {
  const pieces = new FramePieces(1024);
  const writer = new FrameWriter(pieces);
  const table = new BookTable();
  const dictionary = new Dictionary();
  dictionary.add({ ...KEY, instrument: 1001n, priceScale: 8 });
  table.reach(0, dictionary);
  const frames = new OrderFrames(writer, table, 'e8', false);
  const market = new Market(RULES, dictionary);
  market.apply(batchOf([{ kind: record.KIND_ADD, book: 0, id: 42n, price: 10_050_000_000n, quantity: 7n }]));
  writer.timeLow = 123_456_789;
  frames.add(market, market.findOrder(42, 0, 0), 0);
  writer.timeLow = 123_456_790;
  frames.name(market, 0, 0, 42);
  frames.execute(0, 3, 2, 10_050_000_000 | 0, 1, 0, 9);
  const control = new ControlFrames(pieces);
  control.writer.timeLow = 5;
  control.gap(0, 99);
  pieces.finish();
  expect(Buffer.concat(pieces.pieces).toString('hex')).toBe(
    [
      '824a4f4276310100640000000000e9030000000000000100000000000000000000000000000015cd5b07000000001a0000002a00000000000000',
      '80d406570200000007000000000000000000',
      '82514f4276310100670000000000e9030000000000000200000000000000010000000000000016cd5b0700000000210000002a00000000000000',
      '030000000000000080d4065702000000010900000000000000',
      '82404f42763101000200000000000000000000000000000000000000000000000000000000000500000000000000100000000000000000000000',
      '6300000000000000',
    ].join(''),
  );
});

describe('frames of order changes', () => {
  test('lead a client to the books, queue by queue, one for each change that the market counts, whatever the events and rules', () => {
    void fc.assert(
      fc.property(
        anyRules,
        fc.array(anyEvent, { minLength: 1, maxLength: 120, size: 'max' }),
        (rules, events) => {
          const stage = stageOf(rules);
          const market = stage.books.marketOf(0);
          const client = new ClientBooks();
          const sequences = new Map<bigint, bigint>();
          let seen = 0;
          for (const event of events) {
            stage.books.accept(batchOf([event]));
          }
          for (const frame of published(stage)) {
            const sequence = (sequences.get(frame.instrument) ?? 0n) + 1n;
            if (frame.cursor !== BigInt(seen) || frame.sequence !== sequence)
              throw new Error('a number is off');
            sequences.set(frame.instrument, frame.sequence);
            seen += 1;
            client.take(frame);
          }
          expect(seen).toBe(market.changes);
          for (const [instrument, sequence] of sequences) {
            expect(sequence).toBe(BigInt(market.bookChanges[Number(instrument) - 1000]!));
          }
          expect(client.lines()).toEqual(linesOf(market));
        },
      ),
      { numRuns: 120 },
    );
  });

  test('are the same however events come together, and whether somebody else sees each', () => {
    const watch = { before: () => {}, after: () => {} };
    const shown = (frames: readonly Frame[]): string[] =>
      frames.map(({ type, instrument, sequence, payload: { buffer, byteOffset, byteLength } }) =>
        [type, instrument, sequence, Buffer.from(buffer, byteOffset, byteLength).toString('hex')].join(),
      );
    void fc.assert(
      fc.property(
        anyRules,
        fc.array(anyEvent, { minLength: 1, maxLength: 60, size: 'max' }),
        (rules, events) => {
          const [single, together, watched] = [
            stageOf(rules),
            stageOf(rules),
            stageOf(rules, 'native', 2, [watch]),
          ];
          for (const event of events) single.books.accept(batchOf([event]));
          together.books.accept(batchOf(events));
          watched.books.accept(batchOf(events));
          const expected = shown(published(single));
          expect(shown(published(together))).toEqual(expected);
          expect(shown(published(watched))).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('go on from an image at any place as if they had been there from the start, whatever comes while it is encoded', () => {
    void fc.assert(
      fc.property(
        anyRules,
        fc.array(anyEvent, { minLength: 1, maxLength: 60 }),
        fc.array(anyEvent, { minLength: 1, maxLength: 60 }),
        (rules, before, after) => {
          const stage = stageOf(rules);
          for (const event of before) stage.books.accept(batchOf([event]));
          const image = stage.publisher.image()!;
          const expected = linesOf(stage.books.marketOf(0));
          for (const event of after) {
            image.encode(1);
            stage.books.accept(batchOf([event]));
          }
          const client = new ClientBooks();
          for (const frame of encoded(image)) client.take(frame);
          expect(client.lines()).toEqual(expected);
          for (const frame of published(stage).slice(image.cursor)) client.take(frame);
          expect(client.lines()).toEqual(linesOf(stage.books.marketOf(0)));
        },
      ),
      { numRuns: 50 },
    );
  });

  test('of executions take off what the book has lost, and name price, side and match', () => {
    const stage = stageOf(RULES);
    const accept = (event: EventInput): void => stage.books.accept(batchOf([event]));
    accept({ kind: record.KIND_ADD, book: 0, id: 1n, price: 100n, quantity: 5n });
    accept({ kind: record.KIND_EXECUTE, book: 0, id: 1n, quantity: 2n });
    accept({
      kind: record.KIND_EXECUTE,
      book: 0,
      id: 1n,
      quantity: 1n,
      flags: record.FLAG_INFORMS,
      price: 99n,
    });
    accept({ kind: record.KIND_EXECUTE, book: 0, id: 1n, quantity: 9n });
    accept({ kind: record.KIND_TRADE, book: 0, id: 77n, price: 101n, quantity: 4n });
    const executions = published(stage).filter(({ type }) => type === 103);
    expect(
      executions.map(({ payload }) => [
        payload.getBigUint64(0, true),
        payload.getBigUint64(8, true),
        payload.getBigInt64(16, true),
        payload.getUint8(24),
      ]),
    ).toEqual([
      [1n, 2n, 100n, 1],
      [0n, 1n, 99n, 1],
      [1n, 3n, 100n, 1],
      [0n, 4n, 101n, 0],
    ]);
  });

  test('convert prices to e8 exactly, or refuse the book and say so', () => {
    const coarse = stageOf(RULES, 'e8', 2);
    coarse.books.accept(batchOf([{ kind: record.KIND_ADD, book: 0, id: 1n, price: -12_345n, quantity: 5n }]));
    expect(published(coarse)[0]!.payload.getBigInt64(8, true)).toBe(-12_345_000_000n);
    const fine = stageOf(RULES, 'e8', 9);
    const refused: number[] = [];
    fine.publisher.listener = { wake: () => {}, skipped: () => {}, refused: (book) => refused.push(book) };
    const accept = (event: EventInput): void => fine.books.accept(batchOf([event]));
    accept({ kind: record.KIND_ADD, book: 0, id: 1n, price: 120n, quantity: 5n });
    accept({ kind: record.KIND_ADD, book: 1, id: 2n, price: 120n, quantity: 5n });
    accept({ kind: record.KIND_ADD, book: 1, id: 3n, price: 121n, quantity: 5n });
    accept({ kind: record.KIND_MODIFY, book: 1, id: 2n, price: 130n, quantity: 6n });
    expect(refused).toEqual([1]);
    expect(fine.publisher.table.refusals).toBe(1);
    expect(fine.publisher.floor).toBe(3);
    const frames = published(fine);
    expect(frames.map(({ type }) => type)).toEqual([100, 100, 102, 102, 102]);
    expect(frames.map(({ cursor }) => cursor)).toEqual([0n, 1n, 2n, 3n, 4n]);
    expect(frames[2]!.payload.getUint8(16)).toBe(255);
    const headers = imageFrames(fine).filter(({ type }) => type === 104);
    expect(headers.map(({ payload }) => [payload.getUint32(4, true), payload.getUint8(28)])).toEqual([
      [1, 0],
      [0, 2],
      [0, 0],
    ]);
  });

  test('of prices multiply and divide 64-bit integers as long arithmetic does', async () => {
    const { FramePrice } = await import('../../../../src/core/publish/raw-v1/price.ts');
    const price = new FramePrice();
    const anyPrice = fc.bigInt({ min: -(1n << 53n) + 1n, max: (1n << 53n) - 1n });
    void fc.assert(
      fc.property(anyPrice, fc.integer({ min: 0, max: 12 }), (value, scale) => {
        const exact = scale <= 8 ? value * 10n ** BigInt(8 - scale) : value / 10n ** BigInt(scale - 8);
        const isExact = scale <= 8 || value % 10n ** BigInt(scale - 8) === 0n;
        const fits = BigInt.asIntN(64, exact) === exact;
        const high = Number(BigInt.asIntN(32, value >> 32n));
        expect(price.toE8(high, Number(BigInt.asIntN(32, value)), scale)).toBe(isExact && fits);
        if (isExact && fits) {
          expect((BigInt(price.high) << 32n) | BigInt(price.low >>> 0)).toBe(exact);
        }
      }),
    );
  });

  test('begin with the cursor and the sequences that a history has reached', () => {
    const stage = stageOf(RULES);
    const market = stage.books.marketOf(0);
    market.restoreChanges(0, 500);
    market.restoreChanges(1, 20);
    stage.books.accept(batchOf([{ kind: record.KIND_ADD, book: 0, id: 1n, price: 1n, quantity: 5n }]));
    const [frame] = published(stage);
    expect([frame!.cursor, frame!.sequence]).toEqual([520n, 501n]);
  });

  test('name instruments apart that venues number alike', () => {
    const dictionary = new Dictionary();
    const key = { source: 's', instrument: 5n, channel: 0, priceScale: 2, quantityScale: 0, symbol: 'Ä' };
    for (const publisher of [1, 2, 3]) dictionary.add({ ...key, publisher });
    const publisher = new RawV1Publisher({ price: 'native', retainedFrames: 10, retainedBytes: 1 << 20 });
    const books = new Books({ ...RULES, idScope: 'book' }, dictionary, null, [publisher]);
    publisher.start(null, { books, epoch: { high: 1, low: 2 }, imageEvent: 0 });
    for (const book of [0, 1, 2]) {
      books.accept(batchOf([{ kind: record.KIND_ADD, book, id: 1n, price: 1n, quantity: 5n }]));
    }
    const last = (1n << 64n) - 1n;
    const headers = imageFrames({ publisher, books }).filter(({ type }) => type === 104);
    expect(headers.map(({ instrument }) => instrument)).toEqual([5n, last - 1n, last]);
    expect(headers.map(({ payload }) => payload.getBigUint64(16, true))).toEqual([5n, 5n, 5n]);
    expect(headers.map(({ payload }) => payload.getUint16(24, true))).toEqual([1, 3, 2]);
    expect(headers[0]!.payload.getUint8(29)).toBe(2);
  });
});
