import { describe, expect, test } from 'vitest';
import { crc32c } from '../../../src/core/binary/crc32c.ts';
import { segmentName } from '../../../src/core/journal/directory.ts';
import { FRAME_HEADER_BYTES } from '../../../src/core/journal/frame.ts';
import type { VerifyReport } from '../../../src/core/journal/verify-report.ts';
import {
  type Files,
  type KnownSegments,
  type VerifyFilesOptions,
  verifyFiles,
} from '../../world/verify-files.ts';
import {
  durableOf,
  type WrittenFrame,
  type WrittenSegment,
  wholeJournal,
} from '../../world/whole-journal.ts';

/*
 * What the verdict has to be is read from the description of the format here, frame by frame as they were written, and not
 * from what verifies: a frame is bad if a sum fails or it passes the end; torn, if it is in the last segment, that has no close
 * frame, and it is not below the durable position; damaged otherwise.
 */

const known: KnownSegments = new WeakMap();
const report = (files: Files, options: Omit<VerifyFilesOptions, 'known'> = {}): VerifyReport =>
  verifyFiles(files, { ...options, known });

const filesOf = (segments: readonly WrittenSegment[]): Files =>
  segments.map(({ name, bytes }) => [name, bytes]);

/** The files with other bytes under the name of a segment. */
function withBytes(segments: readonly WrittenSegment[], name: string, bytes: Uint8Array): Files {
  return segments.map((segment) => [segment.name, segment.name === name ? bytes : segment.bytes]);
}

/** What tests compare: the verdict, where the first bad place is, what is torn. */
function verdict({ verdict, damage, tornTail }: VerifyReport) {
  const first = damage[0];
  return {
    verdict,
    first: first === undefined ? null : `${first.segment}:${first.offset}`,
    torn: tornTail === null ? null : `${tornTail.segment}:${tornTail.offset}+${tornTail.bytes}`,
  };
}

const PASS = { verdict: 'pass', first: null, torn: null };
const damagedAt = (segment: number, offset: number) => ({
  verdict: 'damaged',
  first: `${segment}:${offset}`,
  torn: null,
});
const tornAt = (segment: number, offset: number, bytes: Uint8Array) => ({
  verdict: 'torn',
  first: null,
  torn: `${segment}:${offset}+${bytes.findLastIndex((byte) => byte !== 0) + 1 - offset}`,
});

const CLOSED = wholeJournal();
const OPEN = wholeJournal({ leavesOpen: true });
/** Nothing in it says what was durable. */
const SILENT = wholeJournal({ leavesOpen: true, segments: 1, saysDurable: false });
const lastOf = <T>(list: readonly T[]): T => list.at(-1)!;
const frameAt = ({ frames }: WrittenSegment, offset: number): WrittenFrame =>
  frames.findLast((frame) => frame.offset <= offset)!;
const concat = (frames: readonly WrittenFrame[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(frames.map(({ bytes }) => bytes)));

/** A frame with the sums that its bytes have. */
function sealed(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer);
  view.setInt32(12, crc32c(view, FRAME_HEADER_BYTES, bytes.length - FRAME_HEADER_BYTES), true);
  view.setInt32(4, crc32c(view, 8, FRAME_HEADER_BYTES - 8), true);
  return bytes;
}

/** Up to its image a segment is nothing; index of the last frame of the image. */
const imageEnd = ({ frames }: WrittenSegment): number => frames.findLastIndex(({ bytes }) => bytes[16] === 3);

