import { nsBetween } from '../binary/time.ts';
import type { PipeInterface } from '../capture/pipe-interface.ts';
import type { MdxError } from '../errors.ts';
import type { BackendName, ReceiveClock, Subscription } from '../net/backend.ts';
import { Doorbell, type Waiting } from '../net/doorbell.ts';
import { type LineReceiver, startReceivers } from '../net/receiver.ts';
import { type LineSpec, subscriptionText } from '../net/subscription.ts';
import {
  FLAG_FRAME,
  FLAG_TRUNCATED,
  type PacketPool,
  SLOT_DESTINATION,
  SLOT_FLAGS,
  SLOT_KERNEL_DROPS,
  SLOT_PORTS,
  SLOT_TIME_HIGH,
  SLOT_TIME_LOW,
  SLOT_WIRE_LENGTH,
  SLOT_WORDS,
} from '../packet/packet-pool.ts';
import {
  LINE_NAMES,
  type PacketSource,
  SOURCE_END,
  SOURCE_NONE,
  SOURCE_PACKET,
  type SourcePacket,
} from './packet-source.ts';

/** How a line stands; everything since it was opened. */
export interface LineStatus {
  readonly name: string;
  readonly groups: readonly string[];
  readonly backend: BackendName;
  readonly clock: ReceiveClock;
  /** Why `auto` did not take a better backend; null where it did. */
  readonly why: string | null;
  readonly workers: number;
  /** Packets taken off the kernel, and their bytes. */
  readonly received: number;
  readonly bytes: number;
  /** Of these: dropped because no slot was free. */
  readonly poolFull: number;
  /** Longer than a slot; their beginning was delivered. */
  readonly truncated: number;
  /** Packets that wait to be read. */
  readonly waiting: number;
  readonly kernelDrops: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, number>>;
  readonly receiveBufferAsked: number | null;
  readonly receiveBufferGranted: number | null;
}

/** One line while it is received. */
export class LiveLine {
  readonly spec: LineSpec;
  /** LINE_A or LINE_B. */
  readonly line: number;
  readonly receivers: readonly LineReceiver[];

  /** What each group is, as an interface of a packet pipe; complete when the receivers listen. */
  origins: readonly PipeInterface[] = [];

  constructor(spec: LineSpec, receivers: readonly LineReceiver[]) {
    this.spec = spec;
    this.line = LINE_NAMES.indexOf(spec.name);
    this.receivers = receivers;
  }

  /** The receivers listen: how they do is known. @param feed of the packets, null = not said. */
  describe(feed: string | null): void {
    const { backend, clock } = this.receivers[0]!;
    this.origins = this.spec.subscriptions.map((each, pair) => ({
      line: this.spec.name,
      clock,
      source: subscriptionText(each),
      backend,
      feed,
      pair,
    }));
  }

  /** Number of the group pair that a packet of this line is of, −1 where it is sent to none of its groups. */
  pairOf(destination: Int32Array, port: number): number {
    const { subscriptions } = this.spec;
    for (let pair = 0; pair < subscriptions.length; pair += 1) {
      const each = subscriptions[pair]!;
      if (each.port !== port) continue;
      const { words } = each.group;
      // A socket on all addresses gets what was sent to any of them.
      if ((words[0]! | words[1]! | words[2]! | words[3]!) === 0) return pair;
      if (words[3] === destination[3] && words[2] === destination[2] && sameStart(words, destination)) {
        return pair;
      }
    }
    return -1;
  }

  status(): LineStatus {
    const { receivers, spec } = this;
    const sum = (of: (receiver: LineReceiver) => number): number =>
      receivers.reduce((total, each) => total + of(each), 0);
    const first = receivers[0]!;
    return {
      name: spec.name,
      groups: spec.subscriptions.map((each: Subscription) => subscriptionText(each)),
      backend: first.backend,
      clock: first.clock,
      why: first.why,
      workers: receivers.length,
      received: sum(({ received }) => received),
      bytes: sum(({ bytes }) => bytes),
      poolFull: sum(({ poolFull }) => poolFull),
      truncated: sum(({ truncated }) => truncated),
      waiting: sum(({ queue }) => queue.waiting),
      kernelDrops: summed(receivers.map(({ status }) => status.kernelDrops)),
      skipped: summed(receivers.map(({ status }) => status.skipped)),
      receiveBufferAsked: first.status.receiveBufferAsked,
      receiveBufferGranted: least(receivers.map(({ status }) => status.receiveBufferGranted)),
    };
  }
}

/** A receiver's queue, and the packet at its head. */
class Head {
  readonly line: LiveLine;
  readonly receiver: LineReceiver;
  readonly pool: PacketPool;
  readonly worker: number;
  slot = -1;
  timeHigh = 0;
  timeLow = 0;

  constructor(line: LiveLine, receiver: LineReceiver, worker: number) {
    this.line = line;
    this.receiver = receiver;
    this.pool = receiver.queue.pool;
    this.worker = worker;
  }
}

/**
 * Lines that are received now, each on threads of its own. Packets come in the order in which they were received, as
 * far as they are at hand; the bytes lie in the pool until the next one is asked for.
 */
export class LiveLines implements PacketSource {
  readonly name: string;
  readonly isLive = true;
  readonly lines: readonly LiveLine[];
  readonly #doorbell: Doorbell;
  readonly #heads: readonly Head[];
  #current: Head | null = null;
  #isStopping = false;

