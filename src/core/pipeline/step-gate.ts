import { EventBatch, type EventSink } from '../event/batch.ts';
import {
  FLAG_EXTENDED,
  KIND_CLEAR,
  KIND_GAP,
  KIND_RESET,
  KIND_SESSION,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
} from '../event/record.ts';
import type { Books } from './books.ts';
import { GroupEnds } from './rows/group-ends.ts';
import { type BackTo, StepHistory } from './step-history.ts';
import { isTrade } from './tape.ts';
import { isBeyond, type Until } from './until.ts';

/** How far events go: on and on, not at all, or until one event, group, or group with a trade has passed. */
export type Pace = 'run' | 'hold' | 'event' | 'group' | 'trade';

const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;
/** Events in front of a place that are gone through one by one on the way to it: its last groups are among them. */
const EVENTS_NEAR = 65_536;
/** The same of those that somebody may want to have in words. */
const EVENTS_TOLD = 2048;

/** Goes through the input again, up to an event. */
interface Rewind {
  readonly to: BackTo;
  readonly event: number;
  /** What ends behind this one is remembered. */
  readonly from: number;
  /** The event is where it went back from: where to is known when it is reached. */
  readonly isSearch: boolean;
}

/**
 * Lets events through to the books as somebody who watches them wants. What may not go yet is held; the run waits for
 * it in `settle`, so no more is held than is decoded between two breaths. While it runs freely, batches go through as
 * they are. To go back, the input is read again: `goBack` closes the gate, and after `restart` everything goes through up
 * to the place that was meant.
 */
export class StepGate implements EventSink {
  /** Is what happens to this book a step? Events of other books go along. */
  isStep: (book: number) => boolean = () => true;
  /** Called when the books are known. */
  onAttach: (books: Books) => void = () => {};
  /** Called when somebody changes the pace. */
  onGo: () => void = () => {};
  /** Called when events wait for `go`. */
  onHold: () => void = () => {};
  /** Nothing goes through any more. */
  isClosed = false;
  #pace: Pace;
  #point: Until | null;
  #books: Books | null = null;
  /** Events that went through, from the beginning of the input. */
  #passed = 0;
  /** The input numbers its events, and may be read from one of them. */
  readonly #seeks: boolean;
  #ends: GroupEnds = new GroupEnds();
  readonly #history: StepHistory = new StepHistory();
  #hasTrade = false;
  #rewind: Rewind | null = null;
  readonly #held: EventBatch[] = [];
  /** First record of the first held batch that has not gone, and how many events of it have. */
  #next = 0;
  #gone = 0;
  #out: EventBatch = new EventBatch(2);
  #wake: () => void = () => {};

  /**
   * @param point the pace becomes `hold` in front of the first event later than this.
   * @param seeks the input is one that numbers its events and can be read from any of them.
   */
  constructor(pace: Pace, point: Until | null, seeks = false) {
    this.#pace = pace;
    this.#point = point;
    this.#seeks = seeks;
  }

  /** Where it holds by itself; null when that is behind. */
  get point(): Until | null {
    return this.#point;
  }

