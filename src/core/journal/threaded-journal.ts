import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import { MdxError } from '../errors.ts';
import type { EventBatch } from '../event/batch.ts';
import { RECORD_BYTES } from '../event/record.ts';
import { ThreadCpu } from '../observe/thread-cpu.ts';
import { startThread } from '../threads/start-thread.ts';
import { type JournalBooks, MarketStanding } from './book-standing.ts';
import { IMAGE_RECORD_WORDS, ImageRecords, type RecordSink } from './image-records.ts';
import type { ImageTaker } from './image-taker.ts';
import { putImage, type StreamPlace } from './image-writer.ts';
import { JournalControl, STATE_DEAD, STATE_ENDED } from './journal-control.ts';
import type { FoundJournal } from './journal-found.ts';
import {
  booksMessages,
  RING_ABANDON,
  RING_BOOKS,
  RING_IMAGE,
  RING_IMAGE_END,
  RING_STANDING,
  type Standing,
  standingMessage,
  sumsMessage,
} from './journal-messages.ts';
import type { JournalPlan, JournalWord, PlainJournalOptions } from './journal-plan.ts';
import { JournalRing } from './journal-ring.ts';
import type { ExistingJournal } from './journal-writer.ts';

/** Slots of the ring unless said otherwise: a quarter of a second of a million events per second. */
const RING_SLOTS = 262_144;
/** Image records of one message. */
const IMAGE_RECORDS = 1600;
/** A slice of an image ends after so long. */
const SLICE_MS = 0.25;
const CLOCK = (): number => performance.now();
const WAIT_MS = 1;
const CLOSE_WAIT_MS = 100;
/** A thread that has not moved for so long will not. */
const SILENCE_MS_MAX = 60_000;

/** What is between the events and the thread that writes them. */
export interface JournalLink {
  readonly ring: JournalRing;
  readonly control: JournalControl;
  readonly cpuTime: ThreadCpu;
  /** What the thread has said since it was asked last. */
  words(): JournalWord[];
  /** Sleeps until there is room in the ring, or the thread is in another state; at most so long. */
  waitForRoom(ms: number): void;
  waitForState(state: number, ms: number): void;
}

/**
 * A journal that is written on a thread of its own, used as a `JournalWriter` is. Events are copied into a ring; where
 * that is full, the caller waits, which `stalls` counts: nothing is dropped.
 */
export class ThreadedJournal {
  readonly found: FoundJournal;
  /** How often a full ring was waited for, and how long in all. */
  stalls = 0;
  stalledMs = 0;
  readonly #link: JournalLink;
  readonly #tell: (text: string) => void;
  readonly #directory: string;
  #failure: MdxError | null = null;
  #books: JournalBooks | null = null;
  #standing: MarketStanding | null = null;
  #taker: ImageTaker | null = null;
  /** Records appended since the last image was begun. */
  #appended = 0;
  /** Of the books, what the thread was told. */
  #told = 0;
  #changes = 0;
  /** Segments that were due and have begun; words that were heard. */
  #rolled = 0;
  #isRollAsked = false;
  #heard = 0;
  #isClosed = false;

  constructor(link: JournalLink, found: FoundJournal, directory: string, tell: (text: string) => void) {
    this.#link = link;
    this.found = found;
    this.#directory = directory;
    this.#tell = tell;
  }

  /** Starts the thread and opens the journal there. Rejects as `JournalWriter.open` throws. */
  static async open(
    options: PlainJournalOptions,
    existing: ExistingJournal,
    tell: (text: string) => void,
    slots: number = RING_SLOTS,
  ): Promise<ThreadedJournal> {
    const ring = new JournalRing(slots);
    const control = new JournalControl();
    const cpuTime = new ThreadCpu();
    const { port1, port2 } = new MessageChannel();
    const plan: JournalPlan = {
      ring: ring.memory,
      slots,
      control: control.memory,
      cpuTime: cpuTime.memory,
      port: port2,
      options,
      existing,
    };
    const worker = startThread('./journal-thread', import.meta.url, {
      workerData: plan,
      transferList: [port2],
    });
    const found = await opened(worker, options.directory, tell);
    worker.unref();
    // The end of the thread is seen by its state; what it died of is said here.
    worker.on('error', ({ message }) => tell(`the thread of the journal died: ${message}`));
    const link: JournalLink = {
      ring,
      control,
      cpuTime,
      words: () => wordsOf(port1),
      waitForRoom: (ms) => ring.waitForRoom(ms),
      waitForState: (state, ms) => control.waitForState(state, ms),
    };
    return new ThreadedJournal(link, found, options.directory, tell);
  }

