import type { Market } from '../book/market.ts';
import type { Conversion } from '../convert/conversion.ts';
import { channelsOf } from '../convert/journal-output.ts';
import { type EventBatch, eventsIn } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import type { Feed } from '../feeds/feed.ts';
import { type Epoch, FIRST_PLACE } from '../journal/frame.ts';
import { type StreamPlace, writeImage } from '../journal/image-writer.ts';
import { firstHead } from '../journal/payload.ts';
import { SegmentWriter } from '../journal/segment-writer.ts';
import type { ByteRing } from '../packet/byte-ring.ts';
import type { RunFacts } from '../pipeline/books.ts';
import type { TapView } from './status.ts';
import { TapImage } from './tap-image.ts';

/** A thread that reads is looked after so often while there is no room. */
const ROOM_MS = 100;
/** What waits for the journal, for room or for the follower is looked after so often while nothing else comes. */
const TEND_MS = 1;
/** A slice of an image ends after so long. */
const SLICE_MS = 0.25;

/** The history that events go on with. */
export interface TapHistory {
  readonly epoch: Epoch;
  /** Number of the event that comes next. */
  readonly nextEvent: number;
}

/** What waits until the journal has written it, or until there is room for it. */
interface Held {
  readonly bytes: Uint8Array;
  /** The last event in it. */
  readonly event: number;
}

/** Whom a tap goes by. */
export interface TapGates {
  /** Number of the last event that the journal has handed to the system; Infinity: there is no journal. */
  written(): number;
  /** Has the follower ended? Then nobody is waited for. */
  gone(): boolean;
  /** Is a follower without room cut off? Otherwise it is waited for. */
  readonly cuts: boolean;
  tell(level: 'info' | 'warn', text: string): void;
}

/** Where the books of the engine stand before its first event. */
export interface TapBooks {
  readonly feed: Feed;
  readonly timeBase: 'utc' | 'midnight';
  readonly dictionary: Dictionary;
  readonly markets: readonly Market[];
  readonly place: StreamPlace;
}

/**
 * Events → a ring to a thread that follows them: an unbroken segment, as an event pipe has it, that begins with an image
 * where the books do not begin empty. A follower whose ring has no room is waited for, or it is cut off: it has whole what is
 * in front of the cut, and once it has read that, another segment begins with an image of the books as they are then.
 *
 * Nobody sees an event that the journal has not written: a process that is killed goes on behind everything that it has
 * published, with the same numbers.
 */
export class Tap implements Conversion {
  readonly name: string;
  stalls = 0;
  stalledMs = 0;
  cuts = 0;
  readonly #ring: ByteRing;
  readonly #version: string;
  readonly #gates: TapGates;
  readonly #history: TapHistory;
  #writer: SegmentWriter;
  /** Behind a cut: `cut` until the follower asks, `anew` until it has the image and what waited behind it. */
  #state: 'joined' | 'cut' | 'anew' = 'joined';
  #image: TapImage | null = null;
  /** Events that came behind a cut. */
  #apart = 0;
  /** Number of the last event in the ring, and how many were left out in front of it. */
  #shown: number;
  #skipped = 0;
  /**
   * Of a follower that keeps up at most what the ring of the journal holds: where that is full, the engine waits. Of one
   * that begins anew, with what waits behind its image, at most as much as its ring and the image: the more there is to load,
   * the more events come meanwhile.
   */
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #waitingMax = 0;
  #timer: NodeJS.Timeout | null = null;
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #opened = false;
  /** The engine begins or ends: there is time to wait for any follower. */
  #hasTime = false;

  constructor(name: string, ring: ByteRing, history: TapHistory, version: string, gates: TapGates) {
    this.name = name;
    this.#ring = ring;
    this.#version = version;
    this.#gates = gates;
    this.#history = history;
    this.#shown = history.nextEvent - 1;
    this.#writer = this.#segment(history.nextEvent);
  }

  get written(): number {
    return this.#nextEvent - this.#history.nextEvent;
  }

  get view(): TapView {
    const { name, stalls, stalledMs, cuts } = this;
    const isCut = this.#state !== 'joined';
    const missing = this.#state === 'cut' ? this.#nextEvent - 1 - this.#shown : 0;
    const skippedEvents = this.#skipped + missing;
    const { waiting: waitingBytes, capacity: capacityBytes } = this.#ring;
    return { name, waitingBytes, capacityBytes, stalls, stalledMs, cuts, isCut, skippedEvents };
  }

