import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KIND_ADD, KIND_GAP, KIND_SESSION, NO_BOOK } from '../../../src/core/event/record.ts';
import { FRAME_CONTROL, FRAME_EVENTS } from '../../../src/core/journal/frame.ts';
import { buildIndex } from '../../../src/core/journal/index-builder.ts';
import type { SegmentBytes } from '../../../src/core/journal/segment-bytes.ts';
import {
  isIndexOf,
  NEVER,
  readIndex,
  type SegmentIndex,
  writeIndex,
} from '../../../src/core/journal/segment-index.ts';
import { concat, dictionaryOf, type Event, framesOf } from './streams.ts';

const BOOKS = 4;
const event: fc.Arbitrary<Event> = fc.record({
  channel: fc.integer({ min: 0, max: 2 }),
  kind: fc.constantFrom(KIND_ADD, KIND_ADD, KIND_ADD, KIND_GAP, KIND_SESSION),
  flags: fc.constantFrom(0, 1),
  book: fc.integer({ min: NO_BOOK, max: BOOKS - 1 }),
  sequence: fc.constantFrom(0, 5, 6, 70_000, 2 ** 40),
  // A frame holds times within seconds of its first: several together, and not all of them.
  venue: fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_003_000_000_000n }),
  receive: fc.oneof(
    { weight: 9, arbitrary: fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_003_000_000_000n }) },
    fc.bigInt({ min: 0n, max: 1_700_000_010_000_000_000n }),
  ),
  body: fc.constant([0, 0, 0, 0, 0, 0]),
  second: fc.option(fc.constant([0, 0, 0, 0, 0, 0, 0])),
});

function bytesOf(bytes: Uint8Array): SegmentBytes {
  return {
    bytes: bytes.length,
    read(into, offset) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    close() {},
  };
}

const latest = (times: readonly bigint[]): bigint =>
  times.toSorted((a, b) => (a < b ? -1 : 1)).at(-1) ?? NEVER;

/** What an index has to say, from the events one by one. */
function told(events: readonly Event[]): Partial<SegmentIndex> {
  const sequences = new Map<number, number>();
  const open = new Set<number>();
  let endsInGroup = false;
  for (const { channel, kind, flags, book, sequence } of events) {
    if (sequence > (sequences.get(channel) ?? 0)) sequences.set(channel, sequence);
    if (book === NO_BOOK && kind !== KIND_ADD) open.clear();
    else if (flags === 1) open.delete(book);
    else open.add(book);
    endsInGroup = flags !== 1 && (book !== NO_BOOK || kind === KIND_ADD);
  }
  return {
    latestReceive: latest(events.map(({ receive }) => receive)),
    latestVenue: latest(events.map(({ venue }) => venue)),
    sequences,
    openBooks: open.size,
    endsInGroup,
    firstEvent: 1,
    nextEvent: events.length + 1,
    isClosed: true,
  };
}

it('an index says of a segment what its events say, and is the same through its bytes', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (events, cutEvery) => {
      const bytes = concat(framesOf(events, dictionaryOf(BOOKS), cutEvery));
      const index = buildIndex(bytesOf(bytes));
      expect(index).toMatchObject(told(events));
      expect(index.bytes).toBe(bytes.length);
      const back = readIndex(writeIndex(index));
      expect(back).toEqual(index);
      expect(isIndexOf(back!, bytesOf(bytes))).toBe(true);
    }),
  );
});

const plain = (sequence: number): Event => ({
  channel: 0,
  kind: KIND_ADD,
  flags: 1,
  book: 0,
  sequence,
  venue: 1_700_000_000_000_000_000n + BigInt(sequence),
  receive: 1_700_000_000_000_000_100n + BigInt(sequence),
  body: [0, 0, 0, 0, 0, 0],
  second: null,
});

it('has an entry for a frame of events about every MiB, and what came in front of it', () => {
  const events = Array.from({ length: 80_000 }, (_, at) => plain(at + 1));
  const frames = framesOf(events, dictionaryOf(1));
  const { entries } = buildIndex(bytesOf(concat(frames)));
  expect(entries.length).toBe(3);
  for (const { offset, frame, event: first, latestReceive, latestVenue } of entries) {
    const at = frames.findIndex((_, each) => concat(frames.slice(0, each)).length === offset);
    expect(frame).toBe(at + 1);
    expect([FRAME_EVENTS, FRAME_CONTROL]).toContain(frames[at]![16]);
    const before = events[first - 2];
    expect([latestReceive, latestVenue]).toEqual([before?.receive ?? NEVER, before?.venue ?? NEVER]);
  }
});

it('is of no segment but its own, and of none that goes on', () => {
  const frames = framesOf([plain(1), plain(2)], dictionaryOf(1));
  const index = buildIndex(bytesOf(concat(frames)));
  const other = framesOf([plain(1), plain(3)], dictionaryOf(1));
  expect(isIndexOf(index, bytesOf(concat(other)))).toBe(false);
  expect(isIndexOf(index, bytesOf(concat(frames).subarray(0, -8)))).toBe(false);
  const open = buildIndex(bytesOf(concat(frames.slice(0, -1))));
  expect(isIndexOf(open, bytesOf(concat(frames.slice(0, -1))))).toBe(false);
});

it('every bit that is turned is seen', () => {
  const bytes = writeIndex(buildIndex(bytesOf(concat(framesOf([plain(1)], dictionaryOf(1))))));
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const copy = bytes.slice();
    copy[bit >> 3]! ^= 1 << (bit & 7);
    expect(readIndex(copy)).toBeNull();
  }
  expect(readIndex(bytes.slice(0, -8))).toBeNull();
  expect(readIndex(new Uint8Array(0))).toBeNull();
});
