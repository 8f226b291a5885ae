import type { ByteWindow } from '../binary/byte-window.ts';
import {
  CAPTURE_DAMAGED,
  CAPTURE_END,
  CAPTURE_MORE,
  CAPTURE_PACKET,
  CAPTURE_TRUNCATED,
  type CapturedPacket,
  type CaptureParser,
  WINDOW_BYTES_MIN,
} from './captured-packet.ts';

/** First four bytes of a file, read little endian. */
const MAGIC_MICROSECONDS = 0xa1b2c3d4 | 0;
const MAGIC_NANOSECONDS = 0xa1b23c4d | 0;
const MAGIC_MODIFIED = 0xa1b2cd34 | 0;
const MAGIC_MICROSECONDS_SWAPPED = 0xd4c3b2a1 | 0;
const MAGIC_NANOSECONDS_SWAPPED = 0x4d3cb2a1 | 0;
const MAGIC_MODIFIED_SWAPPED = 0x34cdb2a1 | 0;

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** The "modified" format adds interface index, protocol and packet type to every record header. */
const RECORD_HEADER_BYTES_MODIFIED = 24;

/** Captured bytes that every reader takes, whatever the file announces as its snap length. */
const CAPTURED_BYTES_USUAL = 262144;
/** Captured bytes taken where the file announces more. */
const CAPTURED_BYTES_MAX: number = WINDOW_BYTES_MIN - RECORD_HEADER_BYTES_MODIFIED;

const NS_PER_SECOND = 1_000_000_000;
const TWO_32 = 4294967296;

/** Lengths of a record stand in the usual order, the other way round, or either way (captured ≤ original tells). */
const LENGTHS_USUAL = 0;
const LENGTHS_SWAPPED = 1;
const LENGTHS_EITHER = 2;

/** Is this the first word (little endian) of a classic pcap file? */
export function isPcapMagic(word: number): boolean {
  return (
    word === MAGIC_MICROSECONDS || word === MAGIC_NANOSECONDS || word === MAGIC_MODIFIED || isSwapped(word)
  );
}

function isSwapped(word: number): boolean {
  return (
    word === MAGIC_MICROSECONDS_SWAPPED ||
    word === MAGIC_NANOSECONDS_SWAPPED ||
    word === MAGIC_MODIFIED_SWAPPED
  );
}

/**
 * Classic pcap, all numbers in the byte order of its magic:
 *
 *     file    0 u32 magic · 4 u16 major 2 · 6 u16 minor · 8 i32 zone · 12 u32 0 · 16 u32 snap length · 20 u32 link
 *             type (low 16 bits; bit 26: bits 28–31 are the check sequence's length in 16-bit words)
 *     record  0 u32 seconds · 4 u32 micro- or nanoseconds · 8 u32 captured · 12 u32 original · (modified: 16 u32
 *             interface · 20 u16 protocol · 22 u8 · 23 u8) · the captured bytes, not padded
 *
 * Minor versions before 3 have the two lengths exchanged, 3 has them either way. A fraction of a second or more
 * is carried into the seconds.
 */
export class PcapParser implements CaptureParser {
  readonly #window: ByteWindow;
  readonly #packet: CapturedPacket;
  #started = false;
  #littleEndian = true;
  #nsPerUnit = 1;
  #recordHeaderBytes = RECORD_HEADER_BYTES;
  #lengths = LENGTHS_USUAL;
  #capturedMax = CAPTURED_BYTES_USUAL;

  constructor(window: ByteWindow, packet: CapturedPacket) {
    this.#window = window;
    this.#packet = packet;
  }

