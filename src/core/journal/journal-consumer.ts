import { copyOf, type EventBatch } from '../event/batch.ts';
import type { BookStanding } from './book-standing.ts';
import { FRAME_HEADER_BYTES, FRAME_IMAGE, type FrameWriter, IMAGE_END, IMAGE_HEAD } from './frame.ts';
import { IMAGE_RECORD_BYTES, type SourceSum, writeImageEnd, writeImageHead } from './image-payload.ts';
import { IMAGE_RECORD_WORDS } from './image-records.ts';
import { sumsOfImage } from './image-sums.ts';
import type { StreamPlace } from './image-writer.ts';
import { type JournalControl, STATE_ENDED } from './journal-control.ts';
import {
  RING_ABANDON,
  RING_BOOKS,
  RING_IMAGE,
  RING_IMAGE_END,
  RING_STANDING,
  readBooksMessage,
  readStanding,
  readSums,
  type Standing,
} from './journal-messages.ts';
import type { JournalWord } from './journal-plan.ts';
import { type JournalRing, RING_EVENTS } from './journal-ring.ts';
import type { JournalWriter } from './journal-writer.ts';
import type { KnownBooks } from './segment-writer.ts';

/** Messages between two looks at the clock. */
const MESSAGES_PER_LOOK = 64;
/** Bytes written between two pieces of work that may wait, while there are messages. */
const BYTES_PER_WORK = 4_194_304;
/** Room for an image that is kept for the next one. */
const IMAGE_WORDS_KEPT = 4_194_304;

/** The thread's end of a ring: what comes is written to a journal. */
export class JournalConsumer {
  readonly #ring: JournalRing;
  readonly #control: JournalControl;
  readonly #writer: JournalWriter;
  readonly #say: (word: JournalWord) => void;
  readonly #books: ReceivedBooks = new ReceivedBooks();
  /** What came behind a standing whose image is not whole yet: events, and messages of books. */
  readonly #held: (EventBatch | Uint8Array)[] = [];
  /** An image is on its way. */
  #isHolding = false;
  #isFullSaid = false;
  #isFailureSaid = false;
  /** Bytes that were written when such work was done last. */
  #workedAt = 0;
  /** Everything is written, or given up. */
  ended = false;

  constructor(
    ring: JournalRing,
    control: JournalControl,
    writer: JournalWriter,
    say: (word: JournalWord) => void,
  ) {
    this.#ring = ring;
    this.#control = control;
    this.#writer = writer;
    this.#say = say;
  }

  /** Takes messages that are there and commits what is due. @returns whether there was anything to do. */
  turn(): boolean {
    let did = false;
    for (let left = MESSAGES_PER_LOOK; left > 0 && !this.ended; left -= 1) {
      const kind = this.#ring.next();
      if (kind === 0) break;
      this.#take(kind);
      this.#ring.giveBack();
      did = true;
    }
    if (!this.ended && !did && this.#control.shouldStop) this.#abandon();
    if (!this.ended) this.#look();
    this.#tell();
    const works = this.#work(did);
    return did || works;
  }

  /** What may wait is done where nothing waits for the thread, and from time to time. @returns whether there is more. */
  #work(isBusy: boolean): boolean {
    const { bytes } = this.#writer;
    if (this.ended || (isBusy && bytes - this.#workedAt < BYTES_PER_WORK)) return false;
    this.#workedAt = bytes;
    return this.#writer.work();
  }

  #take(kind: number): void {
    const { batch, from, to, bytes } = this.#ring;
    if (kind === RING_EVENTS) {
      if (this.#isHolding) this.#held.push(copyOf(batch, from, to));
      else this.#writer.append(batch, from, to);
    } else if (kind === RING_BOOKS) {
      if (this.#isHolding) this.#held.push(Uint8Array.from(bytes));
      else this.#books.learn(bytes);
    } else if (kind === RING_IMAGE) this.#books.take(bytes);
    else if (kind === RING_STANDING) this.#stand(readStanding(bytes));
    else if (kind === RING_IMAGE_END) this.#beginSegment(readSums(bytes));
    else if (kind === RING_ABANDON) this.#abandon();
  }

  #stand(standing: Standing): void {
    this.#books.standing = standing;
    if (standing.what === 'close') this.#end(() => this.#writer.close());
    else this.#isHolding = true;
  }

  /** The image is whole: the segment in front of it is closed, and what was held is written behind it. */
  #beginSegment(sums: readonly SourceSum[] | null): void {
    const books = this.#books;
    const { standing } = books;
    books.standing = { ...standing!, sums: sums ?? books.sumsOfImage() };
    if (standing!.about !== null) this.#writer.beginFrom(standing!.about, books);
    else this.#writer.roll();
    books.forgetImage();
    this.#isFullSaid = false;
    this.#release();
  }

  #release(): void {
    this.#isHolding = false;
    for (const held of this.#held) {
      if (held instanceof Uint8Array) this.#books.learn(held);
      else this.#writer.append(held, 0, held.count);
    }
    this.#held.length = 0;
  }

