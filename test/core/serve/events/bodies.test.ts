import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import * as record from '../../../../src/core/event/record.ts';
import { FEEDS } from '../../../../src/core/feeds/registry.ts';
import { Books } from '../../../../src/core/pipeline/books.ts';
import { run } from '../../../../src/core/pipeline/run.ts';
import { WHOLE_RUN } from '../../../../src/core/pipeline/run-defaults.ts';
import { EventHub } from '../../../../src/core/publish/events/event-hub.ts';
import { bitOf } from '../../../../src/core/publish/events/kinds.ts';
import { EventPublisher } from '../../../../src/core/serve/events/event-publisher.ts';
import { DATA, dataPath } from '../../../world/data.ts';
import { batchOf, type EventInput } from '../../../world/event-builder.ts';
import { textsOf, wanting } from './event-log-reader.ts';
import { EventOracle } from './event-oracle.ts';

const KINDS = bitOf('mbo') | bitOf('trade') | bitOf('bbo') | bitOf('depth');
const FEED_NAMES = ['dbn', 'itch-5.0', 'eobi-14.1'];
const NULL_PRICE: bigint = -(1n << 63n);
const SCALES: readonly (readonly [price: number, quantity: number])[] = [
  [2, 0],
  [9, 3],
  [0, 8],
  [12, 1],
];

interface MoreInput extends EventInput {
  /** What only an extended event has. */
  readonly aggressor: number;
  readonly isPrintable: boolean;
  readonly executionPrice: bigint;
  readonly matchId: bigint;
  readonly venueTime: number;
}

const price = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt(-3n, 12n) },
  fc.constantFrom(NULL_PRICE, 1_000_000n, -64_780_000_000n, 1n << 52n, (1n << 62n) + 5n),
);
const quantity = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt(0n, 9n) },
  fc.constantFrom(-4n, 1_000_000_007n, 1n << 51n, 1n << 60n),
);
const id = fc.oneof(
  { weight: 9, arbitrary: fc.bigInt(1n, 8n) },
  fc.constantFrom(0n, 8_058_566_314_544n, (1n << 64n) - 1n),
);
/** Kinds of one book, the frequent ones more than once. */
const kind = fc.constantFrom(1, 1, 1, 1, 2, 2, 3, 4, 5, 5, 6, 6, 7, 8, 9, 10, 12);
const flags = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 255 }))
  .map(([last, others]) => (last > 0 ? record.FLAG_LAST : 0) | (others & 0b1011_1010));
const event: fc.Arbitrary<MoreInput> = fc.record({
  kind,
  book: fc.nat({ max: SCALES.length - 1 }),
  flags,
  ask: fc.boolean(),
  id,
  price,
  quantity,
  related: fc.option(id, { nil: undefined, freq: 2 }),
  aggressor: fc.nat({ max: 3 }),
  isPrintable: fc.boolean(),
  executionPrice: fc.oneof(fc.constant(0n), price),
  matchId: id,
  venueTime: fc.integer({ min: -1000, max: 2_000_000_000 }),
}) as fc.Arbitrary<MoreInput>;

interface Told {
  readonly events: readonly MoreInput[];
  /** Upper halves of the times: also those of the first seconds, which have few digits. */
  readonly venue: number;
  readonly receive: number;
}

const told: fc.Arbitrary<Told> = fc.record({
  events: fc.array(event, { minLength: 1, maxLength: 40 }),
  venue: fc.constantFrom(409_000_000, 409_000_000, 409_000_001, 0, 1),
  receive: fc.constantFrom(409_000_001, 409_000_001, 409_000_002, 1, 0),
});

function batchWith({ events, venue, receive }: Told): ReturnType<typeof batchOf> {
  const batch = batchOf(events);
  const wide = new BigInt64Array(batch.words.buffer);
  batch.venueBaseHigh = venue;
  batch.venueBaseLow = 1000;
  batch.receiveBaseHigh = receive;
  batch.sequenceBase = 77;
  let at = 0;
  for (const each of events) {
    batch.words[at + record.WORD_VENUE_TIME] = each.venueTime;
    batch.words[at + record.WORD_RECEIVE_TIME] = batch.receiveBaseHigh === 0 ? 0 : each.venueTime;
    at += record.RECORD_WORDS;
    if (each.related === undefined) continue;
    const condition = each.isPrintable ? 0 : record.CONDITION_NON_PRINTABLE;
    batch.words[at]! |= (each.aggressor << 8) | (condition << 16);
    wide[(at + record.EXT_WORD_PRICE) / 2] = each.executionPrice;
    wide[(at + record.EXT_WORD_MATCH_ID) / 2] = BigInt.asIntN(64, each.matchId);
    at += record.RECORD_WORDS;
  }
  return batch;
}

