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
import type { Feed } from '../feeds/feed.ts';
import type { SegmentHead } from '../journal/payload.ts';
import type { SegmentReader } from '../journal/segment-reader.ts';
import type { TransportPlace } from './books.ts';
import type { ByteSource } from './byte-source.ts';
import type { InputResult, RunState } from './run-state.ts';
import { refuseUnfit } from './stream-input.ts';
import { TimeRange } from './time-range.ts';

/** Messages between two looks at whether to stop where their events are watched, or end at a point. */
const MESSAGES_WATCHED = 64;
const TWO_32 = 4294967296;

/**
 * Hands the events of segments over to the books, as fast as the run wants them, up to where it ends. Where events are
 * missing, every channel has a gap: which of its messages are lost is not known.
 */
export class EventDelivery {
  readonly #state: RunState;
  readonly #gap: EventBatch = new EventBatch(1);
  /** How often events were missing, and how often each channel was told so. */
  #losses = 0;
  readonly #told: number[] = [];
  #sink: EventSink | null = null;
  /** What leaves out events of the input at hand by their time, and how many it did in inputs before. */
  #range: TimeRange | null = null;
  #leftOut = 0;

  constructor(state: RunState) {
    this.#state = state;
  }

  /** The channels that events came of: how far they were decoded is known to their writer. */
  get places(): TransportPlace[] {
    return this.#told.flatMap((losses, channel) =>
      losses === undefined ? [] : [{ channel, session: null, nextTransport: 0 }],
    );
  }

  /** A segment begins: its feed makes the books. */
  begin(path: string, head: SegmentHead): void {
    const state = this.#state;
    const { options } = state;
    if (head.timeBase === 'midnight') state.timeBase = 'midnight';
    const feed = feedOf(path, head, options.feeds, state.feed);
    if (feed === null || this.#sink !== null) return;
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

  /** Events are missing in front of those to come, so many as far as that is known. */
  lose(input: InputResult, events: number): void {
    this.#losses += 1;
    input.skipped.set('lostEvents', (input.skipped.get('lostEvents') ?? 0) + events);
  }

  /** Tells a gap on every channel that was not told of the last loss, with the times of the last events. */
  tellGaps(): void {
    const { batch } = this.#state;
    const gap = this.#gap;
    gap.venueBaseHigh = batch.venueBaseHigh;
    gap.venueBaseLow = batch.venueBaseLow;
    gap.receiveBaseHigh = batch.receiveBaseHigh;
    gap.receiveBaseLow = batch.receiveBaseLow;
    for (const [channel, told] of this.#told.entries()) {
      if (told === undefined || told === this.#losses) continue;
      this.#told[channel] = this.#losses;
      gap.channel = channel;
      gap.count = 1;
      gap.words.fill(0, 0, RECORD_WORDS);
      gap.words[0] = KIND_GAP;
      gap.words[WORD_BOOK] = NO_BOOK;
      gap.words[WORD_PRICE] = GAP_LOST;
      this.#sink?.accept(gap);
    }
  }

  /** The books are right again, those of channels that come later, too: nobody has to be told of losses so far. */
  forgetLosses(): void {
    this.#losses = 0;
    for (const channel of this.#told.keys()) if (this.#told[channel] !== undefined) this.#told[channel] = 0;
  }

  /** Hands over the events of the frame at hand. */
  async deliver(source: ByteSource, reader: SegmentReader, input: InputResult): Promise<void> {
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
      this.#tellLosses();
      counts.totals[0]! += reader.messages;
      sink.accept(batch);
      batch.count = 0;
      if (gate?.passed === true) state.stopped = 'until';
      if (isWatched) await state.breathe(source);
    }
  }

  /** The input has ended. */
  async end(source: ByteSource, input: InputResult): Promise<void> {
    const state = this.#state;
    this.tellGaps();
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

  /** Tells gaps where the channel of the batch at hand was not told of the last loss. */
  #tellLosses(): void {
    const { batch } = this.#state;
    const told = this.#told;
    if (told[batch.channel] === this.#losses) return;
    told[batch.channel] ??= 0;
    this.tellGaps();
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

  /** Messages that count for the limit: those outside the times asked for do not. */
  #messagesTaken(): number {
    const now = this.#range === null ? 0 : this.#range.before + this.#range.after;
    return (this.#state.counts?.messages ?? 0) - this.#leftOut - now;
  }
}

/** The feed whose events a segment has; null where it has none. */
export function feedOf(
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
