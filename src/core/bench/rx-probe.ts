import { createSocket, type Socket } from 'node:dgram';
import { parseAddress } from '../capture/address.ts';
import { MdxError } from '../errors.ts';
import { LINE_DEFAULTS, type LineSpec } from '../net/subscription.ts';
import { Ring } from '../packet/ring.ts';
import { type LineStatus, LiveLines } from '../pipeline/live-source.ts';
import { SOURCE_END, SOURCE_PACKET, SourcePacket } from '../pipeline/packet-source.ts';
import { startThread } from '../threads/start-thread.ts';
import { checksOf } from './probe-checks.ts';
import { ProbeNumbers } from './probe-numbers.ts';
import {
  PROBE_DONE,
  PROBE_SEND_ERRORS,
  PROBE_SENT,
  PROBE_STOP,
  PROBE_WORDS,
  type ProbePlan,
} from './probe-plan.ts';
import type { ProbeOptions, ProbeResult } from './probe-report.ts';

const HOST = '127.0.0.1';
const SILENCE_MS = 250;
const WAIT_MS = 20;
const PACKETS_PER_LOOK = 4096;

/**
 * Sends numbered packets to itself over the loopback interface, receives them as a line is received, and says what
 * became of them. Ends when all came, 250 ms of silence after the last was sent, or at the timeout. Rejects with MdxError
 * where the backend cannot be opened.
 */
export async function probeReceiving(options: ProbeOptions): Promise<ProbeResult> {
  // Held until the end where the backend takes frames: nobody else listens at the port then, and the kernel would say so.
  const holder = await freePort();
  const { port } = holder.address();
  const isOnFrames = options.backend === 'ring' || options.backend === 'xdp';
  if (!isOnFrames) await closed(holder);
  const host = options.multicast ? groupOf(process.pid) : HOST;
  try {
    const live = await LiveLines.open([lineOf(options, host, port)]);
    try {
      return await new Probe(options, live, host, port).run();
    } finally {
      await live.close();
    }
  } finally {
    if (isOnFrames) await closed(holder);
  }
}

class Probe {
  readonly #options: ProbeOptions;
  readonly #live: LiveLines;
  readonly #host: string;
  readonly #port: number;
  readonly #numbers: ProbeNumbers;
  readonly #control: Int32Array = new Int32Array(new SharedArrayBuffer(PROBE_WORDS * 4));
  readonly #packet: SourcePacket = new SourcePacket();
  /** ms of performance.now. */
  #started = 0;
  #last = 0;
  #failure: MdxError | null = null;

  constructor(options: ProbeOptions, live: LiveLines, host: string, port: number) {
    this.#options = options;
    this.#live = live;
    this.#host = host;
    this.#port = port;
    this.#numbers = new ProbeNumbers(options.packets, options.payloadBytes);
  }

