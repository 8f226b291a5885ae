import type { ByteWindow } from '../binary/byte-window.ts';
import {
  CAPTURE_DAMAGED,
  CAPTURE_END,
  CAPTURE_MORE,
  CAPTURE_PACKET,
  CAPTURE_RECORD,
  CAPTURE_STATISTICS,
  CAPTURE_TRUNCATED,
  type CapturedPacket,
  type CaptureParser,
  WINDOW_BYTES_MIN,
} from './captured-packet.ts';
import { type PcapngInterface, readInterface, readStatistics } from './pcapng-interface.ts';
import { BLOCK_RECORD, decodeRecord, RECORD_END } from './pipe-record.ts';

const BLOCK_SECTION = 0x0a0d0d0a;
const BLOCK_INTERFACE = 1;
const BLOCK_PACKET_OBSOLETE = 2;
const BLOCK_PACKET_SIMPLE = 3;
const BLOCK_STATISTICS = 5;
const BLOCK_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const BYTE_ORDER_MAGIC_SWAPPED = 0x4d3c2b1a;

/** Type, length and length again. */
const BLOCK_BYTES_MIN = 12;
const SECTION_BYTES_MIN = 28;
const INTERFACE_BYTES_MIN = 20;
const SIMPLE_BYTES_MIN = 16;
const PACKET_BYTES_MIN = 32;
const STATISTICS_BYTES_MIN = 24;
/** Blocks that are read and not skipped are held whole. */
const BLOCK_BYTES_MAX: number = WINDOW_BYTES_MIN;
const INTERFACES_MAX = 4096;

/** The block in hand is done; go on with the next one. */
const NEXT_BLOCK = -1;

/**
 * pcapng: sections, each in its own byte order, of blocks
 *
 *     0 u32 type · 4 u32 total length (all of it, a multiple of 4) · 8 body · total − 4 u32 total length again
 *
 * Read are section headers, interface descriptions, the three packet blocks, interface statistics and the records of a
 * packet pipe; every other block, of local use too, is skipped, in pieces where it does not fit the window. A simple
 * packet has no time: it takes that of the packet before it (0 at the beginning).
 *
 * A packet pipe with a running clock ends with a record that says so: where that is missing the stream was cut.
 */
export class PcapngParser implements CaptureParser {
  readonly #window: ByteWindow;
  readonly #packet: CapturedPacket;
  #littleEndian = true;
  #inSection = false;
  #interfaces: PcapngInterface[] = [];
  /** Bytes of the block in hand still to skip, its last length field included; its total. */
  #skip = 0;
  #skipTotal = 0;
  /** A live packet pipe has begun and has not said that it is at its end. */
  #isOpen = false;

  constructor(window: ByteWindow, packet: CapturedPacket) {
    this.#window = window;
    this.#packet = packet;
  }

