import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine } from '../../../src/core/convert/csv.ts';
import { EventText } from '../../../src/core/convert/event-text.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  CONDITION_NON_PRINTABLE,
  KIND_DEFINITION,
  KIND_GAP,
  KIND_NAMES,
  KIND_STATUS,
  KIND_VENUE,
  NO_BOOK,
  RECORD_WORDS,
} from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import type { Feed } from '../../../src/core/feeds/feed.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { Books, type EventObserver } from '../../../src/core/pipeline/books.ts';
import { type EventRow, EventRows } from '../../../src/core/pipeline/rows/event-rows.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { DATA, dataPath } from '../../world/data.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';
import { PlainEventRows } from '../../world/event-row-oracle.ts';
import { MARKET_PRICE } from '../../world/reference-book.ts';
import { runOptions } from '../../world/run-options.ts';

const HEAD = [
  'channel',
  'sequence',
  'venueTime',
  'receiveTime',
  'source',
  'publisher',
  'instrument',
  'symbol',
];

/** What watches, and what it has written: the writers under test, and the plain rows put into the same forms. */
function watchers(): { readonly observers: EventObserver[]; readonly texts: () => Record<string, string> } {
  const chunks: Record<string, string[]> = { ndjson: [], csv: [] };
  const plain: EventRow[] = [];
  const pretty: EventRow[] = [];
  const ndjson = new EventText((chunk) => chunks['ndjson']!.push(Buffer.from(chunk).toString()), 'ndjson');
  const csv = new EventText((chunk) => chunks['csv']!.push(Buffer.from(chunk).toString()), 'csv');
  const observers = [
    ndjson,
    csv,
    new PlainEventRows((row) => plain.push(row)),
    new EventRows((row) => pretty.push(row)),
  ];
  const columns = (row: EventRow): string[] => Object.keys(row);
  return {
    observers,
    texts: () => {
      ndjson.finish();
      csv.finish();
      const lines = plain.map((row) =>
        csvLine(columns(row).map((name) => (name === 'flags' ? row.flags.join(' ') : row[name as 'kind']))),
      );
      const head = `${[...HEAD, 'kind,flags,side,price,quantity,orderId,relatedId,executionPrice,matchId,aggressor,orders,messageType,state,from,to'].join(',')}\n`;
      return {
        ndjson: chunks['ndjson']!.join(''),
        csv: chunks['csv']!.join(''),
        plainNdjson: plain.map((row) => `${JSON.stringify(row)}\n`).join(''),
        plainCsv: head + lines.join(''),
        objects: pretty.map((row) => `${JSON.stringify(row)}\n`).join(''),
      };
    },
  };
}

function expectSame(texts: Record<string, string>): void {
  // Compared as whether, so that a difference in megabytes does not print them.
  expect(texts['ndjson'] === texts['plainNdjson']).toBe(true);
  expect(texts['csv'] === texts['plainCsv']).toBe(true);
  expect(texts['objects'] === texts['plainNdjson']).toBe(true);
}

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const anyInteger = fc.oneof(
  fc.bigInt(0n, 9n),
  fc.bigInt(-(1n << 63n), (1n << 63n) - 1n),
  fc.constant(MARKET_PRICE),
);

interface Timed {
  readonly event: EventInput;
  readonly sequence: number;
  readonly venue: bigint;
  readonly receive: bigint;
  readonly extra: number;
}

const anyTimed: fc.Arbitrary<Timed> = fc.record({
  event: fc.record(
    {
      kind: fc.integer({ min: 1, max: KIND_NAMES.length - 1 }),
      book: oneOf(0, 0, 1, 2, NO_BOOK),
      ask: fc.boolean(),
      flags: fc.integer({ min: 0, max: 255 }).map((flags) => flags & ~64),
      id: fc.oneof(fc.bigInt(0n, 4n), fc.bigInt(0n, (1n << 64n) - 1n)),
      price: anyInteger,
      quantity: anyInteger,
      related: fc.option(fc.bigInt(0n, 4n), { nil: undefined }),
    },
    { requiredKeys: ['kind', 'book', 'id', 'price', 'quantity'] },
  ) as fc.Arbitrary<EventInput>,
  sequence: oneOf(0, 1, 2 ** 40),
  venue: fc.oneof(fc.bigInt(0n, 1n << 62n), fc.bigInt(-5n, 5n)),
  receive: fc.oneof(fc.constant(0n), fc.bigInt(0n, (1n << 63n) - 1n)),
  extra: fc.integer({ min: 0, max: 3 }),
});

const RULES: BookRules = {
  idScope: 'book',
  groupScope: 'book',
  modifyUnknown: 'add',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

describe('rows of events as text', () => {
  it('are the plain rows byte by byte, whatever the events', () => {
    fc.assert(
      fc.property(fc.array(anyTimed, { maxLength: 30 }), fc.string(), (timed, symbol) => {
        const { observers, texts } = watchers();
        const dictionary = new Dictionary();
        const add = (
          instrument: bigint,
          priceScale: number,
          quantityScale: number,
          name: string | null,
        ): void => {
          dictionary.add({
            source: 'te"st',
            publisher: 3,
            instrument,
            channel: 0,
            priceScale,
            quantityScale,
            symbol: name,
          });
        };
        add((1n << 64n) - 1n, 9, 0, symbol);
        add(7n, 4, 3, null);
        add(8n, 0, 12, 'PLAIN');
        for (const observer of observers)
          observer.start?.({ ...itch, rules: RULES } as Feed, {
            timeBase: 'utc',
            framing: null,
            books: null,
            epoch: { high: 0, low: 0 },
            imageEvent: 0,
            places: () => [],
          });
        const books = new Books(RULES, dictionary, null, observers);
        for (const [index, { event, sequence, venue, receive, extra }] of timed.entries()) {
          // A range of missing numbers is one of numbers that exist.
          const isGap = event.kind === KIND_GAP;
          const batch = batchOf([
            isGap ? { ...event, id: event.id! >> 1n, quantity: BigInt(extra) + 1n } : event,
          ]);
          // Message types that the feed has names for.
          if (event.kind === KIND_STATUS || event.kind === KIND_DEFINITION || event.kind === KIND_VENUE) {
            batch.words[6] = 65 + extra;
          }
          if (batch.count === 2) {
            batch.words[RECORD_WORDS] =
              255 | (extra << 8) | ((extra & 1) !== 0 ? CONDITION_NON_PRINTABLE << 16 : 0);
            batch.words[RECORD_WORDS + 4] = extra;
            batch.words[RECORD_WORDS + 6] = extra;
          }
          batch.sequenceBase = sequence;
          batch.venueBaseHigh = Number(venue >> 32n);
          batch.venueBaseLow = Number(BigInt.asIntN(32, venue));
          batch.receiveBaseHigh = Number(receive >> 32n);
          batch.receiveBaseLow = Number(BigInt.asIntN(32, receive));
          batch.words[8] = receive === 0n ? 0 : -extra;
          batch.words[9] = receive === 0n ? 0 : extra;
          if (index === 10) dictionary.name(1, 'LATER');
          books.accept(batch);
        }
        expectSame(texts());
      }),
      { numRuns: 500 },
    );
  });

  it.skipIf(DATA === null)('are those of a real session', async () => {
    const { observers, texts } = watchers();
    await run(runOptions([dataPath('dbn/CLX5_mbo.dbn')], { observers }));
    const made = texts();
    expect(made['ndjson']!.split('\n')).toHaveLength(38_213);
    expectSame(made);
  });
});
