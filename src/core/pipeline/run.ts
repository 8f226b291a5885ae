import { ByteWindow } from '../binary/byte-window.ts';
import { bigHigh, bigLow, toBigUint } from '../binary/time.ts';
import {
  CAPTURE_DAMAGED,
  CAPTURE_END,
  CAPTURE_MORE,
  CAPTURE_PACKET,
  CAPTURE_TRUNCATED,
  type CaptureFormat,
  CaptureReader,
  detectCapture,
} from '../capture/capture-reader.ts';
import { SKIP_NAMES, UDP_OK, UdpExtractor } from '../capture/udp.ts';
import { MdxError } from '../errors.ts';
import { EventBatch, type EventSink } from '../event/batch.ts';
import { Dictionary } from '../event/dictionary.ts';
import type { Naming } from '../event/naming.ts';
import { EventWriter } from '../event/writer.ts';
import { FeedCounts } from '../feeds/counts.ts';
import {
  type Feed,
  type Framing,
  STREAM_DAMAGED,
  STREAM_END,
  STREAM_MORE,
  type StreamDecoder,
} from '../feeds/feed.ts';
import { midnightOf } from '../feeds/session-date.ts';
import type { SequencerOptions } from '../merge/sequencer.ts';
import { Datagram } from '../packet/datagram.ts';
import { type BookFilter, Books, type EventObserver } from './books.ts';
import { type ByteSource, DamagedInput, Interrupted, openByteSource } from './byte-source.ts';
import { FeedDetector } from './detect.ts';
import { type Channel, passes, sameFlow } from './flows.ts';
import { type InvariantMode, InvariantWatch } from './invariant-watch.ts';
import type { Pacer } from './pacer.ts';
import { PacketPipeline } from './packet-pipeline.ts';
import { TimeRange } from './time-range.ts';
import { type Until, UntilGate } from './until.ts';

/** Bytes of a file held at a time. */
const WINDOW_BYTES: number = 1 << 20;
/** Bytes looked at to tell a format; captures need these few. */
const HEAD_BYTES = 65536;
const CAPTURE_HEAD_BYTES = 12;
/** No message of a stream is shorter, its framing included. */
const MESSAGE_BYTES_MIN = 12;
/** Growth of what a stepped decoder is shown: less than a message, so that none is overlooked. */
const STREAM_STEP_BYTES = 8;
/** Packets between two looks at whether to stop. */
const PACKETS_PER_TURN = 8192;
/** The same where events are watched, which may print many times what is read: then a slow reader counts. */
const PACKETS_PER_TURN_WATCHED = 16;
/** Bytes of a stream decoded between two such looks. */
const STREAM_BYTES_WATCHED = 4096;

/** What a run reads and how; every choice is visible where the run is made. */
export interface RunOptions {
  /** Files in order, `-` for stdin. Several captures are one capture. */
  readonly paths: readonly string[];
  /** Feeds to choose from; with `feedName` only that one. */
  readonly feeds: readonly Feed[];
  readonly feedName: string | null;
  readonly ports: ReadonlySet<number> | null;
  /** Destination addresses as four words each. */
  readonly groups: readonly Int32Array[] | null;
  /** Packets or records received earlier or later are left out; ns since 1970. */
  readonly from: bigint | null;
  readonly until: bigint | null;
  readonly messagesMax: number;
  readonly books: BookFilter | null;
  readonly naming: Naming | null;
  /** Trading day, YYYY-MM-DD, for feeds whose times count from midnight. */
  readonly date: string | null;
  readonly sequencer: SequencerOptions;
  /** Records of a batch between decoder and books. */
  readonly batchEvents: number;
  readonly stopAt: Until | null;
  readonly invariants: InvariantMode;
  readonly observers: readonly EventObserver[];
  readonly pacer: Pacer | null;
  /** Ends the waiting for a pipe that brings nothing; the run then stops by request. */
  readonly signal: AbortSignal | null;
  /** Asked between chunks: should the run stop here? */
  readonly stop: () => boolean;
  /** Called between chunks: the place to wait for a slow reader. */
  readonly breathe: (progress: Progress) => Promise<void>;
}

