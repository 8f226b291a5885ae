import fc from 'fast-check';
import { expect, test } from 'vitest';
import { heapUse } from '../../../src/core/bench/measure.ts';
import type { BackendStatus, BlockingBackend } from '../../../src/core/net/backend.ts';
import { receiveUntilStopped } from '../../../src/core/net/blocking-loop.ts';
import { Doorbell } from '../../../src/core/net/doorbell.ts';
import { PacketQueue } from '../../../src/core/net/packet-queue.ts';
import {
  CONTROL_STOP,
  CONTROL_WORDS,
  COUNT_POOL_FULL,
  COUNT_RECEIVED,
  COUNT_TRUNCATED,
  COUNTS,
} from '../../../src/core/net/receiver-plan.ts';
import { ThreadCpu } from '../../../src/core/observe/thread-cpu.ts';
import {
  FLAG_TIME_NONE,
  FLAG_TRUNCATED,
  type PacketPool,
  SLOT_FLAGS,
  SLOT_LENGTH,
  SLOT_TIME_HIGH,
  SLOT_WIRE_LENGTH,
  SLOT_WORDS,
} from '../../../src/core/packet/packet-pool.ts';

/** A line that carries numbered packets and whose reader reads when the script says so; both on this thread. */
class ScriptedLine implements BlockingBackend {
  readonly name = 'mmsg';
  readonly clock = 'software';
  readonly queue: PacketQueue;
  readonly control: Int32Array = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
  readonly counts: Float64Array = new Float64Array(new SharedArrayBuffer(COUNTS * 8));
  sent = 0;
  seen = 0;
  /** Numbers came in order and were not touched after they were handed over. */
  isOrdered = true;
  #last = -1;
  #calls = 0;
  readonly #packets: number;
  readonly #burst: (call: number) => number;
  readonly #reads: (call: number) => number;

  /** Flags of packets without a time of the kernel. */
  flags: number = FLAG_TIME_NONE;

  constructor(
    slots: number,
    packets: number,
    burst: (call: number) => number,
    reads: (call: number) => number,
  ) {
    this.queue = PacketQueue.create(slots, 64);
    this.#packets = packets;
    this.#burst = burst;
    this.#reads = reads;
  }

  run(batch: number): void {
    const queue = PacketQueue.attach(this.queue.memory);
    const doorbell = new Doorbell();
    const { control, counts } = this;
    const cpuTime = new ThreadCpu();
    receiveUntilStopped({ backend: this, queue, control, counts, doorbell, batch, cpuTime, tell: () => {} });
  }

  receive(pool: PacketPool, free: Int32Array, count: number): number {
    const taken = this.#next(count);
    for (let at = 0; at < taken; at += 1) {
      const word = free[at]! * SLOT_WORDS;
      pool.words[word + SLOT_LENGTH] = 8;
      pool.words[word + SLOT_WIRE_LENGTH] = this.sent % 10 === 9 ? 100 : 8;
      pool.words[word + SLOT_FLAGS] = (this.sent % 10 === 9 ? FLAG_TRUNCATED : 0) | this.flags;
      pool.view.setInt32(free[at]! * pool.slotBytes, this.sent, true);
      this.sent += 1;
    }
    return taken;
  }

  discard(): number {
    const dropped = this.#next(1024);
    this.sent += dropped;
    return dropped;
  }

  status(): BackendStatus {
    return { receiveBufferAsked: null, receiveBufferGranted: null, kernelDrops: {}, skipped: {} };
  }

  close(): void {}

  /** Reads what there is. */
  read(most: number): void {
    const { pool } = this.queue;
    for (let at = 0; at < most; at += 1) {
      const slot = this.queue.take();
      if (slot < 0) return;
      const number = pool.view.getInt32(slot * pool.slotBytes, true);
      if (number <= this.#last || (pool.words[slot * SLOT_WORDS + SLOT_TIME_HIGH] === 0 && this.flags !== 0))
        this.isOrdered = false;
      this.#last = number;
      this.seen += 1;
      this.queue.giveBack(slot);
    }
    this.queue.flush();
  }

  #next(room: number): number {
    const call = this.#calls;
    this.#calls += 1;
    this.read(this.#reads(call));
    const count = Math.min(this.#burst(call), room, this.#packets - this.sent);
    if (this.sent + count === this.#packets) Atomics.store(this.control, CONTROL_STOP, 1);
    return count;
  }
}

test('every packet is handed over in order, or counted: whatever the pace of both sides', () => {
  const paces = fc.array(fc.nat(40), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 64 }),
      fc.integer({ min: 1, max: 32 }),
      paces,
      paces,
      (slots, batch, a, b) => {
        // Not all zeros, or nothing would ever happen.
        const line = new ScriptedLine(
          slots,
          500,
          (call) => a[call % a.length]! + 1,
          (call) => b[call % b.length]!,
        );
        line.run(batch);
        line.read(Number.POSITIVE_INFINITY);
        const { counts } = line;
        expect(line.sent).toBe(500);
        expect(counts[COUNT_RECEIVED]).toBe(500);
        expect(line.seen + counts[COUNT_POOL_FULL]!).toBe(500);
        expect(line.isOrdered).toBe(true);
        if (counts[COUNT_POOL_FULL] === 0) expect(counts[COUNT_TRUNCATED]).toBe(50);
      },
    ),
    { numRuns: 50 },
  );
});

test('a packet costs no memory', () => {
  const packets = 400_000;
  const line = (): ScriptedLine =>
    new ScriptedLine(
      256,
      packets,
      () => 32,
      () => 64,
    );
  line().run(32);
  const measured = line();
  measured.flags = 0;
  const { allocatedBytes } = heapUse(() => measured.run(32));
  measured.read(Number.POSITIVE_INFINITY);
  expect(measured.seen).toBe(packets);
  expect(allocatedBytes / packets).toBeLessThan(1);
});
