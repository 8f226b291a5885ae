import { setTimeout } from 'node:timers/promises';
import { parseAddress } from '../../capture/address.ts';
import { MdxError } from '../../errors.ts';
import type { BackendName, BlockingBackend, ReceiveOptions } from '../../net/backend.ts';
import { openBackend } from '../../net/backends.ts';
import { DgramReceiver } from '../../net/dgram-receiver.ts';
import { Doorbell } from '../../net/doorbell.ts';
import { PacketQueue } from '../../net/packet-queue.ts';
import { COUNT_RECEIVED, COUNTS } from '../../net/receiver-plan.ts';
import { LINE_DEFAULTS } from '../../net/subscription.ts';
import { startThread } from '../../threads/start-thread.ts';
import { BURST_ASKED, BURST_COUNT, BURST_SENT, BURST_WORDS, type BurstPlan } from '../burst-plan.ts';
import { threadCpuNs } from '../cpu-time.ts';
import { openWire, type Wire } from '../wire.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';

export type ReceiveWay = 'dgram' | 'mmsg' | 'ring-v2' | 'ring-v3' | 'xdp';

export const PAYLOAD_BYTES = 64;
export const SLOTS = 8192;
export const SLOT_BYTES = 2048;
/** Packets of one run at most. */
const UNITS_MAX = 200_000;
/** Packets that wait in the kernel when receiving begins: as many as its buffer has room for. */
const BURST_MAX = 4096;
const BURST_MIN = 32;
/** What the kernel reckons for a small packet. */
const KERNEL_BYTES = 1280;
const SILENCE_MS = 20;
const STALLED_MS = 5000;

/**
 * Receiving by one backend: another thread sends a burst, and when the kernel has all of it this one takes it into the pool.
 * What counts is the CPU time of this thread while it takes, per packet that came.
 */
export async function receive(options: WorkloadOptions, way: ReceiveWay): Promise<Workload> {
  const wire = await openWire();
  const receiver = way === 'dgram' ? await DgramBursts.open(wire) : await BlockingBursts.open(wire, way);
  const bursts = new Bursts(wire);
  const units = Math.min(options.events, UNITS_MAX);
  let sent = 0;
  let came = 0;
  const measure = async (): Promise<number> => {
    let taken = 0;
    let ns = 0;
    for (let left = units; left > 0; ) {
      const count = Math.min(left, receiver.burst);
      bursts.send(count);
      const before = threadCpuNs();
      const got = await receiver.take(count);
      ns += threadCpuNs() - before;
      receiver.giveBack();
      taken += got;
      left -= count;
    }
    if (taken === 0) throw new MdxError('socket-failed', `${way}: nothing arrived over ${wire.what}`);
    sent += units;
    came += taken;
    return (ns / taken) * units;
  };
  return {
    units,
    bytes: units * PAYLOAD_BYTES,
    get note() {
      const lost = sent === came ? '' : `; ${sent - came} of ${sent} packets were lost on the way`;
      return `over ${wire.what}, bursts of ${receiver.burst}${lost}`;
    },
    waits: true,
    reset() {},
    run() {},
    measure,
    checksum: () => null,
  };
}

/** The sending thread. */
class Bursts {
  readonly #control: Int32Array = new Int32Array(new SharedArrayBuffer(BURST_WORDS * 4));
  #asked = 0;

