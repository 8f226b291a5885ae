import { toBigInt } from '../binary/time.ts';
import { MdxError } from '../errors.ts';
import { EventBatch, type EventSink } from '../event/batch.ts';
import {
  GAP_LOST,
  KIND_EXTENSION,
  KIND_GAP,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_PRICE,
  WORD_RECEIVE_TIME,
} from '../event/record.ts';
import type { Feed, StreamFacts } from '../feeds/feed.ts';
import { FRAME_END, FRAME_MORE, FRAME_TRUNCATED } from '../journal/frame-reader.ts';
import type { SegmentHead } from '../journal/payload.ts';
import {
  SEGMENT_BEGINS,
  SEGMENT_CLOSED,
  SEGMENT_EVENTS,
  SEGMENT_IMAGE,
  SegmentReader,
} from '../journal/segment-reader.ts';
import type { TransportPlace } from './books.ts';
import type { ByteSource } from './byte-source.ts';
import { ImageInput } from './image-input.ts';
import type { InputResult, RunState } from './run-state.ts';
import { refuseUnfit } from './stream-input.ts';
import { TimeRange } from './time-range.ts';

/** Messages between two looks at whether to stop where their events are watched, or end at a point. */
const MESSAGES_WATCHED = 64;
const TWO_32 = 4294967296;

/**
 * Reads events as a writer of segments left them: event pipes and files of them. What was decoded elsewhere enters here as
 * it came out there: same books, numbers and times. Where events are missing in front of a segment, every channel has a
 * gap: which of its messages are lost is not known.
 */
export class EventInput {
  /** One per file; the numbers of its messages stand in the events. */
  readonly streams: StreamFacts[] = [];
  readonly #state: RunState;
  readonly #gap: EventBatch = new EventBatch(1);
  /** How often events were missing, and how often each channel was told so. */
  #losses = 0;
  readonly #told: number[] = [];
  #sink: EventSink | null = null;
  /** Events missing in front of the segment at hand, whose first one is `#behind`, unless they are in its image. */
  #lost = 0;
  #behind = 0;
  /** What takes the image that the input at hand begins with. */
  #image: ImageInput = new ImageInput();
  /** What leaves out events of the file at hand by their time, and how many it did in files before. */
  #range: TimeRange | null = null;
  #leftOut = 0;

  constructor(state: RunState) {
    this.#state = state;
  }

