import { Dictionary } from '../event/dictionary.ts';
import type { BookRules } from '../event/rules.ts';
import { readAttributes, readVenue } from './attributes-payload.ts';
import type { SegmentFile } from './directory.ts';
import { EventsInPlace } from './events-in-place.ts';
import {
  FRAME_ATTRIBUTES,
  FRAME_CHECKPOINT,
  FRAME_CLOSE,
  FRAME_CONTROL,
  FRAME_DICTIONARY,
  FRAME_EVENTS,
  FRAME_IMAGE,
  FRAME_SEGMENT,
  FRAME_VENUE,
  IMAGE_END,
} from './frame.ts';
import { ImageLoader } from './image-loader.ts';
import { readCheckpoint, readClose, type SourceSum } from './image-payload.ts';
import { sumsOf } from './image-writer.ts';
import { readSegment } from './payload.ts';
import { SegmentBooks } from './segment-books.ts';
import {
  BAD_PLACES_MAX,
  type Mismatch,
  type SegmentFacts,
  sameSums,
  sumsText,
  type Unchecked,
} from './segment-facts.ts';
import { eventsIn, NO_IMAGE, SegmentScanner } from './segment-scan.ts';
import { type BadPlace, WALK_BAD, WALK_END } from './segment-walk.ts';
import type { SoundBytes } from './sound-bytes.ts';
import { ToldBooks } from './told-books.ts';

/** Rules of a feed by its name as `mdx feeds` prints it; null where no such feed is known. */
export type RulesOf = (feed: string) => BookRules | null;

/**
 * Verifies one segment alone: its frames, the books that its image holds, what its events make of them, and everything that
 * the segment says of itself on the way. Behind a bad place frames are still looked through, and books are not known.
 */
export class SegmentVerifier {
  readonly #file: SegmentFile;
  readonly #bytes: SoundBytes;
  readonly #scanner: SegmentScanner;
  readonly #rulesOf: RulesOf;
  #events: EventsInPlace;
  #books: SegmentBooks | null = null;
  #told: ToldBooks | null = null;
  #loader: ImageLoader | null = null;
  #imageSums: SourceSum[] | null = null;
  #endSums: SourceSum[] | null = null;
  #closeSums: readonly SourceSum[] | null = null;
  #frames = 0;
  #records = 0;
  #eventCount = 0;
  #nonMonotonic = 0;
  readonly #passed: Map<string, number> = new Map();
  readonly #failed: Mismatch[] = [];
  readonly #notPossible: Unchecked[] = [];
  readonly #bad: BadPlace[] = [];
  #badCount = 0;

  constructor(file: SegmentFile, bytes: SoundBytes, rulesOf: RulesOf) {
    this.#file = file;
    this.#bytes = bytes;
    this.#rulesOf = rulesOf;
    this.#scanner = new SegmentScanner(bytes);
    this.#events = new EventsInPlace(this.#scanner.walk.window.bytes.buffer);
  }

  /** Goes on for about so many bytes. @returns bytes gone through so far; −1 at the end of the segment. */
  run(bytes: number): number {
    const { walk } = this.#scanner;
    const until = walk.end + bytes;
    for (;;) {
      const answer = this.#scanner.next();
      if (answer === WALK_END) return -1;
      if (answer === WALK_BAD) this.#noteBad(walk.bad!);
      else {
        this.#frames += 1;
        const problem = this.#scanner.bad === null ? this.#take() : this.#passBy();
        if (problem !== null) {
          this.#scanner.refuse(problem);
          this.#noteBad(walk.bad!);
        }
        if (walk.end >= until) return walk.end;
      }
    }
  }

