import { parentPort, workerData } from 'node:worker_threads';
import { MdxError } from '../errors.ts';
import { ThreadCpu } from '../observe/thread-cpu.ts';
import type { BlockingBackend, ReceiveOptions } from './backend.ts';
import { openBackend } from './backends.ts';
import { receiveUntilStopped } from './blocking-loop.ts';
import { DgramReceiver } from './dgram-receiver.ts';
import { Doorbell } from './doorbell.ts';
import { Syscalls } from './linux/syscalls.ts';
import { pinThread, realtime } from './linux/threads.ts';
import { PacketQueue } from './packet-queue.ts';
import {
  CONTROL_STOP,
  RECEIVE_TIMEOUT_MS,
  type ReceiverMessage,
  type ReceiverPlan,
  STATUS_MS,
} from './receiver-plan.ts';

/*
 * The thread of one receiver. It joins, says that it listens, receives until the stop flag is up, says what the kernel
 * counted, and ends by itself.
 */

class ReceiverThread {
  readonly #plan: ReceiverPlan;
  readonly #queue: PacketQueue;
  readonly #control: Int32Array;
  readonly #counts: Float64Array;
  readonly #doorbell: Doorbell;
  readonly #cpuTime: ThreadCpu;

  constructor(plan: ReceiverPlan) {
    this.#plan = plan;
    this.#queue = PacketQueue.attach(plan.queue);
    this.#control = new Int32Array(plan.control);
    this.#counts = new Float64Array(plan.counts);
    this.#doorbell = new Doorbell(plan.doorbell);
    this.#cpuTime = new ThreadCpu(plan.cpuTime);
  }

  async run(): Promise<void> {
    try {
      await this.#receive();
    } catch (error) {
      if (!(error instanceof MdxError)) throw error;
      const { code, message, hint } = error;
      say({ kind: 'failed', code, message, hint });
    }
    this.#doorbell.ring();
  }

  async #receive(): Promise<void> {
    await this.#place();
    const wanted = this.#plan.options.backend;
    const { backend, reason } = await openBackend(wanted, this.#options);
    const why = wanted === 'auto' ? reason : null;
    if (backend === null) await this.#receiveWithDgram(why);
    else this.#receiveWith(backend, why);
  }

  /** Puts the thread where it was asked to run; fails loudly where that cannot be. */
  async #place(): Promise<void> {
    const { cpu, options } = this.#plan;
    if (cpu === null && options.realtime === null) return;
    const calls = await Syscalls.load();
    if (cpu !== null) pinThread(calls, cpu);
    if (options.realtime !== null) realtime(calls, options.realtime);
  }

  #receiveWith(backend: BlockingBackend, why: string | null): void {
    const { name, clock } = backend;
    try {
      say({ kind: 'listening', backend: name, clock, why, status: backend.status() });
      receiveUntilStopped({
        backend,
        queue: this.#queue,
        control: this.#control,
        counts: this.#counts,
        doorbell: this.#doorbell,
        batch: this.#options.batch,
        cpuTime: this.#cpuTime,
        tell: () => say({ kind: 'status', status: backend.status() }),
      });
      say({ kind: 'ended', status: backend.status() });
    } finally {
      backend.close();
    }
  }

  async #receiveWithDgram(why: string | null): Promise<void> {
    const receiver = new DgramReceiver(this.#queue, this.#counts, this.#doorbell);
    let failed: (error: MdxError) => void = () => {};
    const failure = new Promise<never>((_, reject) => {
      failed = reject;
    });
    failure.catch(() => {});
    try {
      await receiver.open(this.#options, failed);
      say({ kind: 'listening', backend: 'dgram', clock: 'none', why, status: receiver.status() });
      const timer = setInterval(() => {
        this.#cpuTime.note(performance.now());
        say({ kind: 'status', status: receiver.status() });
      }, STATUS_MS);
      try {
        await Promise.race([this.#stopped(), failure]);
      } finally {
        clearInterval(timer);
      }
      say({ kind: 'ended', status: receiver.status() });
    } finally {
      receiver.close();
    }
  }

  async #stopped(): Promise<void> {
    while (Atomics.load(this.#control, CONTROL_STOP) === 0) {
      const { async, value } = Atomics.waitAsync(this.#control, CONTROL_STOP, 0);
      if (async) await value;
    }
  }

  get #options(): ReceiveOptions {
    const { subscriptions, options } = this.#plan;
    const { receiveBufferBytes, busyPollUs, timestamping, batch, ring, xdp } = options;
    return {
      subscriptions,
      receiveBufferBytes,
      busyPollUs,
      timestamping,
      batch,
      timeoutMs: RECEIVE_TIMEOUT_MS,
      ring,
      xdp,
    };
  }
}

function say(message: ReceiverMessage): void {
  parentPort!.postMessage(message);
}

await new ReceiverThread(workerData as ReceiverPlan).run();
