import type { ByteWindow } from '../binary/byte-window.ts';
import { toBigUint } from '../binary/time.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import { FLAG_ASK, FLAG_LAST, FLAG_SNAPSHOT, KIND_ADD, RECORD_WORDS } from '../event/record.ts';
import { getU64 } from './frame.ts';
import {
  OBSNAP_BODY_HEAD,
  OBSNAP_BODY_VERSION,
  OBSNAP_BOOK_BYTES,
  OBSNAP_HEAD_V1,
  OBSNAP_HEAD_V2,
  OBSNAP_ORDER_BYTES,
} from './obsnap-layout.ts';

/** Answers of `ObsnapReader.fill`. */
/** More bytes are needed in the window, or the word that it has ended. */
export const OBSNAP_MORE = 0;
/** The batch is full. */
export const OBSNAP_FULL = 1;
/** The snapshot is whole, and nothing is behind it. */
export const OBSNAP_END = 2;
/** The file ends inside of it. */
export const OBSNAP_TRUNCATED = 3;
export const OBSNAP_DAMAGED = 4;

const TWO_32 = 4294967296;
const EXACT_MAX: number = Number.MAX_SAFE_INTEGER;
const SOURCE = 'obsnap';

/**
 * Snapshots of an older engine → orders that are added, doing no I/O. Nothing is put aside for what a count says before it
 * is there.
 */
export class ObsnapReader {
  /** Known with the head. */
  version: 1 | 2 | null = null;
  /** ns since 1970. */
  wallTime = 0n;
  /** Bus cursor that comes next, null = none. */
  cursor: bigint | null = null;
  /** What was found, and where. */
  problem: string | null = null;
  problemOffset = 0;
  readonly #window: ByteWindow;
  readonly #dictionary: Dictionary;
  #hasBody = false;
  /** Books and orders of the book at hand that are to come. */
  #books = 0;
  #orders = 0;
  #book = 0;
  #wallHigh = 0;
  #wallLow = 0;

  constructor(window: ByteWindow, dictionary: Dictionary) {
    this.#window = window;
    this.#dictionary = dictionary;
  }