  async read(source: ByteSource): Promise<void> {
    const state = this.#state;
    state.refuseMixture(source.path, false);
    const input = state.addInput(source.path, 'journal', false);
    this.streams.push({ sequence: null });
    const reader = new SegmentReader(state.window, state.dictionary);
    state.inputPlaces = () => placesOf(this.#told);
    this.#image = new ImageInput();
    for (;;) {
      const answer = reader.next();
      if (answer === SEGMENT_BEGINS) this.#begin(source.path, reader);
      else if (answer === SEGMENT_IMAGE && this.#takeImage(source.path, reader, input)) continue;
      else if (answer === SEGMENT_EVENTS && this.#isReady(source.path, reader, input))
        await this.#deliver(source, reader, input);
      else if (answer === FRAME_MORE) {
        await state.breathe(source);
        if (state.stopped === null) await state.fill(source);
      } else if (answer === FRAME_END) break;
      else if (answer !== SEGMENT_CLOSED || !this.#isReady(source.path, reader, input)) {
        input.truncated = answer === FRAME_TRUNCATED;
        state.noteEnd(source, input.truncated, reader.frames.problem, reader.frames.problemOffset);
        break;
      }
      if (state.stopped !== null) break;
    }
    this.#image.close();
    this.#noteLost(source.path, input);
    await this.#end(source, input);
  }

  /** A segment begins: its feed makes the books. */
  #begin(path: string, reader: SegmentReader): void {
    const state = this.#state;
    const { options } = state;
    const head = reader.head!;
    options.resume?.refuseOther(path, { high: reader.frames.epochHigh, low: reader.frames.epochLow });
    if (head.timeBase === 'midnight') state.timeBase = 'midnight';
    const feed = feedOf(path, head, options.feeds, state.feed);
    if (feed !== null && this.#sink === null) {
      const hint = 'The day has to be named where the events are made.';
      refuseUnfit(path, options, head.timeBase === 'midnight' ? hint : null);
      state.feed = feed;
      state.framing = 'journal';
      const { sink, messages } = state.openBooks(feed);
      if (messages !== null) {
        throw new MdxError(
          'usage',
          `reading ${path}: it has events, and what is asked for is made of messages`,
        );
      }
      const { from, until } = options;
      this.#range = from === null && until === null ? null : new TimeRange(from, until, sink);
      this.#sink = this.#range ?? sink;
    }
    this.#lost = reader.lost;
    this.#behind = reader.frames.eventNumber;
  }

  /** Takes a frame of an image. @returns false where it cannot be: the reader has the problem. */
  #takeImage(path: string, reader: SegmentReader, input: InputResult): boolean {
    const { books, window } = this.#state;
    // A journal that the run goes on with knows better.
    if (books === null || (this.#state.options.resume ?? null) !== null) return true;
    const image = this.#image;
    if (image.isOver) return true;
    if (image.isFirst && (books.last.count > 0 || books.markets.some((market) => market.books > 0))) {
      if (reader.frames.records === 0) return true;
      throw new MdxError('input-order', `reading ${path}: it begins with an image of all books`, {
        hint: 'Leave out the files in front of it: what they bring is in the image.',
      });
    }
    const problem = image.take(books, window.view, reader);
    if (problem !== null) reader.frames.refuse(problem);
    else if (image.facts !== null) {
      input.image = image.facts;
      // What is in front of it is in it.
      this.#lost = 0;
    }
    return problem === null;
  }

  /** May events come, or the end of a segment? Tells what is missing in front of them. */
  #isReady(path: string, reader: SegmentReader, input: InputResult): boolean {
    const problem = this.#image.close();
    if (problem !== null) reader.frames.refuse(problem);
    else this.#noteLost(path, input);
    return problem === null;
  }

  #noteLost(path: string, input: InputResult): void {
    if (this.#lost === 0) return;
    this.#losses += 1;
    input.skipped.set('lostEvents', (input.skipped.get('lostEvents') ?? 0) + this.#lost);
    this.#state.options.tell?.(
      `${path}: ${this.#lost} events in front of event ${this.#behind} are missing; books are stale`,
    );
    this.#lost = 0;
  }

  /** Hands over the events of the frame at hand. */
  async #deliver(source: ByteSource, reader: SegmentReader, input: InputResult): Promise<void> {
    const state = this.#state;
    const { options, batch, gate, isWatched } = state;
    const sink = this.#sink;
    if (sink === null)
      throw new MdxError('input-format', `reading ${source.path}: its events are of no feed`);
    const { pacer } = options;
    const counts = state.counts!;
    const most =
      isWatched || gate !== null || this.#range !== null ? MESSAGES_WATCHED : Number.POSITIVE_INFINITY;
    while (state.stopped === null) {
      const left = options.messagesMax - this.#messagesTaken();
      if (reader.fill(batch, Math.min(left, most), pacer !== null) === 0) {
        if (left <= 0) state.stopped = 'limit';
        return;
      }
      this.#noteTimes(source.path, input);
      if (pacer !== null) await this.#wait(source);
      if (state.stopped !== null) return;
      this.#tellLosses(sink);
      counts.totals[0]! += reader.messages;
      sink.accept(batch);
      batch.count = 0;
      if (gate?.passed === true) state.stopped = 'until';
      if (isWatched) await state.breathe(source);
    }
  }

  /** Waits until the events at hand are due. */
  async #wait(source: ByteSource): Promise<void> {
    const { batch, options } = this.#state;
    const low = (batch.receiveBaseLow >>> 0) + (batch.words[WORD_RECEIVE_TIME]! >>> 0);
    const high = batch.receiveBaseHigh + (low >= TWO_32 ? 1 : 0);
    const wait = options.pacer!.waitNs(high, low | 0);
    if (wait === 0) return;
    await this.#state.breathe(source);
    await this.#state.pause(wait);
  }

