import { bucketOf, EDGES_NS, STAGES, STARTS, type Stage, type Start } from './stages.ts';

/** Kinds of garbage collection, as V8 tells them. */
export const GC_KINDS = ['minor', 'major', 'incremental', 'weakcb'] as const;
export type GcKind = (typeof GC_KINDS)[number];

/** What a thread says of itself, each a slot. Times are ns, sizes bytes. */
export const GAUGES = [
  'alive',
  'lagMean',
  'lagP99',
  'lagMax',
  'utilization',
  'cpuTime',
  'cpuLoad',
  'heapUsed',
  'heapTotal',
  'external',
  'arrayBuffers',
] as const;
export type Gauge = (typeof GAUGES)[number];

const BUCKETS = EDGES_NS.length + 1;
/** Of one histogram: its buckets, the sum of its times, and the times that would have been negative. */
const HISTOGRAM_SLOTS = BUCKETS + 2;
const START_AT = 0;
const GAUGES_AT = 1;
const GC_COUNT_AT: number = GAUGES_AT + GAUGES.length;
const GC_TIME_AT: number = GC_COUNT_AT + GC_KINDS.length;
const GC_MAX_AT: number = GC_TIME_AT + GC_KINDS.length;
const STAGES_AT: number = GC_MAX_AT + 1;
const SLOTS: number = STAGES_AT + STAGES.length * STARTS.length * HISTOGRAM_SLOTS;

/** A histogram as it stands. */
export interface StageTimes {
  readonly stage: Stage;
  readonly start: Start;
  /** By bucket, not cumulative. */
  readonly counts: readonly number[];
  readonly sumNs: number;
  /** Times that were negative because a clock was set: in no bucket. */
  readonly backwards: number;
}

/**
 * The numbers of one thread in shared memory: the thread writes them, whoever exports them reads. Plain slots of 64-bit
 * floats, each with one writer, which readers see whole; writing allocates nothing.
 */
export class ThreadSlots {
  readonly memory: SharedArrayBuffer;
  readonly #slots: Float64Array;

  /** @param memory of the slots of a thread that exist already; absent: new ones, all 0. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(SLOTS * 8)) {
    this.memory = memory;
    this.#slots = new Float64Array(memory, 0, SLOTS);
  }

  /** What times of events count from, as whoever supervises the thread says: it knows the clocks of the lines. */
  get start(): Start {
    return STARTS[this.#slots[START_AT] === 1 ? 0 : 1];
  }

  set start(start: Start) {
    this.#slots[START_AT] = start === 'receive' ? 1 : 0;
  }

  /** Counts a time of a stage; allocates nothing. */
  observe(stage: Stage, ns: number): void {
    const at = histogramAt(stage, this.start);
    const slots = this.#slots;
    if (ns < 0) {
      slots[at + BUCKETS + 1]! += 1;
      return;
    }
    slots[at + bucketOf(ns)]! += 1;
    slots[at + BUCKETS]! += ns;
  }

  stage(stage: Stage, start: Start): StageTimes {
    const at = histogramAt(stage, start);
    const slots = this.#slots;
    return {
      stage,
      start,
      counts: Array.from(slots.subarray(at, at + BUCKETS)),
      sumNs: slots[at + BUCKETS]!,
      backwards: slots[at + BUCKETS + 1]!,
    };
  }

  set(gauge: Gauge, value: number): void {
    this.#slots[GAUGES_AT + GAUGES.indexOf(gauge)] = value;
  }

  get(gauge: Gauge): number {
    return this.#slots[GAUGES_AT + GAUGES.indexOf(gauge)]!;
  }

  /** Counts a garbage collection. */
  noteGc(kind: GcKind, ns: number): void {
    const index = GC_KINDS.indexOf(kind);
    const slots = this.#slots;
    slots[GC_COUNT_AT + index]! += 1;
    slots[GC_TIME_AT + index]! += ns;
    if (ns > slots[GC_MAX_AT]!) slots[GC_MAX_AT] = ns;
  }

  gc(kind: GcKind): { readonly count: number; readonly ns: number } {
    const index = GC_KINDS.indexOf(kind);
    return { count: this.#slots[GC_COUNT_AT + index]!, ns: this.#slots[GC_TIME_AT + index]! };
  }

  /** The longest garbage collection so far. */
  get gcMaxNs(): number {
    return this.#slots[GC_MAX_AT]!;
  }
}

function histogramAt(stage: Stage, start: Start): number {
  return STAGES_AT + (STAGES.indexOf(stage) * STARTS.length + STARTS.indexOf(start)) * HISTOGRAM_SLOTS;
}
