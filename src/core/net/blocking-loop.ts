import type { ThreadCpu } from '../observe/thread-cpu.ts';
import {
  FLAG_TIME_NONE,
  FLAG_TRUNCATED,
  SLOT_FLAGS,
  SLOT_TIME_HIGH,
  SLOT_TIME_LOW,
  SLOT_WIRE_LENGTH,
  SLOT_WORDS,
} from '../packet/packet-pool.ts';
import { ProcessClock } from '../threads/process-clock.ts';
import type { BlockingBackend } from './backend.ts';
import type { Doorbell } from './doorbell.ts';
import type { PacketQueue } from './packet-queue.ts';
import {
  CONTROL_STOP,
  COUNT_BYTES,
  COUNT_POOL_FULL,
  COUNT_RECEIVED,
  COUNT_TRUNCATED,
  STATUS_MS,
} from './receiver-plan.ts';

export interface LoopParts {
  readonly backend: BlockingBackend;
  readonly queue: PacketQueue;
  readonly control: Int32Array;
  readonly counts: Float64Array;
  readonly doorbell: Doorbell;
  readonly batch: number;
  readonly cpuTime: ThreadCpu;
  /** Called about once a second. */
  readonly tell: () => void;
}

/** How long to wait for a slot where there is nothing to throw away, or the backend cannot do that. */
const WAIT_FREE_MS = 1;

/** Turns that took packets between two looks at the clock. */
const TURNS_PER_LOOK = 32;

/**
 * Receives until the stop flag is up; blocks the thread. Allocates nothing per packet. When no slot is free packets are
 * read all the same and dropped, counted as such, so that it is known where they were lost. Packets without a time of
 * the kernel get the time at which their batch was read.
 */
export function receiveUntilStopped(parts: LoopParts): void {
  new BlockingLoop(parts).run();
}

class BlockingLoop {
  readonly #parts: LoopParts;
  readonly #clock: ProcessClock = new ProcessClock();
  readonly #held: Int32Array;
  #have = 0;
  #told: number = performance.now();

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#held = new Int32Array(parts.batch);
  }

  run(): void {
    const { control } = this.#parts;
    let turns = 0;
    while (Atomics.load(control, CONTROL_STOP) === 0) {
      const count = this.#turn();
      turns += 1;
      if (count === 0 || turns % TURNS_PER_LOOK === 0) this.#look();
    }
  }

  /** @returns how many packets came. */
  #turn(): number {
    const { backend, queue, batch, counts } = this.#parts;
    const held = this.#held;
    this.#have = queue.takeFree(held, this.#have, batch);
    if (this.#have === 0) return this.#discard();
    const count = backend.receive(queue.pool, held, this.#have);
    if (count === 0) return 0;
    this.#see(count);
    counts[COUNT_RECEIVED]! += count;
    queue.publish(held, count, this.#have);
    this.#have -= count;
    this.#parts.doorbell.ring();
    return count;
  }

  /** Counts the packets at hand, which are still ours, and gives them a time where they have none. */
  #see(count: number): void {
    const { queue, counts } = this.#parts;
    const { words } = queue.pool;
    const clock = this.#clock;
    let bytes = 0;
    let truncated = 0;
    let isRead = false;
    for (let index = 0; index < count; index += 1) {
      const at = this.#held[index]! * SLOT_WORDS;
      bytes += words[at + SLOT_WIRE_LENGTH]!;
      const flags = words[at + SLOT_FLAGS]!;
      if ((flags & FLAG_TRUNCATED) !== 0) truncated += 1;
      if ((flags & FLAG_TIME_NONE) === 0) continue;
      if (!isRead) clock.read();
      isRead = true;
      words[at + SLOT_TIME_HIGH] = clock.high;
      words[at + SLOT_TIME_LOW] = clock.low;
    }
    counts[COUNT_BYTES]! += bytes;
    counts[COUNT_TRUNCATED]! += truncated;
  }

  #discard(): number {
    const { backend, queue, counts } = this.#parts;
    const count = backend.discard?.() ?? 0;
    counts[COUNT_RECEIVED]! += count;
    counts[COUNT_POOL_FULL]! += count;
    if (count === 0) queue.waitFree(WAIT_FREE_MS);
    return count;
  }

  #look(): void {
    const now = performance.now();
    if (now - this.#told < STATUS_MS) return;
    this.#told = now;
    this.#clock.adjust();
    this.#parts.cpuTime.note(now);
    this.#parts.tell();
  }
}
