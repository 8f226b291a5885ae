import type { Latency } from './measure.ts';

/** What a book holds after a run, to be compared between variants. */
export interface Checksum {
  readonly orders: number;
  readonly levels: number;
  readonly crossed: number;
  readonly hash: bigint;
}

/** How long units waited for what is measured. */
export interface Waits {
  readonly latency: Latency;
  readonly inTurn: InTurn;
}

/** The same of what took turns with it, which whatever disturbs the machine bends alike. */
export interface InTurn {
  /** As in: times the p99 of … */
  readonly what: string;
  readonly latency: Latency;
  /** CPU time of what is measured for 1 of this; null where that says nothing. */
  readonly cost: number | null;
}

/** What a workload is made for. */
export interface WorkloadOptions {
  /** Units of one measured run, where the workload can choose. */
  readonly events: number;
  /** Folder with real files, null where there is none. */
  readonly data: string | null;
  /** Folder for the journal of a whole day, made there where it is missing; null = a small one will do. */
  readonly journal: string | null;
}

/**
 * One thing that is measured, alone in its process. `reset` puts it in front of the same run again, `run` is that
 * run: nothing but what the profile is named after.
 */
export interface Workload {
  /** Units (events, messages, …) that one run handles. */
  readonly units: number;
  /** Bytes that one run reads, null where that says nothing. */
  readonly bytes: number | null;
  /** Something about its input that the report should tell. */
  readonly note: string | null;
  /** It waits for others while it runs: only `measure` runs it, and what it allocates is not known. */
  readonly waits?: true;
  reset(): void;
  run(): void;
  /** What the last run left, null where nothing is left. */
  checksum(): Checksum | null;
  /** Runs it and answers the ns that count, where they are not the CPU time of the whole process. */
  measure?(): number | Promise<number>;
  /** Removes what it has outside of its process. */
  close?(): void;
  /** After `reset`: handles the next unit alone. Absent where units cannot be handled one by one. */
  one?(): void;
  /** How long units of the last run waited, where that is measured as they come. */
  waited?(): Waits;
  /** Memory that the units of a run keep, bytes, where that is what it is about. */
  held?(): number;
  /** Heap growth in a steady state, for the workload that is made for it. */
  steady?(): SteadyState;
}

export interface SteadyState {
  readonly units: number;
  readonly heapGrowthBytes: number;
  readonly scavenges: number;
  readonly otherCollections: number;
}