  /** Begins with books that have something in them; the follower is waited for. */
  beginWith({ feed, timeBase, dictionary, markets, place }: TapBooks): void {
    this.#hasTime = true;
    this.#open(feed, timeBase);
    this.#writer.tell(dictionary);
    for (const channel of place.channels) this.#writer.goOn(channel);
    writeImage(this.#writer.frames, markets, place);
    this.#hasTime = false;
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
  }

  records(batch: EventBatch, from: number, to: number, { dictionary }: Market): void {
    if (!this.#opened) this.#open(this.#feed!, this.#run!.timeBase);
    if (this.#state === 'cut') this.#apart += eventsIn(batch, from, to);
    else if (this.#image !== null) this.#image.keep(batch, from, to);
    else this.#writer.append(batch, from, to, dictionary);
  }

  /** What has come is shown at once. To be called between two batches. */
  flush(): void {
    if (this.#opened && this.#state !== 'cut' && this.#image === null) this.#writer.cut();
    this.#tend();
  }

  /** The journal, if there is one, has been closed with all events in it. */
  finish(): void {
    this.#hasTime = true;
    if (!this.#opened && this.#feed !== null) this.#open(this.#feed, this.#run!.timeBase);
    if (this.#state === 'cut') this.#joinAtEnd();
    if (this.#image?.slice(Number.POSITIVE_INFINITY) === true) this.#image = null;
    if (this.#opened && this.#state !== 'cut') this.#writer.close();
    this.#release(Number.POSITIVE_INFINITY);
    this.#end();
  }

  /** One that is cut off takes the books as they are, too: its clients hear what they lack. */
  #joinAtEnd(): void {
    while (!this.#ring.isAsked && !this.#gates.gone()) this.#ring.waitUntilAsked(ROOM_MS);
    if (this.#ring.isAsked) this.#beginAnew();
  }

  /** The run has failed: what was written stays, without its end. */
  abandon(): void {
    this.#held.length = 0;
    this.#image?.leave();
    this.#end();
  }

  #end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#ring.end();
  }

  get #nextEvent(): number {
    return this.#writer.nextEvent + this.#apart + (this.#image?.behindEvents ?? 0);
  }

  #segment(eventNumber: number): SegmentWriter {
    const { epoch } = this.#history;
    return new SegmentWriter((chunk) => this.#take(chunk), epoch, undefined, { ...FIRST_PLACE, eventNumber });
  }

  #open(feed: Feed, timeBase: 'utc' | 'midnight'): void {
    this.#opened = true;
    const sources = [{ feed: feed.name, name: feed.name }];
    this.#writer.open(firstHead({ sources, timeBase, version: this.#version }));
  }

  #take(chunk: Uint8Array): void {
    if (this.#state === 'cut') return;
    const event = this.#writer.frames.eventNumber - 1;
    if (this.#held.length > 0 || event > this.#gates.written() || !this.#put(chunk, event)) {
      this.#hold(chunk, event);
    }
  }

  #hold(chunk: Uint8Array, event: number): void {
    // That there is no room for it may have cut the follower off.
    if (this.#state === 'cut') return;
    this.#held.push({ bytes: chunk.slice(), event });
    this.#heldBytes += chunk.length;
  }

  /** Does what is due, and comes again where something is left to be done. */
  #tend(): void {
    if (this.#state === 'cut' && this.#ring.isAsked) this.#beginAnew();
    this.#release(this.#gates.written());
    if (this.#state === 'anew') this.#goOn();
    if ((this.#held.length === 0 && this.#state === 'joined') || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#tend();
    }, TEND_MS);
  }

  /** Shows what the journal has, as far as there is room. */
  #release(written: number): void {
    const held = this.#held;
    let count = 0;
    while (count < held.length && held[count]!.event <= written) {
      const { bytes, event } = held[count]!;
      if (!this.#put(bytes, event)) break;
      this.#heldBytes -= bytes.length;
      count += 1;
    }
    held.splice(0, count);
  }

  /** A whole frame or nothing. @returns false where there is no room now, or for this follower. */
  #put(chunk: Uint8Array, event: number): boolean {
    const ring = this.#ring;
    if (ring.room < chunk.length && this.#gates.cuts && !this.#hasTime) {
      if (this.#state === 'joined') this.#cut();
      return false;
    }
    this.#shown = event;
    for (let from = 0; ; ) {
      from += ring.put(chunk, from);
      if (from === chunk.length || this.#gates.gone()) return true;
      this.stalls += 1;
      const started = performance.now();
      ring.waitForRoom(ROOM_MS);
      this.stalledMs += performance.now() - started;
    }
  }

  /** The follower has too much to read already: nothing more comes in front of an image. */
  #cut(): void {
    this.cuts += 1;
    this.#state = 'cut';
    this.#apart = this.#image?.behindEvents ?? 0;
    this.#image?.leave();
    this.#image = null;
    this.#held.length = 0;
    this.#heldBytes = 0;
    this.#ring.cut();
    this.#gates.tell(
      'warn',
      `the publisher ${this.name} does not keep up: it is cut off behind event ${this.#shown}, and begins anew from an image`,
    );
  }

  /** The follower has read all that it was given, and takes the books as they are. */
  #beginAnew(): void {
    const next = this.#nextEvent;
    const skipped = next - 1 - this.#shown;
    this.#skipped += skipped;
    this.#shown = next - 1;
    this.#apart = 0;
    this.#writer = this.#segment(next);
    this.#state = 'anew';
    this.#ring.beginAnew();
    this.#open(this.#feed!, this.#run!.timeBase);
    const books = this.#run!.books!;
    const { markets } = books;
    const busCursor = markets.reduce((sum, { changes }) => sum + changes, 0);
    const place = { busCursor, channels: channelsOf(this.#run!.places(), markets) };
    this.#image = new TapImage(books, this.#writer, place);
    this.#waitingMax = this.#ring.capacity + this.#image.bytes;
    this.#gates.tell(
      'info',
      `the publisher ${this.name} goes on behind event ${next - 1}: ${skipped} events were left out`,
    );
  }

  /** Goes on with the image where there is room for more of it. One that does not get on is cut off again. */
  #goOn(): void {
    if (this.#held.length === 0 && this.#image?.slice(performance.now() + SLICE_MS) === true) {
      this.#image = null;
    }
    if (this.#image === null && this.#held.length === 0) this.#state = 'joined';
    else if (this.#heldBytes + (this.#image?.behindBytes ?? 0) > this.#waitingMax) this.#cut();
  }
}
