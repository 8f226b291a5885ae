import { byKey, type Metric, type Sample, single } from '../../observe/metric.ts';
import type { ChannelView, LineView } from '../status.ts';
import type { MetricSources } from './sources.ts';

type Count<View> = (view: View) => number;

const NS_PER_SECOND = 1e9;

function perLine(value: Count<LineView>): (sources: MetricSources) => readonly Sample[] {
  return ({ status }) => status.lines.map((line) => ({ labels: [line.name], value: value(line) }));
}

function perLineAnd(
  counts: (line: LineView) => Readonly<Record<string, number>>,
): (sources: MetricSources) => readonly Sample[] {
  return ({ status }) =>
    status.lines.flatMap((line) =>
      Object.entries(counts(line)).map(([key, value]) => ({ labels: [line.name, key], value })),
    );
}

function perChannel(value: Count<ChannelView>): (sources: MetricSources) => readonly Sample[] {
  return ({ status }) =>
    status.channels.map((channel) => ({ labels: [String(channel.channel)], value: value(channel) }));
}

function ofChannels(value: Count<ChannelView>): (sources: MetricSources) => readonly Sample[] {
  return ({ status }) => single(status.channels.reduce((sum, channel) => sum + value(channel), 0));
}

/** The lines that are received. */
export const LINE_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'rx_packets',
    type: 'counter',
    labels: ['chan'],
    help: 'Packets that were received on a line.',
    read: perLine(({ received }) => received),
  },
  {
    name: 'rx_bytes',
    type: 'counter',
    labels: ['chan'],
    help: 'Bytes of payload that were received on a line.',
    read: perLine(({ bytes }) => bytes),
  },
  {
    name: 'rx_drops',
    type: 'counter',
    labels: ['chan'],
    help: 'Times that a line had no free buffer, because the engine did not keep up.',
    read: perLine(({ poolFull }) => poolFull),
  },
  {
    name: 'mdx_line_kernel_drops_total',
    type: 'counter',
    labels: ['chan', 'where'],
    help: 'Packets that the system dropped in front of the line, by where it counts them; the places overlap.',
    read: perLineAnd(({ kernelDrops }) => kernelDrops),
  },
  {
    name: 'mdx_line_skipped_total',
    type: 'counter',
    labels: ['chan', 'reason'],
    help: 'Packets of a line that were received and left out, by reason.',
    read: perLineAnd(({ skipped }) => skipped),
  },
  {
    name: 'mdx_line_truncated_total',
    type: 'counter',
    labels: ['chan'],
    help: 'Packets that were longer than a buffer.',
    read: perLine(({ truncated }) => truncated),
  },
  {
    name: 'mdx_line_waiting_packets',
    type: 'gauge',
    labels: ['chan'],
    help: 'Packets of a line that wait for the engine.',
    read: perLine(({ waiting }) => waiting),
  },
  {
    name: 'mdx_line_slots',
    type: 'gauge',
    labels: ['chan'],
    help: 'Packets of a line that may wait.',
    read: perLine(({ slots }) => slots),
  },
  {
    name: 'mdx_line_silent_seconds',
    type: 'gauge',
    labels: ['chan'],
    help: 'Since the last packet of a line; no value before the first.',
    read: ({ status }) =>
      status.lines.flatMap(({ name, silentMs }) =>
        silentMs === null ? [] : [{ labels: [name], value: silentMs / 1000 }],
      ),
  },
];

/** The merge of the lines, channel by channel. Numbers are those of the transport. */
export const MERGE_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'merge_duplicates',
    type: 'counter',
    labels: [],
    help: 'Numbers that had come before, on any line.',
    read: ofChannels(({ duplicates }) => duplicates),
  },
  {
    name: 'merge_out_of_order',
    type: 'counter',
    labels: [],
    help: 'Numbers that came behind higher ones of their line.',
    read: ofChannels(({ outOfOrder }) => outOfOrder),
  },
  {
    name: 'merge_failovers',
    type: 'counter',
    labels: [],
    help: 'How often the other line began to lead: two packets in a row first on B, or eight first on A.',
    read: ({ status: { preference } }) => (preference === undefined ? [] : single(preference.failovers)),
  },
  {
    name: 'merge_preferred_is_a',
    type: 'gauge',
    labels: [],
    help: '1 while line A leads, 0 while line B does; what is passed on does not depend on it.',
    read: ({ status: { preference } }) =>
      preference === undefined ? [] : single(preference.prefersA ? 1 : 0),
  },
  {
    name: 'mdx_merge_delivered_total',
    type: 'counter',
    labels: ['channel'],
    help: 'Numbers that were passed on in order.',
    read: perChannel(({ delivered }) => delivered),
  },
  {
    name: 'mdx_merge_first_total',
    type: 'counter',
    labels: ['channel', 'chan'],
    help: 'Numbers that a line brought first; R is recovery.',
    read: ({ status }) =>
      status.channels.flatMap(({ channel, firstBy }) =>
        Object.entries(firstBy).map(([line, value]) => ({ labels: [String(channel), line], value })),
      ),
  },
  {
    name: 'mdx_merge_missing',
    type: 'gauge',
    labels: ['channel'],
    help: 'Numbers that are missing and may still come.',
    read: perChannel(({ missing }) => missing),
  },
  {
    name: 'mdx_merge_filled_total',
    type: 'counter',
    labels: ['channel'],
    help: 'Numbers that were missing and came late, or by recovery.',
    read: perChannel(({ filled }) => filled),
  },
  {
    name: 'mdx_merge_lost_total',
    type: 'counter',
    labels: ['channel'],
    help: 'Numbers that are lost for good: their books are stale.',
    read: perChannel(({ lost }) => lost),
  },
  {
    name: 'mdx_merge_pending_packets',
    type: 'gauge',
    labels: [],
    help: 'Packets that wait for numbers in front of them.',
    read: ({ status }) => single(status.pendingPackets),
  },
  {
    name: 'mdx_engine_polled_seconds_total',
    type: 'counter',
    labels: [],
    help: 'How long the engine was awake and only looked for packets, up to receive.engine_poll each time: others may have the processor.',
    read: ({ status }) => single(status.polledMs / 1000),
  },
  {
    name: 'mdx_line_skew_seconds',
    type: 'gauge',
    labels: ['quantile'],
    help: 'Time of line B minus time of line A, for numbers that came on both.',
    read: ({ status: { skew } }) =>
      skew === undefined
        ? []
        : [
            ...(skew.p50Ns === null ? [] : [{ labels: ['0.5'], value: skew.p50Ns / NS_PER_SECOND }]),
            ...(skew.p99Ns === null ? [] : [{ labels: ['0.99'], value: skew.p99Ns / NS_PER_SECOND }]),
            ...(skew.maxNs === null ? [] : [{ labels: ['1'], value: skew.maxNs / NS_PER_SECOND }]),
          ],
  },
  {
    name: 'queue_len',
    type: 'gauge',
    labels: ['queue'],
    help: 'What waits: packets of the lines (rx_a, rx_b), and frames that the slowest raw-v1 client is behind (pubsub_lag).',
    read: ({ status, clients }) =>
      byKey({
        ...Object.fromEntries(
          status.lines.map(({ name, waiting }) => [`rx_${name.toLowerCase()}`, waiting] as const),
        ),
        pubsub_lag: clients.reduce(
          (most, { protocol, lag }) => (protocol === 'raw-v1' ? Math.max(most, lag) : most),
          0,
        ),
      }),
  },
];
