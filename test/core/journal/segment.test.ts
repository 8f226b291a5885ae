import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { KIND_ADD, KIND_GAP, KIND_SESSION, KIND_VENUE, NO_BOOK } from '../../../src/core/event/record.ts';
import {
  FRAME_ATTRIBUTES,
  FRAME_CLOSE,
  FRAME_CONTROL,
  FRAME_DICTIONARY,
  FRAME_EVENTS,
  FRAME_SEGMENT,
  FRAME_VENUE,
} from '../../../src/core/journal/frame.ts';
import { FRAME_DAMAGED, FRAME_END, FRAME_TRUNCATED } from '../../../src/core/journal/frame-reader.ts';
import { SegmentWriter } from '../../../src/core/journal/segment-writer.ts';
import { batchOf, concat, dictionaryOf, EPOCH, type Event, framesOf, HEAD, readBack } from './streams.ts';

const BOOKS = 7;
const word = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, -1, 1, -(2 ** 31)),
);
const time = fc.oneof(
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_000_500_000_000n }),
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_900_000_000_000n }),
  fc.constantFrom(0n, 1n, (1n << 53n) - 1n),
);
const event: fc.Arbitrary<Event> = fc.record({
  channel: fc.integer({ min: 0, max: 2 }),
  kind: fc.integer({ min: KIND_ADD, max: KIND_VENUE }),
  flags: fc.integer({ min: 0, max: 255 }).map((flags) => flags & ~64),
  book: fc.integer({ min: NO_BOOK, max: BOOKS - 1 }),
  sequence: fc.oneof(
    fc.integer({ min: 1, max: 200 }),
    fc.constantFrom(0, 2 ** 53 - 1, 2 ** 32, 65_536, 131_072),
  ),
  venue: time,
  receive: time,
  body: fc.array(word, { minLength: 6, maxLength: 6 }),
  second: fc.option(fc.array(word, { minLength: 7, maxLength: 7 })),
});

const plain = (sequence: number, book = 0): Event => ({
  channel: 0,
  kind: KIND_ADD,
  flags: 1,
  book,
  sequence,
  venue: 1_700_000_000_000_000_000n + BigInt(sequence),
  receive: 1_700_000_000_000_000_100n + BigInt(sequence),
  body: [sequence, -1, sequence * 3, 0, 7, 0],
  second: null,
});

const typesOf = (frames: readonly Uint8Array[]): number[] => frames.map((frame) => frame[16]!);

describe('events through frames', () => {
  it('are the same, whatever they hold and however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 80 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 2, max: 20 }),
        (events, cutEvery, size, capacity) => {
          const dictionary = dictionaryOf(BOOKS);
          const back = readBack(concat(framesOf(events, dictionary, cutEvery)), size, capacity);
          expect(back.problem).toBeNull();
          expect(back.answer).toBe(FRAME_END);
          expect(back.events).toEqual(events);
          if (events.length > 0) expect(back.dictionary.books).toEqual(dictionary.books);
        },
      ),
    );
  });

  it('fill frames of 64 KiB', () => {
    const frames = framesOf(
      Array.from({ length: 5000 }, (_, at) => plain(at + 1)),
      dictionaryOf(1),
    );
    const events = frames.filter((frame) => frame[16] === FRAME_EVENTS);
    expect(events).toHaveLength(4);
    for (const frame of events) expect(frame.length).toBeLessThanOrEqual(65_536);
    expect(concat(frames).length / 5000).toBeLessThan(40.3);
  });

  it('of a batch of several messages count from one base', () => {
    const batch = new EventBatch(8);
    const { words } = batch;
    batch.sequenceBase = 1000;
    for (let index = 0; index < 8; index += 1) {
      words.set([KIND_ADD | ((index * 2) << 16), 0, index], index * 10);
    }
    batch.count = 8;
    const frames: Uint8Array[] = [];
    const writer = new SegmentWriter((frame) => frames.push(frame.slice()), EPOCH);
    writer.open(HEAD);
    writer.append(batch, 2, 5, dictionaryOf(1));
    writer.close();
    expect(readBack(concat(frames)).events.map(({ sequence, body }) => [sequence, body[0]])).toEqual([
      [1004, 2],
      [1006, 3],
      [1008, 4],
    ]);
  });
});

