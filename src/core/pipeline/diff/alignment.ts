import type { Marks } from './marks.ts';
import {
  STEP_FLAGS,
  STEP_NUMBER,
  STEP_PLACELESS,
  STEP_SESSION,
  STEP_TIME_HIGH,
  STEP_TIME_LOW,
} from './step-queue.ts';

const TWO_32 = 4294967296;
/** Channels of a side may be in disorder by so much venue time, ns. */
const DISORDER_NS = 1e9;

export type AlignBy = 'position' | 'time';

/**
 * By what groups of the two sides are the same one: their position in the numbering of the feed (session and message number
 * of the channel), or their venue time. Steps are rows of a StepQueue.
 */
export class Alignment {
  readonly by: AlignBy;
  /** Numbers rise within a channel: they tell how far it is. Else only its time does. */
  readonly #numbered: boolean;

  constructor(by: AlignBy, numbersRise: boolean) {
    this.by = by;
    this.#numbered = by === 'position' && numbersRise;
  }

  /** Is it not known where the step belongs? Then it belongs in front of the next one of its book. */
  isPlaceless(steps: Float64Array, at: number): boolean {
    return (
      (steps[at + STEP_FLAGS]! & STEP_PLACELESS) !== 0 ||
      (this.by === 'position' && steps[at + STEP_NUMBER]! < 0)
    );
  }

  /** Words of the key of a step, the first of which counts more. */
  major(steps: Float64Array, at: number): number {
    return steps[at + (this.by === 'position' ? STEP_SESSION : STEP_TIME_HIGH)]!;
  }

  minor(steps: Float64Array, at: number): number {
    return steps[at + (this.by === 'position' ? STEP_NUMBER : STEP_TIME_LOW)]!;
  }

  /** Has a side gone past this step of the other, so that nothing in front of it comes any more? @param channel of the side; −1 = not known. */
  isPassed(steps: Float64Array, at: number, marks: Marks, channel: number): boolean {
    if (!this.#numbered || channel < 0) return this.#nsBehind(steps, at, marks) > DISORDER_NS;
    const session = marks.sessionOf(channel);
    const own = steps[at + STEP_SESSION]!;
    return session > own || (session === own && marks.numberOf(channel) > steps[at + STEP_NUMBER]!);
  }

  /** Had a side that has ended come as far as this step of the other? */
  isReached(steps: Float64Array, at: number, marks: Marks, channel: number): boolean {
    if (!this.#numbered || channel < 0) return marks.hasBegun && this.#nsBehind(steps, at, marks) > 0;
    const session = marks.sessionOf(channel);
    const own = steps[at + STEP_SESSION]!;
    return session > own || (session === own && marks.numberOf(channel) >= steps[at + STEP_NUMBER]!);
  }

  /** Is this step in front of all that a side has? */
  isBeforeFirst(steps: Float64Array, at: number, marks: Marks, channel: number): boolean {
    if (this.#numbered && channel >= 0) {
      return marks.isBeforeFirst(channel, steps[at + STEP_SESSION]!, steps[at + STEP_NUMBER]!);
    }
    if (!marks.hasBegun) return true;
    const behind =
      (marks.firstTimeHigh - steps[at + STEP_TIME_HIGH]!) * TWO_32 +
      (marks.firstTimeLow - steps[at + STEP_TIME_LOW]!);
    return behind > 0;
  }

  /** Is a side further than the other? Sides that are equally far by time are told apart by the steps that wait. */
  isAhead(own: Marks, other: Marks): number {
    if (this.#numbered) return 0;
    return (own.timeHigh - other.timeHigh) * TWO_32 + (own.timeLow - other.timeLow);
  }

  /** How far a side is past a step by venue time, ns. */
  #nsBehind(steps: Float64Array, at: number, marks: Marks): number {
    return (
      (marks.timeHigh - steps[at + STEP_TIME_HIGH]!) * TWO_32 + (marks.timeLow - steps[at + STEP_TIME_LOW]!)
    );
  }
}
