import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamFacts } from '../feeds/feed.ts';
import { segmentName } from '../journal/directory.ts';
import { FRAME_END, FRAME_MORE } from '../journal/frame-reader.ts';
import { JournalReader } from '../journal/journal-reader.ts';
import { NODE_DISK } from '../journal/node-disk.ts';
import type { SegmentStart } from '../journal/segment-peek.ts';
import {
  SEGMENT_BEGINS,
  SEGMENT_CLOSED,
  SEGMENT_EVENTS,
  SEGMENT_IMAGE,
  SegmentReader,
} from '../journal/segment-reader.ts';
import type { Books } from './books.ts';
import { type EventDelivery, feedOf } from './event-delivery.ts';
import { ChangeWatch } from './follow.ts';
import { ImageInput, imageBehind } from './image-input.ts';
import { frameBehind, tornBytes } from './journal-damage.ts';
import { beginsBeyond, segmentFor, segmentWith } from './journal-seek.ts';
import { JournalSource } from './journal-source.ts';
import { readError } from './raw-source.ts';
import type { InputResult, RunState } from './run-state.ts';

/** The journal in a directory; null where a path is something else. Throws MdxError where it cannot be looked at. */
export function openJournal(path: string): JournalReader | null {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return null;
    return JournalReader.open(NODE_DISK, path);
  } catch (error) {
    throw readError(path, error);
  }
}

/** Reads journals: directories of segments, as one stream of events. */
export class JournalInput {
  /** One per journal; the numbers of its messages stand in the events. */
  readonly streams: StreamFacts[] = [];
  readonly #state: RunState;
  readonly #delivery: EventDelivery;

  constructor(state: RunState, delivery: EventDelivery) {
    this.#state = state;
    this.#delivery = delivery;
  }

  async read(path: string, journal: JournalReader): Promise<void> {
    this.#state.refuseMixture(path, false);
    this.#state.inputPlaces = () => this.#delivery.places;
    this.streams.push({ sequence: null });
    try {
      await new JournalReading(this.#state, this.#delivery, path, journal).read();
    } catch (error) {
      throw isOfSystem(error) ? readError(path, error) : error;
    }
  }
}

/**
 * One journal. The image that it is read from makes the books; later images say what the books are already and are left out.
 * Where events are missing, in a segment or between two, all channels have a gap, and the next good image takes the place
 * of the books. Damage in what is not needed to go on costs nothing but the word of it.
 */
class JournalReading {
  readonly #state: RunState;
  readonly #delivery: EventDelivery;
  readonly #path: string;
  readonly #journal: JournalReader;
  readonly #input: InputResult;
  readonly #source: JournalSource;
  /** It is being written: behind its end more may come. */
  readonly #follows: boolean;
  /** The segment to begin with. */
  #first: number;
  /** Reads segments that go on with each other; null in front of the first that can be read. */
  #reader: SegmentReader | null = null;
  /** An image has to come before events can. */
  #needsImage = false;
  /** The image that is coming, and the books that it makes. */
  #loading: { readonly image: ImageInput; readonly books: Books } | null = null;
  #hasDelivered = false;
  /** Something in the last segment could not be read. */
  #isBroken = false;
  /** What was said already. */
  readonly #said: Set<string> = new Set();

  constructor(state: RunState, delivery: EventDelivery, path: string, journal: JournalReader) {
    this.#state = state;
    this.#delivery = delivery;
    this.#path = path;
    this.#journal = journal;
    this.#input = state.addInput(path, 'journal', false);
    this.#first = this.#firstSegment();
    const { follow, signal, stop } = state.options;
    this.#follows = follow === true;
    const changes = this.#follows ? new ChangeWatch(path, signal, stop) : null;
    this.#source = new JournalSource(path, journal, this.#first, changes);
  }

