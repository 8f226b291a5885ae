import { collectGarbage, cpuNs, type HeapUse, heapUse, type Latency, latencyOf } from './measure.ts';
import { profileNamed } from './profiles.ts';
import type { Checksum, SteadyState, Workload, WorkloadOptions } from './workload.ts';

/*
 * One variant in a process of its own: what V8 learns from one must not bend the code of another. The parent
 * asks, this process answers, one answer per question; it ends with its parent.
 */

export type Question =
  | { readonly ask: 'prepare'; readonly profile: string; readonly options: WorkloadOptions }
  | { readonly ask: 'measure' }
  | { readonly ask: 'inspect' };

export interface Prepared {
  readonly units: number;
  readonly bytes: number | null;
  readonly note: string | null;
}

export interface Measured {
  readonly cpuNs: number;
  readonly checksum: Checksum | null;
}

export interface Inspected {
  readonly latency: Latency | null;
  readonly heap: HeapUse;
  readonly steady: SteadyState | null;
}

/** Runs before anything is measured, so that the code is compiled for what it will meet. */
const WARM_UP_RUNS = 2;
const LATENCY_SAMPLES_MAX = 500_000;

let workload: Workload | null = null;

process.on('message', (question: Question) => {
  process.send!(answer(question));
});
// The parent decides when to stop.
process.on('SIGINT', () => {});

function answer(question: Question): Prepared | Measured | Inspected {
  if (question.ask === 'prepare') {
    workload = profileNamed(question.profile)!.make!(question.options);
    for (let run = 0; run < WARM_UP_RUNS; run += 1) {
      workload.reset();
      workload.run();
    }
    const { units, bytes, note } = workload;
    return { units, bytes, note };
  }
  return question.ask === 'measure' ? measure(workload!) : inspect(workload!);
}

function measure(load: Workload): Measured {
  load.reset();
  collectGarbage();
  return { cpuNs: cpuNs(() => load.run()), checksum: load.checksum() };
}

function inspect(load: Workload): Inspected {
  load.reset();
  const heap = heapUse(() => load.run());
  const steady = load.steady?.() ?? null;
  if (load.one === undefined) return { latency: null, heap, steady };
  load.reset();
  collectGarbage();
  return { latency: latencyOf(() => load.one!(), Math.min(load.units, LATENCY_SAMPLES_MAX)), heap, steady };
}
