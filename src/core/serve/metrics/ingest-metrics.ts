import { byKey, type Metric, type Sample, single } from '../../observe/metric.ts';
import type { IngestView } from '../status.ts';
import type { MetricSources } from './sources.ts';

/** Nothing where no senders are listened for. */
function ofIngest(value: (ingest: IngestView) => number): (sources: MetricSources) => readonly Sample[] {
  return ({ status: { ingest } }) => (ingest === undefined ? [] : single(value(ingest)));
}

/** Senders of events, and how far the events are that came in. */
export const INGEST_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'ingest_lag',
    type: 'gauge',
    labels: [],
    help: 'Events that the engine has and the thread that serves /api/ws has not handled yet.',
    read: ({ ingestLag }) => single(ingestLag),
  },
  {
    name: 'mdx_ingest_senders',
    type: 'gauge',
    labels: [],
    help: 'Senders of events that are connected.',
    read: ofIngest(({ connected }) => connected),
  },
  {
    name: 'mdx_ingest_sources',
    type: 'gauge',
    labels: [],
    help: 'Sources that senders have named so far, connected or not.',
    read: ofIngest(({ sources }) => sources),
  },
  {
    name: 'mdx_ingest_connections_total',
    type: 'counter',
    labels: [],
    help: 'Connections of senders that were taken.',
    read: ofIngest(({ accepted }) => accepted),
  },
  {
    name: 'mdx_ingest_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes that were read of senders.',
    read: ofIngest(({ bytes }) => bytes),
  },
  {
    name: 'mdx_ingest_messages_total',
    type: 'counter',
    labels: [],
    help: 'Messages of senders, of all types.',
    read: ofIngest(({ messages }) => messages),
  },
  {
    name: 'mdx_ingest_records_total',
    type: 'counter',
    labels: ['state'],
    help: 'Records of senders: decoded, lost (numbers that did not come), and repeated (known already, and left out).',
    read: ({ status: { ingest } }) =>
      ingest === undefined
        ? []
        : byKey({ decoded: ingest.records, lost: ingest.lost, repeated: ingest.repeated }),
  },
  {
    name: 'mdx_ingest_waiting_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes that were read of senders and not decoded yet.',
    read: ofIngest(({ waitingBytes }) => waitingBytes),
  },
  {
    name: 'mdx_ingest_pauses_total',
    type: 'counter',
    labels: [],
    help: 'How often a sender was made to wait, because the books had not caught up.',
    read: ofIngest(({ pauses }) => pauses),
  },
  {
    name: 'mdx_ingest_endings_total',
    type: 'counter',
    labels: ['how'],
    help: 'Connections of senders that ended, by how: goodbye, or what was wrong.',
    read: ({ status: { ingest } }) => (ingest === undefined ? [] : byKey(ingest.endings)),
  },
];
