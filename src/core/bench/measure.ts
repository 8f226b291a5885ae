import v8 from 'node:v8';
import { build, type Histogram } from 'hdr-histogram-js';
import { processCpuNs } from './cpu-time.ts';

/** Times of single units, ns. */
export interface Latency {
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly maxNs: number;
  readonly samples: number;
}

/** What a run did to the heap of JavaScript objects; typed arrays of size live outside. */
export interface HeapUse {
  /** Bytes allocated, whether collected in the meantime or not. */
  readonly allocatedBytes: number;
  readonly scavenges: number;
  readonly otherCollections: number;
}

const LATENCY_MAX_NS = 10_000_000_000;
const NS_PER_MS = 1e6;
/** Significant digits of a latency. */
const LATENCY_DIGITS = 3;

/** Collects garbage where the process was started with --expose-gc. */
export function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

/** CPU time of the whole process during `run`, its helper threads (compiler, collector) included; ns. */
export function cpuNs(run: () => void): number {
  const before = processCpuNs();
  run();
  return processCpuNs() - before;
}

/** What a run allocates and what it makes the collector do, without what looking costs. */
export function heapUse(run: () => void): HeapUse {
  const looking = watchHeap(() => {});
  const use = watchHeap(run);
  return { ...use, allocatedBytes: Math.max(0, use.allocatedBytes - looking.allocatedBytes) };
}

function watchHeap(run: () => void): HeapUse {
  collectGarbage();
  const profiler = new v8.GCProfiler();
  profiler.start();
  const before = process.memoryUsage().heapUsed;
  run();
  const growth = process.memoryUsage().heapUsed - before;
  const { statistics } = profiler.stop();
  let collected = 0;
  let scavenges = 0;
  for (const { gcType, beforeGC, afterGC } of statistics) {
    collected += beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize;
    if (gcType === 'Scavenge') scavenges += 1;
  }
  return {
    allocatedBytes: growth + collected,
    scavenges,
    otherCollections: statistics.length - scavenges,
  };
}

/** Times of single units as they come, ns. */
export class Times {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_MAX_NS,
    numberOfSignificantValueDigits: LATENCY_DIGITS,
    bitBucketSize: 32,
    useWebAssembly: false,
  });

  note(ns: number): void {
    this.#histogram.recordValue(Math.min(Math.max(0, Math.round(ns)), LATENCY_MAX_NS));
  }

  get latency(): Latency {
    const histogram = this.#histogram;
    return {
      p50Ns: histogram.getValueAtPercentile(50),
      p90Ns: histogram.getValueAtPercentile(90),
      p99Ns: histogram.getValueAtPercentile(99),
      p999Ns: histogram.getValueAtPercentile(99.9),
      maxNs: histogram.maxValue,
      samples: histogram.totalCount,
    };
  }
}

/** Times `samples` calls of `one` by the clock on the wall: what somebody who waits for it sees. */
export function latencyOf(one: () => void, samples: number): Latency {
  const times = new Times();
  for (let sample = 0; sample < samples; sample += 1) {
    const before = performance.now();
    one();
    times.note((performance.now() - before) * NS_PER_MS);
  }
  return times.latency;
}