  async read(): Promise<void> {
    const { files } = this.#journal;
    for (let at = this.#first; at < files.length && this.#state.stopped === null; at += 1) {
      await this.#segment(at);
      if (!this.#isUseless(at)) continue;
      this.#tell(`${files[at]!.name} has no image that books can be built from; the one before is used`);
      this.#reader = null;
      this.#first -= 1;
      at = this.#first - 1;
    }
    if (this.#state.stopped === null) this.#noteMissing();
    await this.#source.close();
    await this.#delivery.end(this.#source, this.#input);
  }

  #firstSegment(): number {
    const { seeks, from, until, messagesMax, stopAt, feeds, beginAt } = this.#state.options;
    if (beginAt !== undefined) return segmentWith(this.#journal, beginAt);
    const isPart = from !== null || until !== null || Number.isFinite(messagesMax);
    const start = this.#journal.files.length > 0 ? this.#journal.start(0) : '';
    if (seeks !== true || isPart || typeof start === 'string') return 0;
    const feed = feedOf(this.#path, start.head, feeds, this.#state.feed);
    return feed === null ? 0 : segmentFor(this.#journal, stopAt, feed.rules);
  }

  /** Came nothing out of the segment to begin with, and is there one in front of it? */
  #isUseless(at: number): boolean {
    if (at !== this.#first || at === 0 || this.#hasDelivered || this.#state.stopped !== null) return false;
    return this.#reader === null || this.#needsImage;
  }

  async #segment(at: number): Promise<void> {
    const start = this.#journal.start(at);
    if (typeof start === 'string') {
      if (!this.#isTorn(at)) this.#noteDamage(this.#journal.pathOf(at), 0, start);
      return;
    }
    if (this.#reader !== null && isNext(this.#reader, start)) this.#reader.goOn();
    else this.#reader = this.#begin(at, start);
    this.#isBroken = false;
    this.#source.open(at);
    this.#source.seek(this.#state.window, 0);
    await this.#frames(at, this.#reader);
  }

  /** A segment that does not go on with what was read so far, if anything was. */
  #begin(at: number, start: SegmentStart): SegmentReader {
    const { window, dictionary, options } = this.#state;
    const isFirst = at === this.#first;
    if (!isFirst) this.#noteBreak(at, start);
    // Books that begin at a time begin empty; what in a later image is behind a time to end at is not known.
    // A journal that the run goes on with knows better.
    const isResumed = (options.resume ?? null) !== null;
    this.#needsImage =
      !isResumed &&
      options.from === null &&
      (isFirst || options.until === null) &&
      !this.#isBehindPoint(at, start);
    this.#loading = null;
    return new SegmentReader(window, dictionary);
  }

  /** Begins the journal behind the point that is asked for? Then its first image is, too. */
  #isBehindPoint(at: number, { event }: SegmentStart): boolean {
    const { stopAt } = this.#state.options;
    if (at > 0 || stopAt === null || event === 1) return false;
    if (stopAt.kind === 'event') return stopAt.event < event - 1;
    return beginsBeyond(this.#journal, at, stopAt);
  }

  async #frames(at: number, reader: SegmentReader): Promise<void> {
    const state = this.#state;
    while (state.stopped === null) {
      const answer = reader.next();
      if (answer === SEGMENT_BEGINS) {
        const { epochHigh: high, epochLow: low } = reader.frames;
        state.options.resume?.refuseOther(this.#path, { high, low });
        state.epoch = { high, low };
        this.#delivery.begin(this.#path, reader.head!);
      } else if (answer === SEGMENT_IMAGE) await this.#takeImage(reader);
      else if (answer === SEGMENT_CLOSED || answer === SEGMENT_EVENTS) {
        if (this.#needsImage) reader.frames.refuse('no whole image stands in front of it');
        else if (answer === SEGMENT_EVENTS) await this.#deliver(reader);
      } else if (answer === FRAME_MORE) {
        await state.breathe(this.#source);
        if (state.stopped === null) await state.fill(this.#source);
      } else if (answer === FRAME_END || !this.#goesOn(at, reader)) return;
    }
  }

  async #deliver(reader: SegmentReader): Promise<void> {
    this.#hasDelivered = true;
    await this.#delivery.deliver(this.#source, reader, this.#input);
  }

  /** Takes a frame of an image, if one is needed; what is wrong with it the reader is told. */
  async #takeImage(reader: SegmentReader): Promise<void> {
    const { books, window } = this.#state;
    if (!this.#needsImage || books === null) return;
    this.#loading ??= { image: new ImageInput(), books: books.emptyCopy() };
    const { image, books: loaded } = this.#loading;
    const problem = image.take(loaded, window.view, reader);
    if (problem !== null) reader.frames.refuse(problem);
    if (image.facts === null) return;
    if (this.#hasDelivered) {
      this.#state.beginAnew(this.#path);
      this.#delivery.tellGaps();
      // What is held for somebody who watches belongs to the books as they were.
      await this.#state.breathe(this.#source);
    } else if (books.last.count > 0 && image.facts.records > 0) throw imageBehind(this.#path);
    else if (image.facts.event > 0) this.#state.beginWith(this.#input, image.facts);
    books.adopt(loaded.markets);
    this.#delivery.forgetLosses();
    this.#needsImage = false;
  }

  /** A frame cannot be read, or the segment ends without its close. @returns whether reading goes on all the same. */
  #goesOn(at: number, reader: SegmentReader): boolean {
    const { frames } = reader;
    const isLast = at === this.#journal.files.length - 1;
    const { problem } = this.#source;
    if (reader.endsOpen && problem === null && !this.#needsImage) {
      if (isLast)
        this.#tell('its last segment is not closed: it is being written, or its writer did not end in order');
      return false;
    }
    if (this.#isTorn(at) || this.#isCutOff(at, reader)) return false;
    const offset = frames.problemOffset;
    this.#noteDamage(this.#journal.pathOf(at), offset, problem ?? frames.problem ?? '');
    // The first event that ever came needs no image.
    if (this.#needsImage && (reader.head === null || reader.nextEvent !== 1)) return false;
    const behind = frameBehind(this.#journal, at, offset);
    if (behind === null || behind.event !== reader.nextEvent) return false;
    this.#needsImage = false;
    this.#isBroken = false;
    frames.skipTo(behind.frame, behind.lastCrc);
    this.#source.seek(this.#state.window, behind.offset);
    return true;
  }

  /** Ends the journal in what was being written and was never promised? Says so. */
  #isTorn(at: number): boolean {
    if (at < this.#journal.files.length - 1) return false;
    const bytes = tornBytes(this.#journal);
    if (bytes === null) return false;
    this.#input.skipped.set('tornBytes', bytes);
    this.#tell(`its last ${bytes} bytes are not whole: they were being written and were never promised`);
    return true;
  }

  /** Was what begins here cut off again, as the segment that was written behind it says? */
  #isCutOff(at: number, reader: SegmentReader): boolean {
    if (!this.#follows || at === this.#journal.files.length - 1) return false;
    const next = this.#journal.start(at + 1);
    return typeof next !== 'string' && isNext(reader, next);
  }

  /** Events are missing in front of a segment. */
  #noteBreak(at: number, start: SegmentStart): void {
    const { files, directory } = this.#journal;
    const missing = files[at]!.number - files[at - 1]!.number - 1;
    if (missing > 0) {
      const path = join(directory, segmentName(files[at]!.number - missing));
      this.#noteDamage(
        path,
        0,
        missing === 1 ? 'it is missing' : `it and ${missing - 1} behind it are missing`,
      );
    } else if (!this.#isBroken) {
      this.#noteDamage(this.#journal.pathOf(at), 0, 'it was not written behind the segment in front of it');
    }
    const next = this.#reader?.nextEvent ?? start.event;
    const lost = Math.max(1, start.event - next);
    this.#delivery.lose(this.#input, lost);
    this.#tell(`${lost} events in front of event ${start.event} are missing`);
  }

  /** Notes what was promised and is not there, where nothing else is wrong with the end. */
  #noteMissing(): void {
    const { durable, files, directory } = this.#journal;
    const next = this.#reader?.nextEvent ?? 1;
    if (durable === null || this.#isBroken || durable.event < next) return;
    const path = join(directory, files.at(-1)?.name ?? segmentName(durable.segment));
    this.#noteDamage(path, 0, `events ${next} to ${durable.event} were durable, and are missing`);
  }

  #noteDamage(path: string, offset: number, problem: string): void {
    this.#isBroken = true;
    const { damage } = this.#state;
    if (!damage.some((each) => each.path === path && each.offset === offset))
      damage.push({ path, offset, problem });
  }

  #tell(what: string): void {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    this.#state.options.tell?.(`${this.#path}: ${what}`);
  }
}

/** Is a segment the one that was written behind what was read so far? */
function isNext(
  { frames, nextEvent }: SegmentReader,
  { head, frame, event, lastCrc }: SegmentStart,
): boolean {
  return (
    frame === frames.frameNumber + 1 &&
    event === nextEvent &&
    lastCrc === frames.lastCrc &&
    head.lastCrc === lastCrc &&
    head.lastFrame === BigInt(frames.frameNumber)
  );
}

function isOfSystem(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== undefined;
}