  get pace(): Pace {
    if (this.#rewind === null) return this.#pace;
    return this.#rewind.event - this.#passed > EVENTS_TOLD ? 'run' : 'group';
  }

  /** The event that the input has to be read from at the latest, from 1; undefined: from its beginning. */
  get beginAt(): number | undefined {
    return this.#seeks && this.#rewind !== null ? this.#rewind.from + 1 : undefined;
  }

  /** The input is read again, or has to be. */
  get isRewinding(): boolean {
    return this.#rewind !== null;
  }

  /** Nothing has gone through yet. */
  get isAtStart(): boolean {
    return this.#passed === 0;
  }

  /**
   * Wants to be where the last group of events ended that did before the place at hand. Nothing goes through until
   * `restart`: the input has to be read again.
   */
  goBack(to: BackTo): void {
    const at = this.#passed;
    const end = this.#history.before(at, to);
    const event = end ?? at;
    // What is near was searched already.
    const isFar = end === null && this.#history.from <= at - EVENTS_NEAR;
    const from = isFar ? 0 : Math.max(0, event - EVENTS_NEAR);
    this.#rewind = { to, event, from, isSearch: end === null };
    this.close();
  }

  /** The input is read again from its beginning. */
  restart(): void {
    this.isClosed = false;
    this.#pace = 'hold';
    this.#point = null;
    this.#books = null;
    this.#held.length = 0;
    this.#next = 0;
    this.#gone = 0;
    this.#passed = 0;
    this.#ends = new GroupEnds();
    this.#hasTrade = false;
    this.#history.begin(this.#rewind?.from ?? 0);
  }

  /** Other books are steps from now on. */
  forgetSteps(): void {
    this.#history.begin(this.#passed);
  }

  /** Changes the pace; a step that was made brings it back to `hold`. */
  go(pace: Pace): void {
    this.#pace = pace;
    this.#wake();
    this.onGo();
  }

  /** Nothing goes through any more, and nobody waits. */
  close(): void {
    this.isClosed = true;
    this.#held.length = 0;
    this.#wake();
    this.onGo();
  }

  /** Names the books behind it, once they are known. */
  attach(books: Books): void {
    this.#books = books;
    this.onAttach(books);
  }

  accept(batch: EventBatch): void {
    if (batch.count === 0 || this.isClosed) return;
    const from = this.#rewind === null ? 0 : this.#wind(batch, this.#rewind);
    if (from === batch.count || this.isClosed) return;
    if (this.#pace === 'run' && this.#point === null && this.#held.length === 0) {
      this.#passed = this.#placeBehind(batch, 0, batch.count);
      this.#history.begin(this.#passed);
      this.#books!.accept(batch);
    } else this.#held.push(copyOf(batch, from, batch.count, new EventBatch(batch.count)));
  }

  /** Resolves when all that was held has gone through. */
  async settle(): Promise<void> {
    while (this.#held.length > 0) {
      if (this.#pace === 'hold') {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          this.onHold();
        });
      } else this.#release(this.#held[0]!);
    }
  }

  /** Is the event at word `at` about a book whose events are steps, or about all books? */
  concerns(words: Int32Array, at: number): boolean {
    const book = words[at + WORD_BOOK]!;
    if (book !== NO_BOOK) return this.isStep(book);
    const kind = words[at]! & 255;
    return kind === KIND_GAP || kind === KIND_RESET || kind === KIND_SESSION || kind === KIND_CLEAR;
  }

  /** Lets go what is in front of the place that is looked for. @returns the first record that is not. */
  #wind(batch: EventBatch, rewind: Rewind): number {
    let record = 0;
    const end = this.#placeBehind(batch, 0, batch.count);
    if (end <= rewind.from) {
      this.#passed = end;
      this.#books!.accept(batch);
      record = batch.count;
    }
    while (record < batch.count && this.#passed < rewind.event) {
      const to = nextOf(batch, record);
      this.#emit(batch, record, to);
      this.#isEnd(this.#out, 0);
      record = to;
    }
    if (this.#passed < rewind.event) return record;
    this.#rewind = null;
    if (rewind.isSearch) this.goBack(rewind.to);
    return record;
  }

  /** Hands over the records `from` … `to − 1` of a batch. */
  #emit(batch: EventBatch, from: number, to: number): void {
    if (this.#out.capacity < to - from) this.#out = new EventBatch(to - from);
    this.#passed = this.#placeBehind(batch, from, to);
    this.#books!.accept(copyOf(batch, from, to, this.#out));
  }

  /** How many events have gone through when the records `from` … `to − 1` have; what the input does not number is none. */
  #placeBehind(batch: EventBatch, from: number, to: number): number {
    if (!this.#seeks) return this.#passed + eventsIn(batch, from, to);
    return batch.firstEvent === 0 ? this.#passed : batch.firstEvent - 1 + eventsIn(batch, 0, to);
  }

  /** Lets as much of a batch go as the pace allows at once. */
  #release(batch: EventBatch): void {
    const from = this.#next;
    let to = nextOf(batch, from);
    if (this.#pace === 'run' && this.#point === null) to = batch.count;
    else if (this.#point !== null && this.#isBeyond(this.#point, batch, from)) {
      this.#point = null;
      this.#pace = 'hold';
      return;
    }
    this.#next = to;
    this.#gone += 1;
    if (to === batch.count) {
      this.#held.shift();
      this.#next = 0;
      this.#gone = 0;
    }
    this.#emit(batch, from, to);
    if (this.#pace !== 'run') this.#count(this.#out, 0);
    else this.#history.begin(this.#passed);
  }

  /** Does a group end with the event that has just gone? Its end is remembered. */
  #isEnd(batch: EventBatch, at: number): boolean {
    const market = this.#books!.marketOf(batch.channel);
    if (isTrade(batch.words, at) && this.concerns(batch.words, at)) this.#hasTrade = true;
    // Asked for every event, because it remembers which books a group has touched.
    const ends = this.#ends.after(batch, at, market).some((book) => this.isStep(book));
    if (ends) {
      this.#history.note(this.#passed, this.#hasTrade);
      this.#hasTrade = false;
    }
    return ends;
  }

  #isBeyond(point: Until, batch: EventBatch, record: number): boolean {
    return isBeyond(point, batch, record * RECORD_WORDS, batch.firstEvent + this.#gone);
  }

  /** Looks whether the event that has just gone was the step. */
  #count(batch: EventBatch, at: number): void {
    const ends = this.#isEnd(batch, at);
    const concerned = this.concerns(batch.words, at);
    if (this.#pace === 'trade' && concerned && isTrade(batch.words, at)) this.#pace = 'group';
    if (this.#pace === 'event' ? concerned : this.#pace === 'group' && ends) this.#pace = 'hold';
  }
}

/** The record behind the event at `record`. */
function nextOf(batch: EventBatch, record: number): number {
  return record + ((batch.words[record * RECORD_WORDS]! & HEAD_EXTENDED) !== 0 ? 2 : 1);
}

/** Events in the records `from` … `to − 1` of a batch. */
function eventsIn(batch: EventBatch, from: number, to: number): number {
  let events = 0;
  for (let record = from; record < to; record = nextOf(batch, record)) events += 1;
  return events;
}

function copyOf(batch: EventBatch, from: number, to: number, target: EventBatch): EventBatch {
  target.words.set(batch.words.subarray(from * RECORD_WORDS, to * RECORD_WORDS));
  target.count = to - from;
  target.channel = batch.channel;
  target.sequenceBase = batch.sequenceBase;
  target.firstEvent = batch.firstEvent === 0 ? 0 : batch.firstEvent + eventsIn(batch, 0, from);
  target.venueBaseHigh = batch.venueBaseHigh;
  target.venueBaseLow = batch.venueBaseLow;
  target.receiveBaseHigh = batch.receiveBaseHigh;
  target.receiveBaseLow = batch.receiveBaseLow;
  return target;
}
