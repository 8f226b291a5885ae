import { BATCH_RECORDS_DEFAULT } from '../event/batch.ts';
import { FEEDS } from '../feeds/registry.ts';
import { ONE_LINE } from '../merge/session-merge.ts';
import type { RunOptions } from './run-options.ts';

/** A run over everything that its input brings, as it comes, without anybody who watches. */
export const WHOLE_RUN: Omit<RunOptions, 'paths'> = {
  feeds: FEEDS,
  feedName: null,
  ports: null,
  groups: null,
  snapshots: [],
  snapshotRequired: false,
  from: null,
  until: null,
  messagesMax: Number.POSITIVE_INFINITY,
  books: null,
  naming: null,
  date: null,
  arbiter: { ...ONE_LINE, gapTimeoutNs: 0, start: 'first-seen' },
  batchEvents: BATCH_RECORDS_DEFAULT,
  stopAt: null,
  invariants: 'off',
  observers: [],
  pacer: null,
  steps: null,
  signal: null,
  stop: () => false,
  breathe: () => null,
};
