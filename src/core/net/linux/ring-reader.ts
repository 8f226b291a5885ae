/**
 * Readers of the memory that a packet socket shares with us. Both give one packet at a time; what is read is given
 * back to the kernel by the next call or by `release`, and is not touched after that. Pure: they know no socket.
 */

/** Bits of the status of blocks and packets. */
export const STATUS_USER = 1;
export const STATUS_LOSING = 4;
export const STATUS_CSUM_NOT_READY = 8;
export const STATUS_CSUM_VALID = 128;
export const STATUS_TIME_HARDWARE: number = 1 << 31;

/** Where a packet lies and what the kernel says about it. */
export abstract class RingReader {
  /** First byte of the frame in the ring, bytes there are of it, and bytes there were on the wire. */
  at = 0;
  captured = 0;
  wire = 0;
  seconds = 0;
  nanoseconds = 0;
  /** STATUS_* of the packet. */
  status = 0;
  /** The kernel has lost packets since its statistics were read; set here, cleared by who reads them. */
  losing = false;
  /** Blocks or frames whose own numbers contradict each other: nothing of the rest of them is read. */
  damaged = 0;

  /** @returns false when there is none yet. */
  abstract next(): boolean;
  /** Gives back what has been read. */
  abstract release(): void;
}

const WALKED = -1;

/**
 * TPACKET_V3: blocks that the kernel fills with packets and hands over whole.
 *
 *     block    status@8 · packets@12 · first packet@16
 *     packet   next@0 · sec@4 · nsec@8 · captured@12 · on the wire@16 · status@20 · frame begins at u16@24
 */
export class BlockReader extends RingReader {
  readonly #words: Int32Array;
  readonly #blockBytes: number;
  readonly #blocks: number;
  #block = 0;
  /** Packets of the block that are still to be read; WALKED = the block is the kernel's. */
  #left: number = WALKED;
  #packet = 0;

  constructor(words: Int32Array, blockBytes: number, blocks: number) {
    super();
    this.#words = words;
    this.#blockBytes = blockBytes;
    this.#blocks = blocks;
  }

  next(): boolean {
    const words = this.#words;
    for (;;) {
      while (this.#left <= 0) {
        this.release();
        if (!this.#open()) return false;
      }
      const word = this.#packet >>> 2;
      const step = words[word]!;
      const captured = words[word + 3]!;
      const at = this.#packet + (words[word + 6]! & 0xffff);
      this.#left -= 1;
      if (!this.#fits(at, captured, step)) {
        this.damaged += 1;
        this.#left = 0;
        continue;
      }
      this.at = at;
      this.captured = captured;
      this.seconds = words[word + 1]! >>> 0;
      this.nanoseconds = words[word + 2]!;
      this.wire = words[word + 4]!;
      this.status = words[word + 5]!;
      this.#packet += step;
      return true;
    }
  }

  release(): void {
    if (this.#left !== 0) return;
    Atomics.store(this.#words, this.#statusWord(), 0);
    this.#block = this.#block + 1 === this.#blocks ? 0 : this.#block + 1;
    this.#left = WALKED;
  }

  /** Takes the next block, if the kernel has handed it over. */
  #open(): boolean {
    const status = Atomics.load(this.#words, this.#statusWord());
    if ((status & STATUS_USER) === 0) return false;
    if ((status & STATUS_LOSING) !== 0) this.losing = true;
    const start = this.#block * this.#blockBytes;
    const first = this.#words[(start >>> 2) + 4]!;
    this.#left = this.#words[(start >>> 2) + 3]!;
    this.#packet = start + first;
    if (this.#left < 0 || first < 0 || (first & 3) !== 0 || first + PACKET_BYTES > this.#blockBytes) {
      this.damaged += 1;
      this.#left = 0;
    }
    return true;
  }

  /** Whether the frame and the next packet, if there is one, lie in the block. */
  #fits(at: number, captured: number, step: number): boolean {
    const end = (this.#block + 1) * this.#blockBytes;
    if (captured < 0 || at + captured > end) return false;
    return (
      this.#left === 0 ||
      (step >= PACKET_BYTES && (step & 3) === 0 && this.#packet + step + PACKET_BYTES <= end)
    );
  }

  #statusWord(): number {
    return (this.#block * this.#blockBytes + 8) >>> 2;
  }
}

const PACKET_BYTES = 48;

/**
 * TPACKET_V2: frames of one size, each handed over by itself.
 *
 *     frame    status@0 · on the wire@4 · captured@8 · frame begins at u16@12 · sec@16 · nsec@20
 */
export class FrameReader extends RingReader {
  readonly #words: Int32Array;
  readonly #frameBytes: number;
  readonly #frames: number;
  #frame = 0;
  #isHeld = false;

  constructor(words: Int32Array, frameBytes: number, frames: number) {
    super();
    this.#words = words;
    this.#frameBytes = frameBytes;
    this.#frames = frames;
  }

  next(): boolean {
    const words = this.#words;
    for (;;) {
      this.release();
      const start = this.#frame * this.#frameBytes;
      const word = start >>> 2;
      const status = Atomics.load(words, word);
      if ((status & STATUS_USER) === 0) return false;
      this.#isHeld = true;
      if ((status & STATUS_LOSING) !== 0) this.losing = true;
      const captured = words[word + 2]!;
      const offset = words[word + 3]! & 0xffff;
      if (captured < 0 || offset + captured > this.#frameBytes) {
        this.damaged += 1;
        continue;
      }
      this.at = start + offset;
      this.captured = captured;
      this.wire = words[word + 1]!;
      this.seconds = words[word + 4]! >>> 0;
      this.nanoseconds = words[word + 5]!;
      this.status = status;
      return true;
    }
  }

  release(): void {
    if (!this.#isHeld) return;
    Atomics.store(this.#words, (this.#frame * this.#frameBytes) >>> 2, 0);
    this.#frame = this.#frame + 1 === this.#frames ? 0 : this.#frame + 1;
    this.#isHeld = false;
  }
}
