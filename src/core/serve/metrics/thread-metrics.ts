import { type HistogramSample, type Metric, type Sample, single } from '../../observe/metric.ts';
import { EDGES_NS, STAGES, STARTS, type Stage, type Start } from '../../observe/stages.ts';
import { type Gauge, GC_KINDS, type ThreadSlots } from '../../observe/thread-slots.ts';
import type { ThreadView } from '../status.ts';
import type { MetricSources } from './sources.ts';

const NS_PER_SECOND = 1e9;
const EDGES: readonly number[] = EDGES_NS.map((ns) => ns / NS_PER_SECOND);

function perThread(value: (slots: ThreadSlots) => number): (sources: MetricSources) => readonly Sample[] {
  return ({ threads }) => [...threads].map(([name, slots]) => ({ labels: [name], value: value(slots) }));
}

/** Also of threads that have no slots, because they never come back to an event loop. */
function perAnyThread(
  value: (slots: ThreadSlots) => number,
  other: (view: ThreadView) => number,
): (sources: MetricSources) => readonly Sample[] {
  return (sources) => [
    ...perThread(value)(sources),
    ...sources.status.threads.map((view) => ({ labels: [view.name], value: other(view) })),
  ];
}

function seconds(gauge: Gauge): (slots: ThreadSlots) => number {
  return (slots) => slots.get(gauge) / NS_PER_SECOND;
}

/** A stage that one thread at least goes through. */
function timesOf(threads: MetricSources['threads'], stage: Stage, start: Start): HistogramSample {
  const counts = new Array<number>(EDGES.length + 1).fill(0);
  let sum = 0;
  for (const slots of threads.values()) {
    const times = slots.stage(stage, start);
    for (const [bucket, count] of times.counts.entries()) counts[bucket]! += count;
    sum += times.sumNs;
  }
  return { labels: [], counts, sum: sum / NS_PER_SECOND };
}

/** Latency: how long after its packet was received an event has come so far. */
export const LATENCY_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'mdx_latency_seconds',
    type: 'histogram',
    labels: ['stage', 'start', 'thread'],
    edges: EDGES,
    help: 'From receive (or, start="thread", from where the thread took it up) until an event was merged, decoded, in the book, encoded (publish), and handed to the sockets of clients (sent).',
    read: ({ threads }) =>
      [...threads].flatMap(([thread, slots]) =>
        STAGES.flatMap((stage) =>
          STARTS.map((start) => slots.stage(stage, start))
            .filter(({ counts }) => counts.some((count) => count > 0))
            .map(({ start, counts, sumNs }) => ({
              labels: [stage, start, thread],
              counts,
              sum: sumNs / NS_PER_SECOND,
            })),
        ),
      ),
  },
  {
    name: 'mdx_latency_backwards_total',
    type: 'counter',
    labels: ['stage', 'thread'],
    help: 'Times that would have been negative, because a clock was set: they are in no histogram.',
    read: ({ threads }) =>
      [...threads].flatMap(([thread, slots]) =>
        STAGES.map((stage) => ({ labels: [stage, thread], value: slots.stage(stage, 'receive').backwards })),
      ),
  },
  {
    name: 'e2e_latency_seconds',
    type: 'histogram',
    labels: [],
    edges: EDGES,
    help: 'From receive until an event was in the book: mdx_latency_seconds{stage="book",start="receive"}.',
    read: ({ threads }) => [timesOf(threads, 'book', 'receive')],
  },
  {
    name: 'stage_rx_to_merge_seconds',
    type: 'histogram',
    labels: [],
    edges: EDGES,
    help: 'From receive until a packet was merged: mdx_latency_seconds{stage="merge",start="receive"}.',
    read: ({ threads }) => [timesOf(threads, 'merge', 'receive')],
  },
];

