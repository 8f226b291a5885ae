import type { Datagram } from './datagram.ts';

/**
 * Buffers for received packets in shared memory, made once: `slots` times
 *
 *     header, 16 words   0 payload length · 1 length on the wire · 2 time high · 3 time low · 4 flags · 5 offset of
 *                        the payload in the data · 6 source port << 16 | destination port · 7 kernel drops so far ·
 *                        8–11 source address · 12–15 destination address (four words, IPv4 in the last one)
 *     data               `slotBytes`: the payload, or with FLAG_FRAME the whole frame with the payload in it
 *
 * The pool says what is where; who owns a slot is said by the rings that its number travels through
 * (packet-queue.ts). Times are ns since 1970 UTC in halves.
 */
export class PacketPool {
  readonly slots: number;
  /** A multiple of 64. */
  readonly slotBytes: number;
  readonly memory: SharedArrayBuffer;
  readonly words: Int32Array;
  /** All data areas; slot n begins at n · slotBytes. */
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(slots: number, slotBytes: number, memory: SharedArrayBuffer | null = null) {
    const headerBytes = slots * SLOT_WORDS * 4;
    this.slots = slots;
    this.slotBytes = slotBytes;
    this.memory = memory ?? new SharedArrayBuffer(headerBytes + slots * slotBytes);
    this.words = new Int32Array(this.memory, 0, slots * SLOT_WORDS);
    this.bytes = new Uint8Array(this.memory, headerBytes, slots * slotBytes);
    this.view = new DataView(this.memory, headerBytes, slots * slotBytes);
  }

  /** Points a datagram, attached to `bytes` and `view` before, at the payload in a slot. */
  read(slot: number, datagram: Datagram): void {
    const { words } = this;
    const at = slot * SLOT_WORDS;
    datagram.offset = slot * this.slotBytes + words[at + SLOT_OFFSET]!;
    datagram.length = words[at + SLOT_LENGTH]!;
    datagram.timeHigh = words[at + SLOT_TIME_HIGH]!;
    datagram.timeLow = words[at + SLOT_TIME_LOW]!;
    datagram.ipVersion = (words[at + SLOT_FLAGS]! & FLAG_IPV6) === 0 ? 4 : 6;
    const ports = words[at + SLOT_PORTS]!;
    datagram.sourcePort = ports >>> 16;
    datagram.destinationPort = ports & 0xffff;
    for (let word = 0; word < 4; word += 1) {
      datagram.source[word] = words[at + SLOT_SOURCE + word]!;
      datagram.destination[word] = words[at + SLOT_DESTINATION + word]!;
    }
  }
}

export const SLOT_WORDS = 16;
export const SLOT_LENGTH = 0;
export const SLOT_WIRE_LENGTH = 1;
export const SLOT_TIME_HIGH = 2;
export const SLOT_TIME_LOW = 3;
export const SLOT_FLAGS = 4;
export const SLOT_OFFSET = 5;
export const SLOT_PORTS = 6;
export const SLOT_KERNEL_DROPS = 7;
export const SLOT_SOURCE = 8;
export const SLOT_DESTINATION = 12;

/** The datagram was longer than the slot: what is here is its beginning. */
export const FLAG_TRUNCATED = 1;
export const FLAG_IPV6 = 2;
/** The data is a whole Ethernet frame; word 1 is then the frame's length on the wire, captured bytes = payload end. */
export const FLAG_FRAME = 4;
/** The time is the network card's, or there is none; else the kernel's. */
export const FLAG_TIME_HARDWARE = 8;
export const FLAG_TIME_NONE = 16;