export interface Progress {
  readonly path: string;
  /** Bytes read, and how many there are; null where that is not known. */
  readonly bytes: number;
  readonly total: number | null;
  readonly messages: number;
}

/** What was read from one file. */
export interface InputResult {
  readonly path: string;
  readonly format: CaptureFormat | 'dbn' | 'itch-file';
  bytes: number;
  /** Null for formats without packets. */
  packets: number | null;
  datagrams: number | null;
  /** ns since 1970, null where the records have none. */
  firstTime: bigint | null;
  lastTime: bigint | null;
  truncated: boolean;
  readonly skipped: Map<string, number>;
}

/** Where a file's own framing is damaged. */
export interface Damage {
  readonly path: string;
  readonly offset: number;
  readonly problem: string;
}

export interface RunResult {
  readonly inputs: readonly InputResult[];
  readonly feed: Feed | null;
  readonly framing: Framing | null;
  readonly counts: FeedCounts;
  /** Do venue times count from 1970, or from an unknown midnight? */
  readonly timeBase: 'utc' | 'midnight';
  readonly channels: readonly Channel[];
  readonly streams: readonly StreamDecoder[];
  readonly books: Books;
  readonly damage: readonly Damage[];
  readonly invariants: InvariantWatch | null;
  readonly elapsedNs: number;
  /** Why the run ended before its input did. */
  readonly stopped: 'limit' | 'until' | 'request' | null;
}

/**
 * Reads captures or files of one feed and builds the books.
 * Throws MdxError where a run is not possible: missing or unknown files, no or more than one feed.
 */
export async function run(options: RunOptions): Promise<RunResult> {
  return new Run(options).execute();
}

