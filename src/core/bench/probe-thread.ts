import { setImmediate } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { Syscalls } from '../net/linux/syscalls.ts';
import { UnixTime } from '../net/linux/unix-time.ts';
import type { UdpSender } from '../net/sender.ts';
import { openSender } from '../net/udp-sender.ts';
import { ProcessClock } from '../threads/process-clock.ts';
import {
  PROBE_DONE,
  PROBE_SEND_ERRORS,
  PROBE_SENT,
  PROBE_STOP,
  PROBE_TIME,
  type ProbePlan,
} from './probe-plan.ts';

/* Sends the packets of a probe at their rate, each with its number and the time. */

const CLOCK_REALTIME = 0;
const MS_PER_SECOND = 1000;

/** CLOCK_REALTIME, in halves. */
class SystemClock {
  readonly #calls: Syscalls;
  readonly #time: UnixTime = new UnixTime();

  constructor(calls: Syscalls) {
    this.#calls = calls;
  }

  get high(): number {
    return this.#time.high;
  }

  get low(): number {
    return this.#time.low;
  }

  read(): void {
    this.#calls.clockTime(CLOCK_REALTIME);
    const { answer } = this.#calls;
    this.#time.set(answer.getUint32(0, true), answer.getUint32(8, true));
  }
}

class ProbeSender {
  readonly #plan: ProbePlan;
  readonly #sender: UdpSender;
  readonly #clock: SystemClock | ProcessClock;
  readonly #payload: Uint8Array;
  readonly #view: DataView;

  constructor(plan: ProbePlan, sender: UdpSender, clock: SystemClock | ProcessClock) {
    this.#plan = plan;
    this.#sender = sender;
    this.#clock = clock;
    this.#payload = new Uint8Array(plan.payloadBytes);
    this.#view = new DataView(this.#payload.buffer);
  }

  async run(): Promise<void> {
    const { packets, rate, control } = this.#plan;
    const { batch } = this.#plan.sender;
    const start = performance.now();
    for (let first = 1; first <= packets; first += batch) {
      if (rate > 0) this.#await(start + ((first - 1) / rate) * MS_PER_SECOND);
      if (Atomics.load(control, PROBE_STOP) !== 0) break;
      const end = Math.min(first + batch, packets + 1);
      for (let number = first; number < end; number += 1) this.#send(number);
      this.#sender.flush();
      // A sender that calls back has its answers before more is asked of it.
      while (this.#sender.sent + this.#sender.sendErrors < end - 1) await setImmediate();
      Atomics.store(control, PROBE_SENT, this.#sender.sent);
    }
    Atomics.store(control, PROBE_SEND_ERRORS, this.#sender.sendErrors);
    await this.#sender.close();
    Atomics.store(control, PROBE_DONE, 1);
  }

  #send(number: number): void {
    const clock = this.#clock;
    const view = this.#view;
    view.setUint32(0, number, true);
    clock.read();
    view.setInt32(PROBE_TIME, clock.low, true);
    view.setInt32(PROBE_TIME + 4, clock.high, true);
    this.#sender.send(this.#payload, 0, this.#payload.length);
  }

  #await(due: number): void {
    const wait = due - performance.now();
    if (wait > 0) Atomics.wait(this.#plan.control, PROBE_STOP, 0, wait);
  }
}

const plan = workerData as ProbePlan;
const clock = plan.clock === 'system' ? new SystemClock(await Syscalls.load()) : new ProcessClock();
await new ProbeSender(plan, await openSender(plan.sender), clock).run();