describe('frames', () => {
  it('tell a book before its events, and again when it has changed', () => {
    const dictionary = dictionaryOf(1);
    const frames: Uint8Array[] = [];
    const writer = new SegmentWriter((frame) => frames.push(frame.slice()), EPOCH);
    const append = (each: Event): void => writer.append(batchOf(each), 0, 1, dictionary);
    writer.open(HEAD);
    append(plain(1));
    append(plain(2));
    dictionary.add({ ...dictionary.books[0]!, instrument: 5n, symbol: null });
    append(plain(3, 1));
    dictionary.name(1, 'LATE');
    append(plain(4, 1));
    dictionary.rehome(1, 2);
    append(plain(5, 1));
    writer.close();
    const [segment, books, events] = [FRAME_SEGMENT, FRAME_DICTIONARY, FRAME_EVENTS];
    expect(typesOf(frames)).toEqual([
      segment,
      books,
      events,
      books,
      events,
      books,
      events,
      books,
      events,
      FRAME_CLOSE,
    ]);
    expect(readBack(concat(frames)).dictionary.books).toEqual(dictionary.books);
  });

  it('of what the transport says stand alone', () => {
    const gap: Event = { ...plain(7), kind: KIND_GAP, book: NO_BOOK };
    const frames = framesOf(
      [plain(1), gap, { ...gap, kind: KIND_SESSION }, plain(8), { ...plain(9), kind: KIND_GAP }],
      dictionaryOf(1),
    );
    expect(typesOf(frames)).toEqual([
      FRAME_SEGMENT,
      FRAME_DICTIONARY,
      FRAME_EVENTS,
      FRAME_CONTROL,
      FRAME_CONTROL,
      FRAME_EVENTS,
      FRAME_CLOSE,
    ]);
  });

  it("tell the place of a message's events that another frame begins with", () => {
    const same = Array.from({ length: 5 }, () => plain(9));
    const frames = framesOf([plain(8), ...same], dictionaryOf(1), 3);
    const places = frames
      .filter((frame) => frame[16] === FRAME_EVENTS)
      .map((frame) => new DataView(frame.buffer, frame.byteOffset + frame.length - 16).getUint16(4, true));
    expect(places).toEqual([0, 2]);
  });

  it('of attributes and of venue messages hold as many entries as there is room for', () => {
    const frames: Uint8Array[] = [];
    const writer = new SegmentWriter((frame) => frames.push(frame.slice()), EPOCH, 64 + 64);
    writer.attributes([
      { handle: 7, bytes: Uint8Array.of(1, 2, 3) },
      { handle: 8, bytes: new Uint8Array(0) },
      { handle: 9, bytes: new Uint8Array(40).fill(9) },
    ]);
    writer.venue([{ event: 2 ** 40 + 1, type: 300, bytes: Uint8Array.of(5, 6, 7, 8, 9) }]);
    expect(frames.map((frame) => [frame[16], frame[20], frame.length - 64])).toEqual([
      [FRAME_ATTRIBUTES, 2, 24],
      [FRAME_ATTRIBUTES, 1, 48],
      [FRAME_VENUE, 1, 24],
    ]);
    const hex = (frame: Uint8Array): string => Buffer.from(frame.subarray(64)).toString('hex');
    expect(hex(frames[0]!)).toBe('07000000' + '03000000' + '0102030000000000' + '08000000' + '00000000');
    expect(hex(frames[2]!)).toBe('0100000000010000' + '2c010000' + '05000000' + '0506070809000000');
    expect(() => writer.attributes([{ handle: 1, bytes: new Uint8Array(57) }])).toThrow(
      /longer than a frame/,
    );
  });

  it('are these bytes', () => {
    const bytes = framesOf([plain(1)], dictionaryOf(1))[2]!;
    expect(Buffer.from(bytes.subarray(0, 64)).toString('hex')).toBe(GOLDEN_HEADER);
    expect(Buffer.from(bytes.subarray(64)).toString('hex')).toBe(
      [
        // Bases, no cursor, one run.
        '01002a36fe9c9717',
        '65002a36fe9c9717',
        '0000000000000000',
        '0100000000000000',
        // The record: add, last, book 0, id, price, quantity, both times on their bases.
        '01010000',
        '00000000',
        '01000000ffffffff',
        '0300000000000000',
        '0700000000000000',
        '0000000000000000',
        // Channel 0, first event of its message, one record, sequence 1.
        '0000000000000100',
        '0100000000000000',
      ].join(''),
    );
  });
});

