import { mix2 } from '../binary/hash-index.ts';
import {
  type PacketPool,
  SLOT_LENGTH,
  SLOT_TIME_HIGH,
  SLOT_TIME_LOW,
  SLOT_WORDS,
} from '../packet/packet-pool.ts';
import type { Ring } from '../packet/ring.ts';

/** What the two ends of a line share besides its slots. */
export interface SoakLine {
  readonly line: number;
  readonly pool: PacketPool;
  /** Who has a slot: 0 = it is free, 1 = it is on its way. */
  readonly owners: Int32Array;
  /** Checking end → filling end, and back. */
  readonly free: Ring;
  readonly filled: Ring;
}

/** Differs from word to word and from packet to packet, so that a slot written over in part shows. */
const STEP = 0x9e3779b1 | 0;

/** The end that takes slots, writes packets into them and hands them over. */
export class SoakFiller {
  /** Slots that were needed and not there; taken though somebody had them. */
  misses = 0;
  duplicated = 0;
  sent = 0;
  readonly #line: SoakLine;
  readonly #data: Int32Array;

  constructor(line: SoakLine) {
    this.#line = line;
    this.#data = wordsOf(line.pool);
  }

  burst(count: number): void {
    const { free, filled, owners } = this.#line;
    for (let packet = 0; packet < count; packet += 1) {
      const slot = free.take();
      if (slot < 0) {
        this.misses += 1;
        continue;
      }
      if (Atomics.compareExchange(owners, slot, 0, 1) !== 0) this.duplicated += 1;
      this.#write(slot);
      this.sent = (this.sent + 1) | 0;
      filled.put(slot);
    }
    free.release();
    filled.publish();
  }

  #write(slot: number): void {
    const { pool, line } = this.#line;
    const at = slot * SLOT_WORDS;
    pool.words[at + SLOT_LENGTH] = pool.slotBytes;
    pool.words[at + SLOT_TIME_HIGH] = line;
    pool.words[at + SLOT_TIME_LOW] = this.sent;
    const data = this.#data;
    const end = ((slot + 1) * pool.slotBytes) >> 2;
    let value = mix2(line, this.sent);
    for (let word = (slot * pool.slotBytes) >> 2; word < end; word += 1) {
      data[word] = value;
      value = (value + STEP) | 0;
    }
  }
}

/** The end that looks at every word of what it gets, and gives the slots back. */
export class SoakChecker {
  /** Packets that came in their place of the line's order, and others. */
  received = 0;
  outOfOrder = 0;
  /** Packets of which a word is not what was written. */
  torn = 0;
  /** Slots given back though nobody had them; those that the ring had no room for. */
  duplicated = 0;
  returnDrops = 0;
  readonly #line: SoakLine;
  readonly #data: Int32Array;
  #next = 0;

  constructor(line: SoakLine) {
    this.#line = line;
    this.#data = wordsOf(line.pool);
  }

  /** Takes and gives back at most so many packets. @returns how many there were. */
  burst(count: number): number {
    const { filled, free } = this.#line;
    let packet = 0;
    for (; packet < count; packet += 1) {
      const slot = filled.take();
      if (slot < 0) break;
      this.#check(slot);
      this.#giveBack(slot);
    }
    if (packet === 0) return 0;
    filled.release();
    free.publish();
    this.received += packet;
    return packet;
  }

  #check(slot: number): void {
    const { pool, line } = this.#line;
    const at = slot * SLOT_WORDS;
    const sequence = pool.words[at + SLOT_TIME_LOW]!;
    if (sequence !== this.#next) this.outOfOrder += 1;
    this.#next = (sequence + 1) | 0;
    const data = this.#data;
    const end = ((slot + 1) * pool.slotBytes) >> 2;
    let differing = pool.words[at + SLOT_LENGTH]! ^ pool.slotBytes;
    differing |= pool.words[at + SLOT_TIME_HIGH]! ^ line;
    let value = mix2(line, sequence);
    for (let word = (slot * pool.slotBytes) >> 2; word < end; word += 1) {
      differing |= data[word]! ^ value;
      value = (value + STEP) | 0;
    }
    if (differing !== 0) this.torn += 1;
  }

  #giveBack(slot: number): void {
    const { owners, free } = this.#line;
    if (Atomics.compareExchange(owners, slot, 1, 0) !== 1) this.duplicated += 1;
    if (!free.put(slot)) this.returnDrops += 1;
  }
}

function wordsOf(pool: PacketPool): Int32Array {
  return new Int32Array(pool.memory, pool.bytes.byteOffset, pool.bytes.length >> 2);
}
