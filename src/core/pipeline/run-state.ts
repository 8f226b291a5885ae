import { ByteWindow } from '../binary/byte-window.ts';
import type { CaptureFormat, CaptureReader } from '../capture/capture-reader.ts';
import { MdxError } from '../errors.ts';
import { EventBatch, type EventSink } from '../event/batch.ts';
import { Dictionary } from '../event/dictionary.ts';
import { FeedCounts } from '../feeds/counts.ts';
import type { Feed, Framing } from '../feeds/feed.ts';
import type { MessageSink } from '../feeds/message-sink.ts';
import { midnightOf } from '../feeds/session-date.ts';
import { type Epoch, FRAME_BYTES_MAX } from '../journal/frame.ts';
import { Books, type EventObserver, type RunFacts, type TransportPlace } from './books.ts';
import { type ByteSource, DamagedInput, Interrupted } from './byte-source.ts';
import type { ImageFacts } from './image-input.ts';
import { InvariantWatch } from './invariant-watch.ts';
import { MessageFilter } from './message-filter.ts';
import type { RunOptions } from './run-options.ts';
import { UntilGate } from './until.ts';

/** Bytes of a file held at a time: the longest thing that is read whole. */
const WINDOW_BYTES: number = FRAME_BYTES_MAX;

/** What was read from one file. */
export interface InputResult {
  readonly path: string;
  readonly format: CaptureFormat | 'dbn' | 'ingest' | 'itch-file' | 'raw-v1' | 'journal' | 'obsnap';
  bytes: number;
  /** Null for formats without packets. */
  packets: number | null;
  datagrams: number | null;
  /** ns since 1970, null where the records have none. */
  firstTime: bigint | null;
  lastTime: bigint | null;
  truncated: boolean;
  readonly skipped: Map<string, number>;
  /** Set where the books began with an image. */
  image?: ImageFacts;
}

/** Where a file's own framing is damaged. */
export interface Damage {
  readonly path: string;
  readonly offset: number;
  readonly problem: string;
}

/**
 * What the inputs of a run share, whatever their kind: the window they are read through, the batch their events go
 * through, the books, and what is known so far about the feed, the files and the end of the run.
 */
export class RunState implements RunFacts {
  readonly options: RunOptions;
  readonly window: ByteWindow = new ByteWindow(WINDOW_BYTES);
  readonly batch: EventBatch;
  readonly dictionary: Dictionary;
  readonly inputs: InputResult[] = [];
  readonly damage: Damage[] = [];
  readonly invariants: InvariantWatch | null;
  feed: Feed | null;
  framing: Framing | null = null;
  counts: FeedCounts | null = null;
  books: Books | null = null;
  gate: UntilGate | null = null;
  /** Id of the session that a channel of the input at hand is in, null = none; undefined: it does not say. */
  sessionOf: (channel: number) => string | null | undefined = () => undefined;
  #messages: MessageSink | null = null;
  #sink: EventSink | null = null;
  timeBase: 'utc' | 'midnight' = 'utc';
  /** History of the events, 0 = of none: they were decoded here, or made from a file. */
  epoch: Epoch = { high: 0, low: 0 };
  /** Last event that is in the image which the books began with; 0 = they began empty. */
  imageEvent = 0;
  /** Why the run ends before its input does. */
  stopped: 'limit' | 'until' | 'request' | null = null;
  /** How far the input at hand has been decoded, by channel. */
  inputPlaces: () => readonly TransportPlace[] = () => [];
  /** The last time of the files so far. */
  latest: { readonly path: string; readonly time: bigint } | null = null;

  constructor(options: RunOptions) {
    this.options = options;
    this.batch = new EventBatch(options.batchEvents);
    this.dictionary = options.resume?.recovered.books.dictionary ?? new Dictionary(options.naming);
    this.invariants = options.invariants === 'off' ? null : new InvariantWatch(options.invariants);
    this.feed = options.feedName === null ? null : findFeed(options.feeds, options.feedName);
  }