const GOLDEN_HEADER =
  '4d44584a7a387af45800000031716847040100000100000003000000000000000100000000000000efcdab896745230100000000000000000100000005bad75e';

describe('a stream that is not whole', () => {
  const dictionary = dictionaryOf(3);
  const events = [plain(1), plain(2, 1), { ...plain(3, 2), kind: KIND_GAP, book: NO_BOOK }, plain(9, 2)];
  const frames = framesOf(events, dictionary, 2);
  const bytes = concat(frames);

  it('every bit that is turned is seen, and no event behind it comes out', () => {
    const starts = frames.map((_, index) => concat(frames.slice(0, index)).length);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const copy = bytes.slice();
      copy[bit >> 3]! ^= 1 << (bit & 7);
      const back = readBack(copy);
      if (back.answer !== FRAME_DAMAGED) throw new Error(`bit ${bit}: ${back.answer} ${back.problem}`);
      const frame = starts.findLast((start) => start <= bit >> 3)!;
      if (back.offset !== frame)
        throw new Error(`bit ${bit}: seen at ${back.offset}, is in the frame at ${frame}`);
      expect(events.slice(0, back.events.length)).toEqual(back.events);
    }
  });

  it('every cut is seen', () => {
    for (let length = 1; length < bytes.length; length += 1) {
      const back = readBack(bytes.slice(0, length));
      if (back.answer !== FRAME_TRUNCATED)
        throw new Error(`cut at ${length}: ${back.answer} ${back.problem}`);
      expect(events.slice(0, back.events.length)).toEqual(back.events);
    }
  });

  it('zeros at its end count as absent', () => {
    for (const zeros of [1, 7, 8, 64, 1000]) {
      const back = readBack(concat([bytes, new Uint8Array(zeros)]), 100);
      expect(back).toMatchObject({ answer: FRAME_END, closed: true });
      expect(back.events).toEqual(events);
    }
    expect(readBack(concat([bytes, new Uint8Array(100), Uint8Array.of(1)])).answer).toBe(FRAME_DAMAGED);
  });

  it.each([
    ['a frame is missing', (all: Uint8Array[]) => all.toSpliced(2, 1)],
    ['a frame comes twice', (all: Uint8Array[]) => all.toSpliced(2, 0, all[2]!)],
    ['frames are swapped', (all: Uint8Array[]) => all.toSpliced(2, 2, all[3]!, all[2]!)],
    ['the head is missing', (all: Uint8Array[]) => all.slice(1)],
    ['something follows the end', (all: Uint8Array[]) => [...all, all[2]!]],
    ['another stream is appended', (all: Uint8Array[]) => [...all, ...all]],
    [
      'a frame is of another stream',
      (all: Uint8Array[]) => all.toSpliced(2, 1, framesOf([plain(4), plain(5, 1)], dictionaryOf(3), 2)[2]!),
    ],
  ])('%s', (_, change) => {
    expect(readBack(concat(change([...frames]))).answer).toBe(FRAME_DAMAGED);
  });
});
