import { PacketQueue } from '../../net/packet-queue.ts';
import { startThread } from '../../threads/start-thread.ts';
import { threadCpuNs } from '../cpu-time.ts';
import {
  HAND_OFF_CPU_US,
  HAND_OFF_DONE,
  HAND_OFF_GO,
  HAND_OFF_PACKETS,
  type HandOffPlan,
  PAYLOAD_WORDS,
} from '../hand-off-plan.ts';
import { inSteps } from '../steps.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';

const SLOTS = 4096;
const SLOT_BYTES = 64;
const PACKETS_PER_STEP = 4096;
/** Empty looks before the thread sleeps, so that waiting costs no CPU time. */
const LOOKS = 50;
const NAP_MS = 0.05;
const NS_PER_US = 1000;

/**
 * Packets that another thread writes into a pool, word by word, and hands over in bursts; this one reads every word and
 * gives the slots back. What counts is the CPU time of that thread of the two that needs more: so long it takes where each
 * has a processor for itself, whatever else the machine does.
 */
export function handOff(options: WorkloadOptions): Workload {
  const consumer = new Consumer();
  const run = (): void => consumer.run(options.events);
  return {
    units: options.events,
    bytes: options.events * SLOT_BYTES,
    note: 'CPU time of the busier one of the two threads',
    reset() {},
    run,
    measure() {
      const before = threadCpuNs();
      run();
      return Math.max(threadCpuNs() - before, consumer.producerUs * NS_PER_US);
    },
    checksum: () => null,
  };
}

class Consumer {
  readonly #queue: PacketQueue = PacketQueue.create(SLOTS, SLOT_BYTES);
  readonly #control: Int32Array = new Int32Array(new SharedArrayBuffer(16));
  readonly #words: Int32Array;
  /** Of all words read: what was written must have come. */
  #sum = 0;
  #wanted = 0;
  #runs = 0;

  constructor() {
    const { bytes } = this.#queue.pool;
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const plan: HandOffPlan = { queue: this.#queue.memory, control: this.#control };
    startThread('../hand-off-thread', import.meta.url, { workerData: plan }).unref();
  }

  /** CPU time of the other thread in the last run. */
  get producerUs(): number {
    return Atomics.load(this.#control, HAND_OFF_CPU_US);
  }

  run(packets: number): void {
    const control = this.#control;
    Atomics.store(control, HAND_OFF_PACKETS, packets);
    Atomics.add(control, HAND_OFF_GO, 1);
    Atomics.notify(control, HAND_OFF_GO);
    this.#sum = 0;
    this.#wanted = 0;
    inSteps(packets, PACKETS_PER_STEP, (from, to) => this.#take(from, to));
    this.#queue.flush();
    this.#runs += 1;
    while (Atomics.load(control, HAND_OFF_DONE) < this.#runs) {
      Atomics.wait(control, HAND_OFF_DONE, this.#runs - 1);
    }
    if (this.#sum !== this.#wanted) throw new RangeError('a packet did not hold what was written into it');
  }

  #take(from: number, to: number): void {
    const queue = this.#queue;
    const words = this.#words;
    let sum = 0;
    let wanted = 0;
    let looks = 0;
    for (let packet = from; packet < to; ) {
      const slot = queue.take();
      if (slot < 0) {
        looks += 1;
        if (looks % LOOKS === 0) Atomics.wait(this.#control, HAND_OFF_PACKETS, to + 1, NAP_MS);
        continue;
      }
      const at = slot * PAYLOAD_WORDS;
      for (let word = 0; word < PAYLOAD_WORDS; word += 1) sum = (sum + words[at + word]!) | 0;
      wanted = (wanted + packet * PAYLOAD_WORDS) | 0;
      queue.giveBack(slot);
      packet += 1;
    }
    this.#sum = (this.#sum + sum) | 0;
    this.#wanted = (this.#wanted + wanted) | 0;
  }
}
