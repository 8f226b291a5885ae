import type { Workload, WorkloadOptions } from './workload.ts';

/** How a profile stands to another one of the same run. */
export interface Comparison {
  readonly profile: string;
  /** `speed`: how many times as fast as the other; `cost`: how many times its time per unit. */
  readonly as: 'speed' | 'cost';
  /** Both handle the same events, so both must end with the same books. */
  readonly sameBooks: boolean;
}

/** Builds what is measured. */
export type MakeWorkload = (options: WorkloadOptions) => Promise<Workload>;

/** One thing to measure. */
export interface Profile {
  readonly name: string;
  readonly title: string;
  /** What is counted: `event`, `message`, … */
  readonly unit: string;
  readonly against: Comparison | null;
  /** What runs in a process of its own; null: the whole program is started instead. */
  readonly make: MakeWorkload | null;
}

/** The same events, faster by how much? */
export const faster = (profile: string): Comparison => ({ profile, as: 'speed', sameBooks: true });
/** Another feed: other bytes and ids for the same events. */
export const asFast = (profile: string): Comparison => ({ profile, as: 'speed', sameBooks: false });
/** Something on top of it. */
export const dearer = (profile: string): Comparison => ({ profile, as: 'cost', sameBooks: false });

/**
 * Workloads of a module that is loaded when one of them is made: the process of a profile loads nothing of the others,
 * which would take most of its preparation.
 */
export function from<M>(
  load: () => Promise<M>,
): (make: (module: M, options: WorkloadOptions) => Workload | Promise<Workload>) => MakeWorkload {
  return (make) => async (options) => make(await load(), options);
}
