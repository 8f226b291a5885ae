import type { Datagram } from '../../packet/datagram.ts';
import type { FeedCounts } from '../counts.ts';

const TYPE_ADD = 100;
const TYPE_MODIFY = 101;
const TYPE_DELETE = 102;
const NULL_HIGH = -0x80000000;

/**
 * Holds the sheet's reading of ExecutionSummary against what follows: the rest of an incoming order that it announces
 * should enter by OrderAdd or OrderModify in the same transaction, and an order of the book that took and was filled
 * should leave. It only counts: the book follows the messages about orders.
 */
export class RestWatch {
  isOpen = false;
  readonly #counts: FeedCounts;
  /** What is announced: quantity and price of the rest, and the key the order had before; halves. */
  #quantityLow = 0;
  #quantityHigh = 0;
  #priceLow = 0;
  #priceHigh = 0;
  #keyLow = 0;
  #keyHigh = 0;

  constructor(counts: FeedCounts) {
    this.#counts = counts;
  }

  /** Takes the RemainingOrderDetails of the ExecutionSummary at `at`. */
  open(view: DataView, at: number): void {
    this.#keyLow = view.getInt32(at + 56, true);
    this.#keyHigh = view.getInt32(at + 60, true);
    this.#quantityLow = view.getInt32(at + 64, true);
    this.#quantityHigh = view.getInt32(at + 68, true);
    this.#priceLow = view.getInt32(at + 72, true);
    this.#priceHigh = view.getInt32(at + 76, true);
    this.isOpen = this.#hasRest || this.#wasInBook;
  }

  /** An order is added, modified or deleted: is it the one? `details` is where its OrderDetails begin. */
  seen(view: DataView, at: number, type: number, details: number, wide: boolean): void {
    const quantity = details + 8;
    const isRest =
      wide &&
      view.getInt32(quantity, true) === this.#quantityLow &&
      view.getInt32(quantity + 4, true) === this.#quantityHigh &&
      view.getInt32(quantity + 16, true) === this.#priceLow &&
      view.getInt32(quantity + 20, true) === this.#priceHigh;
    const key = type === TYPE_MODIFY ? at + 16 : details;
    const isKey = view.getInt32(key, true) === this.#keyLow && view.getInt32(key + 4, true) === this.#keyHigh;
    if (this.#hasRest) {
      if (isRest && (type === TYPE_ADD || type === TYPE_MODIFY)) this.isOpen = false;
    } else if (isKey && (type === TYPE_MODIFY || type === TYPE_DELETE)) this.isOpen = false;
  }

  /** The transaction ends: what was announced and did not come is counted. */
  close(segment: number, { packetNumber }: Datagram): void {
    this.isOpen = false;
    this.#counts.remark(
      this.#hasRest
        ? 'a rest of the incoming order is announced and does not enter the book'
        : 'an order of the book took, is filled, and is not told to leave',
      packetNumber,
      segment,
    );
  }

  get #hasRest(): boolean {
    return this.#quantityHigh !== NULL_HIGH && (this.#quantityLow | this.#quantityHigh) !== 0;
  }

  /** The key is neither null nor zero. */
  get #wasInBook(): boolean {
    return (this.#keyLow & this.#keyHigh) !== -1 && (this.#keyLow | this.#keyHigh) !== 0;
  }
}
