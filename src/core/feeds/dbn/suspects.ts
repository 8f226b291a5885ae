import { GAP_LOST, KIND_GAP } from '../../event/record.ts';
import type { BatchClock } from './batch-clock.ts';
import { putEvent } from './put-event.ts';

/** Books behind a gap that the sender could not repair. */
export class SuspectBooks {
  /** Records of such books. */
  records = 0;
  readonly #clock: BatchClock;
  /** Per book: 1 from such a gap to the next clear. */
  #marks: Uint8Array = new Uint8Array(64);

  constructor(clock: BatchClock) {
    this.#clock = clock;
  }

  /** Counts a record with the mark; the first of a book makes an event: something is lost that nobody can name. */
  note(delta: number, venue: number, receive: number, book: number): void {
    this.records += 1;
    if (book >= this.#marks.length) {
      const grown = new Uint8Array(Math.max(book + 1, this.#marks.length * 2));
      grown.set(this.#marks);
      this.#marks = grown;
    }
    if (this.#marks[book] === 1) return;
    this.#marks[book] = 1;
    putEvent(this.#clock.batch, KIND_GAP | (delta << 16), book, 0, GAP_LOST, 0, 0, venue, receive);
  }

  /** The book was cleared. */
  clear(book: number): void {
    if (book < this.#marks.length) this.#marks[book] = 0;
  }
}
