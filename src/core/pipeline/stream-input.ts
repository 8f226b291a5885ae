import { bigHigh, bigLow } from '../binary/time.ts';
import { MdxError } from '../errors.ts';
import { EventWriter } from '../event/writer.ts';
import {
  type Feed,
  type Framing,
  STREAM_DAMAGED,
  STREAM_END,
  STREAM_MORE,
  type StreamDecoder,
} from '../feeds/feed.ts';
import type { Books, TransportPlace } from './books.ts';
import type { ByteSource } from './byte-source.ts';
import type { Pacer } from './pacer.ts';
import type { RunOptions } from './run-options.ts';
import type { InputResult, RunState } from './run-state.ts';
import { TimeRange } from './time-range.ts';

/** No message of a stream is shorter, its framing included. */
const MESSAGE_BYTES_MIN = 12;
/** Growth of what a stepped decoder is shown: less than a message, so that none is overlooked. */
const STREAM_STEP_BYTES = 8;
/** Bytes decoded between two looks at whether to stop where events are watched, or end at a point. */
const STREAM_BYTES_WATCHED = 4096;

/** Reads message files: bytes without packets → events. */
export class StreamInput {
  /** One per file. */
  readonly decoders: StreamDecoder[] = [];
  readonly #state: RunState;
  /** What leaves out events of the file at hand by their time. */
  #range: TimeRange | null = null;
  /** Messages that were left out so in files before. */
  #leftOut = 0;

  constructor(state: RunState) {
    this.#state = state;
  }

  async read(source: ByteSource, head: Uint8Array): Promise<void> {
    const state = this.#state;
    const { options, window } = state;
    const { feed, framing } = detectStream(source.path, head, state.feed, options.feeds);
    state.refuseMixture(source.path, false);
    const isDayUnknown = feed.midnightZone !== null && options.date === null;
    refuseUnfit(source.path, options, isDayUnknown ? 'Name the trading day with --date.' : null);
    state.feed = feed;
    state.framing = framing;
    const { counts, sink, messages } = state.openBooks(feed);
    const input = state.addInput(source.path, isNamed(framing) ? framing : 'itch-file', false);
    const { from, until } = options;
    const range = from === null && until === null ? null : new TimeRange(from, until, sink);
    this.#range = range;
    const writer = new EventWriter(state.batch, range ?? sink);
    const { dictionary } = state;
    const decoder = feed.streamDecoder!(
      { channel: 0, dictionary, writer, counts, messages, midnight: state.midnight(feed, 0n) },
      framing,
    );
    this.decoders.push(decoder);
    state.inputPlaces = () => [placeOf(decoder, state.books)];
    state.sessionOf = () => decoder.sequence?.session ?? null;
    for (;;) {
      const isFirst = decoder.firstTime === null;
      const answer = await this.#decode(source, decoder, writer);
      if (isFirst && decoder.firstTime !== null) state.refuseBackwards(source.path, decoder.firstTime);
      if (state.isWatched) writer.flush();
      await state.breathe(source);
      if (state.stopped !== null || answer === STREAM_END) break;
      if (answer === STREAM_DAMAGED) {
        input.truncated = decoder.truncated;
        state.noteEnd(source, input.truncated, decoder.problem, window.offset);
        break;
      }
      if (window.ended) break;
      if (!(await state.fill(source)) && !window.ended) break;
    }
    writer.flush();
    if (range !== null) this.#closeRange(range, input);
    state.noteSource(input, source);
    if (decoder.lastTime !== null) state.latest = { path: source.path, time: decoder.lastTime };
    if (state.timeBase === 'midnight') return;
    input.firstTime = decoder.firstTime;
    input.lastTime = decoder.lastTime;
  }

  /**
   * Decodes what the window holds: at once, or in steps where the run is paced or ends after so many messages. A step
   * shows the decoder only so many bytes that it cannot go too far.
   */
  async #decode(source: ByteSource, decoder: StreamDecoder, writer: EventWriter): Promise<number> {
    const state = this.#state;
    const { window } = state;
    const { pacer } = state.options;
    const { ended } = window;
    let answer = 0;
    let shown = 0;
    while (answer === STREAM_MORE && state.stopped === null) {
      const { offset, available } = window;
      shown = Math.min(available, Math.max(this.#stepBytes(), shown + STREAM_STEP_BYTES));
      const isAll = shown === available;
      window.showOnly(shown);
      window.ended = ended && isAll;
      answer = decoder.decode(window);
      window.showAll();
      window.ended = ended;
      // What was shown and could not be read yet is shown again with more behind it.
      shown -= window.offset - offset;
      this.#noteStop(writer);
      if (pacer !== null) await this.#waitForMessage(pacer, source, decoder);
      if (isAll) break;
      if (state.isWatched) {
        writer.flush();
        await state.breathe(source);
      }
    }
    return answer;
  }

  /** Bytes that may be decoded before the clock or the number of messages has to be looked at again. */
  #stepBytes(): number {
    const { options, isWatched, gate } = this.#state;
    // Paced, one message at a time: it is handed over when it is due.
    if (options.pacer !== null) return STREAM_STEP_BYTES;
    const left = options.messagesMax - this.#messagesTaken();
    const most = isWatched || gate !== null ? STREAM_BYTES_WATCHED : Number.POSITIVE_INFINITY;
    return Math.min(left * MESSAGE_BYTES_MIN, most);
  }

