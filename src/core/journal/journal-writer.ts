import { dirname, join } from 'node:path';
import type { MdxError } from '../errors.ts';
import type { EventBatch } from '../event/batch.ts';
import { type BookStanding, type JournalBooks, MarketStanding } from './book-standing.ts';
import { CompressionQueue, removeUnfinished } from './compressed-segment.ts';
import { segmentName } from './directory.ts';
import type { DiskFile } from './disk.ts';
import { DurableFile } from './durable-file.ts';
import { FreeSpace } from './free-space.ts';
import type { StreamPlace } from './image-writer.ts';
import { IndexBuilder } from './index-builder.ts';
import { saveIndex } from './index-file.ts';
import { journalError } from './journal-errors.ts';
import { clearJournal, type FoundJournal, findJournal } from './journal-found.ts';
import type { ExistingJournal, JournalOptions } from './journal-options.ts';
import { JournalLock } from './lock.ts';
import { thisMachine } from './machine.ts';
import type { SegmentHead } from './payload.ts';
import { removeOldSegments } from './retention.ts';
import { SegmentWriter } from './segment-writer.ts';

export type { JournalBooks } from './book-standing.ts';
export type { ExistingJournal, FsyncPolicy, JournalOptions } from './journal-options.ts';

/**
 * Writes events as a journal: a directory of segments, each beginning with an image of the books. Events leave in frames
 * (`written`), and after a sync they survive a loss of power (`durable`): that alone may be promised to anybody.
 *
 * A write or sync that fails is final, because nobody knows what the disk holds then: `failure` says so, and from then on
 * nothing is written and `durable` stays. Methods do not throw for it.
 */
export class JournalWriter {
  /** What was in the directory before. */
  readonly found: FoundJournal;
  failure: MdxError | null = null;
  /** Last events in frames that were handed to the system, and that survive a loss of power; 0 = none. */
  written: number;
  durable: number;
  /** Segments begun by this writer. */
  segments = 0;
  readonly #options: JournalOptions;
  readonly #lock: JournalLock;
  readonly #durableFile: DurableFile;
  readonly #space: FreeSpace;
  readonly #segment: SegmentWriter;
  #about: Pick<SegmentHead, 'timeBase' | 'sources'> = { timeBase: 'utc', sources: [] };
  #books: BookStanding | null = null;
  #file: DiskFile | null = null;
  /** Of the segment at hand; groups that have not ended are known over segments. */
  readonly #index: IndexBuilder = new IndexBuilder();
  /** Number that the first event of the segment has. */
  #firstEvent = 0;
  /** Bytes written to the segment; to segments before. */
  #bytes = 0;
  #bytesBefore = 0;
  #isSynced = true;
  readonly #compressions: CompressionQueue;
  #committedAt: number;
  #syncedAt: number;

  private constructor(
    options: JournalOptions,
    lock: JournalLock,
    durableFile: DurableFile,
    found: FoundJournal,
  ) {
    const { disk, directory, minFreeBytes, tell, now } = options;
    this.#options = options;
    this.#lock = lock;
    this.#durableFile = durableFile;
    this.found = found;
    this.written = found.lastEvent;
    this.durable = found.lastEvent;
    this.#space = new FreeSpace(disk, directory, minFreeBytes, tell, now);
    this.#compressions = new CompressionQueue(disk, directory, tell);
    this.#segment = new SegmentWriter((frame) => this.#put(frame), found.epoch, undefined, found.place);
    this.#segment.frames.durableEvent = found.lastEvent;
    this.#committedAt = now();
    this.#syncedAt = now();
  }

  /**
   * Takes a directory to write to, made where it is missing. Throws MdxError `journal-busy` while another process writes
   * it, `output-exists`, `input-damaged` where what is there is not whole, `journal-full` and `journal-failed`.
   * @param existing what to do with a journal that is there.
   */
  static open(options: JournalOptions, existing: ExistingJournal = 'resume'): JournalWriter {
    const { disk, directory, bootId } = options;
    let lock: JournalLock | null = null;
    try {
      if (disk.list(directory).length === 0) {
        disk.makeDirectory(directory);
        disk.syncDirectory(dirname(directory));
      }
      lock = JournalLock.take(disk, directory, thisMachine(bootId));
      if (existing !== 'resume') clearJournal(disk, directory, existing === 'replace');
      removeUnfinished(disk, directory);
      const durableFile = new DurableFile(disk, directory);
      const found = findJournal(options, durableFile);
      const writer = new JournalWriter(options, lock, durableFile, found);
      writer.#space.look(0);
      return writer;
    } catch (error) {
      giveBack(lock);
      throw journalError(directory, 'opening', error);
    }
  }

  /** Written to segments so far. */
  get bytes(): number {
    return this.#bytesBefore + this.#bytes;
  }

  /** Begins the first segment, with an image of the books as they are. */
  begin(about: Pick<SegmentHead, 'timeBase' | 'sources'>, books: JournalBooks): void {
    this.beginFrom(about, new MarketStanding(books));
  }

  /** The same with books that are somewhere else. */
  beginFrom(about: Pick<SegmentHead, 'timeBase' | 'sources'>, books: BookStanding): void {
    this.#about = about;
    this.#books = books;
    for (const place of books.places().channels) this.#segment.goOn(place);
    this.#begin();
  }

  /** Takes the records `from` … `to − 1` of a batch, before they change the books. */
  append(batch: EventBatch, from: number, to: number): void {
    if (this.failure === null) this.#segment.append(batch, from, to, this.#books!.dictionary);
  }

