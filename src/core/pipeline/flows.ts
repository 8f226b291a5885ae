import type { Feed, PacketDecoder, TransportReader } from '../feeds/feed.ts';
import type { Arbiter } from '../merge/arbiter.ts';
import type { Datagram } from '../packet/datagram.ts';
import { LINE_A, LINE_B, type SourcePacket } from './packet-source.ts';

/** Channels one run keeps apart; datagrams of further flows count as `otherPort`. */
export const CHANNELS_MAX = 1024;
/** Pairs whose channels are numbered as they are: as many groups, those of snapshots included, as a line is configured with. */
const NUMBERED_PAIRS_MAX = 128;

/** What one line shows of a channel: the datagrams to one destination address and port, or a named part of them. */
export interface Flow<D extends TransportReader = PacketDecoder> {
  readonly channel: Channel<D>;
  /** Line of its packets: as the source says it, else A for the first flow of a channel and B for the second. */
  readonly line: number;
  /** Line that the source says, −1 = it does not. */
  readonly said: number;
  readonly address: Int32Array;
  readonly ipVersion: number;
  readonly port: number;
  /** What tells the channels of one destination apart, where the feed's packets say it. */
  readonly subchannel: number;
  /** Some of the newest packets of a channel's only flow, to tell its twin by, and the time of the last one. */
  readonly recent: SourcePacket[];
  recentHigh: number;
  recentLow: number;
}

/** One independent sequence space, on one line or on several; `D` is what reads its packets. */
export interface Channel<D extends TransportReader = PacketDecoder> {
  readonly number: number;
  readonly decoder: D;
  readonly arbiter: Arbiter;
  /** In order of first sight; none where only pairs behind this one have shown anything. */
  readonly flows: Flow<D>[];
  /** Number of the group pair as the source says it, −1 = it does not. */
  readonly pair: number;
}

/** Which flows belong to the feed. */
export interface FlowFilter {
  /** Destination ports, null = any. */
  readonly ports: ReadonlySet<number> | null;
  /** Destination addresses as formatAddress prints them, null = any. */
  readonly groups: readonly Int32Array[] | null;
  /** Destinations that carry snapshots: wanted whatever ports and groups say. */
  readonly snapshots: readonly Destination[];
  /** Take only flows of which a datagram looks like the feed's. */
  readonly detect: boolean;
}

/** Where datagrams are sent to. */
export interface Destination {
  readonly address: Int32Array;
  readonly port: number;
}

/** What a channel is made of. */
export type ChannelParts<D extends TransportReader = PacketDecoder> = Pick<Channel<D>, 'decoder' | 'arbiter'>;

/** Finds the flow of a datagram; the last one found is tried first. */
export class FlowTable<D extends TransportReader = PacketDecoder> {
  readonly channels: Channel<D>[] = [];
  readonly flows: Flow<D>[] = [];
  readonly #feed: Feed;
  readonly #filter: FlowFilter;
  readonly #make: (number: number, datagram: Datagram) => ChannelParts<D>;
  #last: Flow<D> | null = null;
  readonly #subchannelOf: ((datagram: Datagram) => number) | null;

  constructor(feed: Feed, filter: FlowFilter, make: (number: number, datagram: Datagram) => ChannelParts<D>) {
    this.#feed = feed;
    this.#filter = filter;
    this.#make = make;
    this.#subchannelOf = feed.subchannelOf ?? null;
  }

  /** The flow of a datagram on a line (−1 = not said), or null when none has been opened for it. */
  find(datagram: Datagram, line: number): Flow<D> | null {
    const last = this.#last;
    const subchannel = this.#subchannelOf === null ? 0 : this.#subchannelOf(datagram);
    if (last !== null && isOf(last, datagram, subchannel, line)) return last;
    for (const flow of this.flows) {
      if (isOf(flow, datagram, subchannel, line)) {
        this.#last = flow;
        return flow;
      }
    }
    return null;
  }

