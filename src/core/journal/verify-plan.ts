import type { ErrorCode } from '../errors.ts';
import type { SegmentFile } from './directory.ts';
import type { SegmentFacts } from './segment-facts.ts';

/** What a thread that verifies segments is given; all threads of a run share `control`. */
export interface VerifyPlan {
  readonly directory: string;
  readonly files: readonly SegmentFile[];
  /** Shared: VERIFY_*. */
  readonly control: Int32Array;
}

/** Index of the next file that nobody has taken; not 0: stop. */
export const VERIFY_NEXT = 0;
export const VERIFY_STOP = 1;
export const VERIFY_WORDS = 16;

/** What it says. */
export type VerifyWord =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'facts'; readonly index: number; readonly facts: SegmentFacts | null }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };
