import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KIND_ADD } from '../../../src/core/event/record.ts';
import { type DurableRecord, NOTHING_DURABLE } from '../../../src/core/journal/directory.ts';
import { type Epoch, FIRST_PLACE } from '../../../src/core/journal/frame.ts';
import { writeImage } from '../../../src/core/journal/image-writer.ts';
import type { SegmentBytes } from '../../../src/core/journal/segment-bytes.ts';
import {
  type SegmentScan,
  scanSegment,
  type TailVerdict,
  tailVerdict,
} from '../../../src/core/journal/segment-scan.ts';
import { SegmentWriter } from '../../../src/core/journal/segment-writer.ts';
import { batchOf, concat, dictionaryOf, EPOCH, type Event, HEAD } from './streams.ts';

const EVENTS = 6;

function event(sequence: number, second: readonly number[] | null): Event {
  const body = [sequence, 0, 100, 0, 5, 0];
  return { channel: 0, kind: KIND_ADD, flags: 1, book: 0, sequence, venue: 5n, receive: 6n, body, second };
}

/** Frames of a segment with an image and a frame per event, every other event extended. */
function framesOf(isClosed: boolean, epoch: Epoch = EPOCH): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const writer = new SegmentWriter((frame) => frames.push(frame.slice()), epoch);
  writer.open(HEAD);
  writeImage(writer.frames, [], { busCursor: 0, channels: [] });
  for (let sequence = 1; sequence <= EVENTS; sequence += 1) {
    const batch = batchOf(event(sequence, sequence % 2 === 0 ? [0, 1, 0, 2, 0, 3, 0] : null));
    writer.append(batch, 0, batch.count, dictionaryOf(1));
    writer.cut();
  }
  if (isClosed) writer.close();
  return frames;
}

function scan(bytes: Uint8Array) {
  return scanSegment(bytesOf(bytes));
}

function bytesOf(bytes: Uint8Array): SegmentBytes {
  return {
    bytes: bytes.length,
    read(into, offset) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    close: () => undefined,
  };
}

/** Bytes without the zeros at the end, which count as absent. */
function present(bytes: Uint8Array): number {
  return bytes.findLastIndex((byte) => byte !== 0) + 1;
}

function durableAt(frames: readonly Uint8Array[], frame: number, event: number): DurableRecord {
  const offset = concat(frames.slice(0, frame)).length;
  return { event, frame, offset, segment: 1, epoch: EPOCH, failed: false, wallTime: 0n };
}

/** Frame numbers: 1 segment, 2 and 3 image, 4 dictionary, 5 … 10 events, 11 close. */
const OPEN = framesOf(false);
const CLOSED = framesOf(true);

describe('a segment that is whole', () => {
  test('tells where the next frame and the next event go on', () => {
    const found = scan(concat(CLOSED));
    expect(found).toMatchObject({
      head: HEAD,
      segment: FIRST_PLACE.segment,
      epoch: EPOCH,
      firstFrame: 1,
      firstEvent: 1,
      lastFrame: CLOSED.length,
      nextEvent: EVENTS + 1,
      hasImage: true,
      isClosed: true,
      bad: null,
      behind: 0,
      end: concat(CLOSED).length,
    });
    expect(verdictOf(found, 1, durableAt(CLOSED, CLOSED.length, EVENTS))).toEqual({ verdict: 'whole' });
  });

  test('zeros behind its last frame are absent', () => {
    const found = scan(concat([...OPEN, new Uint8Array(4096)]));
    expect(found).toMatchObject({ bad: null, isClosed: false, behind: 0, end: concat(OPEN).length });
    expect(verdictOf(found, 1, null)).toEqual({ verdict: 'whole' });
  });
});