/** Threads that have an event loop, and the process. */
export const THREAD_METRICS: readonly Metric<MetricSources>[] = [
  {
    name: 'mdx_thread_alive',
    type: 'gauge',
    labels: ['thread'],
    help: '1 while the thread runs.',
    read: perThread((slots) => slots.get('alive')),
  },
  {
    name: 'mdx_event_loop_lag_seconds',
    type: 'gauge',
    labels: ['thread', 'quantile'],
    help: 'How late the event loop of a thread was in the last second; quantile 1 is the longest.',
    read: ({ threads }) =>
      [...threads].flatMap(([name, slots]) => [
        { labels: [name, '0.99'], value: seconds('lagP99')(slots) },
        { labels: [name, '1'], value: seconds('lagMax')(slots) },
      ]),
  },
  {
    name: 'mdx_event_loop_lag_mean_seconds',
    type: 'gauge',
    labels: ['thread'],
    help: 'How late the event loop of a thread was on average in the last second.',
    read: perThread(seconds('lagMean')),
  },
  {
    name: 'mdx_event_loop_utilization',
    type: 'gauge',
    labels: ['thread'],
    help: 'Part of the last second, 0 to 1, that the event loop of a thread was not idle; waiting on the spot for the next packet counts, too.',
    read: perThread((slots) => slots.get('utilization')),
  },
  {
    name: 'mdx_thread_cpu_seconds_total',
    type: 'counter',
    labels: ['thread'],
    help: 'Processor time of a thread; those that receive (receiver-A), write the journal and hear senders (ingest-1) are there, too.',
    read: perAnyThread(seconds('cpuTime'), ({ cpuSeconds }) => cpuSeconds),
  },
  {
    name: 'mdx_thread_cpu_load',
    type: 'gauge',
    labels: ['thread'],
    help: 'Processor time of a thread in the last second, as part of it: at 1 the thread can do no more.',
    read: perAnyThread(
      (slots) => slots.get('cpuLoad'),
      ({ cpuLoad }) => cpuLoad,
    ),
  },
  {
    name: 'mdx_gc_total',
    type: 'counter',
    labels: ['thread', 'kind'],
    help: 'Garbage collections of a thread.',
    read: ({ threads }) =>
      [...threads].flatMap(([name, slots]) =>
        GC_KINDS.map((kind) => ({ labels: [name, kind], value: slots.gc(kind).count })),
      ),
  },
  {
    name: 'mdx_gc_seconds_total',
    type: 'counter',
    labels: ['thread', 'kind'],
    help: 'Time that a thread spent in garbage collections.',
    read: ({ threads }) =>
      [...threads].flatMap(([name, slots]) =>
        GC_KINDS.map((kind) => ({ labels: [name, kind], value: slots.gc(kind).ns / NS_PER_SECOND })),
      ),
  },
  {
    name: 'mdx_gc_longest_seconds',
    type: 'gauge',
    labels: ['thread'],
    help: 'The longest garbage collection of a thread so far.',
    read: perThread(({ gcMaxNs }) => gcMaxNs / NS_PER_SECOND),
  },
  {
    name: 'mdx_heap_bytes',
    type: 'gauge',
    labels: ['thread', 'part'],
    help: 'Memory of a thread: heap in use, heap, and buffers outside of it.',
    read: ({ threads }) =>
      [...threads].flatMap(([name, slots]) => [
        { labels: [name, 'used'], value: slots.get('heapUsed') },
        { labels: [name, 'total'], value: slots.get('heapTotal') },
        { labels: [name, 'external'], value: slots.get('external') },
        { labels: [name, 'buffers'], value: slots.get('arrayBuffers') },
      ]),
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    labels: [],
    help: 'Memory of the process.',
    read: ({ residentBytes }) => single(residentBytes),
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    labels: [],
    help: 'Processor time of the process, all its threads together.',
    read: ({ cpuSeconds }) => single(cpuSeconds),
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the server started, s since 1970.',
    read: ({ startedAt }) => single(startedAt / 1000),
  },
  {
    name: 'mdx_build_info',
    type: 'gauge',
    labels: ['version', 'node'],
    help: 'Always 1; its labels are the version of mdx and of Node.',
    read: ({ version }) => [{ labels: [version, process.versions.node], value: 1 }],
  },
];
