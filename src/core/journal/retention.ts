import { join } from 'node:path';
import { indexName, type SegmentFile, segmentFiles } from './directory.ts';
import type { Disk } from './disk.ts';
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES } from './frame.ts';
import { readSegment } from './payload.ts';
import { openSegmentBytes } from './segment-bytes.ts';

export interface Retention {
  readonly disk: Disk;
  readonly directory: string;
  /** Segments are removed while they have more bytes together, or when the next one began longer ago; null: never. */
  readonly keepBytes: number | null;
  readonly keepNs: number | null;
  /** ns since 1970. */
  readonly wallTime: () => bigint;
}

/**
 * Removes segments that need not be kept any more, the oldest first and always whole, with their indexes.
 * @param before number of a segment that stays, with all behind it: at most the newest one whose image is whole.
 */
export function removeOldSegments(retention: Retention, before: number): void {
  const { disk, directory, keepBytes } = retention;
  const files = segmentFiles(disk.list(directory));
  const sizes = keepBytes === null ? [] : files.map(({ name }) => sizeOf(disk, join(directory, name)));
  let bytes = sizes.reduce((sum, each) => sum + each, 0);
  for (const [index, file] of files.entries()) {
    const next = files[index + 1];
    if (next === undefined || file.number >= before) break;
    const isTooMuch = keepBytes !== null && bytes > keepBytes;
    if (!isTooMuch && !isTooOld(retention, next)) break;
    remove(disk, directory, file);
    // Or a loss of power might bring this one back, and not the next.
    disk.syncDirectory(directory);
    bytes -= sizes[index] ?? 0;
  }
}

/** Did a segment begin, and so the one in front of it end, too long ago? */
function isTooOld({ disk, directory, keepNs, wallTime }: Retention, next: SegmentFile): boolean {
  if (keepNs === null) return false;
  const began = wallTimeOf(disk, directory, next);
  return began > 0n && began < wallTime() - BigInt(keepNs);
}

/** When a segment began, ns since 1970; 0 where it does not say. */
function wallTimeOf(disk: Disk, directory: string, file: SegmentFile): bigint {
  const bytes = openSegmentBytes(disk, directory, file);
  try {
    const view = new DataView(new ArrayBuffer(Math.min(bytes.bytes, FRAME_BYTES_MAX)));
    const read = bytes.read(new Uint8Array(view.buffer), 0);
    const length = read < FRAME_HEADER_BYTES ? 0 : view.getUint32(8, true);
    if (length === 0 || FRAME_HEADER_BYTES + length > read) return 0n;
    const head = readSegment(view, FRAME_HEADER_BYTES, length);
    return typeof head === 'string' ? 0n : head.wallTime;
  } finally {
    bytes.close();
  }
}

function sizeOf(disk: Disk, path: string): number {
  const file = disk.open(path, 'read');
  try {
    return file.bytes;
  } finally {
    file.close();
  }
}

/** Removes a segment, and what stands beside it first: an index of nothing would be the worse thing to find. */
function remove(disk: Disk, directory: string, { number, name }: SegmentFile): void {
  const names = disk.list(directory);
  if (names.includes(indexName(number))) disk.remove(join(directory, indexName(number)));
  disk.remove(join(directory, name));
}