  /** What was held for an image that does not come any more stays in the segment at hand. */
  #abandon(): void {
    if (this.#isHolding && this.#books.standing?.what === 'roll') this.#release();
    this.#end(() => this.#writer.abandon());
  }

  #look(): void {
    const writer = this.#writer;
    if (this.#books.standing === null || this.#isHolding) return;
    writer.commitIfDue();
    if (!writer.isFull || this.#isFullSaid) return;
    this.#isFullSaid = true;
    this.#control.setDue();
  }

  #end(end: () => void): void {
    end();
    this.ended = true;
    this.#tell();
    this.#control.setState(STATE_ENDED);
  }

  #tell(): void {
    const { failure } = this.#writer;
    this.#control.publish(this.#writer);
    this.#control.turn();
    if (failure === null || this.#isFailureSaid) return;
    this.#isFailureSaid = true;
    const { code, message, hint } = failure;
    this.#say({ kind: 'failed', code, message, hint });
  }
}

/** Books as they were told, and their image as it came. */
class ReceivedBooks implements BookStanding {
  readonly dictionary: KnownBooks & { changes: number } = { books: [], changes: 0 };
  standing: Standing | null = null;
  #image: Int32Array<ArrayBuffer> = new Int32Array(IMAGE_RECORD_WORDS);
  #records = 0;

  learn(bytes: Uint8Array): void {
    for (const book of readBooksMessage(bytes)) this.dictionary.books[book.number] = book;
    this.dictionary.changes += 1;
  }

  take(records: Uint8Array): void {
    const used = this.#records * IMAGE_RECORD_BYTES;
    if (used + records.length > this.#image.byteLength) {
      const larger = new Int32Array(Math.max(this.#image.length * 2, (used + records.length) / 4));
      larger.set(this.#image);
      this.#image = larger;
    }
    new Uint8Array(this.#image.buffer).set(records, used);
    this.#records += records.length / IMAGE_RECORD_BYTES;
  }

  forgetImage(): void {
    this.#records = 0;
    if (this.#image.length > IMAGE_WORDS_KEPT) this.#image = new Int32Array(IMAGE_RECORD_WORDS);
  }

  sumsOfImage(): readonly SourceSum[] {
    return sumsOfImage(this.#image, this.#records, this.dictionary.books, this.standing!.shape);
  }

  places(): StreamPlace {
    return this.standing!.place;
  }

  counts(): Standing['counts'] {
    return this.standing!.counts;
  }

  sums(): readonly SourceSum[] {
    return this.standing!.sums;
  }

  writeImage(frames: FrameWriter, place: StreamPlace): void {
    const { view, words } = frames;
    const at = FRAME_HEADER_BYTES;
    const head = { ...place, nextEvent: frames.eventNumber };
    frames.write(FRAME_IMAGE, writeImageHead(view, at, head), 0, 0, IMAGE_HEAD);
    const most = Math.floor(frames.payloadMax / IMAGE_RECORD_BYTES);
    for (let from = 0; from < this.#records; from += most) {
      const count = Math.min(most, this.#records - from);
      words.set(this.#image.subarray(from * IMAGE_RECORD_WORDS, (from + count) * IMAGE_RECORD_WORDS));
      frames.write(FRAME_IMAGE, count * IMAGE_RECORD_BYTES, count, 0);
    }
    const end = { records: this.#records, sums: this.standing!.sums };
    frames.write(FRAME_IMAGE, writeImageEnd(view, at, end), 0, 0, IMAGE_END);
  }
}
