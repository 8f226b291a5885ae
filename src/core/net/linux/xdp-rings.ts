import { TIME_BYTES } from './xdp-program.ts';

/** Where one ring of an XDP socket lies in its mapping: byte offsets, and how many entries it has (a power of two). */
export interface XdpRingLayout {
  readonly words: Int32Array;
  readonly producer: number;
  readonly consumer: number;
  readonly descriptors: number;
  readonly flags: number;
  readonly entries: number;
}

const RX_DESCRIPTOR_WORDS = 4;
const FILL_DESCRIPTOR_WORDS = 2;
const NEED_WAKEUP = 1;

/**
 * The receiving end of an XDP socket as memory: the kernel fills chunks and puts their addresses on the RX ring, we read
 * them and put the chunks back on the fill ring. Positions run freely in 32 bits; they are looked at and stored once per
 * batch. Pure: it knows no socket.
 *
 *     RX entry 16     address@0 u64 · length@8        fill entry 8    address u64
 *
 * Addresses are offsets in the packet memory, which is below 4 GB: their upper halves are 0.
 */
export class XdpRings {
  /** First byte of the frame in the packet memory, and its length; of the packet that `next` answered. */
  at = 0;
  length = 0;
  /** Entries that point outside the packet memory: their chunks are lost. */
  damaged = 0;
  readonly #rx: XdpRingLayout;
  readonly #fill: XdpRingLayout;
  readonly #chunkMask: number;
  readonly #bytes: number;
  #taken: number;
  #seen: number;
  #given: number;

  /** @param chunkBytes a power of two; @param bytes size of the packet memory. */
  constructor(rx: XdpRingLayout, fill: XdpRingLayout, chunkBytes: number, bytes: number) {
    this.#rx = rx;
    this.#fill = fill;
    this.#chunkMask = -chunkBytes;
    this.#bytes = bytes;
    this.#taken = Atomics.load(rx.words, rx.consumer >>> 2);
    this.#seen = this.#taken;
    this.#given = Atomics.load(fill.words, fill.producer >>> 2);
  }

  /** Gives the kernel all chunks, before the first packet. */
  giveAll(chunkBytes: number): void {
    for (let address = 0; address < this.#bytes; address += chunkBytes) this.#give(address);
    this.publish();
  }

  /** @returns false when there is no packet. What it answered before goes back to the kernel with `publish`. */
  next(): boolean {
    const { words, producer, descriptors, entries } = this.#rx;
    for (;;) {
      if (this.#taken === this.#seen) {
        this.#seen = Atomics.load(words, producer >>> 2);
        if (this.#taken === this.#seen) return false;
      }
      const word = (descriptors >>> 2) + (this.#taken & (entries - 1)) * RX_DESCRIPTOR_WORDS;
      const at = words[word]! >>> 0;
      const length = words[word + 2]!;
      this.#taken = (this.#taken + 1) | 0;
      if (length < 0 || at < TIME_BYTES || at + length > this.#bytes) {
        this.damaged += 1;
        continue;
      }
      this.#give((at & this.#chunkMask) >>> 0);
      this.at = at;
      this.length = length;
      return true;
    }
  }

  /** The end of a batch: gives read entries and chunks back. Nothing of them may be read after that. */
  publish(): void {
    Atomics.store(this.#rx.words, this.#rx.consumer >>> 2, this.#taken);
    Atomics.store(this.#fill.words, this.#fill.producer >>> 2, this.#given);
  }

  /** Whether the driver waits to be told that there are chunks again. */
  get wantsWakeup(): boolean {
    return (Atomics.load(this.#fill.words, this.#fill.flags >>> 2) & NEED_WAKEUP) !== 0;
  }

  /** There is always room: the fill ring has an entry for every chunk. Seen by the kernel only after `publish`. */
  #give(address: number): void {
    const { words, descriptors, entries } = this.#fill;
    const word = (descriptors >>> 2) + (this.#given & (entries - 1)) * FILL_DESCRIPTOR_WORDS;
    words[word] = address;
    words[word + 1] = 0;
    this.#given = (this.#given + 1) | 0;
  }
}
