import { exposition } from '../../observe/exposition.ts';
import type { Metric } from '../../observe/metric.ts';
import { CLIENT_METRICS, HTTP_METRICS, RAW_V1_METRICS } from './client-metrics.ts';
import { ENGINE_METRICS, JOURNAL_METRICS } from './engine-metrics.ts';
import { INGEST_METRICS } from './ingest-metrics.ts';
import { LINE_METRICS, MERGE_METRICS } from './line-metrics.ts';
import { RECOVERY_METRICS } from './recovery-metrics.ts';
import type { MetricSources } from './sources.ts';
import { LATENCY_METRICS, THREAD_METRICS } from './thread-metrics.ts';

/** Metrics that belong together. */
export interface MetricGroup {
  readonly title: string;
  readonly metrics: readonly Metric<MetricSources>[];
}

/** Everything that `/metrics` tells. */
export const METRIC_GROUPS: readonly MetricGroup[] = [
  { title: 'Engine and books', metrics: ENGINE_METRICS },
  { title: 'Latency', metrics: LATENCY_METRICS },
  { title: 'Lines', metrics: LINE_METRICS },
  { title: 'Merge', metrics: MERGE_METRICS },
  { title: 'Recovery', metrics: RECOVERY_METRICS },
  { title: 'Senders of events', metrics: INGEST_METRICS },
  { title: 'Journal', metrics: JOURNAL_METRICS },
  { title: 'Clients', metrics: CLIENT_METRICS },
  { title: 'raw-v1', metrics: RAW_V1_METRICS },
  { title: 'HTTP', metrics: HTTP_METRICS },
  { title: 'Threads and process', metrics: THREAD_METRICS },
];

export const METRICS: readonly Metric<MetricSources>[] = METRIC_GROUPS.flatMap(({ metrics }) => metrics);

/** The text of `/metrics`. */
export function metricsText(sources: MetricSources): string {
  return exposition(METRICS, sources);
}
