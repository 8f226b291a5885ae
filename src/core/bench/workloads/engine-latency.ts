import { SERVE_DEFAULTS } from '../../config/serve-defaults.ts';
import type { EventBatch } from '../../event/batch.ts';
import { FLAG_EXTENDED, RECORD_WORDS, WORD_RECEIVE_TIME } from '../../event/record.ts';
import { itch } from '../../feeds/itch/index.ts';
import { ONE_LINE } from '../../merge/session-merge.ts';
import { Doorbell } from '../../net/doorbell.ts';
import { LoopTurns } from '../../net/loop-turns.ts';
import { PacketQueue } from '../../net/packet-queue.ts';
import { Polling } from '../../net/polling.ts';
import type { LineReceiver } from '../../net/receiver.ts';
import { type LineSpec, parseLines } from '../../net/subscription.ts';
import { ThreadCpu } from '../../observe/thread-cpu.ts';
import { SLOT_TIME_HIGH, SLOT_TIME_LOW, SLOT_WORDS } from '../../packet/packet-pool.ts';
import type { EventObserver } from '../../pipeline/books.ts';
import { LiveLine, LiveLines } from '../../pipeline/live-source.ts';
import { run } from '../../pipeline/run.ts';
import { WHOLE_RUN } from '../../pipeline/run-defaults.ts';
import { startThread } from '../../threads/start-thread.ts';
import { threadCpuNs } from '../cpu-time.ts';
import { MachineClock } from '../machine-clock.ts';
import { Times } from '../measure.ts';
import {
  PACED_GO,
  PACED_MESSAGES,
  PACED_RUN,
  PACED_WORDS,
  PACKET_MESSAGES,
  type PacedPlan,
  RUN_ENGINE,
  RUN_FILL,
  RUN_NOBODY,
} from '../paced-plan.ts';
import type { Waits, Workload, WorkloadOptions } from '../workload.ts';
import { LIVE } from './synthetic.ts';

const PER_SECOND = 200_000;
/** A second of them, at most three: it is the pace that takes the time. */
const MESSAGES_MAX = 600_000;
/** The engine and nobody take turns this often. */
const MESSAGES_PER_TURN = 20_000;
/** The first of a turn are not noted: what the other one did to the caches is not of interest. */
const SHARE_BEFORE = 0.2;
const SLOTS = 4096;
const SLOT_BYTES = 2048;
const US_PER_MS = 1000;
const NS_PER_MS = 1e6;
const TWO_32 = 4294967296;
/** Longest stretch of work between two turns of the event loop, as in the engine. */
const LOOP_MS_MAX = 4;
const IDLE_MS = 100;

/**
 * Packets that another thread hands over at a pace, through merge, decoder and books on this one: how long each
 * waits until the books have it. In turn with that packets which nobody reads: how long those wait until this thread, which
 * slept on the same kind of doorbell, knows of them. What counts is the CPU time of this thread for a message.
 */
export function engineLatency(options: WorkloadOptions): Workload {
  const turn = Math.min(options.events, MESSAGES_PER_TURN);
  const messages = Math.max(1, Math.round(Math.min(options.events, MESSAGES_MAX) / turn)) * turn;
  let paced: Paced | null = null;
  return {
    units: messages,
    bytes: null,
    note: `${PER_SECOND} messages/s, CPU time of the thread of the engine without looking for packets`,
    waits: true,
    reset() {},
    run() {},
    async measure() {
      paced ??= await Paced.begin(Math.min(LIVE, options.events));
      paced.renew();
      let ns = 0;
      for (let done = 0; done < messages; done += turn) {
        ns += await paced.throughEngine(RUN_ENGINE, turn);
        await paced.toNobody(turn);
      }
      return ns;
    },
    checksum: () => null,
    waited: () => paced!.waits,
    close: () => paced?.close(),
  };
}

/** Both ways of a packet, and the thread that hands them over. */
class Paced {
  readonly #clock: MachineClock = new MachineClock();
  readonly #control: Int32Array = new Int32Array(new SharedArrayBuffer(PACED_WORDS * 4));
  readonly #engineQueue: PacketQueue = PacketQueue.create(SLOTS, SLOT_BYTES);
  readonly #turns: LoopTurns = new LoopTurns();
  readonly #engineBell: Doorbell = pollingBell(this.#turns);
  readonly #nobodyQueue: PacketQueue = PacketQueue.create(SLOTS, 64);
  readonly #nobodyBell: Doorbell = pollingBell(this.#turns);
  #engineTimes: Times = new Times();
  #nobodyTimes: Times = new Times();
  readonly #abort: AbortController = new AbortController();
  /** When the packets of the batch at hand were handed over, ns. */
  readonly #starts: Float64Array = new Float64Array(WHOLE_RUN.batchEvents);
  #packets = 0;
  #applied = 0;
  #wanted = 0;
  #noteFrom = 0;
  #reached: () => void = () => {};