  /** What was found out, at the end of the segment. */
  finish(): SegmentFacts {
    const { walk, scan, bad } = this.#scanner;
    if (bad !== null) this.#cannot('books', `not known behind byte ${bad.offset}`);
    else if (this.#frames > 0) this.#pass('frames');
    return {
      number: this.#file.number,
      name: this.#file.name,
      isCompressed: this.#file.isCompressed,
      bytes: this.#bytes.bytes,
      scan,
      endFrame: walk.lastFrame,
      endCrc: walk.lastCrc,
      endEvent: walk.nextEvent,
      frames: this.#frames,
      records: this.#records,
      events: this.#eventCount,
      firstSequence: this.#events.firstSequence,
      lastSequence: this.#events.lastSequence,
      nonMonotonic: this.#nonMonotonic,
      image: this.#loader?.head ?? null,
      imageSums: this.#imageSums,
      endSums: this.#sums(),
      closeSums: this.#closeSums,
      passed: [...this.#passed],
      failed: this.#failed,
      notPossible: this.#notPossible,
      bad: this.#bad,
      badCount: this.#badCount,
    };
  }

  /** Takes the frame at hand. @returns what is wrong with it, or null. */
  #take(): string | null {
    const { walk } = this.#scanner;
    switch (walk.type) {
      case FRAME_SEGMENT:
        return this.#begin();
      case FRAME_DICTIONARY:
        return this.#accept(this.#learn());
      case FRAME_IMAGE:
        return this.#accept(this.#load());
      case FRAME_EVENTS:
      case FRAME_CONTROL:
        return this.#apply();
      case FRAME_ATTRIBUTES:
        return this.#accept(this.#problemOf(readAttributes));
      case FRAME_VENUE:
        return this.#accept(this.#problemOf(readVenue));
      case FRAME_CHECKPOINT:
        return this.#accept(this.#compareCheckpoint());
      case FRAME_CLOSE:
        return this.#accept(this.#close());
      default:
        return this.#accept(null);
    }
  }

  /** Takes the frame at hand without a look at what it says: something in front of it is missing. */
  #passBy(): string | null {
    const { walk } = this.#scanner;
    const { type, at, payloadBytes, records } = walk;
    const hasEvents = type === FRAME_EVENTS || type === FRAME_CONTROL;
    const events = hasEvents ? eventsIn(walk.window.view, at, payloadBytes, records) : 0;
    if (events < 0) return `${payloadBytes} payload bytes for ${records} records`;
    if (hasEvents) this.#count(events);
    walk.accept(events);
    return null;
  }