  /** May a flow be opened for the datagram? */
  admits(datagram: Datagram): boolean {
    if (!passes(this.#filter, datagram)) return false;
    if (!this.#filter.detect || isSnapshot(this.#filter, datagram)) return true;
    return this.#feed.detectDatagram?.(datagram) === 'yes';
  }

  /** The channel of a pair that the source names; null where it has none yet. */
  channelOfPair(datagram: Datagram, pair: number): Channel<D> | null {
    const subchannel = this.subchannelOf(datagram);
    return (
      this.channels.find(
        (each) => each.pair === pair && (each.flows[0]?.subchannel ?? subchannel) === subchannel,
      ) ?? null
    );
  }

  /** Part of its destination that the datagram is of; 0 where it does not say. */
  subchannelOf(datagram: Datagram): number {
    return this.#subchannelOf === null ? 0 : Math.max(0, this.#subchannelOf(datagram));
  }

  /**
   * Makes the flow of a datagram one more of a channel, or without one a channel of its own.
   * @returns null where there are too many channels.
   */
  open(datagram: Datagram, line: number, pair: number, channel: Channel<D> | null): Flow<D> | null {
    const of = channel ?? this.#openChannel(datagram, pair);
    if (of === null) return null;
    const flow: Flow<D> = {
      channel: of,
      line: line >= 0 ? line : freeLine(of),
      said: line,
      address: datagram.destination.slice(),
      ipVersion: datagram.ipVersion,
      port: datagram.destinationPort,
      subchannel: this.subchannelOf(datagram),
      recent: [],
      recentHigh: 0,
      recentLow: 0,
    };
    of.flows.push(flow);
    if (of.flows.length > 1) of.arbiter.compare();
    this.flows.push(flow);
    this.#last = flow;
    return flow;
  }

  /**
   * Whoever says the pairs has them in an order of his own, and channels are numbered by that and not by who comes first: a
   * restart goes on by the numbers.
   */
  #openChannel(datagram: Datagram, pair: number): Channel<D> | null {
    const pairsBefore = pair < NUMBERED_PAIRS_MAX ? pair : 0;
    for (let before = 0; before < pairsBefore; before += 1) {
      if (!this.channels.some((each) => each.pair === before)) this.#addChannel(datagram, before);
    }
    return this.#addChannel(datagram, pair);
  }

  #addChannel(datagram: Datagram, pair: number): Channel<D> | null {
    const number = this.channels.length;
    if (number === CHANNELS_MAX) return null;
    const channel: Channel<D> = { number, pair, flows: [], ...this.#make(number, datagram) };
    this.channels.push(channel);
    return channel;
  }
}

/** Does a channel have a flow of a line? */
export function hasLine<D extends TransportReader>({ flows }: Channel<D>, line: number): boolean {
  return flows.some((flow) => flow.line === line);
}

function freeLine<D extends TransportReader>(channel: Channel<D>): number {
  return hasLine(channel, LINE_A) ? LINE_B : LINE_A;
}

/** Is it sent to one of the ports and groups asked for? */
export function passes(filter: FlowFilter, datagram: Datagram): boolean {
  if (filter.snapshots.length > 0 && isSnapshot(filter, datagram)) return true;
  if (filter.ports !== null && !filter.ports.has(datagram.destinationPort)) return false;
  return filter.groups === null || filter.groups.some((group) => sameAddress(group, datagram.destination));
}

function isSnapshot({ snapshots }: FlowFilter, datagram: Datagram): boolean {
  return snapshots.some(
    ({ address, port }) => port === datagram.destinationPort && sameAddress(address, datagram.destination),
  );
}

/** Do two datagrams go to one destination? */
export function sameFlow(left: Datagram, right: Datagram): boolean {
  return left.destinationPort === right.destinationPort && sameAddress(left.destination, right.destination);
}

/** @param subchannel that of the datagram; −1 = unknown, any fits. */
function isOf<D extends TransportReader>(
  flow: Flow<D>,
  datagram: Datagram,
  subchannel: number,
  line: number,
): boolean {
  return (
    flow.port === datagram.destinationPort &&
    flow.said === line &&
    (flow.subchannel === subchannel || subchannel < 0) &&
    sameAddress(flow.address, datagram.destination)
  );
}

function sameAddress(left: Int32Array, right: Int32Array): boolean {
  return left[3] === right[3] && left[2] === right[2] && left[1] === right[1] && left[0] === right[0];
}