  /** Somebody sees the events as they come, and may have to wait for whom it shows them to. */
  get isWatched(): boolean {
    return this.options.observers.length > 0;
  }

  places(): readonly TransportPlace[] {
    const places = this.inputPlaces();
    return this.options.resume?.placesWith(places) ?? places;
  }

  /** Reads more into the window; damage of a compressed file ends it and is noted. */
  async fill(source: ByteSource): Promise<boolean> {
    try {
      return await source.fill(this.window);
    } catch (error) {
      if (error instanceof Interrupted) {
        this.stopped ??= 'request';
        return false;
      }
      if (!(error instanceof DamagedInput)) throw error;
      this.damage.push({ path: source.path, offset: error.offset, problem: error.message });
      this.window.ended = true;
      return false;
    }
  }

  /** Notes where a file cannot be read any further, unless it only ends where its compressed bytes did. */
  noteEnd({ path }: ByteSource, truncated: boolean, problem: string | null, offset: number): void {
    if (truncated && this.damage.at(-1)?.path === path) return;
    this.damage.push({ path, offset, problem: problem ?? '' });
  }

  /**
   * Notes where a capture cannot be read any further. A pipe whose writer went away brought less than it should, which
   * `truncated` says; it is not damaged, as a file would be.
   */
  noteCaptureEnd(source: ByteSource, input: InputResult, reader: CaptureReader, truncated: boolean): void {
    input.truncated = truncated;
    if (reader.isCut && source.total === null) return;
    this.noteEnd(source, truncated, reader.problem, reader.problemOffset);
  }

  /** Notes how much was read of a source, and what it knows that did not come. */
  noteSource(input: InputResult, { bytes, losses }: ByteSource): void {
    input.bytes = bytes;
    for (const [what, count] of losses ?? []) input.skipped.set(what, count);
  }

  addInput(path: string, format: InputResult['format'], hasPackets: boolean): InputResult {
    const none = hasPackets ? 0 : null;
    const input: InputResult = {
      path,
      format,
      bytes: 0,
      packets: none,
      datagrams: none,
      firstTime: null,
      lastTime: null,
      truncated: false,
      skipped: new Map(),
    };
    this.inputs.push(input);
    return input;
  }

  /** Notes the image that the books begin with. Throws MdxError `no-form` where what is written cannot begin with one. */
  beginWith(input: InputResult, image: ImageFacts): void {
    input.image = image;
    this.imageEvent = image.event;
    if (image.records === 0 || !this.options.observers.some(({ startsEmpty }) => startsEmpty === true))
      return;
    throw new MdxError(
      'no-form',
      `reading ${input.path}: it begins with an image of the books, and what is written has events only`,
      { hint: 'Write a journal with -o DIR/, or a snapshot with mdx book -o FILE.snap.' },
    );
  }

  /** The books become those of an image, behind damage. Throws MdxError `input-damaged` where what is written has events only. */
  beginAnew(path: string): void {
    const isRecord = ({ startsEmpty, isUnbroken }: EventObserver): boolean =>
      startsEmpty === true || isUnbroken === true;
    if (!this.options.observers.some(isRecord)) return;
    const bad = this.damage.at(-1) ?? { offset: 0, problem: 'events are missing', path };
    throw new MdxError(
      'input-damaged',
      `${bad.path}: damaged at byte ${bad.offset}: ${bad.problem}; events alone do not lead over it`,
      {
        hint: 'Write what is in front of it with --until, and what is behind it from the segments that follow.',
      },
    );
  }

  /** Captures and message files number their channels and events in their own ways, so they are not one capture. */
  refuseMixture(path: string, hasPackets: boolean): void {
    const before = this.inputs.find((input) => (input.packets !== null) !== hasPackets);
    if (before === undefined) return;
    throw new MdxError(
      'usage',
      `reading ${path}: it is a ${hasPackets ? 'capture' : 'message file'}, and ${before.path} is not`,
      { hint: 'Read captures and message files one kind at a time.' },
    );
  }

