import { nsBetween } from '../../binary/time.ts';
import type { EventBatch } from '../../event/batch.ts';
import { RECORD_WORDS, WORD_RECEIVE_TIME } from '../../event/record.ts';
import type { Stage, Start } from '../../observe/stages.ts';
import type { ThreadSlots } from '../../observe/thread-slots.ts';
import { ProcessClock } from '../../threads/process-clock.ts';
import type { Publisher } from '../follower.ts';

const TWO_32 = 4294967296;

/**
 * Notes how old events are when they come to a stage. Shown records, it counts `seen` for each batch; at `flush` it
 * counts `done` for the oldest event since the last one: so what waited longest is what is seen. First among publishers
 * it knows when all before the flush were encoded, last among them when they were handed to sockets.
 */
export class StageProbe implements Publisher {
  readonly #slots: ThreadSlots;
  readonly #seen: Stage | null;
  readonly #done: Stage;
  readonly #clock: ProcessClock = new ProcessClock();
  /** When packets were last merged. */
  readonly #merged: ProcessClock = new ProcessClock();
  /** Packets are merged on this thread. */
  #isMerging = false;
  /** Start of the oldest event that is on its way, ns since 1970, and what it is the time of. */
  #isWaiting = false;
  #start: Start = 'thread';
  #high = 0;
  #low = 0;

  /** @param seen stage that an event has come to when it is shown; null = none. @param done likewise, at `flush`. */
  constructor(slots: ThreadSlots, seen: Stage | null, done: Stage) {
    this.#slots = slots;
    this.#seen = seen;
    this.#done = done;
  }

  /** What the next batch begins with is merged. */
  noteMerged(): void {
    this.#isMerging = true;
    this.#merged.read();
  }

  records(batch: EventBatch, from: number): void {
    const slots = this.#slots;
    const clock = this.#clock;
    clock.read();
    const { start } = slots;
    if (this.#start !== start) this.#isWaiting = false;
    this.#start = start;
    if (start === 'thread') {
      if (!this.#isWaiting) this.#wait(clock.high, clock.low);
      return;
    }
    const { receiveBaseHigh: high, receiveBaseLow: low, words } = batch;
    if (high === 0 && low === 0) return;
    // An event may begin at any record; its difference is small beside the base.
    const after = words[from * RECORD_WORDS + WORD_RECEIVE_TIME]! >>> 0;
    if (this.#isMerging)
      slots.observe('merge', nsBetween(this.#merged.high, this.#merged.low, high, low) - after);
    if (this.#seen !== null) slots.observe(this.#seen, nsBetween(clock.high, clock.low, high, low) - after);
    const sum = (low >>> 0) + after;
    const startLow = sum | 0;
    const startHigh = high + (sum >= TWO_32 ? 1 : 0);
    if (!this.#isWaiting || nsBetween(startHigh, startLow, this.#high, this.#low) < 0)
      this.#wait(startHigh, startLow);
  }

  /** What was shown has come to its end here. */
  flush(): void {
    const clock = this.#clock;
    if (!this.#isWaiting) {
      clock.adjust();
      return;
    }
    this.#isWaiting = false;
    // The clock of the packets became another one meanwhile.
    if (this.#slots.start !== this.#start) return;
    clock.read();
    this.#slots.observe(this.#done, nsBetween(clock.high, clock.low, this.#high, this.#low));
  }

  #wait(high: number, low: number): void {
    this.#isWaiting = true;
    this.#high = high;
    this.#low = low;
  }
}
