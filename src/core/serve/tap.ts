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

/** The history that events go on with. */
export interface TapHistory {
  readonly epoch: Epoch;
  /** Number of the event that comes next. */
  readonly nextEvent: number;
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
 */
export class Tap implements Conversion {
  readonly name: string;
  stalls = 0;
  stalledMs = 0;
  readonly #ring: ByteRing;
  readonly #writer: SegmentWriter;
  readonly #version: string;
  readonly #gone: () => boolean;
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #opened = false;

  /** @param gone has the follower ended? Then nobody is waited for. */
  constructor(name: string, ring: ByteRing, history: TapHistory, version: string, gone: () => boolean) {
    this.name = name;
    this.#ring = ring;
    this.#version = version;
    this.#gone = gone;
    const place = { ...FIRST_PLACE, eventNumber: history.nextEvent };
    this.#writer = new SegmentWriter((chunk) => this.#put(chunk), history.epoch, undefined, place);
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
  }

  finish(): void {
    if (!this.#opened && this.#feed !== null) this.#open(this.#feed, this.#run!.timeBase);
    if (this.#opened) this.#writer.close();
    this.#ring.end();
  }

  /** The run has failed: what was written stays, without its end. */
  abandon(): void {
    this.#ring.end();
  }

  #open(feed: Feed, timeBase: 'utc' | 'midnight'): void {
    this.#opened = true;
    const sources = [{ feed: feed.name, name: feed.name }];
    this.#writer.open(firstHead({ sources, timeBase, version: this.#version }));
  }

  #put(chunk: Uint8Array): void {
    for (let from = 0; ; ) {
      from += this.#ring.put(chunk, from);
      if (from === chunk.length || this.#gone()) return;
      this.stalls += 1;
      const started = performance.now();
      this.#ring.waitForRoom(ROOM_MS);
      this.stalledMs += performance.now() - started;
    }
  }
}
