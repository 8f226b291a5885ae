import type { Datagram } from '../packet/datagram.ts';

/** Bytes of a slot, by its class. */
const SLOT_BYTES: readonly number[] = [128, 512, 2048, 8192, 65536];
const BLOCK_BYTES = 65536;
const FIRST_SLOTS = 256;
const NO_SLOT = -1;

/** Words of a slot: what a datagram says beside its bytes. */
const WORDS = 16;
const LENGTH = 0;
const TIME_HIGH = 1;
const TIME_LOW = 2;
const IP_VERSION = 3;
const PORTS = 4;
const LINE = 5;
/** Parts of the packet that still wait. */
const PARTS = 6;
const DESTINATION = 8;
const SOURCE = 12;

/**
 * Packets that wait, copied: their bytes into slots of blocks, what goes with them into tables. Blocks and tables are
 * made as they are needed and kept, so that later packets cost no memory of their own.
 */
export class PacketStore {
  packets = 0;
  bytes = 0;
  readonly #blocks: Uint8Array[] = [];
  readonly #views: DataView[] = [];
  /** Per class its first free slot; each free slot names the next one in `#next`. */
  readonly #free: Int32Array = new Int32Array(SLOT_BYTES.length).fill(NO_SLOT);
  #slots = 0;
  #words: Int32Array = new Int32Array(FIRST_SLOTS * WORDS);
  #next: Int32Array = new Int32Array(FIRST_SLOTS);
  #class: Uint8Array = new Uint8Array(FIRST_SLOTS);
  #block: Int32Array = new Int32Array(FIRST_SLOTS);
  #offset: Int32Array = new Int32Array(FIRST_SLOTS);
  #first: Float64Array = new Float64Array(FIRST_SLOTS);
  #packetNumber: Float64Array = new Float64Array(FIRST_SLOTS);

  /** Copies a packet that begins with the number `first`. @returns its slot. */
  keep(datagram: Datagram, first: number, line: number, parts: number): number {
    const { length } = datagram;
    let kind = 0;
    while (SLOT_BYTES[kind]! < length) kind += 1;
    if (this.#free[kind] === NO_SLOT) this.#grow(kind);
    const slot = this.#free[kind]!;
    this.#free[kind] = this.#next[slot]!;
    copyBytes(datagram.view, datagram.offset, length, this.#views[this.#block[slot]!]!, this.#offset[slot]!);
    const words = this.#words;
    const at = slot * WORDS;
    words[at + LENGTH] = length;
    words[at + TIME_HIGH] = datagram.timeHigh;
    words[at + TIME_LOW] = datagram.timeLow;
    words[at + IP_VERSION] = datagram.ipVersion;
    words[at + PORTS] = (datagram.sourcePort << 16) | datagram.destinationPort;
    words[at + LINE] = line;
    words[at + PARTS] = parts;
    for (let word = 0; word < 4; word += 1) {
      words[at + DESTINATION + word] = datagram.destination[word]!;
      words[at + SOURCE + word] = datagram.source[word]!;
    }
    this.#first[slot] = first;
    this.#packetNumber[slot] = datagram.packetNumber;
    this.packets += 1;
    this.bytes += length;
    return slot;
  }

  /** Points a datagram at a packet; its bytes are valid until its last part is released. */
  read(slot: number, datagram: Datagram): void {
    const words = this.#words;
    const at = slot * WORDS;
    const block = this.#block[slot]!;
    datagram.bytes = this.#blocks[block]!;
    datagram.view = this.#views[block]!;
    datagram.offset = this.#offset[slot]!;
    datagram.length = words[at + LENGTH]!;
    datagram.timeHigh = words[at + TIME_HIGH]!;
    datagram.timeLow = words[at + TIME_LOW]!;
    datagram.ipVersion = words[at + IP_VERSION]!;
    datagram.sourcePort = words[at + PORTS]! >>> 16;
    datagram.destinationPort = words[at + PORTS]! & 0xffff;
    datagram.packetNumber = this.#packetNumber[slot]!;
    for (let word = 0; word < 4; word += 1) {
      datagram.destination[word] = words[at + DESTINATION + word]!;
      datagram.source[word] = words[at + SOURCE + word]!;
    }
  }

  first(slot: number): number {
    return this.#first[slot]!;
  }

  line(slot: number): number {
    return this.#words[slot * WORDS + LINE]!;
  }

  /** One part of the packet is done with; with the last one its slot is free. */
  release(slot: number): void {
    const at = slot * WORDS;
    const parts = this.#words[at + PARTS]! - 1;
    this.#words[at + PARTS] = parts;
    if (parts > 0) return;
    this.packets -= 1;
    this.bytes -= this.#words[at + LENGTH]!;
    const kind = this.#class[slot]!;
    this.#next[slot] = this.#free[kind]!;
    this.#free[kind] = slot;
  }

  /** One block more for slots of a class. */
  #grow(kind: number): void {
    const slotBytes = SLOT_BYTES[kind]!;
    const added = BLOCK_BYTES / slotBytes;
    const bytes = new Uint8Array(BLOCK_BYTES);
    this.#blocks.push(bytes);
    this.#views.push(new DataView(bytes.buffer));
    while (this.#slots + added > this.#next.length) this.#growTables();
    for (let index = added - 1; index >= 0; index -= 1) {
      const slot = this.#slots + index;
      this.#class[slot] = kind;
      this.#block[slot] = this.#blocks.length - 1;
      this.#offset[slot] = index * slotBytes;
      this.#next[slot] = this.#free[kind]!;
      this.#free[kind] = slot;
    }
    this.#slots += added;
  }

  #growTables(): void {
    const slots = this.#next.length * 2;
    const words = new Int32Array(slots * WORDS);
    words.set(this.#words);
    this.#words = words;
    const next = new Int32Array(slots);
    next.set(this.#next);
    this.#next = next;
    const kinds = new Uint8Array(slots);
    kinds.set(this.#class);
    this.#class = kinds;
    const blocks = new Int32Array(slots);
    blocks.set(this.#block);
    this.#block = blocks;
    const offsets = new Int32Array(slots);
    offsets.set(this.#offset);
    this.#offset = offsets;
    const firsts = new Float64Array(slots);
    firsts.set(this.#first);
    this.#first = firsts;
    const packetNumbers = new Float64Array(slots);
    packetNumbers.set(this.#packetNumber);
    this.#packetNumber = packetNumbers;
  }
}

/** Word by word: `set` with a part of an array would make an object for that part. */
function copyBytes(from: DataView, offset: number, length: number, to: DataView, at: number): void {
  const words = length & ~3;
  let done = 0;
  for (; done < words; done += 4) to.setInt32(at + done, from.getInt32(offset + done, true), true);
  for (; done < length; done += 1) to.setUint8(at + done, from.getUint8(offset + done));
}