  next(): number {
    for (;;) {
      if (this.#skip > 0) {
        const answer = this.#skipBlock();
        if (answer !== NEXT_BLOCK) return answer;
      }
      const window = this.#window;
      const { position, limit, view } = window;
      if (limit - position < BLOCK_BYTES_MIN) return this.#incomplete(BLOCK_BYTES_MIN, 'a block');
      const littleEndian = this.#littleEndian;
      const type = view.getInt32(position, littleEndian);
      if (type === BLOCK_SECTION || !this.#inSection) {
        const answer = this.#readSection();
        if (answer !== NEXT_BLOCK) return answer;
        continue;
      }
      const total = view.getUint32(position + 4, littleEndian);
      if (total < BLOCK_BYTES_MIN || (total & 3) !== 0) return this.#badTotal(type, total, BLOCK_BYTES_MIN);
      if (type !== BLOCK_PACKET && type !== BLOCK_PACKET_SIMPLE && type !== BLOCK_PACKET_OBSOLETE) {
        const isRead = type === BLOCK_INTERFACE || type === BLOCK_RECORD || type === BLOCK_STATISTICS;
        if (!isRead || (type !== BLOCK_INTERFACE && total > BLOCK_BYTES_MAX)) {
          this.#startSkip(total, total);
          continue;
        }
      }
      if (total > BLOCK_BYTES_MAX) {
        return this.#damaged(
          `a block of type ${type} with ${total} bytes, at most ${BLOCK_BYTES_MAX} are read`,
        );
      }
      if (total > limit - position) return this.#incomplete(total, 'a block');
      const trailer = view.getUint32(position + total - 4, littleEndian);
      if (trailer !== total) return this.#badTrailer(total, trailer);
      if (type === BLOCK_PACKET || type === BLOCK_PACKET_OBSOLETE)
        return this.#readPacket(type, position, total);
      if (type === BLOCK_PACKET_SIMPLE) return this.#readSimplePacket(position, total);
      window.position = position + total;
      if (type === BLOCK_RECORD) {
        if (this.#readRecord(position, total)) return CAPTURE_RECORD;
      } else if (type === BLOCK_STATISTICS) {
        if (this.#readStatistics(position, total)) return CAPTURE_STATISTICS;
      } else {
        const problem = this.#readInterface(position, total);
        if (problem !== null) {
          window.position = position;
          return this.#damaged(problem);
        }
      }
    }
  }

  /** Enhanced: 8 u32 interface; obsolete: 8 u16 interface, 10 u16 drops. Both: 12 time · 20 captured · 24 original. */
  #readPacket(type: number, position: number, total: number): number {
    if (total < PACKET_BYTES_MIN) return this.#badTotal(type, total, PACKET_BYTES_MIN);
    const { view } = this.#window;
    const littleEndian = this.#littleEndian;
    const interfaceId =
      type === BLOCK_PACKET
        ? view.getUint32(position + 8, littleEndian)
        : view.getUint16(position + 8, littleEndian);
    if (interfaceId >= this.#interfaces.length) return this.#unknownInterface(interfaceId);
    const captured = view.getUint32(position + 20, littleEndian);
    if (captured > total - PACKET_BYTES_MIN) return this.#badCaptured(captured, total);
    const original = view.getUint32(position + 24, littleEndian);
    const packet = this.#packet;
    const from = this.#interfaces[interfaceId]!;
    const high = view.getInt32(position + 12, littleEndian);
    const low = view.getInt32(position + 16, littleEndian);
    if (from.isPlainNs) {
      packet.timeHigh = high;
      packet.timeLow = low;
    } else {
      from.timeUnit.convert(high, low);
      packet.timeHigh = from.timeUnit.high;
      packet.timeLow = from.timeUnit.low;
    }
    this.#describe(from, interfaceId, position + 28, captured, original);
    this.#window.position = position + total;
    return CAPTURE_PACKET;
  }

  /** 8 u32 original; stored is what the snap length of interface 0 and the block leave of it. */
  #readSimplePacket(position: number, total: number): number {
    if (total < SIMPLE_BYTES_MIN) return this.#badTotal(BLOCK_PACKET_SIMPLE, total, SIMPLE_BYTES_MIN);
    if (this.#interfaces.length === 0) return this.#unknownInterface(0);
    const from = this.#interfaces[0]!;
    const original = this.#window.view.getUint32(position + 8, this.#littleEndian);
    let captured = Math.min(original, total - SIMPLE_BYTES_MIN);
    if (from.snapLength !== 0) captured = Math.min(captured, from.snapLength);
    this.#describe(from, 0, position + 12, captured, original);
    this.#window.position = position + total;
    return CAPTURE_PACKET;
  }

  #describe(
    from: PcapngInterface,
    interfaceId: number,
    dataOffset: number,
    captured: number,
    original: number,
  ): void {
    const packet = this.#packet;
    packet.dataOffset = dataOffset;
    packet.capturedLength = captured;
    // Some writers leave the original length 0; what is stored was there.
    packet.originalLength = original < captured ? captured : Math.min(original, 0x7fffffff);
    packet.linkType = from.linkType;
    packet.fcsLength = from.fcsLength;
    packet.interfaceId = interfaceId;
    packet.packetNumber += 1;
  }

