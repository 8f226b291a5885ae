import { expect, test } from 'vitest';
import { crc32c } from '../../../src/core/binary/crc32c.ts';
import { FRAME_HEADER_BYTES } from '../../../src/core/journal/frame.ts';
import type { VerifyReport } from '../../../src/core/journal/verify-report.ts';
import { type Files, verifyFiles } from '../../world/verify-files.ts';
import { type WrittenFrame, type WrittenSegment, wholeJournal } from '../../world/whole-journal.ts';

/* Journals whose bytes are right, and that say of their books what is not so. */

const JOURNAL = wholeJournal();
const LAST = JOURNAL[2]!;
const IMAGE_END = LAST.frames.findLastIndex(({ bytes }) => bytes[16] === 3);
const CLOSE = LAST.frames.length - 1;
const typed = (type: number): number => LAST.frames.findIndex(({ bytes }) => bytes[16] === type);

/** Changes the payload of frames of the last segment, and makes their sums and the chain right again. */
function bent(changes: ReadonlyMap<number, (payload: DataView) => void>): Files {
  let before: number | null = null;
  const frames = LAST.frames.map((frame: WrittenFrame, index) => {
    const bytes = Uint8Array.from(frame.bytes);
    const view = new DataView(bytes.buffer);
    changes.get(index)?.(new DataView(bytes.buffer, FRAME_HEADER_BYTES));
    if (before !== null) view.setInt32(60, before, true);
    before = crc32c(view, FRAME_HEADER_BYTES, bytes.length - FRAME_HEADER_BYTES);
    view.setInt32(12, before, true);
    view.setInt32(4, crc32c(view, 8, FRAME_HEADER_BYTES - 8), true);
    return bytes;
  });
  const bytes = Uint8Array.from(Buffer.concat(frames));
  return JOURNAL.map((segment: WrittenSegment) => [segment.name, segment === LAST ? bytes : segment.bytes]);
}

function failures({ verdict, checkpoints, damage }: VerifyReport) {
  expect(damage).toEqual([]);
  const failed = checkpoints.failed.map(({ check, segment, offset }) => `${check} ${segment}:${offset}`);
  return { verdict, failed };
}

const at = (index: number): string => String(LAST.frames[index]!.offset);
/** Of the first sum: behind two words and its own head. */
const HASH_AT = 16 + 8;

test('an image, a checkpoint or a close that says what the books are not fails where it stands', () => {
  const flip = (at: number) => (payload: DataView) => payload.setUint8(at, payload.getUint8(at) ^ 1);
  const checkpoint = typed(8);
  expect(failures(verifyFiles(bent(new Map())))).toEqual({ verdict: 'pass', failed: [] });
  for (const [index, byte, name] of [
    [IMAGE_END, HASH_AT, 'image'],
    [checkpoint, 8, 'checkpoint'],
    [checkpoint, 16, 'checkpoint'],
    [CLOSE, HASH_AT, 'close'],
  ] as const) {
    const found = verifyFiles(bent(new Map([[index, flip(byte)]])));
    expect(failures(found)).toEqual({ verdict: 'fail', failed: [`${name} 3:${at(index)}`] });
    expect(found.checks.failed).toBe(1);
  }
});

test('an image of other books than those before it fails, also where it says what it holds', () => {
  const record = IMAGE_END - 1;
  const found = verifyFiles(
    bent(
      new Map([
        // One more of its first order, behind the marks of its book.
        [record, (payload) => payload.setUint8(104, payload.getUint8(104) + 1)],
        // Its writer did not calculate what it sums up to, and neither did that of the close.
        [IMAGE_END, (payload) => payload.setUint8(20, 0)],
        [CLOSE, (payload) => payload.setUint8(20, 0)],
      ]),
    ),
  );
  expect(failures(found)).toEqual({ verdict: 'fail', failed: ['continuity 3:0'] });
  expect(found.checks.notPossible.map(({ check }) => check)).toEqual(['image', 'close', 'durable']);
});

test('what means nothing is damage, though its sums are right', () => {
  const events = typed(4);
  for (const [index, change] of [
    [CLOSE, (payload) => payload.setUint8(0, payload.getUint8(0) + 1)],
    [CLOSE, (payload) => payload.setUint8(8, 9)],
    [events, (payload) => payload.setUint8(32, 99)],
    [events, (payload) => payload.setUint8(36, 7)],
    [events, (payload) => payload.setUint8(24, 2)],
    [typed(8), (payload) => payload.setUint8(0, 77)],
    [typed(5), (payload) => payload.setUint8(0, 0)],
    [typed(6), (payload) => payload.setUint8(12, 99)],
    [IMAGE_END, (payload) => payload.setUint8(0, 99)],
    [IMAGE_END - 1, (payload) => payload.setUint8(0, 99)],
  ] as readonly (readonly [number, (payload: DataView) => void])[]) {
    const { verdict, damage } = verifyFiles(bent(new Map([[index, change]])));
    expect([index, verdict, damage[0]]).toEqual([
      index,
      'damaged',
      { segment: 3, offset: at(index), kind: 'content', problem: expect.any(String) },
    ]);
  }
});