  next(): number {
    if (!this.#started) {
      const answer = this.#readFileHeader();
      if (answer !== CAPTURE_PACKET) return answer;
    }
    const window = this.#window;
    const { position, limit } = window;
    const headerBytes = this.#recordHeaderBytes;
    if (limit - position < headerBytes) return this.#incomplete(headerBytes, 'a record header');
    const view = window.view;
    const littleEndian = this.#littleEndian;
    let captured = view.getUint32(position + 8, littleEndian);
    let original = view.getUint32(position + 12, littleEndian);
    if (this.#lengths !== LENGTHS_USUAL && (this.#lengths === LENGTHS_SWAPPED || captured > original)) {
      const swap = captured;
      captured = original;
      original = swap;
    }
    if (captured > this.#capturedMax || captured > original) return this.#badLengths(captured, original);
    const end = position + headerBytes + captured;
    if (end > limit) return this.#incomplete(headerBytes + captured, 'a packet');

    const packet = this.#packet;
    const seconds = view.getUint32(position, littleEndian);
    const nanos = view.getUint32(position + 4, littleEndian) * this.#nsPerUnit;
    // seconds × 10^9 + nanos: the low half exactly, modulo 2^32; the double sum is off by far less than 2^31, so
    // rounding what is left of it finds the high half.
    const low = (Math.imul(seconds, NS_PER_SECOND) + nanos) | 0;
    packet.timeHigh = Math.floor((seconds * NS_PER_SECOND + nanos - (low >>> 0)) / TWO_32 + 0.5) | 0;
    packet.timeLow = low;
    packet.dataOffset = position + headerBytes;
    packet.capturedLength = captured;
    packet.originalLength = Math.min(original, 0x7fffffff);
    packet.packetNumber += 1;
    window.position = end;
    return CAPTURE_PACKET;
  }

  /** @returns CAPTURE_PACKET when the header was read. */
  #readFileHeader(): number {
    const window = this.#window;
    if (window.available < FILE_HEADER_BYTES) return this.#incomplete(FILE_HEADER_BYTES, 'the file header');
    const { view, position } = window;
    const magic = view.getInt32(position, true);
    if (!isPcapMagic(magic)) return this.#damaged('no pcap magic');
    const littleEndian = !isSwapped(magic);
    const major = view.getUint16(position + 4, littleEndian);
    const minor = view.getUint16(position + 6, littleEndian);
    if (major !== 2 || minor > 4)
      return this.#damaged(`pcap version ${major}.${minor}, 2.0 to 2.4 are known`);
    const magicUsual = view.getInt32(position, littleEndian);
    this.#littleEndian = littleEndian;
    this.#nsPerUnit = magicUsual === MAGIC_NANOSECONDS ? 1 : 1000;
    if (magicUsual === MAGIC_MODIFIED) this.#recordHeaderBytes = RECORD_HEADER_BYTES_MODIFIED;
    this.#lengths = minor < 3 ? LENGTHS_SWAPPED : minor === 3 ? LENGTHS_EITHER : LENGTHS_USUAL;
    const snapLength = view.getUint32(position + 16, littleEndian);
    if (snapLength <= 0x7fffffff) {
      this.#capturedMax = Math.min(Math.max(snapLength, CAPTURED_BYTES_USUAL), CAPTURED_BYTES_MAX);
    }
    const linkWord = view.getInt32(position + 20, littleEndian);
    const packet = this.#packet;
    packet.linkType = linkWord & 0xffff;
    packet.fcsLength = linkWord & 0x04000000 ? (linkWord >>> 28) * 2 : 0;
    const { linkType, fcsLength } = packet;
    packet.interfaces = [{ linkType, snapLength, fcsLength, name: null, description: null, pipe: null }];
    window.position = position + FILE_HEADER_BYTES;
    this.#started = true;
    return CAPTURE_PACKET;
  }

  /** There are fewer than `needed` bytes. */
  #incomplete(needed: number, what: string): number {
    const window = this.#window;
    if (!window.ended) return CAPTURE_MORE;
    if (window.available === 0 && this.#started) return CAPTURE_END;
    this.#packet.problem = `the file ends inside ${what}: ${window.available} of ${needed} bytes`;
    this.#packet.problemOffset = window.offset;
    return CAPTURE_TRUNCATED;
  }

  #badLengths(captured: number, original: number): number {
    if (captured > original) {
      return this.#damaged(`a record of ${captured} captured bytes out of ${original} original ones`);
    }
    return this.#damaged(
      `a record of ${captured} captured bytes, at most ${this.#capturedMax} are possible here`,
    );
  }

  #damaged(problem: string): number {
    this.#packet.problem = problem;
    this.#packet.problemOffset = this.#window.offset;
    return CAPTURE_DAMAGED;
  }
}