  private constructor(live: number) {
    const [spec] = parseLines({ lines: ['A=udp://239.10.10.1:5001'], positional: [], snapshots: [] });
    const { group, port } = spec!.subscriptions[0]!;
    const plan: PacedPlan = {
      targets: [
        { queue: this.#engineQueue.memory, doorbell: this.#engineBell.memory },
        { queue: this.#nobodyQueue.memory, doorbell: this.#nobodyBell.memory },
      ],
      control: this.#control,
      live,
      messagesPerSecond: PER_SECOND,
      destination: group.words,
      port,
    };
    startThread('../paced-thread', import.meta.url, { workerData: plan }).unref();
    void this.#engine(spec!);
  }

  /** The books have their live orders. */
  static async begin(live: number): Promise<Paced> {
    const paced = new Paced(live);
    await paced.throughEngine(RUN_FILL, live);
    return paced;
  }

  /** Forgets what was noted. */
  renew(): void {
    this.#engineTimes = new Times();
    this.#nobodyTimes = new Times();
  }

  get waits(): Waits {
    const inTurn = { what: 'a hand-over alone', latency: this.#nobodyTimes.latency, cost: null };
    return { latency: this.#engineTimes.latency, inTurn };
  }

  /** @returns CPU time of this thread until the books have so many messages more, without what it only looked; ns. */
  async throughEngine(what: number, messages: number): Promise<number> {
    const before = threadCpuNs();
    const polled = this.#engineBell.polledMs;
    this.#wanted = this.#applied + messages;
    this.#noteFrom = this.#applied + messages * SHARE_BEFORE;
    const reached = new Promise<void>((resolve) => {
      this.#reached = resolve;
    });
    this.#go(what, messages);
    await reached;
    return threadCpuNs() - before - (this.#engineBell.polledMs - polled) * NS_PER_MS;
  }

  /** As many packets that are only taken. */
  async toNobody(messages: number): Promise<void> {
    const queue = this.#nobodyQueue;
    const bell = this.#nobodyBell;
    const { words } = queue.pool;
    this.#go(RUN_NOBODY, messages);
    const packets = Math.ceil(messages / PACKET_MESSAGES);
    const first = packets * SHARE_BEFORE;
    for (let packet = 0; packet < packets; ) {
      bell.look();
      const slot = queue.take();
      if (slot < 0) {
        await bell.wait(IDLE_MS);
        continue;
      }
      const at = slot * SLOT_WORDS;
      const handedOver = words[at + SLOT_TIME_HIGH]! * TWO_32 + (words[at + SLOT_TIME_LOW]! >>> 0);
      if (packet >= first) this.#nobodyTimes.note(this.#clock.ns() - handedOver);
      queue.giveBack(slot);
      packet += 1;
    }
  }

  close(): void {
    this.#abort.abort();
  }

  #go(what: number, messages: number): void {
    const control = this.#control;
    Atomics.store(control, PACED_RUN, what);
    Atomics.store(control, PACED_MESSAGES, messages);
    Atomics.add(control, PACED_GO, 1);
    Atomics.notify(control, PACED_GO);
  }

  /** As the engine of `mdx serve` does it. */
  async #engine(spec: LineSpec): Promise<void> {
    const doorbell = this.#engineBell;
    const { signal } = this.#abort;
    const lines = new LiveLines([new LiveLine(spec, [receiverOf(spec, this.#engineQueue)])], doorbell);
    lines.lines[0]!.describe(itch.name);
    const arbiter = { ...ONE_LINE, gapTimeoutNs: 5_000_000, start: 'first-seen' as const, lines: 2 };
    const merged = {
      sources: [lines],
      feeds: [itch],
      feed: itch,
      filter: { ports: null, groups: null },
      arbiter,
      recovery: null,
      stopsAtLoss: false,
    };
    const watch: EventObserver = { after: (batch, at) => this.#appliedOne(batch, at) };
    await run({
      ...WHOLE_RUN,
      paths: [],
      merged,
      feedName: itch.name,
      arbiter,
      observers: [watch],
      endsOpen: true,
      signal,
      stop: () => signal.aborted,
      breathe: () => (this.#turns.isDue(LOOP_MS_MAX) ? this.#turns.take() : null),
    });
  }

  /** An event is in its book. Packets are noted when all of their batch are, so that the clock is looked at once. */
  #appliedOne({ receiveBaseHigh, receiveBaseLow, words, count }: EventBatch, at: number): void {
    const low = (receiveBaseLow >>> 0) + (words[at + WORD_RECEIVE_TIME]! >>> 0);
    const handedOver = receiveBaseHigh * TWO_32 + low;
    const starts = this.#starts;
    if (this.#packets === 0 || starts[this.#packets - 1] !== handedOver) {
      starts[this.#packets] = handedOver;
      this.#packets += 1;
    }
    this.#applied += 1;
    const records = (words[at]! & (FLAG_EXTENDED << 8)) === 0 ? 1 : 2;
    if (at + records * RECORD_WORDS < count * RECORD_WORDS) return;
    const now = this.#clock.ns();
    const isNoted = this.#applied > this.#noteFrom;
    for (let packet = 0; isNoted && packet < this.#packets; packet += 1) {
      this.#engineTimes.note(now - starts[packet]!);
    }
    this.#packets = 0;
    if (this.#applied === this.#wanted) this.#reached();
  }
}

/** Waits as the engine does where nothing else is configured. */
function pollingBell(turns: LoopTurns): Doorbell {
  const us = SERVE_DEFAULTS.receive.enginePollUs ?? 0;
  return new Doorbell(undefined, { polling: new Polling(us / US_PER_MS), turns });
}

/** Who hands over is no receiver; it never fails, and ends with the process. */
function receiverOf({ subscriptions }: LineSpec, queue: PacketQueue): LineReceiver {
  return {
    subscriptions,
    queue,
    cpuTime: new ThreadCpu(),
    backend: 'mmsg',
    clock: 'none',
    why: null,
    status: { receiveBufferAsked: null, receiveBufferGranted: null, kernelDrops: {}, skipped: {} },
    failure: null,
    hasEnded: false,
    listening: Promise.resolve(),
    ended: Promise.resolve(),
    received: 0,
    poolFull: 0,
    truncated: 0,
    bytes: 0,
    stop() {
      this.hasEnded = true;
    },
  };
}