  constructor({ group, port, sendFrom, receiveOn }: Wire) {
    Atomics.store(this.#control, BURST_SENT, -1);
    const plan: BurstPlan = {
      sender: { host: group, port, iface: sendFrom, ttl: 1, loop: sendFrom === receiveOn, batch: 64 },
      payloadBytes: PAYLOAD_BYTES,
      control: this.#control,
    };
    startThread('../burst-thread', import.meta.url, { workerData: plan }).unref();
    this.#await(-1);
  }

  /** Comes back when the kernel has the whole burst. */
  send(count: number): void {
    const before = this.#asked;
    this.#asked += 1;
    Atomics.store(this.#control, BURST_COUNT, count);
    Atomics.store(this.#control, BURST_ASKED, this.#asked);
    Atomics.notify(this.#control, BURST_ASKED);
    this.#await(before);
  }

  #await(value: number): void {
    if (Atomics.wait(this.#control, BURST_SENT, value, STALLED_MS) === 'timed-out') {
      throw new MdxError('internal', 'the sending thread does not answer');
    }
  }
}

/** Takes bursts into a queue, and is the consumer that gives the slots back. */
abstract class BurstReceiver {
  readonly burst: number;
  readonly #consumer: PacketQueue;

  constructor(granted: number | null, consumer: PacketQueue) {
    const room = granted === null ? BURST_MAX : Math.floor((2 * granted) / KERNEL_BYTES);
    this.burst = Math.max(BURST_MIN, Math.min(BURST_MAX, room));
    this.#consumer = consumer;
  }

  /** Takes a burst that was sent. @returns how much of it came. */
  abstract take(count: number): number | Promise<number>;

  giveBack(): void {
    for (let slot = this.#consumer.take(); slot >= 0; slot = this.#consumer.take()) {
      this.#consumer.giveBack(slot);
    }
    this.#consumer.flush();
  }
}

class BlockingBursts extends BurstReceiver {
  readonly #backend: BlockingBackend;
  readonly #queue: PacketQueue;
  readonly #doorbell: Doorbell = new Doorbell();
  readonly #held: Int32Array = new Int32Array(LINE_DEFAULTS.batch);
  #have = 0;

  private constructor(backend: BlockingBackend, consumer: PacketQueue) {
    super(backend.status().receiveBufferGranted, consumer);
    this.#queue = PacketQueue.attach(consumer.memory);
    this.#backend = backend;
  }

  static async open(wire: Wire, way: Exclude<ReceiveWay, 'dgram'>): Promise<BlockingBursts> {
    const name: BackendName = way === 'ring-v2' || way === 'ring-v3' ? 'ring' : way;
    const { backend } = await openBackend(name, receiveOptions(wire, way === 'ring-v2' ? 2 : 3));
    return new BlockingBursts(backend!, PacketQueue.create(SLOTS, SLOT_BYTES));
  }

  take(wanted: number): number {
    let taken = 0;
    while (taken < wanted) {
      const count = this.#turn();
      if (count === 0) break;
      taken += count;
    }
    return taken;
  }

  #turn(): number {
    const queue = this.#queue;
    const held = this.#held;
    this.#have = queue.takeFree(held, this.#have, held.length);
    const count = this.#backend.receive(queue.pool, held, this.#have);
    if (count === 0) return 0;
    queue.publish(held, count, this.#have);
    this.#have -= count;
    this.#doorbell.ring();
    return count;
  }
}

class DgramBursts extends BurstReceiver {
  readonly #counts: Float64Array;

  private constructor(granted: number | null, consumer: PacketQueue, counts: Float64Array) {
    super(granted, consumer);
    this.#counts = counts;
  }

  static async open(wire: Wire): Promise<DgramBursts> {
    const consumer = PacketQueue.create(SLOTS, SLOT_BYTES);
    const counts = new Float64Array(COUNTS);
    const receiver = new DgramReceiver(PacketQueue.attach(consumer.memory), counts, new Doorbell());
    await receiver.open(receiveOptions(wire, 3), () => {});
    return new DgramBursts(receiver.status().receiveBufferGranted, consumer, counts);
  }

  async take(wanted: number): Promise<number> {
    const counts = this.#counts;
    const before = counts[COUNT_RECEIVED]!;
    let seen = before;
    for (let silence = 0; seen - before < wanted && silence < SILENCE_MS; ) {
      await setTimeout(1);
      silence = counts[COUNT_RECEIVED] === seen ? silence + 1 : 0;
      seen = counts[COUNT_RECEIVED]!;
    }
    return seen - before;
  }
}

function receiveOptions({ group, port, receiveOn }: Wire, version: 2 | 3): ReceiveOptions {
  const { receiveBufferBytes, batch, ring, xdp } = LINE_DEFAULTS;
  return {
    subscriptions: [{ group: parseAddress(group)!, port, iface: receiveOn, source: null }],
    receiveBufferBytes,
    busyPollUs: null,
    timestamping: 'software',
    batch,
    timeoutMs: SILENCE_MS,
    ring: { ...ring, version },
    xdp,
  };
}