  /** Tells a gap on every channel that was not told of the last loss, this batch's own included, with its times. */
  #tellLosses(sink: EventSink): void {
    const { batch } = this.#state;
    const told = this.#told;
    const before = told[batch.channel];
    if (before === this.#losses) return;
    told[batch.channel] ??= 0;
    const gap = this.#gap;
    gap.venueBaseHigh = batch.venueBaseHigh;
    gap.venueBaseLow = batch.venueBaseLow;
    gap.receiveBaseHigh = batch.receiveBaseHigh;
    gap.receiveBaseLow = batch.receiveBaseLow;
    this.#tellGaps(sink);
  }

  #tellGaps(sink: EventSink): void {
    const gap = this.#gap;
    for (const [channel, told] of this.#told.entries()) {
      if (told === undefined || told === this.#losses) continue;
      this.#told[channel] = this.#losses;
      gap.channel = channel;
      gap.count = 1;
      gap.words.fill(0, 0, RECORD_WORDS);
      gap.words[0] = KIND_GAP;
      gap.words[WORD_BOOK] = NO_BOOK;
      gap.words[WORD_PRICE] = GAP_LOST;
      sink.accept(gap);
    }
  }

  #noteTimes(path: string, input: InputResult): void {
    const { batch } = this.#state;
    if (this.#state.timeBase === 'midnight') return;
    const base = toBigInt(batch.receiveBaseHigh, batch.receiveBaseLow);
    if (base === 0n) return;
    const { words, count } = batch;
    if (input.firstTime === null) {
      input.firstTime = base + BigInt(words[WORD_RECEIVE_TIME]! >>> 0);
      this.#state.refuseBackwards(path, input.firstTime);
    }
    // The second record of an extended event has no time.
    const isSecond = (words[(count - 1) * RECORD_WORDS]! & 255) === KIND_EXTENSION;
    const at = (count - (isSecond ? 2 : 1)) * RECORD_WORDS;
    input.lastTime = base + BigInt(words[at + WORD_RECEIVE_TIME]! >>> 0);
  }

  async #end(source: ByteSource, input: InputResult): Promise<void> {
    const state = this.#state;
    const sink = this.#sink;
    if (sink !== null) this.#tellGaps(sink);
    const range = this.#range;
    if (range !== null) {
      if (range.before > 0) input.skipped.set('beforeFrom', range.before);
      if (range.after > 0) input.skipped.set('afterUntil', range.after);
      this.#leftOut += range.before + range.after;
      this.#range = null;
    }
    this.#sink = null;
    state.noteSource(input, source);
    if (input.lastTime !== null) state.latest = { path: source.path, time: input.lastTime };
    await state.breathe(source);
  }

  /** Messages that count for the limit: those outside the times asked for do not. */
  #messagesTaken(): number {
    const now = this.#range === null ? 0 : this.#range.before + this.#range.after;
    return (this.#state.counts?.messages ?? 0) - this.#leftOut - now;
  }
}

/** The channels that events came of: how far they were decoded is known to their writer. */
function placesOf(told: readonly (number | undefined)[]): TransportPlace[] {
  return told.flatMap((losses, channel) =>
    losses === undefined ? [] : [{ channel, session: null, nextTransport: 0 }],
  );
}

/** The feed whose events a segment has; null where it has none. */
function feedOf(
  path: string,
  { sources }: SegmentHead,
  feeds: readonly Feed[],
  known: Feed | null,
): Feed | null {
  const [name, ...others] = new Set(sources.map(({ feed }) => feed));
  if (name === undefined) return known;
  const feed = feeds.find((each) => each.name === name);
  if (feed === undefined || others.length > 0) {
    const which = [name, ...others].join(' and ');
    throw new MdxError(
      'input-format',
      `reading ${path}: events of ${which}, one feed that mdx knows was expected`,
    );
  }
  if (known === null || known === feed) return feed;
  throw new MdxError(
    'input-format',
    `reading ${path}: events of ${name}, and what came before is ${known.name}`,
  );
}
