import {
  FLAG_TIME_NONE,
  FLAG_TRUNCATED,
  SLOT_FLAGS,
  SLOT_TIME_HIGH,
  SLOT_TIME_LOW,
  SLOT_WIRE_LENGTH,
  SLOT_WORDS,
} from '../packet/packet-pool.ts';
import type { BlockingBackend } from './backend.ts';
import type { Doorbell } from './doorbell.ts';
import type { PacketQueue } from './packet-queue.ts';
import { ProcessClock } from './process-clock.ts';
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
  /** Called about once a second. */
  readonly tell: () => void;
}

/** How long to wait for a slot where there is nothing to throw away, or the backend cannot do that. */
const WAIT_FREE_MS = 1;

/**
 * Receives until the stop flag is up; blocks the thread. Allocates nothing per packet. When no slot is free packets are
 * read all the same and dropped, counted as such, so that it is known where they were lost. Packets without a time of
 * the kernel get the time at which they were read.
 */
export function receiveUntilStopped({
  backend,
  queue,
  control,
  counts,
  doorbell,
  batch,
  tell,
}: LoopParts): void {
  const { pool } = queue;
  const { words } = pool;
  const clock = new ProcessClock();
  const held = new Int32Array(batch);
  let have = 0;
  let told = performance.now();
  while (Atomics.load(control, CONTROL_STOP) === 0) {
    have = queue.takeFree(held, have, batch);
    if (have > 0) {
      const count = backend.receive(pool, held, have);
      if (count > 0) {
        let bytes = 0;
        let truncated = 0;
        for (let index = 0; index < count; index += 1) {
          const at = held[index]! * SLOT_WORDS;
          bytes += words[at + SLOT_WIRE_LENGTH]!;
          const flags = words[at + SLOT_FLAGS]!;
          if ((flags & FLAG_TRUNCATED) !== 0) truncated += 1;
          if ((flags & FLAG_TIME_NONE) === 0) continue;
          clock.read();
          words[at + SLOT_TIME_HIGH] = clock.high;
          words[at + SLOT_TIME_LOW] = clock.low;
        }
        counts[COUNT_RECEIVED]! += count;
        counts[COUNT_BYTES]! += bytes;
        counts[COUNT_TRUNCATED]! += truncated;
        queue.publish(held, count, have);
        have -= count;
        doorbell.ring();
      }
    } else if (backend.discard === undefined) queue.waitFree(WAIT_FREE_MS);
    else {
      const count = backend.discard();
      counts[COUNT_RECEIVED]! += count;
      counts[COUNT_POOL_FULL]! += count;
      if (count === 0) queue.waitFree(WAIT_FREE_MS);
    }
    const now = performance.now();
    if (now - told >= STATUS_MS) {
      told = now;
      clock.adjust();
      tell();
    }
  }
}
