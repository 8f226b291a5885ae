import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RECORD_KINDS } from '../../../../src/core/feeds/dbn/layout.ts';
import { decodeMetadata, encodeMetadata } from '../../../../src/core/feeds/dbn/metadata.ts';
import { writeRecord } from '../../../../src/core/feeds/dbn/records.ts';
import { anyRecord } from './any-record.ts';
import { concat, type Decoded, decodeStream, headBytes, recordBytes } from './stream.ts';

/** A stream of records of all types; symbols make the head end anywhere. */
interface AnyStream {
  readonly head: Uint8Array;
  readonly records: readonly Uint8Array[];
}

const anyStream: fc.Arbitrary<AnyStream> = fc
  .record({ version: fc.constantFrom(1, 2, 3), symbols: fc.nat(3), schema: fc.constantFrom(2, 3, 0xffff) })
  .chain(({ version, symbols, schema }) =>
    fc.record({
      head: fc.constant(
        encodeMetadata({
          ...decodeMetadata(headBytes(version)),
          schema,
          symbols: Array.from({ length: symbols }, (_, at) => `S${at}`),
        }),
      ),
      records: fc.array(
        fc.oneof(
          { weight: 8, arbitrary: anyKnown(version) },
          { weight: 1, arbitrary: fc.constant(recordBytes(0x99, 24, 7)) },
          { weight: 1, arbitrary: fc.constant(recordBytes(0x0a, 80)) },
        ),
        { maxLength: 12 },
      ),
    }),
  );

function anyKnown(version: number): fc.Arbitrary<Uint8Array> {
  return fc
    .constantFrom(...RECORD_KINDS)
    .chain(({ rtype }) => anyRecord(rtype, version))
    .chain((values) =>
      // Few books, and often a sending time behind the record.
      fc
        .record({ instrument_id: fc.integer({ min: 1, max: 2 }), late: fc.boolean() })
        .map(({ instrument_id, late }) =>
          writeRecord(
            { ...values, publisher_id: 1, instrument_id, ...(late ? { ts_out: 9n } : {}) },
            version,
          ),
        ),
    );
}

const facts = ({ events, counts, byType, dictionary, decoder, answer }: Decoded): unknown => ({
  events,
  byType,
  totals: [...counts.totals],
  problems: [...counts.problems.values()],
  books: dictionary.books,
  times: [decoder.firstTime, decoder.lastTime],
  end: [answer, decoder.problem, decoder.truncated],
});

describe('streams of records of all types', () => {
  test('in pieces of any size and batches of any size they are the same', () => {
    fc.assert(
      fc.property(
        anyStream,
        fc.integer({ min: 1, max: 400 }),
        fc.constantFrom(3, 5, 1024),
        ({ head, records }, chunk, batchRecords) => {
          const bytes = concat(head, ...records);
          const whole = facts(decodeStream(bytes));
          expect(facts(decodeStream(bytes, { chunk, batchRecords }))).toEqual(whole);
          expect(facts(decodeStream(bytes, { chunk: 1 }))).toEqual(whole);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('cut anywhere they give all whole records, and say where they end', () => {
    fc.assert(
      fc.property(anyStream, fc.nat(), ({ head, records }, place) => {
        const bytes = concat(head, ...records);
        const cut = head.length + (place % (bytes.length - head.length + 1));
        const ends = records.map((_, index) => head.length + concat(...records.slice(0, index + 1)).length);
        const wholeRecords = ends.filter((end) => end <= cut).length;
        const end = wholeRecords === 0 ? head.length : ends[wholeRecords - 1]!;
        const { decoder, events, counts } = decodeStream(bytes.subarray(0, cut));
        const expected = decodeStream(bytes.subarray(0, end));
        expect(events).toEqual(expected.events);
        expect([...counts.totals]).toEqual([...expected.counts.totals]);
        expect(decoder.truncated).toBe(cut > end);
        if (cut > end) {
          expect(decoder.problem).toMatch(new RegExp(`cut after ${cut - end} bytes at offset ${end}$`));
        } else expect(decoder.problem).toBeNull();
      }),
      { numRuns: 100 },
    );
  });

  test('without records they have no events', () => {
    for (const version of [1, 2, 3]) {
      const { events, decoder, counts } = decodeStream(headBytes(version));
      expect([events, decoder.problem, decoder.firstTime, counts.messages]).toEqual([[], null, null, 0]);
    }
  });
});
