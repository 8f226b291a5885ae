import { CapturedPacket } from '../../capture/captured-packet.ts';
import { LINK_ETHERNET } from '../../capture/link-layer.ts';
import { type PacketBytes, SKIP_NAMES, UDP_OK, UdpExtractor } from '../../capture/udp.ts';
import { Datagram } from '../../packet/datagram.ts';
import {
  FLAG_FRAME,
  FLAG_IPV6,
  FLAG_TRUNCATED,
  type PacketPool,
  SLOT_DESTINATION,
  SLOT_FLAGS,
  SLOT_KERNEL_DROPS,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_PORTS,
  SLOT_SOURCE,
  SLOT_TIME_HIGH,
  SLOT_TIME_LOW,
  SLOT_WIRE_LENGTH,
  SLOT_WORDS,
} from '../../packet/packet-pool.ts';
import type { Subscription } from '../backend.ts';
import { SubscriptionTable } from './subscription-table.ts';
import { hasGoodChecksum } from './udp-checksum.ts';

/**
 * Takes Ethernet frames out of memory shared with the kernel: finds the UDP payload, looks whether it was asked for, and
 * copies the frame into a slot of the pool (only the payload where the whole frame has no room). What is not taken is
 * counted by reason.
 */
export class FrameTaker {
  readonly #memory: PacketBytes;
  readonly #table: SubscriptionTable;
  readonly #extractor: UdpExtractor = new UdpExtractor();
  readonly #packet: CapturedPacket = new CapturedPacket();
  readonly #datagram: Datagram = new Datagram();
  /** By answer of the extractor. */
  readonly #skipped: Uint32Array = new Uint32Array(SKIP_NAMES.length);
  #others = 0;
  #badChecksums = 0;
  #pool: PacketPool | null = null;
  /** The pool's data as words: a slot begins at a multiple of 64 bytes. */
  #slotWords: Int32Array = new Int32Array(0);

  constructor(memory: PacketBytes, subscriptions: readonly Subscription[]) {
    this.#memory = memory;
    this.#table = new SubscriptionTable(subscriptions);
    this.#packet.linkType = LINK_ETHERNET;
    this.#datagram.attach(memory.bytes);
  }

  /** Frames not taken so far, by reason. */
  get skipped(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [answer, name] of SKIP_NAMES.entries()) {
      if (answer !== UDP_OK && this.#skipped[answer]! > 0) counts[name] = this.#skipped[answer]!;
    }
    if (this.#others > 0) counts['otherPort'] = this.#others;
    if (this.#badChecksums > 0) counts['badChecksum'] = this.#badChecksums;
    return counts;
  }

  /**
   * Looks at the frame at `at` of the memory: `captured` bytes of `wire`.
   * @param verify whether nobody has checked the UDP checksum yet. @returns whether it is one of ours.
   */
  look(at: number, captured: number, wire: number, verify: boolean): boolean {
    const packet = this.#packet;
    packet.dataOffset = at;
    packet.capturedLength = captured;
    packet.originalLength = wire;
    const datagram = this.#datagram;
    const answer = this.#extractor.extract(packet, this.#memory, datagram);
    if (answer !== UDP_OK) {
      this.#skipped[answer]! += 1;
      return false;
    }
    if (!this.#table.has(datagram)) {
      this.#others += 1;
      return false;
    }
    if (verify && !hasGoodChecksum(this.#memory.view, datagram)) {
      this.#badChecksums += 1;
      return false;
    }
    return true;
  }

  /** Copies the frame that `look` found good into a slot. @param flags FLAG_TIME_* of its time. */
  fill(
    pool: PacketPool,
    slot: number,
    timeHigh: number,
    timeLow: number,
    flags: number,
    kernelDrops: number,
  ): void {
    if (pool !== this.#pool) this.#attach(pool);
    const { dataOffset, originalLength } = this.#packet;
    const datagram = this.#datagram;
    const { slotBytes, words } = pool;
    const frameBytes = datagram.offset + datagram.length - dataOffset;
    const isWhole = frameBytes <= slotBytes;
    const length = Math.min(datagram.length, slotBytes);
    if (isWhole) this.#copy(dataOffset, slot * slotBytes, frameBytes);
    else this.#copy(datagram.offset, slot * slotBytes, length);
    const at = slot * SLOT_WORDS;
    words[at + SLOT_LENGTH] = length;
    words[at + SLOT_WIRE_LENGTH] = isWhole ? originalLength : datagram.length;
    words[at + SLOT_TIME_HIGH] = timeHigh;
    words[at + SLOT_TIME_LOW] = timeLow;
    words[at + SLOT_FLAGS] =
      flags |
      (isWhole ? FLAG_FRAME : 0) |
      (length < datagram.length ? FLAG_TRUNCATED : 0) |
      (datagram.ipVersion === 6 ? FLAG_IPV6 : 0);
    words[at + SLOT_OFFSET] = isWhole ? datagram.offset - dataOffset : 0;
    words[at + SLOT_PORTS] = (datagram.sourcePort << 16) | datagram.destinationPort;
    words[at + SLOT_KERNEL_DROPS] = kernelDrops;
    for (let word = 0; word < 4; word += 1) {
      words[at + SLOT_SOURCE + word] = datagram.source[word]!;
      words[at + SLOT_DESTINATION + word] = datagram.destination[word]!;
    }
  }

  #attach(pool: PacketPool): void {
    this.#pool = pool;
    this.#slotWords = new Int32Array(pool.memory, pool.bytes.byteOffset, pool.bytes.length >>> 2);
  }

  /** Copies without making a view: words as long as there are whole ones, then bytes. Frames begin anywhere. */
  #copy(from: number, to: number, length: number): void {
    const { view, bytes } = this.#memory;
    const target = this.#slotWords;
    const whole = length & ~3;
    let word = to >>> 2;
    for (let at = from; at < from + whole; at += 4) {
      target[word] = view.getInt32(at, true);
      word += 1;
    }
    const end = this.#pool!.bytes;
    for (let byte = whole; byte < length; byte += 1) end[to + byte] = bytes[from + byte]!;
  }
}
