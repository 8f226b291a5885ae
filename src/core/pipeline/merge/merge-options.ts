import type { Feed } from '../../feeds/feed.ts';
import type { LinePreference } from '../../merge/preference.ts';
import type { RecoveryCounts } from '../../merge/recovery/counts.ts';
import type { ArbiterOptions } from '../../merge/session-merge.ts';
import type { WaitingRoom } from '../../merge/waiting-room.ts';
import type { RecoveryCallbacks, RecoveryClient } from '../../net/recovery/client.ts';
import type { FlowFilter } from '../flows.ts';
import type { PacketSource } from '../packet-source.ts';
import type { MergeChannel, MergeFlow } from './merge-channel.ts';
import type { MergeOutput } from './merge-output.ts';

export interface MergeOptions {
  readonly sources: readonly PacketSource[];
  /** Feeds to choose from; the one that is named, or that a packet pipe names, is taken as it is. */
  readonly feeds: readonly Feed[];
  readonly feed: Feed | null;
  readonly filter: Pick<FlowFilter, 'ports' | 'groups'>;
  readonly arbiter: ArbiterOptions;
  /** Makes what takes the merged stream, once the feed is known; null = it is only reported on. */
  readonly output: ((feed: Feed) => MergeOutput) | null;
  /** Makes the client that fetches what both lines lost, once the feed is known; null = there is none. */
  readonly recovery: ((feed: Feed, callbacks: RecoveryCallbacks) => RecoveryClient) | null;
  /**
   * First number wanted of the session that a channel begins with, null = as `arbiter` says. Absent: all as it says.
   * @param session its id; null where the feed has none.
   */
  readonly startOf?: (channel: number, session: string | null) => number | null;
  /** Is told once the feed is known; what it is given stays true while the merge goes on. */
  readonly onBegin?: (standing: MergeStanding) => void;
  /** What cannot be recovered ends the run. */
  readonly stopsAtLoss: boolean;
  /** The run ends when live sources have brought nothing for so long; Infinity = never. */
  readonly idleMs: number;
  readonly stop: () => boolean;
  /** Packets between two calls of `breathe` while there are more. Absent: as many as files are read by. */
  readonly packetsPerTurn?: number;
  /** Called between packets: the place to wait for who reads. Null: there is nothing to wait for. */
  readonly breathe: (progress: MergeProgress) => Promise<void> | null;
}

/** Sources that a run merges while it decodes them. */
export interface MergedSources
  extends Omit<MergeOptions, 'output' | 'packetsPerTurn' | 'idleMs' | 'stop' | 'breathe'> {
  /** Called when the first packet of a turn is merged. Absent: nobody has to know. */
  readonly onMerged?: () => void;
}

export interface MergeProgress {
  readonly packets: number;
  readonly delivered: number;
  readonly lost: number;
  readonly waiting: number;
}

export interface MergeResult {
  readonly feed: Feed | null;
  readonly channels: readonly MergeChannel[];
  readonly flows: readonly MergeFlow[];
  readonly room: WaitingRoom;
  readonly preference: LinePreference;
  /** Packets passed on, parts of packets and heartbeats included. */
  readonly packetsDelivered: number;
  readonly recovery: RecoveryCounts | null;
  readonly otherPackets: number;
  readonly stopped: 'request' | 'loss' | null;
  readonly elapsedNs: number;
}

/** A merge while it goes on. */
export interface MergeStanding {
  readonly feed: Feed;
  readonly channels: readonly MergeChannel[];
  readonly room: WaitingRoom;
  readonly preference: LinePreference;
  readonly recovery: RecoveryCounts | null;
}