test('what is written as bytes is what JSON.stringify says of the same events', () => {
  const property = fc.property(
    fc.constantFrom(...FEED_NAMES),
    fc.array(told, { minLength: 1, maxLength: 4 }),
    (name, batches) => {
      const feed = FEEDS.find((each) => each.name === name)!;
      const hub = new EventHub({
        retainedEvents: 1 << 20,
        retainedBytes: 1 << 20,
        batchMax: 1,
        recentEvents: 1,
      });
      hub.join(wanting(hub, KINDS));
      const publisher = new EventPublisher(hub, 'none');
      const oracle = new EventOracle();
      const dictionary = new Dictionary();
      for (const [number, [priceScale, quantityScale]] of SCALES.entries()) {
        const key = { source: 's', publisher: 1, channel: 0, priceScale, quantityScale };
        dictionary.add({ ...key, instrument: BigInt(number), symbol: `S${number}` });
      }
      const books = new Books(feed.rules, dictionary, null, [publisher, oracle]);
      const facts = { books, epoch: { high: 0, low: 1 }, imageEvent: 0, places: () => [] };
      for (const each of [publisher, oracle]) each.start(feed, { ...facts, timeBase: 'utc', framing: null });
      for (const batch of batches) books.accept(batchWith(batch));
      const ours = textsOf(hub).filter((text) => /"kind":"(mbo|trade|bbo|depth)"/.test(text));
      expect(ours).toEqual(oracle.texts);
    },
  );
  fc.assert(property, { numRuns: 60 });
});

test('the texts of books that come in turns, are many and get names, are their own', () => {
  const hub = new EventHub({
    retainedEvents: 1 << 20,
    retainedBytes: 1 << 22,
    batchMax: 1,
    recentEvents: 1,
  });
  hub.join(wanting(hub, bitOf('mbo')));
  const publisher = new EventPublisher(hub, 'none');
  const feed = FEEDS.find(({ name }) => name === 'dbn')!;
  const dictionary = new Dictionary();
  // More than there are layouts: some books have the same one.
  const count = 4098;
  for (let number = 0; number < count; number += 1) {
    const key = { source: 's', publisher: 1, channel: 0, priceScale: 9, quantityScale: 0 };
    dictionary.add({ ...key, instrument: BigInt(number), symbol: number % 2 === 0 ? null : `S${number}` });
  }
  const books = new Books(feed.rules, dictionary, null, [publisher]);
  publisher.start(feed, {
    books,
    epoch: { high: 0, low: 1 },
    imageEvent: 0,
    places: () => [],
    timeBase: 'utc',
    framing: null,
  });
  let id = 0n;
  const adds = (...numbers: readonly number[]): void => {
    const events = numbers.map((book) => {
      id += 1n;
      return { kind: record.KIND_ADD, flags: record.FLAG_LAST, book, id, price: 1n, quantity: 2n };
    });
    const batch = batchOf(events);
    batch.venueBaseHigh = 409_000_000;
    batch.receiveBaseHigh = 409_000_000;
    books.accept(batch);
  };
  adds(...Array.from({ length: count }, (_, book) => book));
  adds(0, 4096, 1, 4097, 0, 1);
  adds(2);
  dictionary.name(2, 'NAMED');
  adds(0);
  adds(2, 4096, 0);
  const said = textsOf(hub).map((text) => JSON.parse(text) as { instrument: number; symbol?: string });
  const names = said.map(({ instrument, symbol }) => `${instrument} ${symbol ?? ''}`.trim());
  const first = Array.from({ length: count }, (_, book) => (book % 2 === 0 ? `${book}` : `${book} S${book}`));
  expect(names).toEqual([
    ...first,
    ...['0', '4096', '1 S1', '4097 S4097', '0', '1 S1', '2', '0', '2 NAMED', '4096', '0'],
  ]);
});

test.skipIf(DATA === null)('the same of a real session', async () => {
  const hub = new EventHub({
    retainedEvents: 1 << 20,
    retainedBytes: 64 << 20,
    batchMax: 1,
    recentEvents: 1,
  });
  hub.join(wanting(hub, KINDS));
  const oracle = new EventOracle();
  await run({
    ...WHOLE_RUN,
    paths: [dataPath('dbn/CLX5_mbo.dbn')],
    messagesMax: 2000,
    observers: [new EventPublisher(hub, 'none'), oracle],
  });
  const ours = textsOf(hub);
  expect(ours.length).toBeGreaterThan(3000);
  const named = ours.map((text) => text.replace(/"symbol":"[^"]*",/, ''));
  expect(named).toEqual(oracle.texts.map((text) => text.replace(/"symbol":"[^"]*",/, '')));
});
