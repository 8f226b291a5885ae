import { availableParallelism } from 'node:os';
import { workerData } from 'node:worker_threads';
import { Doorbell } from '../net/doorbell.ts';
import { PacketQueue } from '../net/packet-queue.ts';
import {
  SLOT_DESTINATION,
  SLOT_LENGTH,
  SLOT_PORTS,
  SLOT_TIME_HIGH,
  SLOT_TIME_LOW,
  SLOT_WIRE_LENGTH,
  SLOT_WORDS,
} from '../packet/packet-pool.ts';
import { EventSource } from './event-stream.ts';
import { ItchPackets } from './itch-stream.ts';
import { MachineClock } from './machine-clock.ts';
import {
  PACED_GO,
  PACED_MESSAGES,
  PACED_RUN,
  PACKET_MESSAGES,
  type PacedPlan,
  type PacedTarget,
  RUN_FILL,
  RUN_NOBODY,
  TARGET_ENGINE,
  TARGET_NOBODY,
} from './paced-plan.ts';
import { INSTRUMENTS, SEED } from './workloads/synthetic.ts';

/* Hands over packets as a receiver does, each at its time and marked with it; ends with its process. */

const TWO_32 = 4294967296;
const NS_PER_SECOND = 1e9;
const WAIT_FREE_MS = 1;
/** Whoever it hands packets to has no other processor. */
const IS_ALONE: boolean = availableParallelism() === 1;
/** Nobody rings it. */
const NEVER: Int32Array = new Int32Array(new SharedArrayBuffer(4));
const NS_PER_MS = 1e6;
const NOTHING: Uint8Array = new Uint8Array(0);

/** The receiver's end of a queue. */
class Sender {
  readonly #queue: PacketQueue;
  readonly #doorbell: Doorbell;
  readonly #plan: PacedPlan;
  readonly #held: Int32Array = new Int32Array(1);

  constructor({ queue, doorbell }: PacedTarget, plan: PacedPlan) {
    this.#queue = PacketQueue.attach(queue);
    this.#doorbell = new Doorbell(doorbell);
    this.#plan = plan;
  }

  /** Hands a packet over when it is due, or as soon as there is a slot for it. */
  send(payload: Uint8Array, dueNs: number, clock: MachineClock): void {
    const queue = this.#queue;
    while (queue.takeFree(this.#held, 0, 1) === 0) queue.waitFree(WAIT_FREE_MS);
    const slot = this.#held[0]!;
    const at = slot * SLOT_WORDS;
    const { pool } = queue;
    const { destination, port } = this.#plan;
    pool.bytes.set(payload, slot * pool.slotBytes);
    pool.words[at + SLOT_LENGTH] = payload.length;
    pool.words[at + SLOT_WIRE_LENGTH] = payload.length;
    pool.words[at + SLOT_PORTS] = (port << 16) | port;
    pool.words.set(destination, at + SLOT_DESTINATION);
    let now = clock.ns();
    // To sleep takes longer than until the next packet is due, and leaves two or three that are due at once.
    for (; now < dueNs; now = clock.ns()) {
      if (IS_ALONE) Atomics.wait(NEVER, 0, 0, (dueNs - now) / NS_PER_MS);
    }
    pool.words[at + SLOT_TIME_LOW] = (now % TWO_32) | 0;
    pool.words[at + SLOT_TIME_HIGH] = Math.floor(now / TWO_32);
    queue.publish(this.#held, 1, 1);
    this.#doorbell.ring();
  }
}

const plan = workerData as PacedPlan;
const clock = new MachineClock();
const engine = new Sender(plan.targets[TARGET_ENGINE]!, plan);
const nobody = new Sender(plan.targets[TARGET_NOBODY]!, plan);
const { live, control } = plan;
const packets = new ItchPackets(
  new EventSource({ instruments: INSTRUMENTS, live, seed: SEED, shape: 'touch', changes: 'replace' }),
  SEED,
);
const messageNs = NS_PER_SECOND / plan.messagesPerSecond;

for (let runs = 0; ; runs += 1) {
  Atomics.wait(control, PACED_GO, runs);
  const messages = Atomics.load(control, PACED_MESSAGES);
  const run = Atomics.load(control, PACED_RUN);
  const started = clock.ns();
  for (let sent = 0; sent < messages; ) {
    const due = run === RUN_FILL ? 0 : started + sent * messageNs;
    if (run === RUN_NOBODY) {
      nobody.send(NOTHING, due, clock);
      sent += PACKET_MESSAGES;
      continue;
    }
    const before = packets.messages;
    engine.send(packets.next(run === RUN_FILL, messages - sent), due, clock);
    sent += packets.messages - before;
  }
}
