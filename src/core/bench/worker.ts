import module from 'node:module';
import { MdxError } from '../errors.ts';
import { collectGarbage, cpuNs, type HeapUse, heapUse, type Latency, latencyOf } from './measure.ts';
import { profileNamed } from './profiles.ts';
import { warmUp } from './warm-up.ts';
import type { Checksum, SteadyState, Waits, Workload, WorkloadOptions } from './workload.ts';

/*
 * One variant in a process of its own: what V8 learns from one must not bend the code of another. The parent
 * asks, this process answers, one answer per question; it ends with its parent.
 */

export type Question =
  | {
      readonly ask: 'prepare';
      readonly profile: string;
      readonly options: WorkloadOptions;
      readonly isShort: boolean;
    }
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
  if (question.ask === 'prepare') return prepare(question.profile, question.options, question.isShort);
  return question.ask === 'measure' ? measure(workload!) : inspect(workload!);
}

async function prepare(profile: string, options: WorkloadOptions, isShort: boolean): Promise<Prepared> {
  let load: Workload;
  try {
    load = await profileNamed(profile)!.make!(options);
    // The process is ended by a signal, which writes nothing.
    module.flushCompileCache();
  } catch (error) {
    if (!(error instanceof MdxError)) throw error;
    return { units: 0, bytes: null, note: null, skipped: error.message };
  }
  workload = load;
  await warmUp(() => runOnce(load), { waits: load.waits === true, isShort });
  const { units, bytes, note } = load;
  return { units, bytes, note, skipped: null };
}

async function measure(load: Workload): Promise<Measured> {
  const ns = await runOnce(load);
  return { cpuNs: ns, checksum: load.checksum(), waits: load.waited?.() ?? null };
}

/** @returns the ns that count. */
function runOnce(load: Workload): number | Promise<number> {
  load.reset();
  collectGarbage();
  return load.measure === undefined ? cpuNs(() => load.run()) : load.measure();
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