class Run {
  readonly #options: RunOptions;
  readonly #window: ByteWindow = new ByteWindow(WINDOW_BYTES);
  readonly #datagram: Datagram = new Datagram();
  readonly #extractor: UdpExtractor = new UdpExtractor();
  readonly #batch: EventBatch;
  readonly #dictionary: Dictionary;
  readonly #inputs: InputResult[] = [];
  readonly #damage: Damage[] = [];
  readonly #streams: StreamDecoder[] = [];
  readonly #invariants: InvariantWatch | null;
  readonly #detector: FeedDetector;
  #feed: Feed | null;
  #framing: Framing | null = null;
  #counts: FeedCounts | null = null;
  #books: Books | null = null;
  #gate: UntilGate | null = null;
  #pipeline: PacketPipeline | null = null;
  #timeBase: 'utc' | 'midnight' = 'utc';
  #stopped: RunResult['stopped'] = null;
  /** The last time of the files so far. */
  #latest: { readonly path: string; readonly time: bigint } | null = null;
  /** Set while a paced run waits: ns. */
  #wait = 0;
  /** What leaves out events of the stream at hand by their time. */
  #range: TimeRange | null = null;
  /** Messages that were left out so in streams before. */
  #leftOut = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#batch = new EventBatch(options.batchEvents);
    this.#dictionary = new Dictionary(options.naming);
    this.#invariants = options.invariants === 'off' ? null : new InvariantWatch(options.invariants);
    this.#detector = new FeedDetector(options.feeds);
    this.#feed = options.feedName === null ? null : findFeed(options.feeds, options.feedName);
  }

  async execute(): Promise<RunResult> {
    const started = process.hrtime.bigint();
    for (const path of this.#options.paths) {
      if (this.#stopped !== null) break;
      await this.#readFile(path);
    }
    this.#end();
    const elapsedNs = Number(process.hrtime.bigint() - started);
    this.#invariants?.checkAll(this.#requireBooks().markets);
    return {
      inputs: this.#inputs,
      feed: this.#feed,
      framing: this.#framing,
      counts: this.#counts ?? new FeedCounts(0),
      timeBase: this.#timeBase,
      channels: this.#pipeline?.flows.channels ?? [],
      streams: this.#streams,
      books: this.#requireBooks(),
      damage: this.#damage,
      invariants: this.#invariants,
      elapsedNs,
      stopped: this.#stopped,
    };
  }

  async #readFile(path: string): Promise<void> {
    const source = await this.#open(path);
    if (source === null) return;
    const window = this.#window;
    window.reset();
    try {
      // A capture tells itself by its first bytes, so one from a pipe is read as it comes.
      let format: CaptureFormat | null = null;
      while (format === null && window.available < HEAD_BYTES && (await this.#fill(source))) {
        if (window.available >= CAPTURE_HEAD_BYTES) {
          format = detectCapture(window.bytes.subarray(window.position, window.limit));
        }
      }
      const head = window.bytes.subarray(
        window.position,
        Math.min(window.limit, window.position + HEAD_BYTES),
      );
      if (head.length === 0) {
        if (this.#stopped !== null) return;
        throw new MdxError('input-empty', `reading ${path}: it is empty`);
      }
      format ??= detectCapture(head);
      if (format !== null) await this.#readCapture(source, format);
      else await this.#readStream(source, head);
    } finally {
      await source.close();
    }
  }

  /** @returns null where somebody asked to stop before there was anything to read. */
  async #open(path: string): Promise<ByteSource | null> {
    try {
      return await openByteSource(path, this.#options.signal);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      this.#stopped = 'request';
      return null;
    }
  }

  /** Reads more into the window; damage of a compressed file ends it and is noted. */
  async #fill(source: ByteSource): Promise<boolean> {
    try {
      return await source.fill(this.#window);
    } catch (error) {
      if (error instanceof Interrupted) {
        this.#stopped ??= 'request';
        return false;
      }
      if (!(error instanceof DamagedInput)) throw error;
      this.#damage.push({ path: source.path, offset: error.offset, problem: error.message });
      this.#window.ended = true;
      return false;
    }
  }

  /** Notes where a file cannot be read any further, unless it only ends where its compressed bytes did. */
  #noteEnd({ path }: ByteSource, truncated: boolean, problem: string | null, offset: number): void {
    if (truncated && this.#damage.at(-1)?.path === path) return;
    this.#damage.push({ path, offset, problem: problem ?? '' });
  }

  async #readCapture(source: ByteSource, format: CaptureFormat): Promise<void> {
    this.#refuseMixture(source.path, true);
    const input = this.#addInput(source.path, format);
    input.packets = 0;
    input.datagrams = 0;
    const reader = new CaptureReader(this.#window, format);
    const skipped = new Float64Array(SKIP_NAMES.length);
    this.#datagram.attach(this.#window.bytes);
    for (;;) {
      const step = this.#walk(reader, input, skipped);
      if (this.#wait > 0) {
        this.#pipeline?.flush();
        await this.#breathe(source);
        await this.#pause();
        if (this.#stopped === null) this.#take(input);
        if (this.#stopped !== null) break;
        continue;
      }
      if (step === CAPTURE_DAMAGED || step === CAPTURE_TRUNCATED) {
        input.truncated = step === CAPTURE_TRUNCATED;
        this.#noteEnd(source, input.truncated, reader.problem, reader.problemOffset);
        break;
      }
      await this.#breathe(source);
      if (this.#stopped !== null || step === CAPTURE_END) break;
      // At the end of the input the reader looks once more at what is left and answers END or TRUNCATED.
      if (step === CAPTURE_MORE) await this.#fill(source);
    }
    input.bytes = source.bytes;
    for (const [index, name] of SKIP_NAMES.entries()) {
      if (skipped[index]! > 0) input.skipped.set(name, (input.skipped.get(name) ?? 0) + skipped[index]!);
    }
  }

  /** Walks the packets in the window. @returns the reader's answer, or CAPTURE_PACKET when it is time to breathe. */
  #walk(reader: CaptureReader, input: InputResult, skipped: Float64Array): number {
    const datagram = this.#datagram;
    const extractor = this.#extractor;
    const window = this.#window;
    const { pacer } = this.#options;
    const bounded = this.#options.from !== null || this.#options.until !== null;
    const packetsMax = this.#isWatched ? PACKETS_PER_TURN_WATCHED : PACKETS_PER_TURN;
    let packets = 0;
    let datagrams = 0;
    let step = CAPTURE_PACKET;
    while (packets < packetsMax) {
      step = reader.next();
      if (step !== CAPTURE_PACKET) break;
      packets += 1;
      // Simple packets of pcapng have no time, those of an anonymised capture may have none.
      if (input.firstTime === null && (reader.timeHigh | reader.timeLow) !== 0) {
        input.firstTime = toBigUint(reader.timeHigh, reader.timeLow);
        this.#checkOrder(input.path, input.firstTime);
      }
      const outcome = extractor.extract(reader, window, datagram);
      if (outcome !== UDP_OK) {
        skipped[outcome]! += 1;
        continue;
      }
      datagrams += 1;
      if (bounded && this.#isOutside(input, datagram)) {
        if (this.#stopped !== null) break;
        continue;
      }
      if (pacer !== null) {
        // A datagram that is not due yet stays where it is in the window.
        this.#wait = pacer.waitNs(datagram.timeHigh, datagram.timeLow);
        if (this.#wait > 0) break;
      }
      this.#take(input);
      if (this.#stopped !== null) break;
    }
    if (packets > 0 && input.firstTime !== null) {
      input.lastTime = toBigUint(reader.timeHigh, reader.timeLow);
      this.#latest = { path: input.path, time: input.lastTime };
    }
    input.packets! += packets;
    input.datagrams! += datagrams;
    return step;
  }

  /** Refuses a file that begins earlier than the one before it ended. */
  #checkOrder(path: string, firstTime: bigint): void {
    const before = this.#latest;
    if (before === null || firstTime >= before.time) return;
    throw new MdxError(
      'input-order',
      `reading ${path}: its first time is before the last one of ${before.path}`,
      { hint: 'Give the files in the order of their times; to join two lines use `mdx merge`.' },
    );
  }

  /** Captures and message files number their channels and events in their own ways, so they are not one capture. */
  #refuseMixture(path: string, hasPackets: boolean): void {
    const before = this.#inputs.find((input) => (input.packets !== null) !== hasPackets);
    if (before === undefined) return;
    throw new MdxError(
      'usage',
      `reading ${path}: it is a ${hasPackets ? 'capture' : 'message file'}, and ${before.path} is not`,
      {
        hint: 'Read captures and message files one kind at a time.',
      },
    );
  }

  #isOutside(input: InputResult, datagram: Datagram): boolean {
    const { from, until } = this.#options;
    const time = toBigUint(datagram.timeHigh, datagram.timeLow);
    if (from !== null && time < from) {
      count(input.skipped, 'beforeFrom');
      return true;
    }
    if (until !== null && time > until) {
      count(input.skipped, 'afterUntil');
      return true;
    }
    return false;
  }

  /** Decodes the datagram at hand, or counts it as none of the feed's. */
  #take(input: InputResult): void {
    if (!this.#accept(this.#datagram)) count(input.skipped, 'otherPort');
  }

  /** @returns false when the datagram is not one of the feed's. */
  #accept(datagram: Datagram): boolean {
    const pipeline = this.#pipeline;
    if (pipeline === null) return this.#detect(datagram);
    const accepted = pipeline.accept(datagram);
    if (pipeline.full) this.#stopped = 'limit';
    if (this.#gate !== null) {
      // At once, so that what is read does not depend on the size of a batch.
      pipeline.flush();
      if (this.#gate.passed) this.#stopped = 'until';
    }
    return accepted;
  }

  /** While the feed is not known: looks at datagrams until one tells. Held ones count when their turn comes. */
  #detect(datagram: Datagram): boolean {
    if (!passes(this.#flowFilter(), datagram)) return false;
    if (this.#feed !== null) {
      this.#openPipeline(this.#feed);
      return this.#accept(datagram);
    }
    const feed = this.#detector.offer(datagram);
    if (feed !== null) {
      this.#feed = feed;
      this.#openPipeline(feed);
      this.#replayHeld();
    } else if (this.#detector.exhausted) throw this.#detector.failure(this.#inputs.at(-1)!.path, 0);
    return true;
  }

  /** Heartbeats and the like in front of the datagram that told the feed are of its channel, though they look like nothing. */
  #replayHeld(): void {
    const input = this.#inputs.at(-1)!;
    const telling = this.#detector.held.at(-1)!;
    this.#pipeline!.flows.open(this.#detector.held.find((held) => sameFlow(held, telling))!);
    for (const held of this.#detector.held) {
      if (!this.#accept(held)) count(input.skipped, 'otherPort');
      if (this.#stopped !== null) break;
    }
    this.#detector.held.length = 0;
  }

  #openPipeline(feed: Feed): void {
    const { counts, sink } = this.#openBooks(feed);
    if (feed.packetDecoder === undefined) {
      throw new MdxError(
        'feed-none',
        `reading ${this.#inputs.at(-1)!.path}: ${feed.name} does not come in packets`,
      );
    }
    this.#framing = feed.framings[0]!;
    this.#pipeline = new PacketPipeline({
      feed,
      counts,
      dictionary: this.#dictionary,
      batch: this.#batch,
      sink,
      flows: this.#flowFilter(),
      sequencer: this.#options.sequencer,
      midnight: (datagram) => this.#midnight(feed, toBigUint(datagram.timeHigh, datagram.timeLow)),
      messagesMax: this.#options.messagesMax,
    });
  }

  #flowFilter(): {
    ports: ReadonlySet<number> | null;
    groups: readonly Int32Array[] | null;
    detect: boolean;
  } {
    const { ports, groups, feedName } = this.#options;
    return { ports, groups, detect: ports === null && groups === null && feedName === null };
  }

  /** Midnight of the trading day in the feed's zone, ns since 1970; null where it counts from 1970 or is unknown. */
  #midnight(feed: Feed, captureTime: bigint): bigint | null {
    if (feed.midnightZone === null) return null;
    const day = this.#options.date ?? (captureTime > 0n ? captureTime : null);
    if (day === null) {
      this.#timeBase = 'midnight';
      return null;
    }
    return midnightOf(day, feed.midnightZone);
  }

  async #readStream(source: ByteSource, head: Uint8Array): Promise<void> {
    const { feed, framing } = this.#detectStream(source.path, head);
    this.#refuseMixture(source.path, false);
    this.#refuseUnfit(source.path, feed);
    this.#feed = feed;
    this.#framing = framing;
    const { counts, sink } = this.#openBooks(feed);
    const input = this.#addInput(source.path, framing === 'dbn' ? 'dbn' : 'itch-file');
    const { from, until } = this.#options;
    const range = from === null && until === null ? null : new TimeRange(from, until, sink);
    this.#range = range;
    const writer = new EventWriter(this.#batch, range ?? sink);
    const decoder = feed.streamDecoder!(
      { channel: 0, dictionary: this.#dictionary, writer, counts, midnight: this.#midnight(feed, 0n) },
      framing,
    );
    this.#streams.push(decoder);
    const window = this.#window;
    for (;;) {
      const isFirst = decoder.firstTime === null;
      const answer = await this.#decodeStream(source, decoder, writer);
      if (isFirst && decoder.firstTime !== null) this.#checkOrder(source.path, decoder.firstTime);
      if (this.#options.observers.length > 0) writer.flush();
      await this.#breathe(source);
      if (this.#stopped !== null || answer === STREAM_END) break;
      if (answer === STREAM_DAMAGED) {
        input.truncated = decoder.truncated;
        this.#noteEnd(source, input.truncated, decoder.problem, window.offset);
        break;
      }
      if (window.ended) break;
      const position = window.offset;
      if (!(await this.#fill(source)) && !window.ended) break;
      if (window.offset === position && window.ended && window.available === 0) break;
    }
    writer.flush();
    if (range !== null) this.#closeRange(range, input);
    input.bytes = source.bytes;
    if (decoder.lastTime !== null) this.#latest = { path: source.path, time: decoder.lastTime };
    if (this.#timeBase === 'midnight') return;
    input.firstTime = decoder.firstTime;
    input.lastTime = decoder.lastTime;
  }

  /**
   * Decodes what the window holds: at once, or in steps where the run is paced or ends after so many messages. A step
   * shows the decoder only so many bytes that it cannot go too far.
   */
  async #decodeStream(source: ByteSource, decoder: StreamDecoder, writer: EventWriter): Promise<number> {
    const window = this.#window;
    const { limit, ended } = window;
    let answer = 0;
    let shown = 0;
    while (answer === STREAM_MORE && this.#stopped === null) {
      const position = window.position;
      shown = Math.min(limit - position, Math.max(this.#stepBytes(), shown + STREAM_STEP_BYTES));
      window.limit = position + shown;
      window.ended = ended && window.limit === limit;
      const isAll = window.limit === limit;
      answer = decoder.decode(window);
      // What was shown and could not be read yet is shown again with more behind it.
      shown -= window.position - position;
      this.#noteStreamStop(writer);
      if (this.#options.pacer !== null) await this.#paceStream(this.#options.pacer, source, decoder);
      if (isAll) break;
      if (this.#isWatched) {
        writer.flush();
        await this.#breathe(source);
      }
    }
    window.limit = limit;
    window.ended = ended;
    return answer;
  }

  /** Somebody sees the events as they come, and may have to wait for whom it shows them to. */
  get #isWatched(): boolean {
    return this.#options.observers.length > 0;
  }

  /** Bytes that may be decoded before the clock or the number of messages has to be looked at again. */
  #stepBytes(): number {
    // Paced, one message at a time: it is handed over when it is due.
    if (this.#options.pacer !== null) return STREAM_STEP_BYTES;
    const left = this.#options.messagesMax - this.#messagesTaken();
    const watched = this.#isWatched || this.#gate !== null;
    return Math.min(left * MESSAGE_BYTES_MIN, watched ? STREAM_BYTES_WATCHED : Number.POSITIVE_INFINITY);
  }

  /** Waits until the message decoded last is due; its events are still held. */
  async #paceStream(pacer: Pacer, source: ByteSource, decoder: StreamDecoder): Promise<void> {
    const time = decoder.lastTime;
    if (time === null) return;
    this.#wait = pacer.waitNs(bigHigh(time), bigLow(time));
    if (this.#wait === 0) return;
    await this.#breathe(source);
    await this.#pause();
  }

  #noteStreamStop(writer: EventWriter): void {
    if (this.#gate !== null) {
      writer.flush();
      if (this.#gate.passed) this.#stopped = 'until';
    }
    if (this.#range !== null) writer.flush();
    if (this.#messagesTaken() >= this.#options.messagesMax) this.#stopped = 'limit';
  }

  #closeRange(range: TimeRange, input: InputResult): void {
    if (range.before > 0) input.skipped.set('beforeFrom', range.before);
    if (range.after > 0) input.skipped.set('afterUntil', range.after);
    this.#leftOut += range.before + range.after;
    this.#range = null;
  }

  /** Messages of streams that count for the limit: those outside the times asked for do not. */
  #messagesTaken(): number {
    const now = this.#range === null ? 0 : this.#range.before + this.#range.after;
    return (this.#counts?.messages ?? 0) - this.#leftOut - now;
  }

  /** What a stream has nothing for cannot be obeyed; to ignore it would answer another question. */
  #refuseUnfit(path: string, feed: Feed): void {
    const { ports, groups, from, until, sequencer, stopAt, pacer, date } = this.#options;
    const given = (flags: readonly (readonly [isGiven: boolean, flag: string])[]): string =>
      flags.flatMap(([isGiven, flag]) => (isGiven ? [flag] : [])).join(', ');
    const ofPackets = given([
      [ports !== null, '--port'],
      [groups !== null, '--group'],
      [sequencer.start !== 'first-seen', '--start'],
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
      [pacer !== null, '--speed'],
    ]);
    if (ofTimes !== '' && feed.midnightZone !== null && date === null) {
      throw new MdxError(
        'usage',
        `reading ${path}: ${ofTimes} needs times, and those of this file count from the midnight of an unknown day`,
        { hint: 'Name the trading day with --date.' },
      );
    }
  }

  #detectStream(path: string, head: Uint8Array): { readonly feed: Feed; readonly framing: Framing } {
    const candidates = this.#feed === null ? this.#options.feeds : [this.#feed];
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
    if (
      this.#feed !== null &&
      this.#options.feeds.some((feed) => (feed.detectStream?.(head) ?? null) !== null)
    ) {
      throw new MdxError(
        'input-format',
        `reading ${path}: it is no ${this.#feed.name} file but one of another feed`,
      );
    }
    const start = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new MdxError('input-format', `reading ${path}: no format that mdx knows begins with ${start}`, {
      hint: 'mdx reads pcap and pcapng captures, DBN files and ITCH message files, plain or compressed with gzip or zstd.',
    });
  }

  #openBooks(feed: Feed): { readonly counts: FeedCounts; readonly sink: EventSink } {
    if (this.#books === null) {
      const { observers, books: filter, stopAt } = this.#options;
      const watch = this.#invariants === null ? observers : [...observers, this.#invariants];
      this.#books = new Books(feed.rules, this.#dictionary, filter, watch);
      this.#counts = new FeedCounts(feed.typeCount);
      for (const observer of observers) observer.start?.(feed);
      this.#gate = stopAt === null ? null : new UntilGate(stopAt, feed.rules, this.#books);
    }
    return { counts: this.#counts!, sink: this.#gate ?? this.#books };
  }

  #requireBooks(): Books {
    return this.#books ?? new Books(NO_RULES, this.#dictionary, null, []);
  }

  #addInput(path: string, format: InputResult['format']): InputResult {
    const input: InputResult = {
      path,
      format,
      bytes: 0,
      packets: null,
      datagrams: null,
      firstTime: null,
      lastTime: null,
      truncated: false,
      skipped: new Map(),
    };
    this.#inputs.push(input);
    return input;
  }

  async #pause(): Promise<void> {
    const wait = this.#wait;
    this.#wait = 0;
    await this.#options.pacer?.sleep(wait);
    if (this.#options.stop()) this.#stopped = 'request';
  }

  async #breathe(source: ByteSource): Promise<void> {
    if (this.#options.observers.length > 0) this.#pipeline?.flush();
    await this.#options.breathe({
      path: source.path,
      bytes: source.bytes,
      total: source.total,
      messages: this.#counts?.messages ?? 0,
    });
    if (this.#options.stop()) this.#stopped ??= 'request';
  }

  /** The input has ended. */
  #end(): void {
    if (this.#pipeline !== null) {
      this.#pipeline.finish();
      return;
    }
    const { held } = this.#detector;
    const last = this.#inputs.at(-1);
    if (this.#feed !== null || last === undefined || last.packets === null) return;
    const damage = this.#damage.at(-1);
    if (held.length === 0 && damage !== undefined) {
      throw new MdxError('input-damaged', `reading ${damage.path}: ${damage.problem}`, {
        hint: 'Nothing in front of the damage could be used.',
      });
    }
    const leftOut = this.#inputs.reduce((sum, input) => sum + (input.datagrams ?? 0), 0);
    if (this.#stopped === null || held.length > 0) throw this.#detector.failure(last.path, leftOut);
  }
}

const NO_RULES: ConstructorParameters<typeof Books>[0] = {
  idScope: 'source',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

function findFeed(feeds: readonly Feed[], name: string): Feed {
  const feed = feeds.find((candidate) => candidate.name === name);
  if (feed !== undefined) return feed;
  throw new MdxError('usage', `--feed ${name}: no such feed`, {
    hint: `Feeds: ${feeds.map((candidate) => candidate.name).join(', ')}.`,
  });
}

function count(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}
