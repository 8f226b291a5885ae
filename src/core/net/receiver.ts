import { MdxError } from '../errors.ts';
import { ThreadCpu } from '../observe/thread-cpu.ts';
import { startThread } from '../threads/start-thread.ts';
import type { BackendName, BackendStatus, ReceiveClock, Subscription } from './backend.ts';
import type { Doorbell } from './doorbell.ts';
import { PacketQueue } from './packet-queue.ts';
import {
  CONTROL_STOP,
  CONTROL_WORDS,
  COUNT_BYTES,
  COUNT_POOL_FULL,
  COUNT_RECEIVED,
  COUNT_TRUNCATED,
  COUNTS,
  type ReceiverMessage,
  type ReceiverPlan,
} from './receiver-plan.ts';
import type { LineSpec } from './subscription.ts';

/**
 * One receiving thread of a line, as the thread that uses it sees it: its queue, its counts, and how it stands. It is
 * stopped by a flag, never by `terminate`; a thread that dies is told by `failure`, never by silence.
 */
export class Receiver {
  readonly subscriptions: readonly Subscription[];
  readonly queue: PacketQueue;
  backend: BackendName = 'dgram';
  clock: ReceiveClock = 'none';
  /** Why `auto` did not take a better backend. */
  why: string | null = null;
  /** The kernel's counts as of at most a second ago; exact when the thread has ended. */
  status: BackendStatus = {
    receiveBufferAsked: null,
    receiveBufferGranted: null,
    kernelDrops: {},
    skipped: {},
  };
  /** Why it does not receive any more, other than by request. */
  failure: MdxError | null = null;
  /** The thread is gone; everything it received is in the queue. */
  hasEnded = false;
  readonly cpuTime: ThreadCpu = new ThreadCpu();
  /** Joined. Rejects with MdxError. */
  readonly listening: Promise<void>;
  readonly ended: Promise<void>;
  readonly #control: Int32Array = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
  readonly #counts: Float64Array = new Float64Array(new SharedArrayBuffer(COUNTS * 8));
  readonly #line: string;
  readonly #doorbell: Doorbell;
  #wasAsked = false;

  constructor(
    line: LineSpec,
    subscriptions: readonly Subscription[],
    cpu: number | null,
    options: ReceiverPlan['options'],
    doorbell: Doorbell,
  ) {
    this.subscriptions = subscriptions;
    this.#line = line.name;
    this.#doorbell = doorbell;
    this.queue = PacketQueue.create(options.slots, options.slotBytes);
    const plan: ReceiverPlan = {
      line: line.name,
      subscriptions,
      options,
      cpu,
      queue: this.queue.memory,
      control: this.#control.buffer as SharedArrayBuffer,
      counts: this.#counts.buffer as SharedArrayBuffer,
      doorbell: doorbell.memory,
      cpuTime: this.cpuTime.memory,
    };
    const worker = startThread('./receiver-thread', import.meta.url, { workerData: plan });
    let joined = (): void => {};
    let refused = (_: MdxError): void => {};
    this.listening = new Promise((resolve, reject) => {
      joined = resolve;
      refused = reject;
    });
    this.listening.catch(() => {});
    const fail = (error: MdxError): void => {
      this.failure ??= error;
      refused(error);
      doorbell.ring();
    };
    worker.on('message', (message: ReceiverMessage) => {
      if (message.kind === 'failed') {
        const { code, message: text, hint } = message;
        fail(new MdxError(code, text, { hint: hint ?? undefined }));
        return;
      }
      this.status = message.status;
      if (message.kind === 'ended') this.#wasAsked = true;
      if (message.kind !== 'listening') return;
      this.backend = message.backend;
      this.clock = message.clock;
      this.why = message.why;
      joined();
    });
    worker.on('error', (error) => fail(this.#died((error as Error).message)));
    this.ended = new Promise((resolve) => {
      worker.once('exit', () => {
        if (!this.#wasAsked) fail(this.#died('it ended by itself'));
        this.hasEnded = true;
        doorbell.ring();
        resolve();
      });
    });
  }

  get received(): number {
    return this.#counts[COUNT_RECEIVED]!;
  }

  get poolFull(): number {
    return this.#counts[COUNT_POOL_FULL]!;
  }

  get truncated(): number {
    return this.#counts[COUNT_TRUNCATED]!;
  }

  get bytes(): number {
    return this.#counts[COUNT_BYTES]!;
  }

  /** Asks the thread to stop; `ended` says when it has. */
  stop(): void {
    Atomics.store(this.#control, CONTROL_STOP, 1);
    Atomics.notify(this.#control, CONTROL_STOP);
    this.#doorbell.ring();
  }

  #died(why: string): MdxError {
    return new MdxError('internal', `the thread that receives line ${this.#line} died: ${why}`);
  }
}

/** What a line needs of those that receive it. */
export type LineReceiver = Pick<Receiver, keyof Receiver>;

/** Starts the receivers of a line. Throws MdxError `usage` where its workers cannot share it. */
export function startReceivers(line: LineSpec, doorbell: Doorbell, fanout: number): Receiver[] {
  const { options, subscriptions } = line;
  const { workers, backend, cpus } = options;
  if (cpus !== null && cpus.length !== workers) {
    throw new MdxError('usage', `line ${line.name}: ${cpus.length} processors for ${workers} workers`);
  }
  if (backend === 'xdp' && workers > 1) {
    throw new MdxError('usage', `line ${line.name}: ${workers} workers, and xdp reads all queues in one`, {
      hint: 'The backend ring divides the packets of one group.',
    });
  }
  const divides = backend !== 'ring' && backend !== 'xdp';
  if (divides && workers > subscriptions.length) {
    throw new MdxError(
      'usage',
      `line ${line.name}: ${workers} workers for ${subscriptions.length} groups, and ${backend} divides a line by group`,
      { hint: 'The backend ring divides the packets of one group too.' },
    );
  }
  return Array.from({ length: workers }, (_, worker) => {
    const ring = { ...options.ring, fanout: workers > 1 ? fanout : options.ring.fanout };
    const own = divides ? subscriptions.filter((_each, at) => at % workers === worker) : subscriptions;
    return new Receiver(line, own, cpus?.[worker] ?? null, { ...options, ring }, doorbell);
  });
}
