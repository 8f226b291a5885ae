import { FLAG_EXTENDED, RECORD_WORDS } from '../event/record.ts';
import type { BookRules } from '../event/rules.ts';
import { EventsInPlace } from './events-in-place.ts';
import {
  type Epoch,
  FRAME_CONTROL,
  FRAME_DICTIONARY,
  FRAME_EVENTS,
  FRAME_IMAGE,
  FRAME_SEGMENT,
} from './frame.ts';
import { ImageLoader } from './image-loader.ts';
import type { SourceSum } from './image-payload.ts';
import { sumsOf } from './image-writer.ts';
import { readSegment } from './payload.ts';
import { SegmentBooks } from './segment-books.ts';
import type { SegmentBytes } from './segment-bytes.ts';
import type { RulesOf } from './segment-verifier.ts';
import { SegmentWalk, WALK_END, WALK_FRAME } from './segment-walk.ts';
import { ToldBooks } from './told-books.ts';

const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;
/** Bytes between two looks at whether to stop. */
const STEP_BYTES = 1 << 22;

/** The books of a snapshot, and events of a journal that go on from there: as a restart does it. */
export class SegmentPlayer {
  readonly books: SegmentBooks;
  /** Of the history that the snapshot is of; its next event. */
  readonly epoch: Epoch;
  readonly nextEvent: number;
  /** Applied since, and records of those in front of them that were passed over. */
  events = 0;
  skippedRecords = 0;

  private constructor(books: SegmentBooks, epoch: Epoch, nextEvent: number) {
    this.books = books;
    this.epoch = epoch;
    this.nextEvent = nextEvent;
  }

  /** Loads a snapshot. @returns what is wrong as text where it is none, or not whole. */
  static load(bytes: SegmentBytes, rulesOf: RulesOf): SegmentPlayer | string {
    const walk = new SegmentWalk(bytes);
    let books: SegmentBooks | null = null;
    let told: ToldBooks | null = null;
    let loader: ImageLoader | null = null;
    while (loader?.end == null) {
      const answer = walk.next();
      if (answer === WALK_END) return 'there is no whole image in it';
      if (answer !== WALK_FRAME) return `damaged at byte ${walk.bad!.offset}: ${walk.bad!.problem}`;
      const { type, flags, records, at, payloadBytes, window } = walk;
      let problem: string | null = null;
      if (type === FRAME_SEGMENT) {
        const rules = rulesFor(readSegment(window.view, at, payloadBytes), rulesOf);
        if (typeof rules === 'string') return rules;
        books = new SegmentBooks(rules);
        told = new ToldBooks(books.dictionary);
      } else if (type === FRAME_DICTIONARY) problem = told!.learn(window.view, at, payloadBytes, records);
      else if (type === FRAME_IMAGE) {
        loader ??= new ImageLoader(books!, told!.numbers);
        problem = loader.take(window.view, { flags, records, payloadOffset: at, payloadBytes });
      }
      if (problem !== null) return problem;
      walk.accept(0);
    }
    return new SegmentPlayer(books!, { high: walk.epochHigh, low: walk.epochLow }, loader.head!.nextEvent);
  }

  get sums(): SourceSum[] {
    return sumsOf(this.books.markets);
  }

  /** Applies the events of a segment from one on; yields now and then. @returns what is wrong with the segment, or null. */
  *play(bytes: SegmentBytes, from: number): Generator<void, string | null> {
    const walk = new SegmentWalk(bytes);
    const told = new ToldBooks(this.books.dictionary);
    const events = new EventsInPlace(walk.window.bytes.buffer);
    let seen = 0;
    for (let answer = walk.next(); answer !== WALK_END; answer = walk.next()) {
      // What is behind a bad place of the last segment was never promised; of others this is not asked for.
      if (answer !== WALK_FRAME) return null;
      let count = 0;
      if (walk.type === FRAME_DICTIONARY) {
        const problem = told.learn(walk.window.view, walk.at, walk.payloadBytes, walk.records);
        if (problem !== null) return problem;
      } else if (walk.type === FRAME_EVENTS || walk.type === FRAME_CONTROL) {
        const problem = events.open(walk, told);
        if (problem !== null) return problem;
        count = events.events;
        this.#apply(events, Math.max(0, from - walk.eventNumber));
      }
      walk.accept(count);
      if (walk.end - seen < STEP_BYTES) continue;
      seen = walk.end;
      yield;
    }
    return null;
  }

  /** Applies the events of a frame but the first ones. */
  #apply(events: EventsInPlace, skip: number): void {
    const { batch } = events;
    let left = skip;
    while (events.next()) {
      let { from } = events;
      for (; left > 0 && from < events.to; left -= 1) {
        const size = (batch.words[from * RECORD_WORDS]! & HEAD_EXTENDED) !== 0 ? 2 : 1;
        from += size;
        this.skippedRecords += size;
      }
      this.books.marketOfChannel(batch.channel).apply(batch, from, events.to);
    }
    this.events += Math.max(0, events.events - skip);
  }
}

function rulesFor(head: ReturnType<typeof readSegment>, rulesOf: RulesOf): BookRules | string {
  if (typeof head === 'string') return head;
  const [feed, ...others] = new Set(head.sources.map((source) => source.feed));
  const rules = feed === undefined || others.length > 0 ? null : rulesOf(feed);
  return rules ?? `it is of feed ${[feed, ...others].join(' and ')}, one that is known was expected`;
}