  #accept(problem: string | null): string | null {
    if (problem === null) this.#scanner.walk.accept(0);
    return problem;
  }

  #count(events: number): void {
    this.#records += this.#scanner.walk.records;
    this.#eventCount += events;
  }

  #begin(): string | null {
    const { at, payloadBytes, window } = this.#scanner.walk;
    const head = readSegment(window.view, at, payloadBytes);
    if (typeof head === 'string') return head;
    this.#scanner.begin(head);
    const [feed, ...others] = new Set(head.sources.map((source) => source.feed));
    const rules = feed === undefined || others.length > 0 ? null : this.#rulesOf(feed);
    if (rules === null) {
      const feeds = feed === undefined ? 'none' : [feed, ...others].join(' and ');
      this.#cannot('books', `its events are of feed ${feeds}, one that is known was expected`);
    } else {
      this.#books = new SegmentBooks(rules);
      // T7 numbers the messages of a product.
      this.#events = new EventsInPlace(window.bytes.buffer, rules.idScope === 'bookSide');
    }
    this.#told = new ToldBooks(this.#books?.dictionary ?? new Dictionary());
    return null;
  }

  #learn(): string | null {
    const { window, at, payloadBytes, records } = this.#scanner.walk;
    return this.#told!.learn(window.view, at, payloadBytes, records);
  }

  #load(): string | null {
    const { window, at, payloadBytes, records, flags, eventNumber } = this.#scanner.walk;
    if (this.#eventCount > 0) return 'an image behind events';
    this.#scanner.noteImage(flags === IMAGE_END);
    if (this.#books === null) return null;
    this.#loader ??= new ImageLoader(this.#books, this.#told!.numbers);
    const loader = this.#loader;
    const problem = loader.take(window.view, { flags, records, payloadOffset: at, payloadBytes });
    if (problem !== null) return problem;
    const { nextEvent } = loader.head!;
    if (nextEvent !== eventNumber)
      return `an image in front of event ${nextEvent}, where event ${eventNumber} comes next`;
    if (loader.end === null) return null;
    for (const { channel, lastSequence } of loader.head!.channels)
      this.#events.standAt(channel, lastSequence);
    this.#imageSums = sumsOf(this.#books.markets);
    this.#compareSums('image', loader.end.sums, this.#imageSums);
    return null;
  }

  /** Applies the events of the frame at hand. */
  #apply(): string | null {
    const { walk, hasBooks } = this.#scanner;
    if (!hasBooks) return NO_IMAGE;
    const events = this.#events;
    const problem = events.open(walk, this.#told!);
    if (problem !== null) return problem;
    this.#count(events.events);
    this.#nonMonotonic += events.backwards;
    const books = this.#books;
    if (books !== null) {
      const { batch } = events;
      while (events.next()) books.marketOfChannel(batch.channel).apply(batch, events.from, events.to);
    }
    walk.accept(events.events);
    return null;
  }

  #compareCheckpoint(): string | null {
    const { window, at, payloadBytes, eventNumber, offset } = this.#scanner.walk;
    const said = readCheckpoint(window.view, at, payloadBytes);
    if (typeof said === 'string') return said;
    if (said.nextEvent !== eventNumber)
      return `a checkpoint in front of event ${said.nextEvent}, where event ${eventNumber} comes next`;
    if (this.#books === null || !this.#scanner.hasBooks) return null;
    const { markets } = this.#books;
    const orders = markets.reduce((sum, market) => sum + market.orders.live, 0);
    const levels = markets.reduce((sum, market) => sum + market.levels.inUse, 0);
    if (said.orders === orders && said.levels === levels) this.#pass('checkpoint');
    else {
      const expected = `${said.orders} orders on ${said.levels} levels`;
      this.#failed.push({
        check: 'checkpoint',
        offset,
        expected,
        actual: `${orders} orders on ${levels} levels`,
      });
    }
    return null;
  }

  #close(): string | null {
    const { window, at, payloadBytes, eventNumber } = this.#scanner.walk;
    const said = readClose(window.view, at, payloadBytes);
    if (typeof said === 'string') return said;
    if (said.lastEvent !== eventNumber - 1)
      return `the segment is closed behind event ${said.lastEvent}, the last one was ${eventNumber - 1}`;
    const told = this.#told!.numbers.length;
    if (said.books !== told) return `the segment is closed with ${said.books} books, ${told} were told`;
    const sums = this.#sums();
    this.#closeSums = said.sums;
    if (sums === null) return null;
    if (said.sums.length === 0) this.#cannot('close', 'it names no state hash');
    else this.#compareSums('close', said.sums, sums);
    return null;
  }

  /** State hashes of the books as they are; null where they are not known. */
  #sums(): SourceSum[] | null {
    if (this.#books === null || !this.#scanner.hasBooks) return null;
    this.#endSums ??= sumsOf(this.#books.markets);
    return this.#endSums;
  }

  #compareSums(check: string, expected: readonly SourceSum[], actual: readonly SourceSum[]): void {
    const same = sameSums(expected, actual);
    if (same === true) this.#pass(check);
    else if (same === null) this.#cannot(check, 'its writer did not calculate the state hash');
    else {
      const { offset } = this.#scanner.walk;
      this.#failed.push({ check, offset, expected: sumsText(expected), actual: sumsText(actual) });
    }
  }

  #problemOf(
    read: (view: DataView<ArrayBuffer>, at: number, length: number, records: number) => unknown[] | string,
  ): string | null {
    const { window, at, payloadBytes, records } = this.#scanner.walk;
    const found = read(window.view, at, payloadBytes, records);
    return typeof found === 'string' ? found : null;
  }

  #pass(check: string): void {
    this.#passed.set(check, (this.#passed.get(check) ?? 0) + 1);
  }

  #cannot(check: string, why: string): void {
    this.#notPossible.push({ check, why });
  }

  #noteBad(bad: BadPlace): void {
    this.#badCount += 1;
    const { problem } = this.#bytes;
    if (this.#bad.length < BAD_PLACES_MAX) this.#bad.push(problem === null ? bad : { ...bad, problem });
  }
}
