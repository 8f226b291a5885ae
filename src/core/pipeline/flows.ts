import type { Feed, PacketDecoder } from '../feeds/feed.ts';
import type { Arbiter } from '../merge/arbiter.ts';
import type { Datagram } from '../packet/datagram.ts';

/** Channels one run keeps apart; datagrams of further flows count as `otherPort`. */
export const CHANNELS_MAX = 1024;

/** One independent sequence space: the datagrams of one destination address and port, or a named part of them. */
export interface Channel {
  readonly number: number;
  readonly address: Int32Array;
  readonly ipVersion: number;
  readonly port: number;
  /** What tells the channels of one destination apart, where the feed's packets say it. */
  readonly subchannel: number;
  readonly decoder: PacketDecoder;
  readonly arbiter: Arbiter;
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

/** Finds the channel of a datagram; the last one found is tried first. */
export class FlowTable {
  readonly channels: Channel[] = [];
  readonly #feed: Feed;
  readonly #filter: FlowFilter;
  readonly #open: (number: number, datagram: Datagram) => Channel;
  #last: Channel | null = null;
  readonly #subchannelOf: ((datagram: Datagram) => number) | null;

  constructor(feed: Feed, filter: FlowFilter, open: (number: number, datagram: Datagram) => Channel) {
    this.#feed = feed;
    this.#filter = filter;
    this.#open = open;
    this.#subchannelOf = feed.subchannelOf ?? null;
  }

  /** The channel, or null when the datagram is not one of the feed's. */
  channelOf(datagram: Datagram): Channel | null {
    const last = this.#last;
    const subchannel = this.#subchannelOf === null ? 0 : this.#subchannelOf(datagram);
    if (last !== null && isOf(last, datagram, subchannel)) return last;
    for (const channel of this.channels) {
      if (isOf(channel, datagram, subchannel)) {
        this.#last = channel;
        return channel;
      }
    }
    if (!this.#admits(datagram) || this.channels.length === CHANNELS_MAX) return null;
    return this.open(datagram);
  }

  /** Makes the flow of a datagram a channel without a look at it: another one of the flow has told the feed. */
  open(datagram: Datagram): Channel {
    const channel = this.#open(this.channels.length, datagram);
    this.channels.push(channel);
    this.#last = channel;
    return channel;
  }

  #admits(datagram: Datagram): boolean {
    if (!passes(this.#filter, datagram)) return false;
    if (!this.#filter.detect || isSnapshot(this.#filter, datagram)) return true;
    return this.#feed.detectDatagram?.(datagram) === 'yes';
  }
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
function isOf(channel: Channel, datagram: Datagram, subchannel: number): boolean {
  return (
    channel.port === datagram.destinationPort &&
    (channel.subchannel === subchannel || subchannel < 0) &&
    sameAddress(channel.address, datagram.destination)
  );
}

function sameAddress(left: Int32Array, right: Int32Array): boolean {
  return left[3] === right[3] && left[2] === right[2] && left[1] === right[1] && left[0] === right[0];
}