  /** Hands everything that was appended to the system, and syncs it if that is due. */
  commit(): void {
    this.#segment.cut();
    const { now, fsync } = this.#options;
    const time = now();
    this.#committedAt = time;
    if (fsync.kind === 'batch' || (fsync.kind === 'interval' && time - this.#syncedAt >= fsync.ms))
      this.#sync();
    if (this.failure !== null) return;
    try {
      this.#space.watch(this.bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * To be called between batches, when the books have all that was appended: commits if that is due, and begins a new
   * segment if this one is full.
   */
  tick(): void {
    if (this.isFull) this.roll();
    else this.commitIfDue();
  }

  commitIfDue(): void {
    if (this.#options.now() - this.#committedAt >= this.#options.commitMs) this.commit();
  }

  /** Does a piece of what may wait: closed segments are compressed. @returns false when nothing is left of it. */
  work(): boolean {
    return this.#compressions.step();
  }

  /** Has the segment as many events or bytes as it may have? */
  get isFull(): boolean {
    const { segmentBytes, segmentEvents } = this.#options;
    return this.#bytes >= segmentBytes || this.#segment.nextEvent - this.#firstEvent >= segmentEvents;
  }

  /** Closes the segment and begins another. The books have all that was appended. */
  roll(): void {
    this.#end();
    if (this.failure !== null) return;
    this.#segment.frames.segment += 1;
    this.#begin();
  }

  /** Closes the last segment and gives the directory back. The books have all that was appended. */
  close(): void {
    if (this.#books !== null) {
      try {
        // What nobody finds here any more, or another writes by now, does not end as if all were well.
        this.#lock.check();
      } catch (error) {
        this.#fail(error);
      }
      this.#end();
    }
    while (this.work());
    this.#leave();
  }

  /** Gives the directory back where the events do not go on as they should: the last segment stays open. */
  abandon(): void {
    this.#segment.cut();
    this.#sync();
    this.#compressions.abandon();
    this.#leave();
  }

  #leave(): void {
    try {
      this.#file?.close();
      this.#durableFile.sync();
      this.#durableFile.close();
    } catch (error) {
      this.#fail(error);
    }
    giveBack(this.#lock);
  }

  #begin(): void {
    if (this.failure !== null) return;
    const { disk, directory } = this.#options;
    const segment = this.#segment;
    const books = this.#books!;
    this.#bytesBefore += this.#bytes;
    this.#bytes = 0;
    this.#firstEvent = segment.nextEvent;
    try {
      this.#space.look(this.#bytesBefore);
      this.#lock.check();
      this.#file = disk.open(join(directory, segmentName(segment.frames.segment)), 'create');
      // Its name comes first: where its beginning was seen and is lost, whoever goes on sees that there was one.
      disk.syncDirectory(directory);
      segment.open(this.#head());
      segment.tell(books.dictionary);
      books.writeImage(segment.frames, this.#places());
    } catch (error) {
      this.#fail(error);
    }
    this.segments += 1;
    this.#sync();
    this.#removeOld();
  }

  /** Old segments go when the image of a new one is whole, and survives a loss of power. */
  #removeOld(): void {
    if (this.failure !== null) return;
    try {
      const newest = this.#segment.frames.segment;
      removeOldSegments(this.#options, Math.min(newest, this.#compressions.oldest ?? newest));
    } catch (error) {
      this.#options.tell(
        `old segments of ${this.#options.directory} are not removed: ${(error as Error).message}`,
      );
    }
  }

  #head(): SegmentHead {
    const { version, bootId, wallTime } = this.#options;
    const { frameNumber, lastCrc } = this.#segment.frames;
    return {
      ...this.#about,
      version,
      bootId,
      wallTime: wallTime(),
      lastFrame: BigInt(frameNumber - 1),
      lastCrc,
    };
  }

  #end(): void {
    if (this.failure !== null) return;
    const segment = this.#segment;
    const books = this.#books!;
    segment.checkpoint({ ...books.counts(), channels: this.#places().channels });
    // A disk may write the close before what it closes, and a closed segment is never torn.
    this.#sync();
    segment.close(books.sums());
    this.#sync();
    this.#file?.close();
    this.#file = null;
    if (this.failure === null) saveIndex(this.#options, this.#index.index);
    if (this.#options.compress && this.failure === null) this.#compressions.add(segment.frames.segment);
  }

  #places(): StreamPlace {
    const { busCursor, channels } = this.#books!.places();
    return { busCursor, channels: channels.map((place) => this.#segment.standing(place)) };
  }

  /** Takes a whole frame. */
  #put(frame: Uint8Array): void {
    if (this.failure !== null) return;
    try {
      this.#file!.append(frame);
      this.#index.take(frame, this.#bytes);
      this.#bytes += frame.length;
      this.#isSynced = false;
      this.written = this.#segment.frames.eventNumber - 1;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Only what survives a loss of power is said to do so: the sync comes first, and only what stands in the record is promised. */
  #sync(): void {
    if (this.failure !== null || this.#isSynced) return;
    this.#syncedAt = this.#options.now();
    const { frames } = this.#segment;
    try {
      this.#file!.sync();
      this.#isSynced = true;
      this.#durableFile.write({
        event: this.written,
        frame: frames.frameNumber - 1,
        offset: this.#bytes,
        segment: frames.segment,
        epoch: this.found.epoch,
        failed: false,
        wallTime: this.#options.wallTime(),
      });
      this.durable = this.written;
      frames.durableEvent = this.durable;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Nothing is written from now on but the word that this happened, if that still can be. */
  #fail(error: unknown): void {
    if (this.failure !== null) return;
    this.failure = journalError(this.#options.directory, 'writing', error, this.durable);
    try {
      this.#durableFile.fail();
    } catch {
      // The failure that led here is the one to be told.
    }
  }
}

/** Behind a failure, which is the one to be told. */
function giveBack(lock: JournalLock | null): void {
  try {
    lock?.release();
  } catch {
    // A lock whose process is gone is stale.
  }
}