  /** @param doorbell that their receivers ring. */
  constructor(lines: readonly LiveLine[], doorbell: Doorbell) {
    this.lines = lines;
    this.#doorbell = doorbell;
    this.#heads = lines.flatMap((line) =>
      line.receivers.map((receiver, worker) => new Head(line, receiver, worker)),
    );
    this.name = lines
      .flatMap(({ spec }) => spec.subscriptions.map((each) => `${spec.name}=${subscriptionText(each)}`))
      .join(' ');
  }

  /**
   * Starts the threads and waits until all groups are joined. Rejects with MdxError; nothing is left behind then.
   * @param waiting how packets are waited for; absent: asleep.
   */
  static async open(
    specs: readonly LineSpec[],
    feed: string | null = null,
    waiting?: Waiting,
  ): Promise<LiveLines> {
    const doorbell = new Doorbell(undefined, waiting);
    const started: LiveLine[] = [];
    try {
      for (const [at, spec] of specs.entries()) {
        started.push(new LiveLine(spec, startReceivers(spec, doorbell, fanoutOf(at))));
      }
      const receivers = started.flatMap((line) => line.receivers);
      await Promise.all(receivers.map(({ listening }) => listening));
      for (const line of started) line.describe(feed);
      return new LiveLines(started, doorbell);
    } catch (error) {
      await stopAll(started);
      throw error;
    }
  }

  /**
   * The oldest packet at hand. SOURCE_END comes after `stop`, when all threads have ended and every packet was given out.
   * Throws the MdxError of a thread that failed, after its packets.
   */
  next(packet: SourcePacket): number {
    this.#release();
    this.#doorbell.look();
    const hasEnded = this.#allEnded();
    const head = this.#oldest();
    if (head === null) {
      const failure = this.#failure();
      if (failure !== null) throw failure;
      return hasEnded ? SOURCE_END : SOURCE_NONE;
    }
    this.#current = head;
    const { pool, line } = head;
    packet.bytes = pool.bytes;
    packet.view = pool.view;
    pool.read(head.slot, packet);
    packet.packetNumber += 1;
    packet.line = line.line;
    packet.pair = line.pairOf(packet.destination, packet.destinationPort);
    return SOURCE_PACKET;
  }

  origin(): PipeInterface | null {
    const { line, slot, pool } = this.#current!;
    const at = slot * SLOT_WORDS;
    const { words } = pool;
    const to = words.subarray(at + SLOT_DESTINATION, at + SLOT_DESTINATION + 4);
    return line.origins[line.pairOf(to, words[at + SLOT_PORTS]! & 0xffff)] ?? null;
  }

  /** About the packet that `next` gave: the thread it came by, its length on the wire, and kernel drops until then. */
  get worker(): number {
    return this.#current!.worker;
  }

  get wireLength(): number {
    return this.#word(SLOT_WIRE_LENGTH);
  }

  get kernelDrops(): number {
    return this.#word(SLOT_KERNEL_DROPS);
  }

  /** Its data is a whole frame, which begins here in `bytes`. */
  get isFrame(): boolean {
    return (this.#word(SLOT_FLAGS) & FLAG_FRAME) !== 0;
  }

  get isTruncated(): boolean {
    return (this.#word(SLOT_FLAGS) & FLAG_TRUNCATED) !== 0;
  }

  get frameOffset(): number {
    const { slot, pool } = this.#current!;
    return slot * pool.slotBytes;
  }

  /** Time for which `wait` was awake, ms. */
  get polledMs(): number {
    return this.#doorbell.polledMs;
  }

  wait(ms: number): Promise<void> {
    return this.#doorbell.wait(ms);
  }

  /** Asks the threads to stop; what they received is still given out. */
  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const { receiver } of this.#heads) receiver.stop();
  }

  /** Stops the threads and waits for them. */
  async close(): Promise<void> {
    this.#release();
    await stopAll(this.lines);
  }

  #word(at: number): number {
    const { slot, pool } = this.#current!;
    return pool.words[slot * SLOT_WORDS + at]!;
  }

  #release(): void {
    const head = this.#current;
    if (head === null) return;
    head.receiver.queue.giveBack(head.slot);
    head.slot = -1;
    this.#current = null;
  }

  #oldest(): Head | null {
    let oldest: Head | null = null;
    for (const head of this.#heads) {
      if (head.slot < 0 && !fill(head)) continue;
      if (oldest === null || isBefore(head, oldest)) oldest = head;
    }
    return oldest;
  }

  #allEnded(): boolean {
    for (const { receiver } of this.#heads) if (!receiver.hasEnded) return false;
    return true;
  }

  #failure(): MdxError | null {
    for (const { receiver } of this.#heads) if (receiver.failure !== null) return receiver.failure;
    return null;
  }
}

function fill(head: Head): boolean {
  head.slot = head.receiver.queue.take();
  if (head.slot < 0) return false;
  const { words } = head.pool;
  head.timeHigh = words[head.slot * SLOT_WORDS + SLOT_TIME_HIGH]!;
  head.timeLow = words[head.slot * SLOT_WORDS + SLOT_TIME_LOW]!;
  return true;
}

/** Times of different clocks say nothing about one another: then the order of the lines decides. */
function isBefore(a: Head, b: Head): boolean {
  if (a.receiver.clock !== b.receiver.clock) return false;
  return nsBetween(a.timeHigh, a.timeLow, b.timeHigh, b.timeLow) < 0;
}

function sameStart(a: Int32Array, b: Int32Array): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** Packet sockets of one group share its traffic; the number has to be another one for every process and line. */
function fanoutOf(line: number): number {
  return ((process.pid << 2) | line) & 0xffff;
}

async function stopAll(lines: readonly LiveLine[]): Promise<void> {
  const receivers = lines.flatMap((line) => line.receivers);
  for (const receiver of receivers) receiver.stop();
  await Promise.all(receivers.map(({ ended }) => ended));
}

function summed(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const each of all) {
    for (const [name, count] of Object.entries(each)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}
