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
import { isTrade } from './tape.ts';
import { isBeyond, type Until } from './until.ts';

/** How far events go: on and on, not at all, or until one event, group, or group with a trade has passed. */
export type Pace = 'run' | 'hold' | 'event' | 'group' | 'trade';

const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

/**
 * Lets events through to the books as somebody who watches them wants. What may not go yet is held; the run waits for
 * it in `settle`, so no more is held than is decoded between two breaths. While it runs freely, batches go through as
 * they are.
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
  readonly #ends: GroupEnds = new GroupEnds();
  readonly #held: EventBatch[] = [];
  /** First record of the first held batch that has not gone, and how many events of it have. */
  #next = 0;
  #gone = 0;
  #out: EventBatch = new EventBatch(2);
  #wake: () => void = () => {};

  /** @param point the pace becomes `hold` in front of the first event later than this. */
  constructor(pace: Pace, point: Until | null) {
    this.#pace = pace;
    this.#point = point;
  }

  /** Where it holds by itself; null when that is behind. */
  get point(): Until | null {
    return this.#point;
  }

  get pace(): Pace {
    return this.#pace;
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
    if (this.#pace === 'run' && this.#point === null && this.#held.length === 0) this.#books!.accept(batch);
    else this.#held.push(copyOf(batch, 0, batch.count, new EventBatch(batch.count)));
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
    if (this.#out.capacity < to - from) this.#out = new EventBatch(to - from);
    this.#books!.accept(copyOf(batch, from, to, this.#out));
    if (this.#pace !== 'run') this.#count(this.#out, 0);
  }

  #isBeyond(point: Until, batch: EventBatch, record: number): boolean {
    return isBeyond(point, batch, record * RECORD_WORDS, batch.firstEvent + this.#gone);
  }

  /** Looks whether the event that has just gone was the step. */
  #count(batch: EventBatch, at: number): void {
    const market = this.#books!.marketOf(batch.channel);
    // Asked for every event, because it remembers which books a group has touched.
    const ends = this.#ends.after(batch, at, market).some((book) => this.isStep(book));
    const concerned = this.concerns(batch.words, at);
    if (this.#pace === 'trade' && concerned && isTrade(batch.words, at)) this.#pace = 'group';
    if (this.#pace === 'event' ? concerned : this.#pace === 'group' && ends) this.#pace = 'hold';
  }
}

/** The record behind the event at `record`. */
function nextOf(batch: EventBatch, record: number): number {
  return record + ((batch.words[record * RECORD_WORDS]! & HEAD_EXTENDED) !== 0 ? 2 : 1);
}

function copyOf(batch: EventBatch, from: number, to: number, target: EventBatch): EventBatch {
  target.words.set(batch.words.subarray(from * RECORD_WORDS, to * RECORD_WORDS));
  target.count = to - from;
  target.channel = batch.channel;
  target.sequenceBase = batch.sequenceBase;
  // Of what begins in the middle of a batch nobody asks again.
  target.firstEvent = from === 0 ? batch.firstEvent : 0;
  target.venueBaseHigh = batch.venueBaseHigh;
  target.venueBaseLow = batch.venueBaseLow;
  target.receiveBaseHigh = batch.receiveBaseHigh;
  target.receiveBaseLow = batch.receiveBaseLow;
  return target;
}
