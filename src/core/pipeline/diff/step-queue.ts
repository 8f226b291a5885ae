import { MdxError } from '../../errors.ts';

/**
 * A step: one book after a group of events that may have changed it.
 *
 *     0 book    1 session of its channel, counted from 0    2 message number, −1 = none
 *     3 venue time, high half    4 low half, unsigned    5 events of the side up to the end of the group    6 channel
 *     7 flags    8 first of its levels    9 how many    10 next step of the same book pair    11 1 = done with
 *     12-13 key by which it is aligned
 *
 * Positions of steps and levels count from the beginning of the run.
 */
export const STEP_BOOK = 0;
export const STEP_SESSION = 1;
export const STEP_NUMBER = 2;
export const STEP_TIME_HIGH = 3;
export const STEP_TIME_LOW = 4;
export const STEP_EVENT = 5;
export const STEP_CHANNEL = 6;
export const STEP_FLAGS = 7;
export const STEP_LEVELS = 8;
export const STEP_LEVEL_COUNT = 9;
export const STEP_NEXT = 10;
const STEP_DONE = 11;
export const STEP_KEY = 12;
const STEP_FIELDS = 14;

/** The book is stale. */
export const STEP_STALE = 1;
/** It was brought by an image or a snapshot: its place among other groups is not known. */
export const STEP_PLACELESS = 2;
/** The book holds price levels without orders. */
export const STEP_OF_LEVELS = 4;

/** A level of a step: 0 book-side · 1 key as in the book · 2-3 digest of its queue · 4-5 of its total. */
const LEVEL_FIELDS = 6;

const ROOM_AT_START = 1 << 11;
/** Most steps of one side that wait for the other. */
export const STEPS_MAX: number = 1 << 20;
const LEVELS_MAX = 1 << 23;

/** The steps of one side that are not done with, in the order of the side: a ring whose room is a power of two. */
export class StepQueue {
  /** Position behind the last step. */
  end = 0;
  /** Steps that are not done with. */
  waiting = 0;
  readonly #side: string;
  #steps: Float64Array = new Float64Array(ROOM_AT_START * STEP_FIELDS);
  #levels: Float64Array = new Float64Array(ROOM_AT_START * LEVEL_FIELDS);
  #room = ROOM_AT_START;
  #levelRoom = ROOM_AT_START;
  /** Position of the first step that is not done with. */
  #first = 0;
  #levelFirst = 0;
  #levelEnd = 0;

  /** @param side its name, for errors. */
  constructor(side: string) {
    this.#side = side;
  }

  get steps(): Float64Array {
    return this.#steps;
  }

  get levels(): Float64Array {
    return this.#levels;
  }

  /** Position of the oldest step that is not done with; `end` where there is none. */
  get first(): number {
    return this.#first;
  }

  /** Where a step stands in `steps`. */
  at(position: number): number {
    return (position & (this.#room - 1)) * STEP_FIELDS;
  }

  /** Where a level stands in `levels`. */
  levelAt(position: number): number {
    return (position & (this.#levelRoom - 1)) * LEVEL_FIELDS;
  }

  /** Makes room for a level of the next step. @returns where it stands in `levels`. */
  addLevel(): number {
    if (this.#levelEnd - this.#levelFirst === this.#levelRoom) {
      if (this.#levelRoom >= LEVELS_MAX) throw this.#tooMany();
      this.#levels = grown(this.#levels, this.#levelFirst, this.#levelEnd, LEVEL_FIELDS);
      this.#levelRoom *= 2;
    }
    this.#levelEnd += 1;
    return this.levelAt(this.#levelEnd - 1);
  }

  /** Adds a step with the last `levels` levels. @returns where it stands in `steps`. */
  add(levels: number): number {
    if (this.end - this.#first === this.#room) {
      if (this.#room >= STEPS_MAX) throw this.#tooMany();
      this.#steps = grown(this.#steps, this.#first, this.end, STEP_FIELDS);
      this.#room *= 2;
    }
    const at = this.at(this.end);
    const steps = this.#steps;
    steps[at + STEP_LEVELS] = this.#levelEnd - levels;
    steps[at + STEP_LEVEL_COUNT] = levels;
    steps[at + STEP_NEXT] = -1;
    steps[at + STEP_DONE] = 0;
    this.end += 1;
    this.waiting += 1;
    return at;
  }

  /** Is done with a step. */
  release(position: number): void {
    const steps = this.#steps;
    steps[this.at(position) + STEP_DONE] = 1;
    this.waiting -= 1;
    while (this.#first < this.end && steps[this.at(this.#first) + STEP_DONE] === 1) this.#first += 1;
    this.#levelFirst = this.#first === this.end ? this.#levelEnd : steps[this.at(this.#first) + STEP_LEVELS]!;
  }

  #tooMany(): MdxError {
    return new MdxError(
      'not-aligned',
      `comparing: ${this.waiting} groups of ${this.#side} wait for one of the other side to be compared with`,
      { hint: 'Align by the other measure with --align, or compare parts with --from and --until.' },
    );
  }
}

/** A ring of twice the room with the same content at the same positions. */
function grown(ring: Float64Array, first: number, end: number, fields: number): Float64Array {
  const room = ring.length / fields;
  const wider = new Float64Array(ring.length * 2);
  for (let position = first; position < end; position += 1) {
    const from = (position % room) * fields;
    wider.set(ring.subarray(from, from + fields), (position % (room * 2)) * fields);
  }
  return wider;
}