test('the journals have frames of all types, and pass', () => {
  for (const journal of [CLOSED, OPEN, SILENT]) {
    const types = new Set(journal.flatMap(({ frames }) => frames.map(({ bytes }) => bytes[16])));
    expect([...types].sort((a, b) => a! - b!)).toEqual(
      journal === SILENT ? [1, 2, 3, 4, 5, 6, 7, 8] : [1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    const last = lastOf(journal);
    expect(verdict(report(filesOf(journal)))).toEqual(PASS);
    const found = report([...filesOf(journal), durableOf(last, lastOf(last.frames))]);
    expect(verdict(found)).toEqual(PASS);
    expect(found.checks.failed).toBe(0);
    expect(found.finalHash).toBe(`0x${last.sums[0]!.hash.toString(16).padStart(16, '0')}`);
    expect(found.checks.notPossible.map(({ check }) => check)).toEqual(journal === CLOSED ? [] : ['close']);
    expect(found.checks.byName).toEqual({
      frames: journal.length,
      image: journal.length,
      checkpoint: journal === CLOSED ? 2 * journal.length : 2 * journal.length - 1,
      ...(journal === SILENT ? {} : { close: journal === CLOSED ? 3 : 2, chain: 2, continuity: 2 }),
      durable: 1,
    });
  }
});

describe('every bit', () => {
  /** Books take most of the time: of so many flips one is verified with them. With EVERY_BIT=1 all are. */
  const WITH_BOOKS = process.env['EVERY_BIT'] === '1' ? 1 : 251;

  /** Flips every bit of a segment, and compares the verdict with the one that its frame should have. */
  function flipAll(
    journal: readonly WrittenSegment[],
    segment: WrittenSegment,
    others: Files,
    expected: (frame: WrittenFrame, bytes: Uint8Array) => object,
  ): void {
    const bytes = Uint8Array.from(segment.bytes);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const at = bit >> 3;
      bytes[at]! ^= 1 << (bit & 7);
      known.delete(bytes);
      const files = [...withBytes(journal, segment.name, bytes), ...others];
      const found = verdict(report(files, { hasBooks: bit % WITH_BOOKS === 0 }));
      const wanted = expected(frameAt(segment, at), bytes);
      if (JSON.stringify(found) !== JSON.stringify(wanted))
        expect({ bit, ...found }).toEqual({ bit, ...wanted });
      bytes[at]! ^= 1 << (bit & 7);
    }
  }

  test('of a segment that has a successor: damaged at its frame', () => {
    const segment = CLOSED[1]!;
    flipAll(CLOSED, segment, [], ({ offset }) => damagedAt(2, offset));
  });

  test('of the last segment, closed: damaged at its frame', () => {
    const segment = lastOf(CLOSED);
    const close = lastOf(segment.frames);
    flipAll(CLOSED, segment, [durableOf(segment, close)], ({ offset }) => damagedAt(3, offset));
  });

  test('of the last segment, open: torn behind what was durable, damaged in front of it', () => {
    const segment = lastOf(OPEN);
    const durable = segment.frames[imageEnd(segment) + 2]!;
    flipAll(OPEN, segment, [durableOf(segment, durable)], ({ offset, number }, bytes) =>
      number <= durable.number ? damagedAt(3, offset) : tornAt(3, offset, bytes),
    );
  });

  test('of a segment where nothing says what was durable: torn in the last frame, or in front of no other', () => {
    const [segment] = SILENT;
    const { frames } = segment!;
    flipAll(SILENT, segment!, [], (frame, bytes) =>
      frame === lastOf(frames) ? tornAt(1, frame.offset, bytes) : damagedAt(1, frame.offset),
    );
  });

  test('of the durable record: nothing else is known to be wrong, and it is said', () => {
    const last = lastOf(CLOSED);
    const [name, bytes] = durableOf(last, lastOf(last.frames));
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const found = report([...filesOf(CLOSED), [name, flipped]]);
      expect(verdict(found)).toEqual(PASS);
      expect(found.checks.notPossible).toEqual([{ check: 'durable', why: 'the durable record is garbled' }]);
    }
  });
});

