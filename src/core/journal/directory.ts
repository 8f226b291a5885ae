import { crc32c } from '../binary/crc32c.ts';
import { bigHigh, bigLow, toBigUint } from '../binary/time.ts';
import type { Epoch } from './frame.ts';
import { getU64, putU64 } from './frame.ts';

/*
 * A journal is a directory: `NNNNNNNN.mdxj` segments, numbered from 1, a closed one compressed as `NNNNNNNN.mdxj.zst`;
 * `NNNNNNNN.idx` beside each, which can always be made again; `durable`; `lock`.
 *
 * `durable`, 64 bytes, rewritten in place after each sync:
 *
 *      0 u32 magic MDXD    4 u32 CRC32C of bytes 8–63    8 u64 last event that survives a loss of power, 0 = none
 *     16 u64 last frame that does    24 u64 where in its segment that frame ends    32 u64 epoch
 *     40 u32 segment       44 u32 flags (1 a write or sync failed: nothing behind this was promised)
 *     48 u64 wall time, ns since 1970    56 u64 zero
 */

export const DURABLE_NAME = 'durable';
export const LOCK_NAME = 'lock';
/** Ends the name of a file that is being written and is not to be looked at before it has its own. */
export const PART_SUFFIX = '.part';
export const DURABLE_BYTES = 64;
const DURABLE_MAGIC = 0x4458444d;
const FLAG_FAILED = 1;
const INDEX_NAME = /^\d{8}\.idx$/;
const SEGMENT_NAME = /^(\d{8})\.mdxj(\.zst)?$/;

/** What of a journal survives a loss of power. */
export interface DurableRecord {
  readonly event: number;
  readonly frame: number;
  /** Where in its segment that frame ends, bytes. */
  readonly offset: number;
  readonly segment: number;
  readonly epoch: Epoch;
  readonly failed: boolean;
  /** ns since 1970. */
  readonly wallTime: bigint;
}

/** What a record says that was garbled while it was rewritten: a journal that has one knows no more. */
export const NOTHING_DURABLE: DurableRecord = {
  event: 0,
  frame: 0,
  offset: 0,
  segment: 0,
  epoch: { high: 0, low: 0 },
  failed: false,
  wallTime: 0n,
};

export interface SegmentFile {
  readonly number: number;
  readonly name: string;
  readonly isCompressed: boolean;
}

/** `00000001.mdxj` */
export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.mdxj`;
}

/** `00000001.mdxj.zst` */
export function compressedName(number: number): string {
  return `${segmentName(number)}.zst`;
}

/** `00000001.idx` */
export function indexName(number: number): string {
  return `${String(number).padStart(8, '0')}.idx`;
}

/** The segments among the names of a directory, in order; one that is there plain and compressed is taken plain. */
export function segmentFiles(names: readonly string[]): SegmentFile[] {
  const found = new Map<number, SegmentFile>();
  for (const name of names) {
    const match = SEGMENT_NAME.exec(name);
    if (match === null) continue;
    const file = { number: Number(match[1]), name, isCompressed: match[2] !== undefined };
    if (!file.isCompressed || !found.has(file.number)) found.set(file.number, file);
  }
  return [...found.values()].sort((a, b) => a.number - b.number);
}

/** Is a directory with these names a journal? */
export function isJournal(names: readonly string[]): boolean {
  return segmentFiles(names).length > 0 || names.includes(DURABLE_NAME);
}

/** Is a file with this name a part of a journal that its writer makes? */
export function isJournalFile(name: string): boolean {
  return name === DURABLE_NAME || SEGMENT_NAME.test(name) || INDEX_NAME.test(name);
}

/** Writes the record into `view`, which has DURABLE_BYTES. */
export function writeDurable(view: DataView, durable: DurableRecord): void {
  view.setInt32(0, DURABLE_MAGIC, true);
  putU64(view, 8, durable.event);
  putU64(view, 16, durable.frame);
  putU64(view, 24, durable.offset);
  view.setInt32(32, durable.epoch.low, true);
  view.setInt32(36, durable.epoch.high, true);
  view.setInt32(40, durable.segment, true);
  view.setInt32(44, durable.failed ? FLAG_FAILED : 0, true);
  view.setInt32(48, bigLow(durable.wallTime), true);
  view.setInt32(52, bigHigh(durable.wallTime), true);
  putU64(view, 56, 0);
  view.setInt32(4, crc32c(view, 8, DURABLE_BYTES - 8), true);
}

/** The record in `view`; null where it is none, or was cut or garbled while it was written. */
export function readDurable(view: DataView): DurableRecord | null {
  if (view.byteLength !== DURABLE_BYTES || view.getInt32(0, true) !== DURABLE_MAGIC) return null;
  if (crc32c(view, 8, DURABLE_BYTES - 8) !== view.getInt32(4, true)) return null;
  return {
    event: getU64(view, 8),
    frame: getU64(view, 16),
    offset: getU64(view, 24),
    epoch: { low: view.getInt32(32, true), high: view.getInt32(36, true) },
    segment: view.getUint32(40, true),
    failed: (view.getUint32(44, true) & FLAG_FAILED) !== 0,
    wallTime: toBigUint(view.getInt32(52, true), view.getInt32(48, true)),
  };
}
