import type { ChangeObserver } from '../../book/change-observer.ts';
import type { Market } from '../../book/market.ts';
import type { EventBatch } from '../../event/batch.ts';
import { FrameBus } from '../bus.ts';
import { BookTable } from './book-table.ts';
import { ControlFrames, type EpochHalves, type StreamFacts } from './control.ts';
import { Encoder } from './encoder.ts';
import { FramePieces, FrameWriter } from './frame-writer.ts';
import { Image, type LiveBooks } from './image.ts';
import { TYPE_HEARTBEAT } from './layout.ts';
import { CopyMemory } from './market-copy.ts';
import { OrderFrames } from './order-frames.ts';
import { frameScale, type PriceForm } from './price.ts';

export interface PublisherOptions {
  readonly price: PriceForm;
  readonly retainedFrames: number;
  readonly retainedBytes: number;
}

/** What a run tells of its books: `RunFacts` of the pipeline. */
export interface RunBooks {
  readonly books: LiveBooks | null;
  readonly epoch: EpochHalves;
  /** Event that the books began behind, 0 = they began empty. */
  readonly imageEvent: number;
}

/** Who is told that there is something to send. */
export interface PublisherListener {
  /** New frames are on the bus. */
  wake(): void;
  /** Frames in front of those that come next were never made. */
  skipped(): void;
  /** Whoever has a book that is refused from now on must begin anew. */
  refused(book: number): void;
}

/** Frames after which clients are woken though more events are at hand, where a fourth of the memory is not less. */
const WAKE_FRAMES = 1024;
const NO_EPOCH: EpochHalves = { high: 0, low: 0 };
const CONTROL_PIECE_BYTES = 128;

/**
 * Publishes the order changes of a run as raw-v1 frames: an observer of its events. The first frame bears the number of
 * order changes in front of it, so whoever goes on with a history publishes what went before would have.
 */
export class RawV1Publisher {
  readonly bus: FrameBus;
  readonly table: BookTable = new BookTable();
  listener: PublisherListener | null = null;
  /** Nobody goes on in front of this cursor: frames there may be of books that are refused by now, or were. */
  floor = 0;
  readonly #options: PublisherOptions;
  readonly #writer: FrameWriter;
  readonly #frames: OrderFrames;
  readonly #encoder: Encoder;
  readonly #memory: CopyMemory = new CopyMemory();
  #run: RunBooks | null = null;
  #began = false;
  #woken = 0;
  /** Frames that there are beside those of the market at hand. */
  #ahead = 0;
  readonly #wakeFrames: number;
  #refused: number[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#wakeFrames = Math.min(WAKE_FRAMES, Math.ceil(options.retainedFrames / 4));
    this.bus = new FrameBus({ frames: options.retainedFrames, bytes: options.retainedBytes });
    this.#writer = new FrameWriter(this.bus);
    this.#frames = new OrderFrames(this.#writer, this.table, options.price, false);
    this.#frames.onRefused = (book) => this.#refused.push(book);
    this.#encoder = new Encoder(this.#frames, this.table);
  }

  /** Again, where what came so far does not go on: what leads to these books is missing. */
  start(_feed: unknown, run: RunBooks): void {
    this.#run = run;
    if (!this.#began) return;
    const changes = changesOf(run);
    if (changes === this.bus.next) return;
    this.#goOnAt(changes);
    this.bus.skipTo(changes);
    this.listener?.skipped();
  }

  get changes(): ChangeObserver {
    return this.#encoder;
  }

  /** Once for a batch, so that frames have the time of their batch. */
  records(_batch: EventBatch, _from: number, _to: number, market: Market): void {
    if (!this.#began) this.#begin();
    this.#writer.readTime();
    this.#encoder.market = market;
    this.#ahead = this.bus.next - market.changes;
  }

  applied(_batch: EventBatch, _from: number, _to: number, market: Market): void {
    const missing = market.changes + this.#ahead - this.bus.next;
    if (missing !== 0) throw new Error(`raw-v1: ${missing} frames are missing for order changes`);
    if (this.#refused.length > 0) this.#tellRefused();
    if (this.bus.next - this.#woken >= this.#wakeFrames) this.flush();
  }

  /** There are no more events at hand. */
  flush(): void {
    if (this.bus.next === this.#woken) return;
    this.#woken = this.bus.next;
    this.listener?.wake();
  }

  /** Are there books, and a cursor? */
  get isReady(): boolean {
    if (!this.#began && (this.#run?.imageEvent ?? 0) > 0) this.#begin();
    return this.#began;
  }

  /** The books as they are now, to be encoded; null before there are any. Not to be called from within an event. */
  image(): Image | null {
    const books = this.#run?.books ?? null;
    if (!this.isReady || books === null) return null;
    const onRefused = (book: number): void => {
      this.#refused.push(book);
    };
    const { table } = this;
    const memory = this.#memory;
    const image = new Image({ books, table, facts: this.facts(), cursor: this.bus.next, onRefused, memory });
    if (this.#refused.length > 0) this.#tellRefused();
    return image;
  }

  facts(): StreamFacts {
    const { price } = this.#options;
    const epoch = this.#run?.epoch ?? NO_EPOCH;
    const last = this.#run?.books?.dictionary.books.at(-1);
    return {
      epoch,
      price,
      priceScale: frameScale(price, last?.priceScale ?? 0),
      quantityScale: last?.quantityScale ?? 0,
      publisher: last?.publisher ?? 0,
    };
  }

  /** A heartbeat as a whole message. */
  heartbeat(): Buffer {
    return controlMessage((frames) => frames.control(TYPE_HEARTBEAT, this.facts(), this.bus.next, 0));
  }

  /** The message that says which cursors a client has lost. */
  gap(first: number, last: number): Buffer {
    return controlMessage((frames) => frames.gap(first, last));
  }

  #begin(): void {
    if (this.#run === null || this.#run.books === null) return;
    this.#began = true;
    const changes = changesOf(this.#run);
    this.#goOnAt(changes);
    this.bus.begin(changes);
    this.#woken = changes;
  }

  #goOnAt(cursor: number): void {
    // Which books were refused is not kept: whoever was told of one, or was not, begins anew with a snapshot.
    if (this.#options.price === 'e8' && cursor > 0) this.floor = cursor + 1;
    this.#frames.cursor = cursor;
  }

  #tellRefused(): void {
    this.floor = this.bus.next;
    for (const book of this.#refused.splice(0)) this.listener?.refused(book);
  }
}

/** Order changes so far: the cursor of the next frame. */
function changesOf({ books }: RunBooks): number {
  let changes = 0;
  for (const market of books?.markets ?? []) changes += market.changes;
  return changes;
}

function controlMessage(write: (frames: ControlFrames) => void): Buffer {
  const pieces = new FramePieces(CONTROL_PIECE_BYTES);
  const frames = new ControlFrames(pieces);
  frames.writer.readTime();
  write(frames);
  pieces.finish();
  return pieces.pieces[0]!;
}
