import type { Latency } from './measure.ts';

/** What the process of the clients of server-sent events is told. */
export type StreamRequest =
  /** So many clients connect and read; answered by `null` when all are let in. */
  | { readonly port: number; readonly clients: number }
  /** One more goes on behind an event and reads nothing. */
  | { readonly port: number; readonly behind: string }
  /** That one goes. */
  | { readonly stopped: null }
  /**
   * Events that are numbered from `first` on are due one by one, by the monotonic clock of the machine, ns; answered by how
   * late they were when every reader has the last one.
   */
  | {
      readonly first: number;
      readonly events: number;
      readonly startNs: number;
      readonly periodNs: number;
    };

export type StreamAnswer = Latency | null;