  async run(): Promise<ProbeResult> {
    const { clock } = this.#live.lines[0]!.status();
    const hasSystemClock = clock === 'software';
    this.#started = performance.now();
    this.#last = this.#started;
    const sender = this.#startSender(hasSystemClock ? 'system' : 'process');
    try {
      while (!this.#isOver()) {
        if (!this.#take()) await this.#live.wait(WAIT_MS);
        else await turn();
      }
    } finally {
      Atomics.store(this.#control, PROBE_STOP, 1);
      Atomics.notify(this.#control, PROBE_STOP);
      await sender;
    }
    if (this.#failure !== null) throw this.#failure;
    await this.#drain();
    return this.#result(hasSystemClock);
  }

  /** @returns whether there may be more at once. */
  #take(): boolean {
    const packet = this.#packet;
    let taken = 0;
    while (taken < PACKETS_PER_LOOK && this.#live.next(packet) === SOURCE_PACKET) {
      this.#numbers.take(packet);
      taken += 1;
    }
    if (taken === 0) return false;
    this.#last = performance.now();
    this.#options.progress(this.#numbers.received);
    return taken === PACKETS_PER_LOOK;
  }

  #isOver(): boolean {
    const { packets, timeoutMs, signal } = this.#options;
    if (this.#failure !== null || signal?.aborted === true) return true;
    if (this.#numbers.received === packets) return true;
    const now = performance.now();
    if (now - this.#started >= timeoutMs) return true;
    if (Atomics.load(this.#control, PROBE_DONE) === 0) {
      this.#last = now;
      return false;
    }
    return now - this.#last >= SILENCE_MS;
  }

  /** Stops the receiver, so that its counts are exact, and takes what it still had. */
  async #drain(): Promise<void> {
    const live = this.#live;
    live.stop();
    for (;;) {
      const answer = live.next(this.#packet);
      if (answer === SOURCE_END) return;
      if (answer === SOURCE_PACKET) this.#numbers.take(this.#packet);
      else await live.wait(WAIT_MS);
    }
  }

  /** @returns what resolves when the thread has ended. */
  #startSender(clock: ProbePlan['clock']): Promise<void> {
    const { packets, payloadBytes, batch, rate } = this.#options;
    const plan: ProbePlan = {
      sender: { host: this.#host, port: this.#port, iface: HOST, ttl: 1, loop: true, batch },
      packets,
      payloadBytes,
      rate,
      clock,
      control: this.#control,
    };
    const worker = startThread('./probe-thread', import.meta.url, { workerData: plan });
    worker.on('error', (error) => {
      const text = error instanceof Error ? error.message : String(error);
      this.#failure = new MdxError('socket-failed', `sending to ${this.#host}:${this.#port}: ${text}`);
    });
    return new Promise((resolve) => worker.once('exit', () => resolve()));
  }

  #result(hasSystemClock: boolean): ProbeResult {
    const line = this.#live.lines[0]!;
    const status: LineStatus = line.status();
    const numbers = this.#numbers;
    const sent = Atomics.load(this.#control, PROBE_SENT);
    const { queue } = line.receivers[0]!;
    const { slots, free } = queue.memory;
    const elapsedMs = Math.max(numbers.received > 0 ? this.#last - this.#started : 0, 0);
    const facts = {
      backend: status.backend,
      destination: `udp://${this.#host}:${this.#port}`,
      sent,
      received: numbers.received,
      missing: Math.max(0, sent - numbers.received),
      sendErrors: Atomics.load(this.#control, PROBE_SEND_ERRORS),
      gaps: numbers.gaps,
      outOfOrder: numbers.outOfOrder,
      duplicates: numbers.duplicates,
      foreign: numbers.foreign,
      kernelDrops: Object.values(status.kernelDrops).reduce((sum, count) => sum + count, 0),
      poolFull: status.poolFull,
      receiveBuffer: { asked: status.receiveBufferAsked, granted: status.receiveBufferGranted },
      clock: hasSystemClock ? ('CLOCK_REALTIME' as const) : ('process' as const),
      latency: numbers.latency(),
      pps: elapsedMs === 0 ? 0 : Math.round((numbers.received / elapsedMs) * 1000),
      pool: slots,
      poolAvailable: new Ring(2 ** Math.ceil(Math.log2(slots)), free).waiting,
    };
    const checks = checksOf(facts, this.#options, numbers.early, line.spec.options.batch);
    return {
      ...facts,
      verdict: checks.every(({ pass }) => pass) ? 'pass' : 'fail',
      checks,
      elapsedNs: Math.round(elapsedMs * 1e6),
    };
  }
}

function lineOf(options: ProbeOptions, host: string, port: number): LineSpec {
  const { backend, receiveBufferBytes } = options;
  const group = parseAddress(host)!;
  return {
    name: 'A',
    subscriptions: [{ group, port, iface: HOST, source: null }],
    options: { ...LINE_DEFAULTS, backend, receiveBufferBytes },
  };
}

/** A group of the organisation-local scope that other probes do not use at the same time. */
function groupOf(pid: number): string {
  return `239.255.${(pid >>> 8) & 255}.${pid & 255}`;
}

function freePort(): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', (error) =>
      reject(new MdxError('socket-failed', `binding ${HOST}: ${error.message}`, { cause: error })),
    );
    socket.bind({ address: HOST, port: 0 }, () => resolve(socket));
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}

/** Lets timers and signals in. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