  /** Adds orders to a batch, at most so many that it has `most`. @returns one of OBSNAP_*. */
  fill(batch: EventBatch, most: number): number {
    if (batch.count === 0) this.#open(batch);
    for (;;) {
      if (this.problem !== null) return OBSNAP_DAMAGED;
      const needed = this.#needed();
      if (needed === 0) return this.#end();
      if (this.#orders > 0 && batch.count >= Math.min(most, batch.capacity)) return OBSNAP_FULL;
      if (this.#window.available < needed) return this.#missing(needed);
      const problem = this.#take(batch);
      if (problem !== null) return this.#damaged(problem);
      this.#window.position += needed;
    }
  }

  /** Bytes of what comes next; 0 where nothing does. */
  #needed(): number {
    if (this.version === null) {
      const { view, position, available } = this.#window;
      return available >= 12 && view.getUint32(position + 8) === 1 ? OBSNAP_HEAD_V1 : OBSNAP_HEAD_V2;
    }
    if (!this.#hasBody) return OBSNAP_BODY_HEAD;
    if (this.#orders > 0) return OBSNAP_ORDER_BYTES;
    return this.#books > 0 ? OBSNAP_BOOK_BYTES : 0;
  }

  #take(batch: EventBatch): string | null {
    if (this.version === null) return this.#takeHead(batch);
    if (!this.#hasBody) return this.#takeBody();
    return this.#orders > 0 ? this.#takeOrder(batch) : this.#takeBook();
  }

  #takeHead(batch: EventBatch): string | null {
    const { view, position: at } = this.#window;
    const version = view.getUint32(at + 8);
    if (version !== 1 && version !== 2) return `a snapshot of version ${version}, 1 and 2 are known`;
    this.version = version;
    this.wallTime = view.getBigUint64(at + 12);
    this.#wallHigh = view.getInt32(at + 12);
    this.#wallLow = view.getInt32(at + 16);
    if (version === 2) {
      const cursor = view.getBigUint64(at + 20);
      this.cursor = cursor === (1n << 64n) - 1n ? null : cursor;
    }
    this.#open(batch);
    return null;
  }

  #takeBody(): string | null {
    const { view, position: at } = this.#window;
    const version = view.getUint32(at, true);
    if (version !== OBSNAP_BODY_VERSION)
      return `a body of version ${version}, ${OBSNAP_BODY_VERSION} is known`;
    const books = getU64(view, at + 4);
    if (!Number.isFinite(books)) return 'more instruments than there can be';
    this.#books = books;
    this.#hasBody = true;
    return null;
  }

  #takeBook(): string | null {
    const { view, position: at } = this.#window;
    const instrument = view.getUint32(at, true);
    const orders = getU64(view, at + 4);
    if (!Number.isFinite(orders)) return `more orders of instrument ${instrument} than there can be`;
    const known = this.#dictionary.books.length;
    const book = this.#dictionary.add({
      source: SOURCE,
      publisher: 0,
      instrument: BigInt(instrument),
      channel: 0,
      priceScale: 0,
      quantityScale: 0,
      symbol: null,
    });
    if (book < 0) return `more than ${known} instruments`;
    if (book < known) return `instrument ${instrument} stands in it twice`;
    this.#book = book;
    this.#books -= 1;
    this.#orders = orders;
    return null;
  }

  #takeOrder(batch: EventBatch): string | null {
    const { view, position: at } = this.#window;
    const side = view.getUint32(at + 24, true);
    if (side > 1) return `${this.#idText()} is on side ${side}`;
    const price = view.getInt32(at + 12, true) * TWO_32 + view.getUint32(at + 8, true);
    if (price > EXACT_MAX || price < -EXACT_MAX) return `the price of ${this.#idText()} is beyond 2^53`;
    const quantity = view.getInt32(at + 20, true) * TWO_32 + view.getUint32(at + 16, true);
    if (quantity <= 0 || quantity > EXACT_MAX)
      return `the quantity of ${this.#idText()} is none from 1 to 2^53`;
    const to = batch.count * RECORD_WORDS;
    const { words } = batch;
    this.#orders -= 1;
    const last = this.#orders === 0 ? FLAG_LAST : 0;
    words[to] = KIND_ADD | ((FLAG_SNAPSHOT | last | (side === 1 ? FLAG_ASK : 0)) << 8);
    words[to + 1] = this.#book;
    for (let word = 0; word < 6; word += 1) words[to + 2 + word] = view.getInt32(at + word * 4, true);
    words[to + 8] = 0;
    words[to + 9] = 0;
    batch.count += 1;
    return null;
  }

  #idText(): string {
    const { view, position: at } = this.#window;
    return `order ${toBigUint(view.getInt32(at + 4, true), view.getInt32(at, true))}`;
  }

  /** Gives an empty batch its bases. */
  #open(batch: EventBatch): void {
    batch.channel = 0;
    batch.sequenceBase = 0;
    batch.venueBaseHigh = this.#wallHigh;
    batch.venueBaseLow = this.#wallLow;
    batch.receiveBaseHigh = this.#wallHigh;
    batch.receiveBaseLow = this.#wallLow;
  }

  #end(): number {
    const window = this.#window;
    if (window.available > 0) return this.#damaged('bytes behind the last order');
    return window.ended ? OBSNAP_END : OBSNAP_MORE;
  }

  #missing(needed: number): number {
    const window = this.#window;
    if (!window.ended) return OBSNAP_MORE;
    const left = this.#hasBody ? `, ${this.#orders} orders and ${this.#books} instruments are to come` : '';
    this.#damaged(`the file ends ${needed - window.available} bytes too early${left}`);
    return OBSNAP_TRUNCATED;
  }

  #damaged(problem: string): number {
    this.problem = problem;
    this.problemOffset = this.#window.offset;
    return OBSNAP_DAMAGED;
  }
}
