import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeEventStream } from '../../../src/core/bench/event-stream.ts';
import { Random } from '../../../src/core/binary/random.ts';
import { MdxError } from '../../../src/core/errors.ts';
import { KIND_EXTENSION, RECORD_WORDS } from '../../../src/core/event/record.ts';
import { BLOCK_PLAIN_MAX } from '../../../src/core/journal/compressed-block.ts';
import {
  CompressionQueue,
  compressSegment,
  removeUnfinished,
  SegmentCompression,
} from '../../../src/core/journal/compressed-segment.ts';
import { segmentFiles } from '../../../src/core/journal/directory.ts';
import type { Disk } from '../../../src/core/journal/disk.ts';
import { RecordColumns } from '../../../src/core/journal/record-columns.ts';
import { openSegmentBytes } from '../../../src/core/journal/segment-bytes.ts';
import { SegmentWriter } from '../../../src/core/journal/segment-writer.ts';
import { FaultingDisk } from '../../world/faulting-disk.ts';
import { concat, dictionaryOf, EPOCH, HEAD } from './streams.ts';

const PLAIN = 'j/00000001.mdxj';
const PACKED = `${PLAIN}.zst`;

/** A closed segment of made-up events. */
function segmentOf(events: number): Uint8Array {
  const frames: Uint8Array[] = [];
  const writer = new SegmentWriter((frame) => frames.push(frame.slice()), EPOCH);
  writer.open(HEAD);
  const dictionary = dictionaryOf(8);
  const { steady } = makeEventStream({
    instruments: 8,
    live: 1000,
    seed: 5,
    shape: 'touch',
    changes: 'replace',
    events,
  });
  for (const batch of steady) writer.append(batch, 0, batch.count, dictionary);
  writer.close();
  return concat(frames);
}

const small = segmentOf(3000);
const large = segmentOf(60_000);

function diskWith(path: string, bytes: Uint8Array, seed = 1): FaultingDisk {
  const disk = new FaultingDisk(new Random(seed));
  disk.makeDirectory('j');
  disk.syncDirectory('');
  write(disk, path, bytes);
  disk.syncDirectory('j');
  return disk;
}

function write(disk: Disk, path: string, bytes: Uint8Array): void {
  const file = disk.open(path, 'create');
  file.append(bytes);
  file.sync();
  file.close();
}

function contents(disk: Disk, path: string): Uint8Array {
  const file = disk.open(path, 'read');
  const bytes = new Uint8Array(file.bytes);
  file.read(bytes, 0);
  return bytes;
}

/** All frames of the segment, as whoever reads it gets them. */
function framesIn(disk: Disk): Uint8Array {
  const [file] = segmentFiles(disk.list('j'));
  const segment = openSegmentBytes(disk, 'j', file!);
  const bytes = new Uint8Array(segment.bytes);
  expect(segment.read(bytes, 0)).toBe(bytes.length);
  segment.close();
  return bytes;
}

function packed(bytes: Uint8Array): Uint8Array {
  const disk = diskWith(PLAIN, bytes);
  compressSegment(disk, 'j', 1);
  return contents(disk, PACKED);
}

