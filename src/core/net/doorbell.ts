import { LoopTurns } from './loop-turns.ts';
import { Polling } from './polling.ts';

/**
 * What comes within this time is waited for on the spot, ms: to wake an event loop costs several times what it costs to
 * wake a thread, and at a high rate that is most of what a packet costs.
 */
const MOMENT_MS = 0.2;
/** While it polls, everything else on the thread waits at most so long for its turn. */
const TURN_MS = 1;
/** Looks between two of the clock, which takes much longer. */
const LOOKS = 32;

/** How the consumer waits. */
export interface Waiting {
  readonly polling: Pick<Polling, 'lookMs' | 'note' | 'looked'>;
  readonly turns: LoopTurns;
}

/**
 * Wakes one consumer of several queues: a counter in shared memory that receivers move on when they have published.
 * Whoever wants to wait looks at it first, then at the queues, and waits only while it stands still.
 */
export class Doorbell {
  readonly memory: SharedArrayBuffer;
  /** Time that the consumer was awake without anything to do, ms. */
  polledMs = 0;
  readonly #words: Int32Array;
  readonly #polling: Waiting['polling'];
  readonly #turns: LoopTurns;
  #seen = 0;

  /** @param waiting of the consumer; without it, it sleeps whenever it waits. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4), waiting: Waiting = asleep()) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#polling = waiting.polling;
    this.#turns = waiting.turns;
  }

  ring(): void {
    Atomics.add(this.#words, 0, 1);
    Atomics.notify(this.#words, 0);
  }

  /** Before the queues are looked at. */
  look(): void {
    this.#seen = Atomics.load(this.#words, 0);
  }

  /**
   * Waits until it has rung since `look`, `ms` at most. Everything else on the thread has its turn before it sleeps; then the
   * thread is blocked for a moment, and behind that it is not.
   */
  async wait(ms: number): Promise<void> {
    const polling = this.#polling;
    const started = performance.now();
    const lookMs = Math.min(ms, polling.lookMs(started));
    let hasRung = false;
    if (lookMs > 0) {
      const turns = this.#turns;
      // What others on this thread have begun is done first.
      if (turns.isDue(TURN_MS)) await turns.take();
      else await microtasksDone();
      hasRung = this.#poll(lookMs);
    }
    if (!hasRung) await this.#sleep(ms);
    polling.note(performance.now() - started);
  }

  /** @returns whether it has rung. */
  #poll(ms: number): boolean {
    const words = this.#words;
    const started = performance.now();
    let now = started;
    let hasRung = false;
    while (!hasRung && now - started < ms) {
      for (let look = 0; look < LOOKS && !hasRung; look += 1) hasRung = Atomics.load(words, 0) !== this.#seen;
      now = performance.now();
    }
    // Where another thread had the processor meanwhile, that was not awake.
    this.polledMs += Math.min(now - started, ms);
    this.#polling.looked(now - started, now);
    return hasRung;
  }

  async #sleep(ms: number): Promise<void> {
    const words = this.#words;
    await this.#turns.take();
    if (Atomics.wait(words, 0, this.#seen, Math.min(ms, MOMENT_MS)) !== 'timed-out') return;
    const { async, value } = Atomics.waitAsync(words, 0, this.#seen, ms);
    if (async) await value;
  }
}

function asleep(): Waiting {
  return { polling: new Polling(0), turns: new LoopTurns() };
}

/** A tick comes when no microtask is left, without a turn of the event loop. */
function microtasksDone(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
