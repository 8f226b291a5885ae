import { RANGE_SECONDS_BOUNDS, type RecoveryCounts } from '../../merge/recovery/counts.ts';
import { type Metric, single } from '../../observe/metric.ts';
import type { MetricSources } from './sources.ts';

function counter(
  name: string,
  help: string,
  value: (counts: RecoveryCounts) => number,
): Metric<MetricSources> {
  return {
    name: `recovery_${name}_total`,
    type: 'counter',
    labels: [],
    help,
    read: ({ status: { recovery } }) => (recovery === null ? [] : single(value(recovery))),
  };
}

/** What is fetched from a recovery server, where there is one. */
export const RECOVERY_METRICS: readonly Metric<MetricSources>[] = [
  counter('requests', 'Ranges that were taken up.', ({ requests }) => requests),
  counter('retries', 'Attempts behind the first of their range.', ({ retries }) => retries),
  counter(
    'dropped_requests',
    'Ranges given up at once, because too many waited.',
    ({ droppedRequests }) => droppedRequests,
  ),
  counter('failures', 'Attempts that did not bring every number.', ({ failures }) => failures),
  counter(
    'unrecoverable_gaps',
    'Ranges that were told as unrecoverable.',
    ({ unrecoverableGaps }) => unrecoverableGaps,
  ),
  counter('fetched_ranges', 'Ranges of which every number came.', ({ fetchedRanges }) => fetchedRanges),
  counter(
    'injected_packets',
    'Packets that were handed to the merge as line R.',
    ({ injectedPackets }) => injectedPackets,
  ),
  counter(
    'stale_packets',
    'Packets with none of the numbers of the range in hand.',
    ({ stalePackets }) => stalePackets,
  ),
  counter('slo_violations', 'Ranges that took longer than they may.', ({ sloViolations }) => sloViolations),
  {
    name: 'recovery_range_seconds',
    type: 'histogram',
    labels: [],
    edges: RANGE_SECONDS_BOUNDS,
    help: 'How long ranges took, from taken up to fetched or given up.',
    read: ({ status: { recovery } }) =>
      recovery === null
        ? []
        : [{ labels: [], counts: recovery.rangeSeconds, sum: recovery.rangeNsSum / 1e9 }],
  },
];