describe('records as columns', () => {
  const columns = new RecordColumns(64);
  const word = fc.oneof(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.integer({ min: 0, max: 7 }),
    fc.constantFrom(0, -1, 255, 511, -(2 ** 31), 2 ** 31 - 1),
  );
  const records = fc
    .array(
      fc
        .tuple(
          fc.array(word, { minLength: RECORD_WORDS, maxLength: RECORD_WORDS }),
          fc.constantFrom(1, KIND_EXTENSION, null),
        )
        .map(([words, kind]) => (kind === null ? words : [(words[0]! & ~255) | kind, ...words.slice(1)])),
      { maxLength: 64 },
    )
    .map((all) => Int32Array.from(all.flat()));

  test('come back as they were, whatever is in them', () => {
    void fc.assert(
      fc.property(records, fc.integer({ min: 0, max: 9 }), (words, at) => {
        const count = words.length / RECORD_WORDS;
        const bytes = new Uint8Array(at + count * 50);
        const end = columns.encode(words, count, bytes, at);
        const back = new Int32Array(words.length).fill(77);
        expect(columns.decode(bytes, at, end, back, count)).toBe(true);
        expect(back).toEqual(words);
      }),
    );
  });

  test('tell ids apart that have one half in common', () => {
    for (let high = 1; high < 40; high += 1) {
      const words = new Int32Array(2 * RECORD_WORDS);
      words.set([1, 0, 5, 0], 0);
      words.set([1, 0, 5, high], RECORD_WORDS);
      const few = new RecordColumns(2);
      const bytes = new Uint8Array(100);
      const end = few.encode(words, 2, bytes, 0);
      const back = new Int32Array(words.length);
      expect(few.decode(bytes, 0, end, back, 2)).toBe(true);
      expect(back).toEqual(words);
    }
  });

  test('are refused where their bytes cannot be that many records', () => {
    void fc.assert(
      fc.property(records, fc.nat(), fc.nat(65), (words, cut, count) => {
        const bytes = new Uint8Array(64 * 50);
        const end = columns.encode(words, words.length / RECORD_WORDS, bytes, 0);
        const to = cut % (end + 1);
        const fits = columns.decode(bytes, 0, to, new Int32Array(65 * RECORD_WORDS), count);
        if (to === end && count * RECORD_WORDS === words.length) expect(fits).toBe(true);
        else if (to < end && count * RECORD_WORDS === words.length) expect(fits).toBe(false);
      }),
    );
  });
});

describe('a compressed segment', () => {
  test('takes the place of the plain one, smaller, and is read the same from any offset', () => {
    const disk = diskWith(PLAIN, large);
    expect(large.length).toBeGreaterThan(BLOCK_PLAIN_MAX);
    compressSegment(disk, 'j', 1);
    expect(disk.list('j')).toEqual(['00000001.mdxj.zst']);
    expect(contents(disk, PACKED).length).toBeLessThan(large.length / 2);
    const [file] = segmentFiles(disk.list('j'));
    const segment = openSegmentBytes(disk, 'j', file!);
    expect(segment.bytes).toBe(large.length);
    void fc.assert(
      fc.property(fc.nat(large.length + 10), fc.nat(70_000), (offset, length) => {
        const into = new Uint8Array(length);
        const read = segment.read(into, offset);
        expect(read).toBe(Math.max(0, Math.min(length, large.length - offset)));
        const expected = large.subarray(offset, offset + read);
        expect(Buffer.compare(into.subarray(0, read), expected)).toBe(0);
      }),
      { numRuns: 30 },
    );
    segment.close();
  });

  test('is a row of frames and skippable frames to others that read zstd', () => {
    const bytes = packed(small);
    const view = new DataView(bytes.buffer);
    expect(view.getUint32(0, true)).toBe(0x184d2a5d);
    const first = 8 + view.getUint32(4, true);
    const end = first + view.getUint32(32, true);
    expect(zstdDecompressSync(bytes.subarray(first, end)).length).toBe(view.getUint32(28, true));
    expect(view.getUint32(end, true)).toBe(0x184d2a5d);
    expect(end + 8 + view.getUint32(end + 4, true)).toBe(bytes.length);
  });

  test('is read without its table', () => {
    const bytes = packed(large);
    bytes[bytes.length - 20]! ^= 1;
    expect(Buffer.compare(framesIn(diskWith(PACKED, bytes)), large)).toBe(0);
    const cut = bytes.subarray(0, bytes.length - 60);
    expect(Buffer.compare(framesIn(diskWith(PACKED, cut)), large)).toBe(0);
  });

  test('with any bit turned or its end cut off is refused, or has fewer of its frames, or all', () => {
    const whole = packed(small);
    const look = (bytes: Uint8Array): void => {
      let frames: Uint8Array;
      try {
        frames = framesIn(diskWith(PACKED, bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(MdxError);
        expect((error as MdxError).code).toBe('input-damaged');
        expect((error as MdxError).message).toMatch(/^reading j.00000001\.mdxj\.zst: the block at byte \d+ /);
        return;
      }
      expect(Buffer.compare(frames, small.subarray(0, frames.length))).toBe(0);
    };
    void fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(7), fc.boolean(), (at, bit, isNearEnd) => {
        const flipped = whole.slice();
        flipped[isNearEnd ? whole.length - 1 - (at % 120) : at]! ^= 1 << bit;
        look(flipped);
        look(whole.subarray(0, at));
      }),
      { numRuns: 200 },
    );
  });

  test('promises no more than it has: sizes are looked at before room is made for them', () => {
    const bytes = packed(small);
    const view = new DataView(bytes.buffer);
    for (const at of [24, 28, 32]) {
      const huge = bytes.slice();
      new DataView(huge.buffer).setUint32(at, 0xffffff00, true);
      expect(() => framesIn(diskWith(PACKED, huge))).toThrow(MdxError);
    }
    view.setUint32(bytes.length - 8, 0xfffffff8, true);
    expect(Buffer.compare(framesIn(diskWith(PACKED, bytes)), small)).toBe(0);
  });
});

