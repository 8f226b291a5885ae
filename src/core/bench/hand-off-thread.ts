import { workerData } from 'node:worker_threads';
import { PacketQueue } from '../net/packet-queue.ts';
import { SLOT_LENGTH, SLOT_WORDS } from '../packet/packet-pool.ts';
import { threadCpuNs } from './cpu-time.ts';
import {
  HAND_OFF_BURST,
  HAND_OFF_CPU_US,
  HAND_OFF_DONE,
  HAND_OFF_GO,
  HAND_OFF_PACKETS,
  type HandOffPlan,
  PAYLOAD_WORDS,
} from './hand-off-plan.ts';

/* Writes the packets of one run after the other; ends with its process. */

/** Looks without a free slot before the thread sleeps, so that waiting costs no CPU time. */
const LOOKS = 50;
const NAP_MS = 0.05;
const NS_PER_US = 1000;

class Producer {
  readonly #queue: PacketQueue;
  readonly #words: Int32Array;
  readonly #held: Int32Array = new Int32Array(HAND_OFF_BURST);
  #have = 0;

  constructor(queue: PacketQueue) {
    this.#queue = queue;
    const { bytes } = queue.pool;
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }

  /** Hands over packets `from` … `to − 1`, every word of which is its number. */
  burst(from: number, to: number): void {
    const queue = this.#queue;
    const count = to - from;
    let looks = 0;
    while (this.#have < count) {
      this.#have = queue.takeFree(this.#held, this.#have, HAND_OFF_BURST);
      looks += 1;
      if (looks % LOOKS === 0) queue.waitFree(NAP_MS);
    }
    for (let index = 0; index < count; index += 1) this.#write(this.#held[index]!, from + index);
    queue.publish(this.#held, count, this.#have);
    this.#have -= count;
  }

  #write(slot: number, packet: number): void {
    const words = this.#words;
    const at = slot * PAYLOAD_WORDS;
    for (let word = 0; word < PAYLOAD_WORDS; word += 1) words[at + word] = packet;
    this.#queue.pool.words[slot * SLOT_WORDS + SLOT_LENGTH] = PAYLOAD_WORDS * 4;
  }
}

const { queue, control } = workerData as HandOffPlan;
const producer = new Producer(PacketQueue.attach(queue));
for (let runs = 0; ; runs += 1) {
  Atomics.wait(control, HAND_OFF_GO, runs);
  const packets = Atomics.load(control, HAND_OFF_PACKETS);
  const before = threadCpuNs();
  for (let from = 0; from < packets; from += HAND_OFF_BURST) {
    producer.burst(from, Math.min(from + HAND_OFF_BURST, packets));
  }
  Atomics.store(control, HAND_OFF_CPU_US, Math.round((threadCpuNs() - before) / NS_PER_US));
  Atomics.store(control, HAND_OFF_DONE, runs + 1);
  Atomics.notify(control, HAND_OFF_DONE);
}
