import { formatHash } from '../binary/fnv64.ts';
import type { ImageHead, SourceSum } from './image-payload.ts';
import type { SegmentScan } from './segment-scan.ts';
import type { BadPlace } from './segment-walk.ts';

/** What was written down about the books and is not so. */
export interface Mismatch {
  readonly check: string;
  /** Byte of the segment where it was written down. */
  readonly offset: number;
  readonly expected: string;
  readonly actual: string;
}

/** Something that could not be checked, or that there was nothing of. */
export interface Unchecked {
  readonly check: string;
  readonly why: string;
}

/** What was found out about one segment, read alone: plain values, so that threads can hand it over. */
export interface SegmentFacts {
  /** Number and name of its file. */
  readonly number: number;
  readonly name: string;
  readonly isCompressed: boolean;
  /** Of its frames, uncompressed. */
  readonly bytes: number;
  readonly scan: SegmentScan;
  /** Of the last frame that could be trusted, behind damage too. */
  readonly endFrame: number;
  readonly endCrc: number;
  readonly endEvent: number;
  readonly frames: number;
  readonly records: number;
  readonly events: number;
  /** Message numbers of its first and last event that has one, 0 = none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly nonMonotonic: number;
  /** First frame of its image. */
  readonly image: ImageHead | null;
  /**
   * State hashes of the books in front of its first event, and behind the last one in front of a bad place; null where they
   * are not known.
   */
  readonly imageSums: readonly SourceSum[] | null;
  readonly endSums: readonly SourceSum[] | null;
  /** State hashes that its close names. */
  readonly closeSums: readonly SourceSum[] | null;
  /** Checks that were passed, by name, with their number. */
  readonly passed: readonly (readonly [check: string, count: number])[];
  readonly failed: readonly Mismatch[];
  readonly notPossible: readonly Unchecked[];
  /** Bad places, at most BAD_PLACES_MAX, and how many there are. */
  readonly bad: readonly BadPlace[];
  readonly badCount: number;
}

/** Bad places that are named one by one. */
export const BAD_PLACES_MAX = 1000;

/** State hashes as text, by source where there is another than 0. */
export function sumsText(sums: readonly SourceSum[]): string {
  const text = ({ version, hash }: SourceSum): string => (version === 0 ? 'none' : formatHash(hash));
  if (sums.length === 1 && sums[0]!.source === 0) return text(sums[0]!);
  return sums.map((sum) => `${sum.source}:${text(sum)}`).join(' ') || 'none';
}

/** State hash of no books at all. */
const EMPTY_HASH = 0x5f242d39c2422be4n;

/**
 * Compares state hashes source by source; one that is not named has no books.
 * @returns whether they are the same; null where one of them was not calculated.
 */
export function sameSums(left: readonly SourceSum[], right: readonly SourceSum[]): boolean | null {
  const sources = new Set([...left, ...right].map(({ source }) => source));
  for (const source of sources) {
    const [a, b] = [sumOf(left, source), sumOf(right, source)];
    if (a.version === 0 || b.version === 0) return null;
    if (a.version !== b.version || a.hash !== b.hash) return false;
  }
  return true;
}

function sumOf(sums: readonly SourceSum[], source: number): SourceSum {
  return sums.find((sum) => sum.source === source) ?? { source, version: 1, hash: EMPTY_HASH };
}
