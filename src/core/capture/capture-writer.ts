import { copyBytes } from '../binary/copy-bytes.ts';
import { BlockBuffer, type ByteSink } from './block-buffer.ts';
import {
  frameBytes,
  macByteOf,
  synthesizeEthernet,
  UDP_PAYLOAD_BYTES_MAX,
  type UdpHeader,
} from './ethernet.ts';
import { BLOCK_RECORD, encodeRecord, type PipeRecord, RECORD_BLOCK_BYTES } from './pipe-record.ts';

export type { ByteSink } from './block-buffer.ts';
export type { UdpHeader } from './ethernet.ts';

/** Snap length the files announce, and the longest frame the writers take. */
export const SNAP_LENGTH = 262144;
const LINK_TYPE_ETHERNET = 1;
/** Bit of the link type of a pcap file: the bits above it count the check sequence in units of 16 bits. */
const FCS_PRESENT = 0x04000000;
const BUFFER_BYTES = 1 << 20;
const NS_PER_SECOND = 1_000_000_000;
const TWO_32 = 4294967296;

/** Writes captured packets; bytes reach the sink when the buffer is full and on `flush`. */
export abstract class CaptureWriter {
  protected readonly out: BlockBuffer;

  constructor(sink: ByteSink) {
    this.out = new BlockBuffer(sink, BUFFER_BYTES);
  }

  /**
   * Writes `length` payload bytes behind made-up Ethernet, IP and UDP headers; `wireLength` is more where the payload
   * was cut.
   */
  writeUdp(
    header: UdpHeader,
    payload: Uint8Array,
    offset: number,
    length: number,
    wireLength: number = length,
  ): void {
    checkRange(payload, offset, length, UDP_PAYLOAD_BYTES_MAX);
    const frame = frameBytes(header.ipVersion, length);
    const at = this.begin(header.timeHigh, header.timeLow, frame, frame + wireLength - length);
    const { bytes, view } = this.out;
    synthesizeEthernet(bytes, view, at, header, this.macByte, payload, offset, length, wireLength);
  }

  /** Writes a whole Ethernet frame as it is; `originalLength` ≥ `length` where it was cut. */
  writeFrame(
    timeHigh: number,
    timeLow: number,
    frame: Uint8Array,
    offset: number,
    length: number,
    originalLength: number,
  ): void {
    checkRange(frame, offset, length, SNAP_LENGTH);
    const at = this.begin(timeHigh, timeLow, length, originalLength);
    copyBytes(frame, offset, length, this.out.bytes, at);
  }

  flush(): void {
    this.out.flush();
  }

  /** Last byte of the source MAC of made-up headers. */
  protected abstract get macByte(): number;

  /** Writes all of a packet's record but its bytes. @returns where they go. */
  protected abstract begin(timeHigh: number, timeLow: number, captured: number, original: number): number;
}

export interface PcapWriterOptions {
  /** Unit of the times in the file; microseconds cut what is below. Nanoseconds unless said. */
  readonly unit?: 'ns' | 'us';
  /** Line whose letter ends the source MAC of made-up headers. */
  readonly line?: string;
  /** Ethernet unless said. */
  readonly linkType?: number;
  /** Check sequence bytes at the end of every whole packet; none unless said. */
  readonly fcsLength?: number;
}

/**
 * Classic pcap, little endian, Ethernet unless asked otherwise:
 *
 *     file    0 u32 magic a1b23c4d (ns) or a1b2c3d4 (µs) · 4 u16 2 · 6 u16 4 · 8 u32 0 · 12 u32 0 · 16 u32 snap
 *             length · 20 u32 link type 1
 *     record  0 u32 seconds · 4 u32 fraction · 8 u32 captured · 12 u32 original · the bytes, not padded
 */
export class PcapWriter extends CaptureWriter {
  readonly #microseconds: boolean;
  protected readonly macByte: number;