describe('every length', () => {
  /** Cuts the last segment off at every byte, and compares. */
  function cutAll(
    journal: readonly WrittenSegment[],
    others: Files,
    expected: (length: number, bytes: Uint8Array) => object,
  ): void {
    const segment = lastOf(journal);
    for (let length = 0; length < segment.bytes.length; length += 1) {
      const bytes = segment.bytes.slice(0, length);
      const found = verdict(
        report([...withBytes(journal, segment.name, bytes), ...others], { hasBooks: false }),
      );
      const wanted = expected(length, bytes);
      if (JSON.stringify(found) !== JSON.stringify(wanted))
        expect({ length, ...found }).toEqual({ length, ...wanted });
    }
  }

  /** Where nothing was promised: torn from the frame that is cut, from the beginning where the image is. */
  function unpromised(segment: WrittenSegment, length: number, bytes: Uint8Array): object {
    const { frames, number } = segment;
    const cut = frameAt(segment, length);
    const isInImage = length < frames[imageEnd(segment) + 1]!.offset;
    if (cut.offset === length && !isInImage) return PASS;
    if (!isInImage) return tornAt(number, cut.offset, bytes);
    return cut.offset === length
      ? { ...PASS, verdict: 'torn', torn: `${number}:0+${length}` }
      : tornAt(number, 0, bytes);
  }

  test('of a segment that was being written, where nothing is promised', () => {
    for (const journal of [CLOSED, OPEN])
      cutAll(journal, [], (length, bytes) => unpromised(lastOf(journal), length, bytes));
  });

  test('of a segment of which a part was promised: in front of its end it is damaged where it ends', () => {
    const segment = lastOf(OPEN);
    const durable = segment.frames[imageEnd(segment) + 2]!;
    const end = durable.offset + durable.bytes.length;
    cutAll(OPEN, [durableOf(segment, durable)], (length, bytes) =>
      length >= end ? unpromised(segment, length, bytes) : damagedAt(3, frameAt(segment, length).offset),
    );
  });

  test('of a segment that was closed, and promised to its end', () => {
    const segment = lastOf(CLOSED);
    cutAll(CLOSED, [durableOf(segment, lastOf(segment.frames))], (length) =>
      damagedAt(3, frameAt(segment, length).offset),
    );
  });

  test('of a segment in front of the last one', () => {
    const segment = CLOSED[1]!;
    for (let length = 0; length < segment.bytes.length; length += 1) {
      const found = report(withBytes(CLOSED, segment.name, segment.bytes.slice(0, length)), {
        hasBooks: false,
      });
      expect([length, found.verdict, found.damage[0]!.segment, found.damage[0]!.offset]).toEqual([
        length,
        'damaged',
        2,
        String(frameAt(segment, length).offset),
      ]);
    }
  });

  test('zeros behind it change nothing', () => {
    const segment = lastOf(OPEN);
    const bytes = Uint8Array.from([...segment.bytes, ...new Uint8Array(4096)]);
    expect(verdict(report(withBytes(OPEN, segment.name, bytes)))).toEqual(PASS);
    const torn = Uint8Array.from(bytes).fill(0, segment.bytes.length - 30);
    const { offset } = lastOf(segment.frames);
    expect(verdict(report(withBytes(OPEN, segment.name, torn)))).toEqual(tornAt(3, offset, torn));
  });
});

