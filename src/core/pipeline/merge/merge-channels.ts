import type { PipeInterface } from '../../capture/pipe-interface.ts';
import type { Feed, TransportReader } from '../../feeds/feed.ts';
import { Arbiter } from '../../merge/arbiter.ts';
import type { ArbiterOptions, ArbiterSink } from '../../merge/session-merge.ts';
import type { WaitingRoom } from '../../merge/waiting-room.ts';
import type { Datagram } from '../../packet/datagram.ts';
import { CHANNELS_MAX } from '../flows.ts';
import { LINE_A, type SourcePacket } from '../packet-source.ts';

/** What arrives on one line for one destination, or a part of that which the packets name. */
export interface MergeFlow {
  readonly channel: MergeChannel;
  readonly line: number;
  readonly pair: number;
  readonly address: Int32Array;
  readonly ipVersion: number;
  readonly port: number;
  readonly subchannel: number;
  /** How it is received; null = read from a file that says nothing of it. */
  readonly origin: PipeInterface | null;
  /** Packets seen, and of them those that were passed on. */
  packets: number;
  delivered: number;
  /** Interface of the output, −1 = not described yet. */
  interfaceId: number;
}

/** One sequence space: the same destination pair, and the same part of it, on all lines. */
export class MergeChannel {
  readonly number: number;
  readonly pair: number;
  readonly subchannel: number;
  readonly transport: TransportReader;
  readonly arbiter: Arbiter;
  readonly flows: MergeFlow[] = [];
  /** Session and number that come next in the output; −1 = nothing was passed on yet. */
  session = 0;
  next = -1;
  /** Line whose heartbeats are passed on at this number; −1 = none has come yet. */
  heartbeatLine = -1;
  /** What people read at the next packet. */
  comment = '';

  constructor(
    number: number,
    pair: number,
    subchannel: number,
    transport: TransportReader,
    arbiter: Arbiter,
  ) {
    this.number = number;
    this.pair = pair;
    this.subchannel = subchannel;
    this.transport = transport;
    this.arbiter = arbiter;
  }

  /** Flow of a line, for packets that did not come on it themselves: what recovery brings goes where A goes. */
  flowOf(line: number): MergeFlow {
    return this.flows.find((flow) => flow.line === line) ?? this.flows[0]!;
  }
}

export interface MergeChannelsOptions {
  readonly feed: Feed;
  readonly arbiter: ArbiterOptions;
  readonly sink: ArbiterSink;
  readonly room: WaitingRoom;
}

/**
 * Finds the channel of a packet: the n-th destination of line A carries what the n-th of line B carries. Interfaces of a
 * packet pipe say which pair they are of; elsewhere destinations count in order of first sight.
 */
export class MergeChannels {
  readonly channels: MergeChannel[] = [];
  readonly flows: MergeFlow[] = [];
  readonly #options: MergeChannelsOptions;
  readonly #subchannelOf: ((datagram: Datagram) => number) | null;
  #last: MergeFlow | null = null;

  constructor(options: MergeChannelsOptions) {
    this.#options = options;
    this.#subchannelOf = options.feed.subchannelOf ?? null;
  }

  /** The flow of a packet; null where it was not opened yet. */
  find(packet: SourcePacket): MergeFlow | null {
    const line = packet.line < 0 ? LINE_A : packet.line;
    const subchannel = this.#subchannelOf === null ? 0 : this.#subchannelOf(packet);
    const last = this.#last;
    if (last !== null && isOf(last, packet, line, subchannel)) return last;
    for (const flow of this.flows) {
      if (!isOf(flow, packet, line, subchannel)) continue;
      this.#last = flow;
      return flow;
    }
    return null;
  }

  /** Opens the flow of a packet; null where there are too many already. */
  open(packet: SourcePacket, origin: PipeInterface | null): MergeFlow | null {
    const line = packet.line < 0 ? LINE_A : packet.line;
    const subchannel = this.#subchannelOf === null ? 0 : Math.max(0, this.#subchannelOf(packet));
    const pair = packet.pair >= 0 ? packet.pair : this.#pairOf(packet, line);
    const channel =
      this.channels.find((each) => each.pair === pair && each.subchannel === subchannel) ??
      this.#openChannel(pair, subchannel);
    if (channel === null) return null;
    const flow: MergeFlow = {
      channel,
      line,
      pair,
      address: packet.destination.slice(),
      ipVersion: packet.ipVersion,
      port: packet.destinationPort,
      subchannel,
      origin,
      packets: 0,
      delivered: 0,
      interfaceId: -1,
    };
    channel.flows.push(flow);
    this.flows.push(flow);
    this.#last = flow;
    return flow;
  }

  #openChannel(pair: number, subchannel: number): MergeChannel | null {
    if (this.channels.length === CHANNELS_MAX) return null;
    const { feed, arbiter, sink, room } = this.#options;
    const number = this.channels.length;
    const transport = feed.transport!();
    const channel = new MergeChannel(
      number,
      pair,
      subchannel,
      transport,
      new Arbiter(number, arbiter, sink, room),
    );
    this.channels.push(channel);
    return channel;
  }

  /** Destinations of a line count from 0 in order of first sight. */
  #pairOf(packet: SourcePacket, line: number): number {
    let most = -1;
    for (const flow of this.flows) {
      if (flow.line !== line) continue;
      if (isTo(flow, packet)) return flow.pair;
      most = Math.max(most, flow.pair);
    }
    return most + 1;
  }
}

function isOf(flow: MergeFlow, packet: Datagram, line: number, subchannel: number): boolean {
  return flow.line === line && (flow.subchannel === subchannel || subchannel < 0) && isTo(flow, packet);
}

function isTo({ address, port }: MergeFlow, { destination, destinationPort }: Datagram): boolean {
  return (
    port === destinationPort &&
    address[3] === destination[3] &&
    address[2] === destination[2] &&
    address[1] === destination[1] &&
    address[0] === destination[0]
  );
}
