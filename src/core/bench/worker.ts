import module from 'node:module';
import { MdxError } from '../errors.ts';
import { collectGarbage, cpuNs, type HeapUse, heapUse, type Latency, latencyOf } from './measure.ts';
import { profileNamed } from './profiles.ts';
import type { Checksum, SteadyState, Waits, Workload, WorkloadOptions } from './workload.ts';

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
  /** Why it cannot be measured here; there is nothing else to ask then. */
  readonly skipped: string | null;
}

export interface Measured {
  readonly cpuNs: number;
  readonly checksum: Checksum | null;
  readonly waits: Waits | null;
}

export interface Inspected {
  readonly latency: Latency | null;
  readonly heap: HeapUse | null;
  readonly steady: SteadyState | null;
  readonly held: number | null;
}

/** Runs before anything is measured, so that the code is compiled for what it will meet. */
const WARM_UP_RUNS = 2;
const LATENCY_SAMPLES_MAX = 500_000;

let workload: Workload | null = null;

// What a profile loads was compiled by those before it, too.
module.enableCompileCache();

process.on('message', async (question: Question) => {
  process.send!(await answer(question));
});
// Threads and sockets of a workload would keep it alive.
process.once('disconnect', () => {
  workload?.close?.();
  process.kill(process.pid);
});
// The parent decides when to stop.
process.on('SIGINT', () => {});

async function answer(question: Question): Promise<Prepared | Measured | Inspected> {
  if (question.ask === 'prepare') return prepare(question.profile, question.options);
  return question.ask === 'measure' ? measure(workload!) : inspect(workload!);
}

async function prepare(profile: string, options: WorkloadOptions): Promise<Prepared> {
  try {
    workload = await profileNamed(profile)!.make!(options);
    // The process is ended by a signal, which writes nothing.
    module.flushCompileCache();
  } catch (error) {
    if (!(error instanceof MdxError)) throw error;
    return { units: 0, bytes: null, note: null, skipped: error.message };
  }
  for (let run = 0; run < WARM_UP_RUNS; run += 1) {
    workload.reset();
    if (workload.measure === undefined) workload.run();
    else await workload.measure();
  }
  const { units, bytes, note } = workload;
  return { units, bytes, note, skipped: null };
}

async function measure(load: Workload): Promise<Measured> {
  load.reset();
  collectGarbage();
  const ns = load.measure === undefined ? cpuNs(() => load.run()) : await load.measure();
  return { cpuNs: ns, checksum: load.checksum(), waits: load.waited?.() ?? null };
}

function inspect(load: Workload): Inspected {
  load.reset();
  const heap = load.waits === true ? null : heapUse(() => load.run());
  const steady = load.steady?.() ?? null;
  const held = load.held?.() ?? null;
  if (load.one === undefined) return { latency: null, heap, steady, held };
  load.reset();
  collectGarbage();
  const latency = latencyOf(() => load.one!(), Math.min(load.units, LATENCY_SAMPLES_MAX));
  return { latency, heap, steady, held };
}