  constructor(sink: ByteSink, options: PcapWriterOptions = {}) {
    super(sink);
    this.#microseconds = options.unit === 'us';
    this.macByte = macByteOf(options.line ?? 'A');
    const view = this.out.view;
    const at = this.out.reserve(24);
    view.setUint32(at, this.#microseconds ? 0xa1b2c3d4 : 0xa1b23c4d, true);
    view.setUint16(at + 4, 2, true);
    view.setUint16(at + 6, 4, true);
    view.setUint32(at + 8, 0, true);
    view.setUint32(at + 12, 0, true);
    view.setUint32(at + 16, SNAP_LENGTH, true);
    const { linkType = LINK_TYPE_ETHERNET, fcsLength = 0 } = options;
    const checked = fcsLength === 0 ? 0 : FCS_PRESENT | ((fcsLength / 2) << 28);
    view.setInt32(at + 20, linkType | checked, true);
  }

  protected begin(timeHigh: number, timeLow: number, captured: number, original: number): number {
    const view = this.out.view;
    const at = this.out.reserve(16 + captured);
    const low = timeLow >>> 0;
    // The double quotient may be one off; the remainder is exact in 32 bits.
    let seconds = Math.floor((timeHigh * TWO_32 + low) / NS_PER_SECOND);
    let nanos = (low - Math.imul(seconds, NS_PER_SECOND)) | 0;
    if (nanos < 0) {
      seconds -= 1;
      nanos += NS_PER_SECOND;
    } else if (nanos >= NS_PER_SECOND) {
      seconds += 1;
      nanos -= NS_PER_SECOND;
    }
    if (seconds < 0 || seconds >= TWO_32) throw new RangeError(`a pcap record at ${seconds} s after 1970`);
    view.setUint32(at, seconds, true);
    view.setInt32(at + 4, this.#microseconds ? Math.floor(nanos / 1000) : nanos, true);
    view.setInt32(at + 8, captured, true);
    view.setInt32(at + 12, original, true);
    return at + 16;
  }
}

/** One source of packets in a pcapng stream. */
export interface InterfaceOptions {
  /** if_name: the line, `A`, `B`, `R`, `A2` …; its letter ends the source MAC of made-up headers. */
  readonly name: string;
  /** if_description: `mdx/1 line=A clock=software source=udp://…`. */
  readonly description: string;
  /** Ethernet unless said. */
  readonly linkType?: number;
  /** Check sequence bytes at the end of every whole packet; none unless said. */
  readonly fcsLength?: number;
}

/** Longest text of an option, bytes. */
const OPTION_BYTES_MAX = 4096;
const OPTION_COMMENT = 1;
const OPTION_NAME = 2;
const OPTION_DESCRIPTION = 3;
const OPTION_RESOLUTION = 9;
const OPTION_FCS_LENGTH = 13;
const PACKET_DROP_COUNT = 4;
const PACKET_QUEUE = 6;
const INTERFACE_RECEIVED = 4;
const INTERFACE_DROPPED = 5;
const SYSTEM_DROPPED = 7;
const USER_DELIVERED = 8;

/** Counters of an interface since the stream began; left out = not known. */
export interface InterfaceStatistics {
  readonly received?: bigint;
  readonly interfaceDropped?: bigint;
  readonly systemDropped?: bigint;
  readonly delivered?: bigint;
}

/**
 * pcapng, little endian, one section; every interface is in nanoseconds, Ethernet unless asked otherwise, and may come at any time:
 *
 *     section     0 u32 0a0d0d0a · 4 u32 28 · 8 u32 1a2b3c4d · 12 u16 1 · 14 u16 0 · 16 i64 −1 · 24 u32 28
 *     interface   0 u32 1 · 4 u32 total · 8 u16 1 · 10 u16 0 · 12 u32 262144 · 16 options: 2 name,
 *                 3 description, 9 resolution = 9, 13 check sequence bytes, 0 end · u32 total
 *     packet      0 u32 6 · 4 u32 total · 8 u32 interface · 12 u32 time high · 16 u32 time low · 20 u32 captured ·
 *                 24 u32 original · 28 the bytes, padded to 4 · options, where there are any: 1 comment, 4 u64
 *                 kernel drops, 6 u32 queue, 0 end · u32 total
 *     statistics  0 u32 5 · 4 u32 total · 8 u32 interface · 12 time · 20 options, u64 each: 4 received,
 *                 5 dropped by the interface, 7 dropped by the system, 8 delivered, 0 end · u32 total
 *     record      pipe-record.ts
 */
export class PcapngWriter extends CaptureWriter {
  readonly #macBytes: number[] = [];
  /** Interface of the packets that are written next; set it to what `addInterface` answered. */
  interfaceId = 0;
  /** Of the next packet only: text for people, kernel drops since the packet before, queue; empty or negative = none. */
  comment = '';
  dropCount = -1;
  queue = -1;

  constructor(sink: ByteSink) {
    super(sink);
    const view = this.out.view;
    const at = this.#block(0x0a0d0d0a, 28);
    view.setUint32(at + 8, 0x1a2b3c4d, true);
    view.setUint16(at + 12, 1, true);
    view.setUint16(at + 14, 0, true);
    view.setInt32(at + 16, -1, true);
    view.setInt32(at + 20, -1, true);
  }

  protected get macByte(): number {
    return this.#macBytes[this.interfaceId]!;
  }

  /** Describes one more interface. @returns its number. */
  addInterface(options: InterfaceOptions): number {
    const name = optionText(options.name);
    const description = optionText(options.description);
    const { bytes, view } = this.out;
    const { linkType = LINK_TYPE_ETHERNET, fcsLength = 0 } = options;
    const checkBytes = fcsLength === 0 ? 0 : 8;
    const optionsBytes = 4 + padded(name.length) + 4 + padded(description.length) + 8 + checkBytes + 4;
    const at = this.#block(1, 16 + optionsBytes + 4);
    view.setUint16(at + 8, linkType, true);
    view.setUint16(at + 10, 0, true);
    view.setUint32(at + 12, SNAP_LENGTH, true);
    let next = writeOption(bytes, view, at + 16, OPTION_NAME, name);
    next = writeOption(bytes, view, next, OPTION_DESCRIPTION, description);
    next = writeOption(bytes, view, next, OPTION_RESOLUTION, Uint8Array.of(9));
    if (fcsLength > 0) next = writeOption(bytes, view, next, OPTION_FCS_LENGTH, Uint8Array.of(fcsLength));
    view.setUint32(next, 0, true);
    return this.#macBytes.push(macByteOf(options.name)) - 1;
  }

  /** Writes the counters of an interface as they stood at a time. */
  writeStatistics(
    interfaceId: number,
    timeHigh: number,
    timeLow: number,
    statistics: InterfaceStatistics,
  ): void {
    const values: [number, bigint | undefined][] = [
      [INTERFACE_RECEIVED, statistics.received],
      [INTERFACE_DROPPED, statistics.interfaceDropped],
      [SYSTEM_DROPPED, statistics.systemDropped],
      [USER_DELIVERED, statistics.delivered],
    ];
    const known = values.filter((entry): entry is [number, bigint] => entry[1] !== undefined);
    const view = this.out.view;
    const at = this.#block(5, 20 + known.length * 12 + 4 + 4);
    view.setInt32(at + 8, interfaceId, true);
    view.setInt32(at + 12, timeHigh, true);
    view.setInt32(at + 16, timeLow, true);
    let next = at + 20;
    for (const [code, value] of known) {
      view.setUint16(next, code, true);
      view.setUint16(next + 2, 8, true);
      view.setBigUint64(next + 4, value, true);
      next += 12;
    }
    view.setUint32(next, 0, true);
  }

  /** Writes what is not a packet. */
  writeRecord(record: PipeRecord): void {
    const at = this.#block(BLOCK_RECORD, RECORD_BLOCK_BYTES);
    encodeRecord(record, this.out.bytes, this.out.view, at);
  }

  /** Reserves a block and writes type and both lengths. @returns where it begins. */
  #block(type: number, total: number): number {
    const view = this.out.view;
    const at = this.out.reserve(total);
    view.setInt32(at, type, true);
    view.setInt32(at + 4, total, true);
    view.setInt32(at + total - 4, total, true);
    return at;
  }

  protected begin(timeHigh: number, timeLow: number, captured: number, original: number): number {
    if (this.interfaceId >= this.#macBytes.length) {
      throw new RangeError(`interface ${this.interfaceId} was not added, only ${this.#macBytes.length} were`);
    }
    const view = this.out.view;
    const end = 28 + padded(captured);
    const hasOptions = this.dropCount >= 0 || this.queue >= 0 || this.comment !== '';
    const at = hasOptions ? this.#blockWithOptions(end) : this.#block(6, end + 4);
    view.setInt32(at + 8, this.interfaceId, true);
    view.setInt32(at + 12, timeHigh, true);
    view.setInt32(at + 16, timeLow, true);
    view.setInt32(at + 20, captured, true);
    view.setInt32(at + 24, original, true);
    // Padding first: the packet's own bytes then overwrite what is not padding.
    if (captured & 3) view.setInt32(at + end - 4, 0, true);
    return at + 28;
  }

  /** Reserves a packet block whose packet ends at `end`, writes its options and forgets them. */
  #blockWithOptions(end: number): number {
    const { comment, dropCount, queue } = this;
    const text = comment === '' ? null : optionText(comment);
    const commentBytes = text === null ? 0 : 4 + padded(text.length);
    const optionBytes = commentBytes + (dropCount < 0 ? 0 : 12) + (queue < 0 ? 0 : 8) + 4;
    const at = this.#block(6, end + optionBytes + 4);
    const { bytes, view } = this.out;
    let next = at + end;
    if (text !== null) next = writeOption(bytes, view, next, OPTION_COMMENT, text);
    if (dropCount >= 0) {
      view.setUint16(next, PACKET_DROP_COUNT, true);
      view.setUint16(next + 2, 8, true);
      view.setUint32(next + 4, dropCount % TWO_32, true);
      view.setUint32(next + 8, Math.floor(dropCount / TWO_32), true);
      next += 12;
    }
    if (queue >= 0) {
      view.setUint16(next, PACKET_QUEUE, true);
      view.setUint16(next + 2, 4, true);
      view.setUint32(next + 4, queue, true);
      next += 8;
    }
    view.setInt32(next, 0, true);
    this.comment = '';
    this.dropCount = -1;
    this.queue = -1;
    return at;
  }
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function checkRange(bytes: Uint8Array, offset: number, length: number, max: number): void {
  if (length < 0 || length > max)
    throw new RangeError(`a packet of ${length} bytes, at most ${max} can be written`);
  if (offset < 0 || offset + length > bytes.length) {
    throw new RangeError(`bytes ${offset} … ${offset + length} of ${bytes.length}`);
  }
}

function optionText(text: string): Uint8Array {
  const encoded = Buffer.from(text, 'utf8');
  if (encoded.length > OPTION_BYTES_MAX) {
    throw new RangeError(`an interface text of ${encoded.length} bytes, at most ${OPTION_BYTES_MAX}`);
  }
  return encoded;
}

/** @returns where the next option begins. */
function writeOption(bytes: Uint8Array, view: DataView, at: number, code: number, value: Uint8Array): number {
  view.setUint16(at, code, true);
  view.setUint16(at + 2, value.length, true);
  const end = at + 4 + padded(value.length);
  bytes.fill(0, at + 4, end);
  bytes.set(value, at + 4);
  return end;
}