  /** Refuses a file that begins earlier than the one before it ended. */
  refuseBackwards(path: string, firstTime: bigint): void {
    const before = this.latest;
    if (before === null || firstTime >= before.time) return;
    throw new MdxError(
      'input-order',
      `reading ${path}: its first time is before the last one of ${before.path}`,
      { hint: 'Give the files in the order of their times; to join two lines use `mdx merge`.' },
    );
  }

  /** Midnight of the trading day in the feed's zone, ns since 1970; null where it counts from 1970 or is unknown. */
  midnight(feed: Feed, captureTime: bigint): bigint | null {
    if (feed.midnightZone === null) return null;
    const day = this.options.date ?? (captureTime > 0n ? captureTime : null);
    if (day === null) {
      this.timeBase = 'midnight';
      return null;
    }
    return midnightOf(day, feed.midnightZone);
  }

  /** Makes the books once the feed is known. */
  openBooks(feed: Feed): {
    readonly counts: FeedCounts;
    readonly sink: EventSink;
    readonly messages: MessageSink | null;
  } {
    if (this.books === null) {
      const { observers, led = [], books: filter, stopAt, steps } = this.options;
      const watch = [...observers, ...led, ...(this.invariants === null ? [] : [this.invariants])];
      this.books = new Books(feed.rules, this.dictionary, filter, watch);
      this.counts = new FeedCounts(feed.typeCount);
      for (const observer of observers) observer.start?.(feed, this);
      steps?.attach(this.books);
      this.#messages = this.#messageSink();
      this.gate = stopAt === null ? null : new UntilGate(stopAt, feed.rules, steps ?? this.books);
      this.#sink = this.#resumed(feed, this.books, this.gate ?? steps ?? this.books);
    }
    return { counts: this.counts!, sink: this.#sink!, messages: this.#messages };
  }

  /** Leaves out what the journal has that the run goes on with. */
  #resumed(feed: Feed, books: Books, sink: EventSink): EventSink {
    const { timeBase, framing } = this;
    const sessionOf = (channel: number): string | null | undefined => this.sessionOf(channel);
    const input = { feed, framing: framing ?? feed.framings[0]!, timeBase, sessionOf };
    return this.options.resume?.begin(input, books, sink) ?? sink;
  }

  /** What shows observers the messages themselves; null where nobody wants to see them. */
  #messageSink(): MessageSink | null {
    const sinks = this.options.observers.flatMap(({ messages }) => messages ?? []);
    return sinks.length === 0 ? null : new MessageFilter(sinks, this.dictionary, this.options);
  }

  /** The place to wait for a slow reader, and to hear that the run should stop. @returns null where nobody is waited for. */
  breathe(source: Pick<ByteSource, 'path' | 'bytes' | 'total'>): Promise<void> | null {
    const waits = this.options.breathe({
      path: source.path,
      bytes: source.bytes,
      total: source.total,
      messages: this.counts?.messages ?? 0,
      unknown: this.counts?.unknown ?? 0,
      malformed: this.counts?.malformed ?? 0,
    });
    if (waits !== null) return waits.then(() => this.#heedStop());
    this.#heedStop();
    return null;
  }

  /** Waits `ns` as a paced run does. */
  async pause(ns: number): Promise<void> {
    await this.options.pacer?.sleep(ns);
    if (this.options.stop()) this.stopped = 'request';
  }

  #heedStop(): void {
    if (this.options.stop()) this.stopped ??= 'request';
  }
}

function findFeed(feeds: readonly Feed[], name: string): Feed {
  const feed = feeds.find((candidate) => candidate.name === name || candidate.aliases?.includes(name));
  if (feed !== undefined) return feed;
  throw new MdxError('usage', `--feed ${name}: no such feed`, {
    hint: `Feeds: ${feeds.map((candidate) => candidate.name).join(', ')}.`,
  });
}
