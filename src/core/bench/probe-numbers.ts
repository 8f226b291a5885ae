import { build, type Histogram } from 'hdr-histogram-js';
import { nsBetween } from '../binary/time.ts';
import type { Datagram } from '../packet/datagram.ts';
import { PROBE_TIME } from './probe-plan.ts';
import type { ProbeLatency } from './probe-report.ts';

const LATENCY_MAX_NS = 100_000_000_000;
const DIGITS = 3;

/** The numbers that came, and how long each was on its way. */
export class ProbeNumbers {
  received = 0;
  gaps = 0;
  outOfOrder = 0;
  duplicates = 0;
  foreign = 0;
  /** Received before they were sent: the clocks are not the same. */
  early = 0;
  readonly #payloadBytes: number;
  /** Came, by number. */
  readonly #came: Uint8Array;
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_MAX_NS,
    numberOfSignificantValueDigits: DIGITS,
    bitBucketSize: 32,
    useWebAssembly: false,
  });
  #highest = 0;

  constructor(packets: number, payloadBytes: number) {
    this.#payloadBytes = payloadBytes;
    this.#came = new Uint8Array(packets + 1);
  }

  take(datagram: Datagram): void {
    const { view, offset, length } = datagram;
    const came = this.#came;
    const number = length === this.#payloadBytes ? view.getUint32(offset, true) : 0;
    if (number === 0 || number >= came.length) {
      this.foreign += 1;
      return;
    }
    if (came[number] !== 0) {
      this.duplicates += 1;
      return;
    }
    came[number] = 1;
    this.received += 1;
    if (number < this.#highest) this.outOfOrder += 1;
    else {
      if (number > this.#highest + 1) this.gaps += 1;
      this.#highest = number;
    }
    const low = view.getInt32(offset + PROBE_TIME, true);
    const high = view.getInt32(offset + PROBE_TIME + 4, true);
    const ns = nsBetween(datagram.timeHigh, datagram.timeLow, high, low);
    if (ns < 0) this.early += 1;
    this.#histogram.recordValue(Math.max(0, Math.min(ns, LATENCY_MAX_NS)));
  }

  latency(): ProbeLatency {
    const samples = this.received;
    const { maxValue } = this.#histogram;
    // The histogram answers the upper bound of its step, which may be above the largest value.
    const at = (percentile: number): number | null =>
      samples === 0 ? null : Math.min(maxValue, this.#histogram.getValueAtPercentile(percentile));
    return {
      p50Ns: at(50),
      p90Ns: at(90),
      p99Ns: at(99),
      p999Ns: at(99.9),
      maxNs: samples === 0 ? null : maxValue,
      samples,
    };
  }
}
