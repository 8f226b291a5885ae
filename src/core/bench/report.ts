import type { Machine } from './machine.ts';
import type { Latency } from './measure.ts';
import type { Comparison } from './profile.ts';
import type { InTurn } from './workload.ts';

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Against another profile of the same run: median and bounds of the ratios of single rounds. */
export interface Ratio extends Spread {
  readonly against: string;
  readonly as: Comparison['as'];
}

/** Against the same profile of an earlier report; positive = worse, 0.1 = ten per cent. */
export interface Change {
  /** Of the ratio where both have one, else of the time per unit; null where neither can be compared. */
  readonly worse: number | null;
  readonly of: 'ratio' | 'nsPerUnit' | null;
  readonly nsPerUnit: number | null;
  readonly ratio: number | null;
  readonly failed: boolean;
}

/** Only the steady-state profile has it. */
export interface SteadyReport {
  readonly units: number;
  readonly heapBytesPerUnit: number;
  readonly scavenges: number;
  readonly otherCollections: number;
}

/** A floor that is kept or not; `value` and `floor` in the unit that `what` names. */
export interface Verdict {
  readonly what: string;
  readonly value: number;
  readonly floor: number;
  readonly aim: number;
  /** The better direction. */
  readonly better: 'higher' | 'lower';
  /** Does it hold on every machine, so that --gate may fail for it? */
  readonly gates: boolean;
  readonly met: boolean;
}

export interface Result {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Units of one run. */
  readonly units: number;
  readonly runs: number;
  readonly nsPerUnit: Spread;
  readonly unitsPerSecond: number;
  readonly bytesPerSecond: number | null;
  readonly latency: Latency | null;
  /** Of what took turns with it; `engine-latency` and `sse-500` only. */
  readonly inTurn: InTurn | null;
  readonly heapBytesPerUnit: number | null;
  /** Memory that a unit keeps; `idle-…` and `sse-…` only. */
  readonly heldBytesPerUnit: number | null;
  readonly ratio: Ratio | null;
  /** Most memory that a started program held, bytes. */
  readonly residentBytesMax: number | null;
  readonly steady: SteadyReport | null;
  readonly note: string | null;
  readonly verdicts: readonly Verdict[];
  readonly change: Change | null;
}

export interface ComparisonReport {
  readonly commit: string | null;
  /** On another kind of machine only ratios are compared. */
  readonly sameMachine: boolean;
  /** Profiles of the earlier report that were not run now. */
  readonly missing: readonly string[];
}

/** A profile that this machine or this user cannot run. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

/** What `mdx bench --json` prints. */
export interface BenchReport {
  readonly command: 'bench';
  readonly version: string;
  readonly machine: Machine;
  readonly commit: string | null;
  /** Load of the machine before and after: figures of a busy one say little. */
  readonly load: { readonly before: number; readonly after: number };
  readonly rounds: number;
  readonly results: readonly Result[];
  readonly skipped: readonly Skipped[];
  /** Variants that should have ended with the same books and did not. */
  readonly disagreements: readonly string[];
  /** What the changes are against, where an earlier report was given. */
  readonly comparison: ComparisonReport | null;
  readonly timing: { readonly elapsedNs: number };
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { min: sorted[0]!, median, max: sorted.at(-1)! };
}