describe('frames', () => {
  const segment = lastOf(CLOSED);
  const { frames } = segment;
  const check = (changed: readonly WrittenFrame[]): object =>
    verdict(report(withBytes(CLOSED, segment.name, concat(changed))));

  test('that are swapped', () => {
    for (let at = 0; at + 1 < frames.length; at += 1) {
      const changed = [...frames.slice(0, at), frames[at + 1]!, frames[at]!, ...frames.slice(at + 2)];
      expect([at, check(changed)]).toEqual([at, damagedAt(3, frames[at]!.offset)]);
    }
  });

  test('of which one is left out', () => {
    for (let at = 0; at + 1 < frames.length; at += 1) {
      const changed = frames.filter((_, index) => index !== at);
      expect([at, check(changed)]).toEqual([at, damagedAt(3, frames[at]!.offset)]);
    }
    expect(check(frames.slice(0, -1))).toEqual(PASS);
  });

  test('of which one stands twice, at once or later', () => {
    for (let at = 0; at < frames.length; at += 1) {
      const { offset, bytes } = frames[at]!;
      const changed = [...frames.slice(0, at + 1), ...frames.slice(at)];
      expect([at, check(changed)]).toEqual([at, damagedAt(3, offset + bytes.length)]);
      expect([at, check([...frames, frames[at]!])]).toEqual([at, damagedAt(3, segment.bytes.length)]);
    }
  });

  test('of another epoch, of another segment, or written behind another frame', () => {
    const others = [lastOf(wholeJournal({ epoch: { high: 0x1234, low: 0x5679 } })), CLOSED[1]!];
    for (const [which, other] of others.entries()) {
      for (let at = 1; at < frames.length; at += 1) {
        const changed = frames.map((frame, index) => (index === at ? other.frames[at]! : frame));
        expect([which, at, check(changed)]).toEqual([which, at, damagedAt(3, frames[at]!.offset)]);
      }
    }
    // Where a frame was written behind another one than stands there.
    const bent = Uint8Array.from(frames[5]!.bytes);
    bent[FRAME_HEADER_BYTES] ^= 1;
    const changed = [...frames];
    changed[5] = { ...frames[5]!, bytes: sealed(bent) };
    expect(check(changed)).toEqual(damagedAt(3, frames[6]!.offset));
  });
});

describe('segments', () => {
  const files = filesOf(CLOSED);
  const [one, two, three] = files.map(([, bytes]) => bytes) as [Uint8Array, Uint8Array, Uint8Array];
  const durable = durableOf(lastOf(CLOSED), lastOf(lastOf(CLOSED).frames));
  const named = (...bytes: readonly (Uint8Array | null)[]): Files =>
    bytes.flatMap((each, index): Files => (each === null ? [] : [[segmentName(index + 1), each]]));

  test.each([
    ['one in the middle is missing', named(one, null, three), 'damaged', '2:0'],
    ['the last is missing, and was promised', [...named(one, two), durable], 'damaged', `2:${two.length}`],
    [
      'the first are gone, as when old ones are removed',
      [...named(null, null, three), durable],
      'pass',
      null,
    ],
    ['two are swapped', [...named(one, three, two), durable], 'damaged', '2:0'],
    ['one stands twice', named(one, two, two), 'damaged', '3:0'],
    ['all but one are there twice', named(one, one, one), 'damaged', '2:0'],
    ['none is there, and one was promised', [durable], 'damaged', '3:0'],
    [
      'one is of another journal',
      named(one, wholeJournal({ price: 300 })[1]!.bytes, three),
      'damaged',
      '2:0',
    ],
  ])('%s', (_, given, wanted, first) => {
    const found = verdict(report(given as Files));
    expect([found.verdict, found.first]).toEqual([wanted, first]);
  });

  test('the record is of another journal', () => {
    const other = durableOf(lastOf(CLOSED), CLOSED[2]!.frames[4]!, { high: 9, low: 9 });
    expect(report([...files, other])).toMatchObject({
      verdict: 'fail',
      checkpoints: { failed: [{ check: 'durable', segment: 3 }] },
    });
  });

  test('the record is an old one, or there is none', () => {
    expect(verdict(report([...files, durableOf(CLOSED[0]!, CLOSED[0]!.frames[7]!)]))).toEqual(PASS);
    expect(report(files).checks.notPossible).toEqual([
      { check: 'durable', why: 'there is no durable record' },
    ]);
  });

  test('a journal of which nothing else is known is no pass for another hash', () => {
    const { hash } = CLOSED[2]!.sums[0]!;
    expect(report(files, { expectedHash: hash }).verdict).toBe('pass');
    expect(report(files, { expectedHash: hash ^ 1n })).toMatchObject({
      verdict: 'fail',
      checks: { failed: 1 },
    });
  });
});
