/**
 * Is told of each order change of a market as it happens, in their order, and each time before it is counted: so
 * `bookChanges` of its book is the number of those in front of it. Orders are named by their slot; no call may change a book.
 */
export interface ChangeObserver {
  /** An order has entered at the back of its queue, with the price and quantity of the event at `at`. */
  entered(words: Int32Array, at: number, slot: number): void;
  /** An order is about to leave. */
  leaves(slot: number): void;
  /** An order has another quantity, and its place. */
  resized(slot: number): void;
  /** An order is somewhere else, and as it is there: two changes, it leaves and enters. */
  moved(slot: number): void;
  /** The event at `at` is about to take what it says off an order. */
  executes(words: Int32Array, at: number, slot: number): void;
  /** The event at `at` tells of a print; `slot` is the order that it is told of, 0 = none. */
  printed(words: Int32Array, at: number, book: number, slot: number): void;
  /** All orders of a side are about to leave, best price first, queue by queue. */
  clears(bookSide: number): void;
}