describe('where a segment ends', () => {
  const start = (frame: number): number => concat(OPEN.slice(0, frame - 1)).length;

  test('inside its last frame it is torn there', () => {
    const whole = concat(OPEN);
    const last = start(OPEN.length);
    for (let length = last + 1; length < whole.length; length += 1) {
      const found = scan(whole.slice(0, length));
      expect(found).toMatchObject({ end: last, nextEvent: EVENTS, bad: { offset: last } });
      const bytes = present(whole.slice(0, length)) - last;
      expect(verdictOf(found, 1, null)).toEqual({ verdict: 'torn', offset: last, bytes });
    }
  });

  test('inside what was durable it is damaged, by the record as by the header of a frame', () => {
    const cut = concat(OPEN).slice(0, -8);
    expect(verdictOf(scan(cut), 1, durableAt(OPEN, 9, 5)).verdict).toBe('torn');
    expect(verdictOf(scan(cut), 1, durableAt(OPEN, 10, 6)).verdict).toBe('damaged');
    expect(verdictOf(scan(concat(OPEN.slice(0, 9))), 1, durableAt(OPEN, 10, 6)).verdict).toBe('damaged');
    expect(verdictOf(scan(concat(OPEN)), 1, { ...durableAt(OPEN, 10, 6), segment: 2 }).verdict).toBe(
      'damaged',
    );
  });

  test('inside its image nothing of it counts', () => {
    const opening = concat(OPEN.slice(0, 3));
    for (const length of [0, 3, 64, start(2) + 5, start(3), start(3) + 8, opening.length - 1]) {
      const found = scan(opening.slice(0, length));
      const { bad, end } = found;
      const bytes = bad === null ? end : present(opening.slice(0, length));
      expect(verdictOf(found, 1, null)).toEqual({ verdict: 'torn', offset: 0, bytes });
      expect(verdictOf(found, 1, durableAt(OPEN, 1, 0)).verdict).toBe('damaged');
    }
  });

  test('in front of frames that are good it is damaged, unless it is known that nobody had synced it', () => {
    const frames = [...OPEN];
    frames[6] = frames[6]!.map((byte, at) => (at === 70 ? byte ^ 1 : byte));
    const found = scan(concat(frames));
    const torn = { verdict: 'torn', offset: start(7), bytes: present(concat(frames)) - start(7) };
    expect(verdictOf(found, 1, durableAt(OPEN, 6, 2))).toEqual(torn);
    expect(verdictOf(found, 1, NOTHING_DURABLE)).toEqual(torn);
    expect(verdictOf({ ...found, durableEvent: 2 }, 1, null)).toEqual(torn);
    expect(verdictOf({ ...found, durableEvent: 3 }, 1, null).verdict).toBe('damaged');
    expect(verdictOf(found, 1, durableAt(OPEN, 7, 3)).verdict).toBe('damaged');
    expect(verdictOf({ ...found, isClosed: true }, 1, durableAt(OPEN, 6, 2)).verdict).toBe('damaged');
    expect(found).toMatchObject({ bad: { offset: start(7), kind: 'sum' }, isFollowed: true, lastFrame: 6 });
    // While the machine that wrote it is up, what was written later is there later.
    const here = { ...found, head: { ...HEAD, bootId: 'aa' } };
    expect(tailVerdict(here, 1, durableAt(OPEN, 6, 2), 'bb')).toEqual(torn);
    expect(tailVerdict(here, 1, durableAt(OPEN, 6, 2), 'aa').verdict).toBe('damaged');
    expect(tailVerdict(here, 1, { ...durableAt(OPEN, 6, 2), failed: true }, 'aa')).toEqual(torn);
    expect(tailVerdict({ ...here, isFollowed: false }, 1, durableAt(OPEN, 6, 2), 'aa')).toEqual(torn);
    expect(verdictOf(found, 1, null)).toMatchObject({ verdict: 'damaged', bad: { offset: start(7) } });
  });

  test('behind its close nothing may stand', () => {
    const found = scan(concat([...CLOSED, Uint8Array.of(1)]));
    expect(verdictOf(found, 1, null)).toMatchObject({
      verdict: 'damaged',
      bad: { offset: concat(CLOSED).length, kind: 'cut' },
    });
  });
});

describe('frames that do not follow', () => {
  const start = (frame: number): number => concat(OPEN.slice(0, frame - 1)).length;

  test.each([
    ['one is left out', [1, 2, 3, 4, 5, 7, 8], 'order', start(6)],
    ['one stands twice', [1, 2, 3, 4, 5, 5, 6], 'order', start(6)],
    ['two are swapped', [1, 2, 3, 4, 6, 5, 7], 'order', start(5)],
    ['the first is missing', [2, 3, 4, 5], 'order', 0],
  ])('%s', (_, order, kind, offset) => {
    const found = scan(concat(order.map((number) => OPEN[number - 1]!)));
    expect(found.bad).toMatchObject({ kind, offset });
    expect(verdictOf(found, 1, null).verdict).toBe('damaged');
  });

  test('one is of another epoch', () => {
    const other = framesOf(false, { high: 1, low: 2 });
    const found = scan(concat([...OPEN.slice(0, 9), other[9]!]));
    expect(found.bad).toMatchObject({ kind: 'epoch', offset: start(10) });
    expect(verdictOf(found, 1, null).verdict).toBe('damaged');
  });
});

test('whatever the bytes are, the scan ends, and its prefix is one of what was written', () => {
  const whole = concat(CLOSED);
  const ends = CLOSED.map((_, index) => concat(CLOSED.slice(0, index + 1)).length);
  void fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.nat(whole.length),
      (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        const first = bytes.findIndex((byte, at) => byte !== whole[at]);
        const intact = first < 0 ? length : first;
        const found = scan(bytes);
        expect(found.end).toBe(Math.max(0, ...ends.filter((end) => end <= intact)));
      },
    ),
    { numRuns: 300 },
  );
});

/** The verdict where nothing is known of the machine. */
function verdictOf(found: SegmentScan, number: number, durable: DurableRecord | null): TailVerdict {
  return tailVerdict(found, number, durable, '');
}
