import type { Market } from '../book/market.ts';
import type { Conversion } from '../convert/conversion.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import type { Feed } from '../feeds/feed.ts';
import { type Epoch, FIRST_PLACE } from '../journal/frame.ts';
import { type StreamPlace, writeImage } from '../journal/image-writer.ts';
import { firstHead } from '../journal/payload.ts';
import { SegmentWriter } from '../journal/segment-writer.ts';
import type { ByteRing } from '../packet/byte-ring.ts';
import type { RunFacts } from '../pipeline/books.ts';
import type { TapView } from './status.ts';

/** A thread that reads is looked after so often while there is no room. */
const ROOM_MS = 100;
/** What the journal has not written yet is looked after so often while nothing else comes. */
const HELD_MS = 1;

/** The history that events go on with. */
export interface TapHistory {
  readonly epoch: Epoch;
  /** Number of the event that comes next. */
  readonly nextEvent: number;
}

/** What waits until the journal has written it. */
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
 * Events → a ring to a thread that follows them: one unbroken segment, as an event pipe has it, that begins with an image
 * where the books do not begin empty. A ring without room is waited for, which is counted: nothing is dropped.
 *
 * Nobody sees an event that the journal has not written: a process that is killed goes on behind everything that it has
 * published, with the same numbers.
 */
export class Tap implements Conversion {
  readonly name: string;
  stalls = 0;
  stalledMs = 0;
  readonly #ring: ByteRing;
  readonly #writer: SegmentWriter;
  readonly #version: string;
  readonly #gates: TapGates;
  readonly #firstEvent: number;
  /** At most what the ring of the journal holds: where that is full, the engine waits, and nothing more comes here. */
  readonly #held: Held[] = [];
  #timer: NodeJS.Timeout | null = null;
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #opened = false;

  constructor(name: string, ring: ByteRing, history: TapHistory, version: string, gates: TapGates) {
    this.name = name;
    this.#ring = ring;
    this.#version = version;
    this.#gates = gates;
    this.#firstEvent = history.nextEvent;
    const place = { ...FIRST_PLACE, eventNumber: history.nextEvent };
    this.#writer = new SegmentWriter((chunk) => this.#take(chunk), history.epoch, undefined, place);
  }

  get written(): number {
    return this.#writer.events;
  }

  get view(): TapView {
    const { name, stalls, stalledMs } = this;
    return { name, waitingBytes: this.#ring.waiting, capacityBytes: this.#ring.capacity, stalls, stalledMs };
  }

  /** Begins with books that have something in them. */
  beginWith({ feed, timeBase, dictionary, markets, place }: TapBooks): void {
    this.#open(feed, timeBase);
    this.#writer.tell(dictionary);
    for (const channel of place.channels) this.#writer.goOn(channel);
    writeImage(this.#writer.frames, markets, place);
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
  }

  records(batch: EventBatch, from: number, to: number, { dictionary }: Market): void {
    if (!this.#opened) this.#open(this.#feed!, this.#run!.timeBase);
    this.#writer.append(batch, from, to, dictionary);
  }

  /** What has come is shown at once. */
  flush(): void {
    if (this.#opened) this.#writer.cut();
    this.#release(this.#gates.written());
  }

  /** The journal, if there is one, has been closed with all events in it. */
  finish(): void {
    if (!this.#opened && this.#feed !== null) this.#open(this.#feed, this.#run!.timeBase);
    if (this.#opened) this.#writer.close();
    this.#release(Number.POSITIVE_INFINITY);
    this.#ring.end();
  }

  /** The run has failed: what was written stays, without its end. */
  abandon(): void {
    this.#held.length = 0;
    this.#ring.end();
  }

  #open(feed: Feed, timeBase: 'utc' | 'midnight'): void {
    this.#opened = true;
    const sources = [{ feed: feed.name, name: feed.name }];
    this.#writer.open(firstHead({ sources, timeBase, version: this.#version }));
  }

  #take(chunk: Uint8Array): void {
    const event = this.#firstEvent + this.#writer.events - 1;
    if (this.#held.length === 0 && event <= this.#gates.written()) this.#put(chunk);
    else this.#held.push({ bytes: chunk.slice(), event });
  }

  /** Shows what the journal has, and comes again for the rest. */
  #release(written: number): void {
    const held = this.#held;
    let count = 0;
    while (count < held.length && held[count]!.event <= written) {
      this.#put(held[count]!.bytes);
      count += 1;
    }
    held.splice(0, count);
    if (held.length === 0 || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#release(this.#gates.written());
    }, HELD_MS);
  }

  #put(chunk: Uint8Array): void {
    for (let from = 0; ; ) {
      from += this.#ring.put(chunk, from);
      if (from === chunk.length || this.#gates.gone()) return;
      this.stalls += 1;
      const started = performance.now();
      this.#ring.waitForRoom(ROOM_MS);
      this.stalledMs += performance.now() - started;
    }
  }
}
