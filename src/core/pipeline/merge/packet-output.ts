import { formatAddress } from '../../capture/address.ts';
import {
  type ByteSink,
  type CaptureWriter,
  PcapngWriter,
  PcapWriter,
  type UdpHeader,
} from '../../capture/capture-writer.ts';
import { describeInterface } from '../../capture/pipe-interface.ts';
import {
  channelOfRecord,
  GAP_STATE_FILLED,
  GAP_STATE_LOST,
  GAP_STATE_OPEN,
  NO_INTERFACE,
  PipeRecord,
  RECORD_END,
  RECORD_GAP,
  RECORD_LINE,
  RECORD_RESET,
  RECORD_SESSION,
} from '../../capture/pipe-record.ts';
import { GAP_FILLED, GAP_OPEN } from '../../event/record.ts';
import type { Datagram } from '../../packet/datagram.ts';
import { LINE_NAMES, LINE_R } from '../packet-source.ts';
import type { MergeChannel, MergeFlow } from './merge-channel.ts';
import type { MergeOutput } from './merge-output.ts';

/** Longest packet that can be written. */
const PACKET_BYTES_MAX = 65_535;

/** Writes one stream of packets: the packet pipe as docs/formats.md draws it, or a pcap file, which has packets only. */
export class PacketOutput implements MergeOutput {
  readonly #writer: CaptureWriter;
  readonly #pipe: PcapngWriter | null;
  readonly #feed: string;
  readonly #record: PipeRecord = new PipeRecord();
  readonly #cut: Uint8Array = new Uint8Array(PACKET_BYTES_MAX);
  readonly #header: Mutable<UdpHeader> = {
    timeHigh: 0,
    timeLow: 0,
    ipVersion: 4,
    source: new Int32Array(4),
    sourcePort: 0,
    destination: new Int32Array(4),
    destinationPort: 0,
  };
  /** Interfaces of recovered packets, by pair. */
  readonly #recovered: Map<number, number> = new Map();

  constructor(sink: ByteSink, form: 'pcap' | 'pcapng', feed: string) {
    this.#pipe = form === 'pcapng' ? new PcapngWriter(sink) : null;
    this.#writer = this.#pipe ?? new PcapWriter(sink);
    this.#feed = feed;
  }

  /** A packet as it is, or what of it is new; with the time at which it was received. */
  write(
    channel: MergeChannel,
    line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
    isWhole: boolean,
  ): void {
    const flow = channel.flowOf(line);
    flow.delivered += 1;
    const pipe = this.#pipe;
    if (pipe !== null) {
      pipe.interfaceId = line === LINE_R ? this.#recoveredInterface(flow) : this.#interfaceOf(pipe, flow);
      pipe.comment = channel.comment;
      channel.comment = '';
    }
    if (isWhole) {
      this.#writer.writeUdp(datagram, datagram.bytes, datagram.offset, datagram.length);
      return;
    }
    const length = channel.transport.cut!(datagram, first, skip, take, this.#cut);
    const header = this.#header;
    header.timeHigh = datagram.timeHigh;
    header.timeLow = datagram.timeLow;
    header.ipVersion = datagram.ipVersion;
    header.source = datagram.source;
    header.sourcePort = datagram.sourcePort;
    header.destination = datagram.destination;
    header.destinationPort = datagram.destinationPort;
    this.#writer.writeUdp(header, this.#cut, 0, length);
  }

  /** A hole, and how it stands. */
  gap(
    channel: MergeChannel,
    session: number,
    first: number,
    count: number,
    state: number,
    by: number,
    timeHigh: number,
    timeLow: number,
  ): void {
    if (this.#pipe === null) return;
    const record = this.#about(RECORD_GAP, channel, session, first, timeHigh, timeLow);
    record.state =
      state === GAP_OPEN ? GAP_STATE_OPEN : state === GAP_FILLED ? GAP_STATE_FILLED : GAP_STATE_LOST;
    record.by = by < 0 ? 0 : LINE_NAMES[by]!.charCodeAt(0);
    record.count = count;
    this.#pipe.writeRecord(record);
    const word = state === GAP_OPEN ? 'open' : state === GAP_FILLED ? 'filled' : 'lost';
    channel.comment = `mdx gap channel=${channel.number} first=${first} count=${count} state=${word}`;
  }

  /** Another session begins. */
  session(
    channel: MergeChannel,
    session: number,
    first: number,
    isReset: boolean,
    timeHigh: number,
    timeLow: number,
  ): void {
    if (this.#pipe === null) return;
    const kind = isReset ? RECORD_RESET : RECORD_SESSION;
    this.#pipe.writeRecord(this.#about(kind, channel, session, first, timeHigh, timeLow));
  }

  /** What was said upstream of a line goes on. */
  lineState(record: PipeRecord): void {
    if (this.#pipe === null || record.kind !== RECORD_LINE) return;
    record.interfaceId = NO_INTERFACE;
    this.#pipe.writeRecord(record);
  }

  flush(): void {
    this.#writer.flush();
  }

  /** The counters of every flow and the end. */
  finish(flows: readonly MergeFlow[], timeHigh: number, timeLow: number): void {
    const pipe = this.#pipe;
    if (pipe !== null) {
      for (const flow of flows) {
        if (flow.flow.line === LINE_R) continue;
        const id = this.#interfaceOf(pipe, flow);
        pipe.writeStatistics(id, timeHigh, timeLow, {
          received: BigInt(flow.packets),
          delivered: BigInt(flow.delivered),
        });
      }
      const record = this.#record.reset(RECORD_END);
      record.timeHigh = timeHigh;
      record.timeLow = timeLow;
      pipe.writeRecord(record);
    }
    this.#writer.flush();
  }

  #about(
    kind: number,
    channel: MergeChannel,
    session: number,
    first: number,
    timeHigh: number,
    timeLow: number,
  ): PipeRecord {
    const record = this.#record.reset(kind);
    // Readers know the channel by the interface: one that they have packets of, if there is one.
    const flow = channel.flows.find(({ interfaceId }) => interfaceId >= 0) ?? channel.flows[0]!;
    record.interfaceId = this.#interfaceOf(this.#pipe!, flow);
    record.channel = channelOfRecord(flow.pair, flow.flow.subchannel);
    const id = channel.transport.sessionId?.(session) ?? null;
    if (id !== null) record.session.set(id.subarray(0, record.session.length));
    record.first = first;
    record.timeHigh = timeHigh;
    record.timeLow = timeLow;
    return record;
  }

  #interfaceOf(pipe: PcapngWriter, flow: MergeFlow): number {
    if (flow.interfaceId < 0) flow.interfaceId = this.#describe(pipe, flow, LINE_NAMES[flow.flow.line]!);
    return flow.interfaceId;
  }

  #recoveredInterface(flow: MergeFlow): number {
    const known = this.#recovered.get(flow.pair);
    if (known !== undefined) return known;
    const id = this.#describe(this.#pipe!, flow, 'R');
    this.#recovered.set(flow.pair, id);
    return id;
  }

  #describe(pipe: PcapngWriter, flow: MergeFlow, line: string): number {
    const { origin, pair } = flow;
    const { address, ipVersion, port } = flow.flow;
    const host = formatAddress(address, ipVersion);
    const destination = `udp://${ipVersion === 6 ? `[${host}]` : host}:${port}`;
    const description = describeInterface({
      line,
      clock: origin?.clock ?? 'file',
      source: line === 'R' ? destination : (origin?.source ?? destination),
      backend: line === 'R' ? null : (origin?.backend ?? null),
      feed: this.#feed,
      pair,
    });
    return pipe.addInterface({ name: line, description });
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