  get written(): number {
    return this.#link.control.written;
  }

  get durable(): number {
    return this.#link.control.durable;
  }

  get bytes(): number {
    return this.#link.control.bytes;
  }

  get segments(): number {
    return this.#link.control.segments;
  }

  get cpuTime(): ThreadCpu {
    return this.#link.cpuTime;
  }

  /** Slots of the ring that wait for the thread. */
  get waiting(): number {
    return this.#link.ring.used;
  }

  /** An image is on its way: what comes behind it is held back on the thread. */
  get isTakingImage(): boolean {
    return this.#taker?.isTaking === true;
  }

  /** Final: nothing is acknowledged any more. */
  get failure(): MdxError | null {
    if (this.#failure === null) this.#listen();
    return this.#failure;
  }

  begin(about: NonNullable<Standing['about']>, books: JournalBooks): void {
    this.#books = books;
    this.#standing = new MarketStanding(books);
    this.#taker = books.slices?.taker((words, records) => this.#putRecords(words, records)) ?? null;
    this.#beginSegment('begin', about);
  }

  /** Takes the records `from` … `to − 1` of a batch, before they change the books. */
  append(batch: EventBatch, from: number, to: number): void {
    const { dictionary } = this.#books!;
    if (dictionary.books.length !== this.#told || dictionary.changes !== this.#changes) this.#tellBooks();
    const { ring } = this.#link;
    this.#appended += to - from;
    for (let first = from; first < to; ) {
      const end = Math.min(to, first + ring.messageMax);
      while (!ring.putEvents(batch, first, end)) if (!this.#stall()) return;
      first = end;
    }
  }

  /** The thread commits by its own clock. */
  commit(): void {
    this.#listen();
  }

  /** To be called between batches, when the books have all that was appended: begins a segment where one is due. */
  tick(): void {
    this.#listen();
    if (this.#failure !== null) return;
    if (this.#taker !== null) {
      if (this.#taker.isTaking) this.#slice();
      else this.#taker.prepare();
    }
    const isDue = this.#isRollAsked || this.#link.control.due !== this.#rolled;
    if (!isDue || this.#taker?.isTaking === true) return;
    this.#isRollAsked = false;
    this.#rolled = this.#link.control.due;
    this.#beginSegment('roll', null);
  }

  /** Begins a segment with the next `tick`, or when an image that is being taken is whole. */
  roll(): void {
    this.#isRollAsked = true;
  }

  /** Work that may wait is the thread's. */
  work(): boolean {
    return false;
  }

  /** Closes the last segment and waits until that is done. The books have all that was appended. */
  close(): void {
    if (this.#books === null) this.abandon();
    else {
      if (this.#taker?.isTaking === true && this.#taker.sliceUntil(Number.POSITIVE_INFINITY, CLOCK)) {
        this.#endImage();
      }
      this.#tellBooks();
      this.#put(RING_STANDING, standingMessage(this.#stand('close', null, this.#standing!.sums())));
      this.#await();
    }
  }

  /** Gives the directory back where the events do not go on as they should: the last segment stays open. */
  abandon(): void {
    this.#put(RING_ABANDON, new Uint8Array(0));
    this.#link.control.stop();
    this.#await();
  }

  /** Begins a segment, the image of which follows: at once, or in slices with the events that come. */
  #beginSegment(what: 'begin' | 'roll', about: Standing['about']): void {
    this.#tellBooks();
    this.#put(RING_STANDING, standingMessage(this.#stand(what, about, [])));
    const { markets } = this.#books!;
    if (this.#taker === null || what === 'begin') {
      const most = Math.min(IMAGE_RECORDS, this.#link.ring.messageMax);
      const sink: RecordSink = (words, records) => this.#putRecords(words, records);
      putImage(new ImageRecords(new Int32Array(most * IMAGE_RECORD_WORDS), most, sink), markets);
      this.#put(RING_IMAGE_END, sumsMessage(null));
      return;
    }
    this.#appended = 0;
    this.#taker.begin(markets);
    this.#slice();
    this.#goOnLater();
  }

  /** Goes on with the image for a while; to its end where the thread holds too much that came behind it. */
  #slice(): void {
    const taker = this.#taker!;
    const isUrgent = this.#appended > this.#link.ring.slots;
    const until = isUrgent ? Number.POSITIVE_INFINITY : performance.now() + SLICE_MS;
    if (taker.isTaking && taker.sliceUntil(until, CLOCK)) this.#endImage();
  }

  #endImage(): void {
    this.#put(RING_IMAGE_END, sumsMessage(null));
  }

  /** Where no events come that would do it, the event loop takes the image to its end. */
  #goOnLater(): void {
    setImmediate(() => {
      if (this.#taker?.isTaking !== true || this.#isClosed) return;
      this.#slice();
      this.#goOnLater();
    });
  }

  #stand(what: Standing['what'], about: Standing['about'], sums: Standing['sums']): Standing {
    const { markets, slices } = this.#books!;
    const shape = {
      sources: markets.length,
      perChannel: slices?.perChannel ?? markets.length > 1,
      hasSideIds: markets[0]?.rules.idScope === 'bookSide',
    };
    return { what, about, place: this.#places(), counts: this.#standing!.counts(), sums, shape };
  }

  #putRecords(words: Int32Array, records: number): void {
    const most = this.#link.ring.messageMax;
    for (let from = 0; from < records; from += most) {
      const bytes = Math.min(most, records - from) * RECORD_BYTES;
      this.#put(RING_IMAGE, new Uint8Array(words.buffer, words.byteOffset + from * RECORD_BYTES, bytes));
    }
  }

  #places(): StreamPlace {
    return this.#standing!.places();
  }

  /** Tells the thread the books that are new; all of them where one has changed. */
  #tellBooks(): void {
    const { dictionary } = this.#books!;
    const isChanged = dictionary.changes !== this.#changes;
    const books = isChanged ? dictionary.books : dictionary.books.slice(this.#told);
    this.#told = dictionary.books.length;
    this.#changes = dictionary.changes;
    for (const message of booksMessages(books)) this.#put(RING_BOOKS, message);
  }

  #put(kind: number, bytes: Uint8Array): void {
    while (!this.#link.ring.putBytes(kind, bytes)) if (!this.#stall()) return;
  }

  /** Waits for room in the ring. @returns false where there will be none. */
  #stall(): boolean {
    const { ring, control } = this.#link;
    this.stalls += 1;
    const started = performance.now();
    const { used } = ring;
    const { turns } = control;
    let has = true;
    do {
      this.#link.waitForRoom(WAIT_MS);
      has = this.#lives(control.turns === turns ? performance.now() - started : 0);
    } while (has && ring.used >= used);
    this.stalledMs += performance.now() - started;
    return has;
  }

  #await(): void {
    const { control } = this.#link;
    const started = performance.now();
    for (let turns = control.turns; !this.#isClosed; ) {
      const { state } = control;
      if (state === STATE_ENDED) this.#isClosed = true;
      else if (!this.#lives(control.turns === turns ? performance.now() - started : 0)) this.#isClosed = true;
      else this.#link.waitForState(state, CLOSE_WAIT_MS);
    }
    this.#listen();
  }

  /** @param silentMs that the thread has not moved for. */
  #lives(silentMs: number): boolean {
    if (this.#link.control.state === STATE_DEAD) this.#fail('its thread is gone');
    else if (silentMs > SILENCE_MS_MAX) this.#fail(`its thread has not moved for ${(silentMs / 1000) | 0} s`);
    return this.#link.control.state < STATE_ENDED && this.#failure === null;
  }

  /** Hears what the thread has said. */
  #listen(): void {
    const { control } = this.#link;
    if (control.state === STATE_DEAD && !this.#isClosed) this.#fail('its thread is gone');
    const { said } = control;
    if (said === this.#heard) return;
    this.#heard = said;
    for (const word of this.#link.words()) {
      if (word.kind === 'tell') this.#tell(word.text);
      else if (word.kind === 'failed') this.#failure ??= errorOf(word);
    }
  }

  #fail(problem: string): void {
    this.#failure ??= new MdxError('journal-failed', `writing the journal ${this.#directory}: ${problem}`);
  }
}

/** Waits until the thread has opened the journal. */
async function opened(
  worker: Worker,
  directory: string,
  tell: (text: string) => void,
): Promise<FoundJournal> {
  try {
    return await new Promise<FoundJournal>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => {
        reject(new MdxError('journal-failed', `opening the journal ${directory}: its thread is gone`));
      });
      worker.on('message', (word: JournalWord) => {
        if (word.kind === 'opened') resolve(word.found);
        else if (word.kind === 'failed') reject(errorOf(word));
        else tell(word.text);
      });
    });
  } finally {
    worker.removeAllListeners();
  }
}

function wordsOf(port: MessagePort): JournalWord[] {
  const words: JournalWord[] = [];
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    words.push(next.message as JournalWord);
  }
  return words;
}

function errorOf({ code, message, hint }: Extract<JournalWord, { kind: 'failed' }>): MdxError {
  return new MdxError(code, message, { hint: hint ?? undefined });
}