  /** Waits until the message decoded last is due; its events are still held. */
  async #waitForMessage(pacer: Pacer, source: ByteSource, decoder: StreamDecoder): Promise<void> {
    const time = decoder.lastTime;
    if (time === null) return;
    const wait = pacer.waitNs(bigHigh(time), bigLow(time));
    if (wait === 0) return;
    await this.#state.breathe(source);
    await this.#state.pause(wait);
  }

  #noteStop(writer: EventWriter): void {
    const state = this.#state;
    if (state.gate !== null) {
      writer.flush();
      if (state.gate.passed) state.stopped = 'until';
    }
    if (this.#range !== null) writer.flush();
    if (this.#messagesTaken() >= state.options.messagesMax) state.stopped = 'limit';
  }

  #closeRange(range: TimeRange, input: InputResult): void {
    if (range.before > 0) input.skipped.set('beforeFrom', range.before);
    if (range.after > 0) input.skipped.set('afterUntil', range.after);
    this.#leftOut += range.before + range.after;
    this.#range = null;
  }

  /** Messages that count for the limit: those outside the times asked for do not. */
  #messagesTaken(): number {
    const now = this.#range === null ? 0 : this.#range.before + this.#range.after;
    return (this.#state.counts?.messages ?? 0) - this.#leftOut - now;
  }
}

/** Is the framing also what a file of it is called? */
function isNamed(framing: Framing): framing is 'dbn' | 'raw-v1' {
  return framing === 'dbn' || framing === 'raw-v1';
}

/** Where a stream of messages stands; one whose framing has no numbers counts its messages, as their events do. */
function placeOf({ sequence }: StreamDecoder, books: Books | null): TransportPlace {
  const last = sequence === null ? (books?.lastSequence ?? 0) : (sequence.last ?? 0);
  return { channel: 0, session: sequence?.session ?? null, nextTransport: last === 0 ? 0 : last + 1 };
}

/**
 * What a stream has nothing for cannot be obeyed; to ignore it would answer another question.
 * @param dayHint what to do where its times count from the midnight of an unknown day; null where they do not.
 */
export function refuseUnfit(path: string, options: RunOptions, dayHint: string | null): void {
  const { ports, groups, snapshots, from, until, arbiter, stopAt, pacer } = options;
  const given = (flags: readonly (readonly [isGiven: boolean, flag: string])[]): string =>
    flags.flatMap(([isGiven, flag]) => (isGiven ? [flag] : [])).join(', ');
  const ofPackets = given([
    [ports !== null, '--port'],
    [groups !== null, '--group'],
    [snapshots.length > 0, '--snapshot'],
    [arbiter.start !== 'first-seen' || options.snapshotRequired, '--start'],
  ]);
  if (ofPackets !== '') {
    throw new MdxError(
      'usage',
      `reading ${path}: ${ofPackets} chooses among packets, and this file has none`,
    );
  }
  const ofTimes = given([
    [from !== null, '--from'],
    [until !== null, '--until'],
    [stopAt?.kind === 'time', '--at TIME'],
    [stopAt?.kind === 'venue', '--at venue:TIME'],
    [pacer !== null, '--speed'],
  ]);
  if (ofTimes !== '' && dayHint !== null) {
    throw new MdxError(
      'usage',
      `reading ${path}: ${ofTimes} needs times, and those of this file count from the midnight of an unknown day`,
      { hint: dayHint },
    );
  }
}

/** Tells feed and framing of a message file by its first bytes. Throws MdxError where not exactly one fits. */
function detectStream(
  path: string,
  head: Uint8Array,
  known: Feed | null,
  feeds: readonly Feed[],
): { readonly feed: Feed; readonly framing: Framing } {
  const candidates = known === null ? feeds : [known];
  const matching = candidates.flatMap((feed) => {
    const framing = feed.detectStream?.(head) ?? null;
    return framing === null ? [] : [{ feed, framing }];
  });
  if (matching.length === 1) return matching[0]!;
  if (matching.length > 1) {
    const names = matching.map(({ feed }) => feed.name);
    throw new MdxError('feed-ambiguous', `reading ${path}: it fits ${names.join(' and ')}`, {
      hint: `Choose with --feed ${names.join(' or --feed ')}.`,
    });
  }
  if (known !== null && feeds.some((feed) => (feed.detectStream?.(head) ?? null) !== null)) {
    throw new MdxError(
      'input-format',
      `reading ${path}: it is no ${known.name} file but one of another feed`,
    );
  }
  const start = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  throw new MdxError('input-format', `reading ${path}: no format that mdx knows begins with ${start}`, {
    hint: 'mdx reads pcap and pcapng captures, DBN files, ITCH message files and raw-v1 recordings, plain or compressed with gzip or zstd.',
  });
}