describe('compressing', () => {
  test('leaves a segment plain that is not frames from end to end', () => {
    for (const bytes of [small.subarray(0, small.length - 8), concat([small, new Uint8Array(64)])]) {
      const disk = diskWith(PLAIN, bytes);
      expect(() => compressSegment(disk, 'j', 1)).toThrow(/compressing j.00000001\.mdxj, byte \d+: no whole/);
      expect(disk.list('j')).toEqual(['00000001.mdxj']);
    }
  });

  test('leaves it plain where somebody loses patience, or the disk fails', () => {
    const disk = diskWith(PLAIN, small);
    const compression = new SegmentCompression(disk, 'j', 1);
    expect(compression.step()).toBe(false);
    compression.abandon();
    expect(disk.list('j')).toEqual(['00000001.mdxj']);
    disk.failureOf = ({ kind }) => (kind === 'append' ? 'ENOSPC' : null);
    expect(() => compressSegment(disk, 'j', 1)).toThrow(/ENOSPC/);
    expect(disk.list('j')).toEqual(['00000001.mdxj']);
  });

  test('does not bring back a segment that was removed in the meantime', () => {
    const disk = diskWith(PLAIN, small);
    const compression = new SegmentCompression(disk, 'j', 1);
    compression.step();
    disk.remove(PLAIN);
    while (!compression.step());
    expect(disk.list('j')).toEqual([]);
    const queue = new CompressionQueue(disk, 'j', (text) => expect(text).toBe(''));
    queue.add(1);
    expect(queue.step()).toBe(false);
  });

  test('survives a loss of power in any call: there is a whole segment, and the next writer tidies up', () => {
    const counting = diskWith(PLAIN, small);
    const before = counting.calls;
    compressSegment(counting, 'j', 1);
    const left = new Set<string>();
    for (let call = before + 1; call <= counting.calls; call += 1) {
      for (let seed = 0; seed < 5; seed += 1) {
        const disk = diskWith(PLAIN, small, seed);
        disk.failureOf = ({ number }) => (number === call ? 'power' : null);
        expect(() => compressSegment(disk, 'j', 1)).toThrow();
        const after = disk.powerOff();
        left.add(after.list('j').join(' '));
        expect(Buffer.compare(framesIn(after), small)).toBe(0);
        removeUnfinished(after, 'j');
        expect(after.list('j')).toHaveLength(1);
        expect(Buffer.compare(framesIn(after), small)).toBe(0);
      }
    }
    expect(left).toContain('00000001.mdxj 00000001.mdxj.zst');
    expect(left).toContain('00000001.mdxj 00000001.mdxj.zst.part');
    expect(left).toContain('00000001.mdxj.zst');
  });
});
