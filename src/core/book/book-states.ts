import type { ChangeObserver } from './change-observer.ts';
import { REJECT_FULL, REJECT_RANGE, TALLY_REJECTED, TALLY_SLOTS } from './tally.ts';

export const BOOK_OF_ORDERS = 0;
export const BOOK_OF_LEVELS = 1;

const BOOKS_AT_START = 64;

/** What is known of each book beside its orders and levels, by its number, and what books could not take. */
export class BookStates {
  /** Books that have been named by an event, as numbers 0 … count − 1. */
  count = 0;
  /** BOOK_OF_…, per book. */
  kind: Uint8Array = new Uint8Array(BOOKS_AT_START);
  stale: Uint8Array = new Uint8Array(BOOKS_AT_START);
  /**
   * Order changes, of all books and per book: an order that enters, leaves, or changes in its place is one; one that
   * moves leaves and enters, and so do those that another one enters in front of; a print is one. What changes nothing is none.
   * The numbers that publications bear, so that every reader of the events counts alike.
   */
  changes = 0;
  bookChanges: Float64Array = new Float64Array(BOOKS_AT_START);
  /** Who is told of each order change; null: nobody. */
  observer: ChangeObserver | null = null;
  /** Anomalies and groups, index TALLY_*. */
  readonly tally: Float64Array = new Float64Array(TALLY_SLOTS);

  /** Makes room for a book of this number. */
  reserve(book: number): void {
    const capacity = this.kind.length;
    if (book < capacity) return;
    const wanted = Math.max(capacity * 2, book + 1);
    const kind = new Uint8Array(wanted);
    const stale = new Uint8Array(wanted);
    const bookChanges = new Float64Array(wanted);
    kind.set(this.kind);
    stale.set(this.stale);
    bookChanges.set(this.bookChanges);
    this.kind = kind;
    this.stale = stale;
    this.bookChanges = bookChanges;
  }

  change(book: number, changes: number): void {
    this.changes += changes;
    this.bookChanges[book]! += changes;
  }

  /** Counts go on from where those of an image stood. */
  restoreChanges(book: number, changes: number): void {
    this.changes += changes - this.bookChanges[book]!;
    this.bookChanges[book] = changes;
  }

  /** What was counted as order changes so far was none. */
  forgetChanges(): void {
    this.changes = 0;
    this.bookChanges.fill(0);
  }

  reject(reason: number): void {
    this.tally[TALLY_REJECTED + reason]! += 1;
  }

  rejectRange(book: number): void {
    this.reject(REJECT_RANGE);
    this.stale[book] = 1;
  }

  rejectFull(book: number): void {
    this.reject(REJECT_FULL);
    this.stale[book] = 1;
  }
}