  /** Type and magic read the same way in both orders only byte by byte: the magic tells the order of the length. */
  #readSection(): number {
    const { view, position, available } = this.#window;
    if (view.getInt32(position, true) !== BLOCK_SECTION)
      return this.#damaged('no section header at the beginning');
    const magic = view.getInt32(position + 8, true);
    if (magic !== BYTE_ORDER_MAGIC && magic !== BYTE_ORDER_MAGIC_SWAPPED) {
      return this.#damaged(`a section header with byte-order magic 0x${(magic >>> 0).toString(16)}`);
    }
    const littleEndian = magic === BYTE_ORDER_MAGIC;
    const total = view.getUint32(position + 4, littleEndian);
    if (total < SECTION_BYTES_MIN || (total & 3) !== 0)
      return this.#badTotal(BLOCK_SECTION, total, SECTION_BYTES_MIN);
    if (available < SECTION_BYTES_MIN) return this.#incomplete(SECTION_BYTES_MIN, 'a section header');
    const major = view.getUint16(position + 12, littleEndian);
    const minor = view.getUint16(position + 14, littleEndian);
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      return this.#damaged(`pcapng version ${major}.${minor}, 1.0 and 1.2 are known`);
    }
    this.#littleEndian = littleEndian;
    this.#inSection = true;
    this.#interfaces = [];
    this.#packet.interfaces = this.#interfaces;
    this.#startSkip(total, total);
    return NEXT_BLOCK;
  }

  /** @returns what is wrong, or null. */
  #readInterface(position: number, total: number): string | null {
    if (total < INTERFACE_BYTES_MIN)
      return `an interface block of ${total} bytes, at least ${INTERFACE_BYTES_MIN}`;
    if (this.#interfaces.length === INTERFACES_MAX)
      return `more than ${INTERFACES_MAX} interfaces in a section`;
    const { view } = this.#window;
    const found = readInterface(view, position, position + total - 4, this.#littleEndian);
    if (typeof found === 'string') return found;
    this.#interfaces.push(found);
    if (found.pipe !== null && found.pipe.clock !== 'file') this.#isOpen = true;
    return null;
  }

  /** @returns false where the block is somebody else's. */
  #readRecord(position: number, total: number): boolean {
    const { bytes, view } = this.#window;
    const { record } = this.#packet;
    if (!decodeRecord(record, bytes, view, position, total, this.#littleEndian)) return false;
    if (record.kind === RECORD_END) this.#isOpen = false;
    return true;
  }

  /** @returns false where the block is about nothing that is known. */
  #readStatistics(position: number, total: number): boolean {
    if (total < STATISTICS_BYTES_MIN) return false;
    const { view } = this.#window;
    const interfaceId = view.getUint32(position + 8, this.#littleEndian);
    if (interfaceId >= this.#interfaces.length) return false;
    const { statistics } = this.#packet;
    statistics.interfaceId = interfaceId;
    const from = this.#interfaces[interfaceId]!;
    readStatistics(statistics, from, view, position, position + total - 4, this.#littleEndian);
    return true;
  }

  #startSkip(bytes: number, total: number): void {
    this.#skip = bytes;
    this.#skipTotal = total;
  }

  /** Skips up to the last length field, then compares it. @returns NEXT_BLOCK behind the block. */
  #skipBlock(): number {
    const window = this.#window;
    const take = Math.min(this.#skip - 4, window.available);
    window.position += take;
    this.#skip -= take;
    if (this.#skip > 4 || window.available < 4) return this.#incomplete(this.#skip, 'a block');
    const trailer = window.view.getUint32(window.position, this.#littleEndian);
    if (trailer !== this.#skipTotal) return this.#badTrailer(this.#skipTotal, trailer);
    window.position += 4;
    this.#skip = 0;
    return NEXT_BLOCK;
  }

  /** There are fewer than `needed` bytes. */
  #incomplete(needed: number, what: string): number {
    const window = this.#window;
    if (!window.ended) return CAPTURE_MORE;
    if (window.available === 0 && this.#inSection && this.#skip === 0) {
      if (!this.#isOpen) return CAPTURE_END;
      this.#packet.problem = 'the stream of packets ends without saying so: whoever wrote it was cut off';
      this.#packet.problemOffset = window.offset;
      this.#packet.isCut = true;
      return CAPTURE_TRUNCATED;
    }
    this.#packet.isCut = this.#isOpen;
    this.#packet.problem = `the file ends inside ${what}: ${window.available} of ${needed} bytes`;
    this.#packet.problemOffset = window.offset;
    return CAPTURE_TRUNCATED;
  }

  #badTotal(type: number, total: number, min: number): number {
    return this.#damaged(
      `a block of type 0x${(type >>> 0).toString(16)} with total length ${total}, a multiple of 4 and at least ${min} expected`,
    );
  }

  #badTrailer(total: number, trailer: number): number {
    return this.#damaged(`a block with total length ${total} in front and ${trailer} behind`);
  }

  #badCaptured(captured: number, total: number): number {
    return this.#damaged(`a packet of ${captured} captured bytes in a block of ${total}`);
  }

  #unknownInterface(interfaceId: number): number {
    return this.#damaged(
      `a packet of interface ${interfaceId}, the section describes ${this.#interfaces.length} so far`,
    );
  }

  #damaged(problem: string): number {
    this.#packet.problem = problem;
    this.#packet.problemOffset = this.#window.offset;
    return CAPTURE_DAMAGED;
  }
}
