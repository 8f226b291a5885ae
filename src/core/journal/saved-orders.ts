import {
  ORDER_ID_HIGH,
  ORDER_ID_LOW,
  ORDER_NEXT,
  ORDER_QUANTITY_DOUBLE,
  type RecordStore,
} from '../book/store.ts';
import { copyOrder, type QueueSink, TWO_32 } from './image-records.ts';

const CHUNK_ORDERS = 4096;
/** Of a saved order: id, quantity as halves, and the slot of the next one in its queue. */
const ORDER_WORDS = 5;
/** Marks begin anew before they run over. */
const MARK_MAX = 2 ** 30;

/** Orders of a market that were touched since an image began, as they were: queues are walked as if nothing had happened. */
export class SavedOrders {
  /** By slot: above `#base`, that the order is saved, and where. */
  #marks: Int32Array = new Int32Array(0);
  #base = 0;
  #saved = 0;
  readonly #chunks: Int32Array[] = [];

  /** Forgets what was saved. @param slots of the store now; an order in a later one is not in the image. */
  reset(slots: number): void {
    this.#base += this.#saved;
    this.#saved = 0;
    if (slots === this.#marks.length && this.#base < MARK_MAX) return;
    this.#marks = new Int32Array(slots);
    this.#base = 0;
  }

  /** Saves an order as it is, unless it is saved. */
  save({ words, doubles }: RecordStore, slot: number): void {
    const marks = this.#marks;
    if (slot >= marks.length || marks[slot]! > this.#base) return;
    const index = this.#saved;
    this.#saved = index + 1;
    marks[slot] = this.#base + index + 1;
    const number = Math.floor(index / CHUNK_ORDERS);
    if (number === this.#chunks.length) this.#chunks.push(new Int32Array(CHUNK_ORDERS * ORDER_WORDS));
    const chunk = this.#chunks[number]!;
    const to = (index % CHUNK_ORDERS) * ORDER_WORDS;
    const at = slot * 8;
    const quantity = doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    chunk[to] = words[at + ORDER_ID_LOW]!;
    chunk[to + 1] = words[at + ORDER_ID_HIGH]!;
    chunk[to + 2] = quantity | 0;
    chunk[to + 3] = Math.floor(quantity / TWO_32);
    chunk[to + 4] = words[at + ORDER_NEXT]!;
  }

  /**
   * Hands over the order in `slot` as it was when the image began.
   * @returns the slot of the next one in its queue then, 0 = none.
   */
  copy(orders: RecordStore, slot: number, sink: QueueSink): number {
    const index = this.#marks[slot]! - this.#base - 1;
    if (index < 0) return copyOrder(orders, slot, sink);
    const chunk = this.#chunks[Math.floor(index / CHUNK_ORDERS)]!;
    const at = (index % CHUNK_ORDERS) * ORDER_WORDS;
    sink.put(chunk[at]!, chunk[at + 1]!, chunk[at + 2]!, chunk[at + 3]!);
    return chunk[at + 4]!;
  }
}
