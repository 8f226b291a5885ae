import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventBatch } from '../../../src/core/event/batch.ts';
import {
  FLAG_EXTENDED,
  KIND_ADD,
  KIND_EXTENSION,
  KIND_GAP,
  KIND_SESSION,
  KIND_VENUE,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../../../src/core/event/record.ts';
import { FRAME_CONTROL, FRAME_EVENTS, FRAME_HEADER_BYTES } from '../../../src/core/journal/frame.ts';
import { SegmentWriter } from '../../../src/core/journal/segment-writer.ts';
import { NaiveFrames } from './naive-frames.ts';
import { dictionaryOf, EPOCH } from './streams.ts';

const BOOKS = dictionaryOf(2);

interface Made {
  readonly message: number;
  readonly kind: number;
  readonly book: number;
  readonly venue: number;
  readonly receive: number;
  readonly isExtended: boolean;
}

const made: fc.Arbitrary<Made> = fc.record({
  message: fc.oneof({ weight: 6, arbitrary: fc.nat(3) }, fc.constantFrom(0, 9, 65_535)),
  kind: fc.oneof(
    { weight: 9, arbitrary: fc.constant(KIND_ADD) },
    { weight: 1, arbitrary: fc.integer({ min: KIND_GAP, max: KIND_SESSION }) },
    { weight: 1, arbitrary: fc.constant(KIND_VENUE) },
  ),
  book: fc.constantFrom(0, 1, NO_BOOK),
  venue: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: -1000, max: 1000 }) },
    fc.constantFrom(-(2 ** 31), 2 ** 31 - 1),
  ),
  receive: fc.oneof({ weight: 9, arbitrary: fc.nat(5000) }, fc.constantFrom(0, 2 ** 32 - 1)),
  isExtended: fc.boolean(),
});

const base = fc.oneof(
  { weight: 9, arbitrary: fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_000_000_900_000n }) },
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_009_000_000_000n }),
  fc.constant(0n),
);

const part = fc.record({
  channel: fc.nat(1),
  sequenceBase: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 6 }) },
    fc.constantFrom(0, 60_000, 70_000, 2 ** 53 - 70_000),
  ),
  venue: base,
  receive: base,
  events: fc.array(made, { minLength: 1, maxLength: 30 }),
  /** The events are appended in two calls, the first with as many. */
  split: fc.nat(30),
  isCut: fc.boolean(),
});

function batchOf({ channel, sequenceBase, venue, receive, events }: Parts): EventBatch {
  const batch = new EventBatch(events.length * 2);
  const { words } = batch;
  batch.channel = channel;
  batch.sequenceBase = sequenceBase;
  batch.venueBaseHigh = Number(venue >> 32n);
  batch.venueBaseLow = Number(BigInt.asIntN(32, venue));
  batch.receiveBaseHigh = Number(receive >> 32n);
  batch.receiveBaseLow = Number(BigInt.asIntN(32, receive));
  for (const [index, event] of events.entries()) {
    const at = batch.count * RECORD_WORDS;
    const flags = event.isExtended ? FLAG_EXTENDED : 1;
    words.fill(index + 1, at, at + 2 * RECORD_WORDS);
    words[at] = event.kind | (flags << 8) | (event.message << 16);
    words[at + WORD_BOOK] = event.book;
    words[at + WORD_VENUE_TIME] = event.venue;
    words[at + WORD_RECEIVE_TIME] = event.receive;
    if (event.isExtended) words[at + RECORD_WORDS] = KIND_EXTENSION | (7 << 16);
    batch.count += event.isExtended ? 2 : 1;
  }
  return batch;
}

type Parts = typeof part extends fc.Arbitrary<infer T> ? T : never;

/** A message that only just fits into 16 bits behind its own base, and not behind that of the run it would go on with. */
const BEYOND: readonly Parts[] = [0, 65_535].map((message) => ({
  channel: 0,
  sequenceBase: message === 0 ? 1 : 2,
  venue: 0n,
  receive: 0n,
  events: [{ message, kind: KIND_ADD, book: 0, venue: 0, receive: 0, isExtended: false }],
  split: 0,
  isCut: false,
}));

it('frames are those of a writer that takes events one by one', () => {
  const ends: number[] = [];
  void fc.assert(
    fc.property(
      fc.array(part, { maxLength: 12 }),
      fc.constantFrom(400, 1000, 4096, 65_536),
      (parts, frameBytes) => {
        const naive = new NaiveFrames(frameBytes);
        const frames: Uint8Array[] = [];
        const writer = new SegmentWriter((frame) => frames.push(frame.slice()), EPOCH, frameBytes);
        // Every book is told, so that no frame ends for one.
        writer.tell(BOOKS);
        let events = 0;
        for (const each of parts) {
          const batch = batchOf(each);
          const split = Math.min(each.split, each.events.length);
          const middle = each.events
            .slice(0, split)
            .reduce((sum, { isExtended }) => sum + (isExtended ? 2 : 1), 0);
          for (const [from, to] of [
            [0, middle],
            [middle, batch.count],
          ] as const) {
            writer.append(batch, from, to, BOOKS);
            naive.append(batch, from, to);
          }
          events += each.events.length;
          expect(writer.events).toBe(events);
          expect(writer.nextEvent).toBe(events + 1);
          if (!each.isCut) continue;
          writer.cut();
          naive.cut();
        }
        writer.cut();
        naive.cut();
        const bulk = frames.filter(({ 16: type }) => type === FRAME_EVENTS || type === FRAME_CONTROL);
        expect(
          bulk.map((frame) => ({
            type: frame[16],
            records: new DataView(frame.buffer).getUint32(20, true),
            payload: frame.subarray(FRAME_HEADER_BYTES),
          })),
        ).toEqual(naive.frames);
        for (const { length } of bulk) expect(length).toBeLessThanOrEqual(frameBytes);
        ends.push(bulk.length);
      },
    ),
    { numRuns: 400, examples: [[[...BEYOND], 65_536]] },
  );
  expect(Math.max(...ends)).toBeGreaterThan(20);
});
