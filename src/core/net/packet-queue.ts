import { PacketPool } from '../packet/packet-pool.ts';
import { Ring } from '../packet/ring.ts';

/** What another thread needs to take part. */
export interface QueueMemory {
  readonly slots: number;
  readonly slotBytes: number;
  readonly pool: SharedArrayBuffer;
  readonly free: SharedArrayBuffer;
  readonly filled: SharedArrayBuffer;
}

/**
 * Packets on their way from one receiver to one consumer: a pool and the two rings in which the numbers of its slots
 * go round. A slot has one owner at a time:
 *
 *     receiver   takeFree → fills them → publish        ──filled──▶        take → reads it → giveBack   consumer
 *         ▲                                                                                        │
 *         └────────────────────────────────────── free ◀─────────────────────────────────────────┘
 *
 * Nothing here waits or allocates: an empty free ring is the receiver's to count, an empty filled ring the consumer's to
 * wait for.
 */
export class PacketQueue {
  readonly pool: PacketPool;
  readonly #free: Ring;
  readonly #filled: Ring;
  /** Consumer: given back and not yet shown to the receiver. */
  #pending = 0;

  private constructor(pool: PacketPool, free: Ring, filled: Ring) {
    this.pool = pool;
    this.#free = free;
    this.#filled = filled;
  }

  /** The consumer's end of a new queue; all slots are free. */
  static create(slots: number, slotBytes: number): PacketQueue {
    const capacity = 2 ** Math.ceil(Math.log2(slots));
    const free = new Ring(capacity);
    for (let slot = 0; slot < slots; slot += 1) free.put(slot);
    free.publish();
    return new PacketQueue(new PacketPool(slots, slotBytes), free, new Ring(capacity));
  }

  /** The receiver's end. */
  static attach({ slots, slotBytes, pool, free, filled }: QueueMemory): PacketQueue {
    const capacity = 2 ** Math.ceil(Math.log2(slots));
    return new PacketQueue(
      new PacketPool(slots, slotBytes, pool),
      new Ring(capacity, free),
      new Ring(capacity, filled),
    );
  }

  get memory(): QueueMemory {
    const { slots, slotBytes, memory } = this.pool;
    return { slots, slotBytes, pool: memory, free: this.#free.memory, filled: this.#filled.memory };
  }

  /** Packets that wait for the consumer. */
  get waiting(): number {
    return this.#filled.waiting;
  }

  /** Receiver: adds free slots behind the `count` it holds, up to `most`. @returns how many it holds now. */
  takeFree(held: Int32Array, count: number, most: number): number {
    let have = count;
    while (have < most) {
      const slot = this.#free.take();
      if (slot < 0) break;
      held[have] = slot;
      have += 1;
    }
    if (have > count) this.#free.release();
    return have;
  }

  /** Receiver: hands over the first `count` slots it holds, in order, and moves the others to the front. */
  publish(held: Int32Array, count: number, have: number): void {
    for (let index = 0; index < count; index += 1) this.#filled.put(held[index]!);
    this.#filled.publish();
    if (have > count) held.copyWithin(0, count, have);
  }

  /** Receiver: sleeps a moment until a slot is given back. */
  waitFree(ms: number): void {
    this.#free.wait(ms);
  }

  /** Consumer: the next packet's slot, −1 where there is none. */
  take(): number {
    const slot = this.#filled.take();
    if (slot < 0) this.flush();
    return slot;
  }

  /** Consumer: is done with a slot. The receiver hears of it in batches, and when nothing more is at hand. */
  giveBack(slot: number): void {
    this.#free.put(slot);
    this.#pending += 1;
    if (this.#pending === GIVE_BACK_BATCH) this.flush();
  }

  /** Consumer: shows the receiver what was given back. */
  flush(): void {
    if (this.#pending === 0) return;
    this.#pending = 0;
    this.#filled.release();
    this.#free.publish();
  }
}

const GIVE_BACK_BATCH = 32;
