import type { Disk } from './disk.ts';

/** When what was written is synced: by no commit, by each, or by one as soon as the last sync is so long ago. */
export type FsyncPolicy =
  | { readonly kind: 'never' }
  | { readonly kind: 'batch' }
  | { readonly kind: 'interval'; readonly ms: number };

/** What to do with a journal that is there: go on with it, refuse to, or remove it. */
export type ExistingJournal = 'resume' | 'refuse' | 'replace';

export interface JournalOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Of the mdx that writes. */
  readonly version: string;
  /** Of the machine: 32 hexadecimal digits, empty = not known. */
  readonly bootId: string;
  /** ns since 1970. */
  readonly wallTime: () => bigint;
  /** A clock that never goes back, ms. */
  readonly now: () => number;
  readonly fsync: FsyncPolicy;
  /** Events wait at most so long for their frame to fill, where `tick` is called as often. */
  readonly commitMs: number;
  /** A segment is closed when it has so many bytes or events. */
  readonly segmentBytes: number;
  readonly segmentEvents: number;
  /** Old segments are removed while there are more bytes, or when their last event was written longer ago. */
  readonly keepBytes: number | null;
  readonly keepNs: number | null;
  readonly compress: boolean;
  /** Room that stays free on the disk, 0 = none. */
  readonly minFreeBytes: number;
  /** Is told what somebody should know. */
  readonly tell: (text: string) => void;
}
