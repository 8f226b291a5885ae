import type { PipeRecord } from '../../capture/pipe-record.ts';
import type { Datagram } from '../../packet/datagram.ts';
import type { MergeChannel, MergeFlow } from './merge-channel.ts';

/** Takes what a merge lets through, in order: a stream of packets for others to read, or decoders at once. */
export interface MergeOutput {
  /**
   * A packet: `take` of its numbers behind the first `skip` are new; `first` is that of its first one, 0 = unsequenced. A
   * heartbeat has none. @param isWhole nothing of it is left out. The datagram is valid during the call.
   */
  write(
    channel: MergeChannel,
    line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
    isWhole: boolean,
  ): void;
  /** A hole, how it stands (one of GAP_*), and the line that filled it; with the time of the merge. */
  gap(
    channel: MergeChannel,
    session: number,
    first: number,
    count: number,
    state: number,
    by: number,
    timeHigh: number,
    timeLow: number,
  ): void;
  /** Another session begins at `first`. */
  session(
    channel: MergeChannel,
    session: number,
    first: number,
    isReset: boolean,
    timeHigh: number,
    timeLow: number,
  ): void;
  /** What was said upstream of a line. */
  lineState(record: PipeRecord): void;
  /** Nothing more is at hand for now. */
  flush(): void;
  /** The end, with what became of every flow. */
  finish(flows: readonly MergeFlow[], timeHigh: number, timeLow: number): void;
}
