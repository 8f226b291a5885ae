import type { Worker } from 'node:worker_threads';
import { MdxError } from '../../errors.ts';
import { ThreadCpu } from '../../observe/thread-cpu.ts';
import { ByteRing } from '../../packet/byte-ring.ts';
import { startThread } from '../../threads/start-thread.ts';
import { Doorbell } from '../doorbell.ts';
import { SaidReader } from './said-ring.ts';
import type { Hearing, IngestServerOptions } from './server.ts';
import { type Ending, IngestCounts, type IngestSink } from './sink.ts';
import type { IngestPlan, ThreadCounts, ThreadMessage, ThreadOrder } from './thread-plan.ts';

/** Between a thread and the books: what does not fit makes senders wait. */
const RING_BYTES = 4 << 20;

/** One thread, as the one with the books sees it. */
interface Sister {
  readonly worker: Worker;
  readonly said: SaidReader;
  readonly control: Int32Array;
  counts: ThreadCounts | null;
  hasEnded: boolean;
}

/**
 * Senders that several threads hear on one port; the kernel deals them out. What they say comes here through rings, each
 * sender's in its order. A thread that dies ends the run with an error.
 */
export class IngestThreads implements Hearing {
  readonly counts: IngestCounts = new IngestCounts();
  readonly #doorbell: Doorbell = new Doorbell();
  readonly #sisters: Sister[] = [];
  #port = 0;
  #turn = 0;
  #failure: MdxError | null = null;

  private constructor() {}

  /** Rejects with MdxError `socket-busy` or `socket-refused`. */
  static async listen(options: Omit<IngestServerOptions, 'shares'>, threads: number): Promise<IngestThreads> {
    const all = new IngestThreads();
    try {
      all.#port = options.port;
      // One after the other: the first one may be given its port by the system.
      for (let thread = 0; thread < threads; thread += 1) all.#port = await all.#start(options);
    } catch (error) {
      await all.#stop(() => {});
      throw error;
    }
    return all;
  }

  get port(): number {
    return this.#port;
  }

  take(sink: IngestSink): boolean {
    if (this.#failure !== null) throw this.#failure;
    // In front of the rings: what comes behind this rings again.
    this.#doorbell.look();
    const { length } = this.#sisters;
    for (let tried = 0; tried < length; tried += 1) {
      this.#turn = (this.#turn + 1) % length;
      const bytes = this.#sisters[this.#turn]!.said.take(sink, length, this.#turn);
      this.counts.taken += bytes;
      if (bytes > 0) return true;
    }
    return false;
  }

  async wait(ms: number): Promise<void> {
    await this.#doorbell.wait(ms);
  }

  wake(): void {
    this.#doorbell.ring();
  }

  cut(sender: number, ending: Ending): void {
    const { length } = this.#sisters;
    const order: ThreadOrder = { kind: 'cut', sender: Math.floor(sender / length), ending };
    this.#sisters[sender % length]!.worker.postMessage(order);
  }

  async close(sink: IngestSink): Promise<void> {
    await this.#stop(() => {
      for (const [at, { said }] of this.#sisters.entries()) {
        while (said.take(sink, this.#sisters.length, at) > 0) {
          // What was said before the end.
        }
      }
    });
  }

  /** Starts a thread. @returns the port that it listens on. */
  #start({ host, limits }: Omit<IngestServerOptions, 'shares'>): Promise<number> {
    const ring = new ByteRing(RING_BYTES);
    const control = new SharedArrayBuffer(4);
    const doorbell = this.#doorbell.memory;
    const cpuTime = new ThreadCpu();
    const plan: IngestPlan = {
      host,
      port: this.#port,
      limits,
      ring: ring.memory,
      doorbell,
      control,
      cpuTime: cpuTime.memory,
    };
    const worker = startThread('./ingest-thread', import.meta.url, { workerData: plan });
    const sister: Sister = {
      worker,
      said: new SaidReader(ring),
      control: new Int32Array(control),
      counts: null,
      hasEnded: false,
    };
    this.#sisters.push(sister);
    this.counts.threads.push(cpuTime);
    return new Promise((resolve, reject) => {
      const fail = (error: MdxError): void => {
        this.#failure ??= error;
        this.#doorbell.ring();
        reject(error);
      };
      worker.on('message', (message: ThreadMessage) => {
        if (message.kind === 'listening') resolve(message.port);
        else if (message.kind === 'failed') {
          fail(new MdxError(message.code, message.message, { hint: message.hint ?? undefined }));
        } else {
          sister.counts = message.counts;
          this.#sum();
        }
      });
      worker.on('error', (error) => {
        fail(new MdxError('internal', `a thread that hears senders: ${error.message}`, { cause: error }));
      });
      worker.on('exit', () => {
        sister.hasEnded = true;
        if (Atomics.load(sister.control, 0) === 0) {
          fail(new MdxError('internal', 'a thread that hears senders has ended'));
        }
        this.#doorbell.ring();
      });
    });
  }

  /** Asks all threads to end, and waits for it. @param drain takes what they still say, so that none waits for room. */
  async #stop(drain: () => void): Promise<void> {
    for (const { control, worker } of this.#sisters) {
      Atomics.store(control, 0, 1);
      worker.postMessage({ kind: 'stop' } satisfies ThreadOrder);
    }
    for (;;) {
      this.#doorbell.look();
      drain();
      if (this.#sisters.every(({ hasEnded }) => hasEnded)) return;
      await this.#doorbell.wait(50);
    }
  }

  #sum(): void {
    const { counts } = this;
    const sum = (of: (counts: ThreadCounts) => number): number =>
      this.#sisters.reduce((total, { counts }) => total + (counts === null ? 0 : of(counts)), 0);
    counts.accepted = sum(({ accepted }) => accepted);
    counts.connected = sum(({ connected }) => connected);
    counts.bytes = sum(({ bytes }) => bytes);
    counts.messages = sum(({ messages }) => messages);
    counts.heartbeats = sum(({ heartbeats }) => heartbeats);
    counts.held = sum(({ held }) => held);
    counts.pauses = sum(({ pauses }) => pauses);
    counts.endings.clear();
    for (const { counts: one } of this.#sisters) {
      for (const [ending, count] of one?.endings ?? []) {
        counts.endings.set(ending, (counts.endings.get(ending) ?? 0) + count);
      }
    }
  }
}
