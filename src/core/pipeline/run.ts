import { type CaptureFormat, detectCapture } from '../capture/capture-reader.ts';
import { MdxError } from '../errors.ts';
import { FeedCounts } from '../feeds/counts.ts';
import type { Feed, Framing, ProductNumbers, StreamFacts } from '../feeds/feed.ts';
import { isRawV1 } from '../feeds/raw-v1/detect.ts';
import { type Epoch, isFrame } from '../journal/frame.ts';
import { isObsnap } from '../journal/obsnap-layout.ts';
import { Books } from './books.ts';
import { type ByteSource, Interrupted, openByteSource } from './byte-source.ts';
import { CaptureInput } from './capture-input.ts';
import { EventDelivery } from './event-delivery.ts';
import { EventInput } from './event-input.ts';
import type { Channel } from './flows.ts';
import { ChangeWatch, FollowedFile } from './follow.ts';
import { parseIngestEndpoint } from './ingest/ingest-endpoint.ts';
import { IngestInput } from './ingest/ingest-input.ts';
import type { InvariantWatch } from './invariant-watch.ts';
import { JournalInput, openJournal } from './journal-input.ts';
import type { MergeResult } from './merge/merge-options.ts';
import { MergedInput } from './merge/merged-input.ts';
import { ObsnapInput } from './obsnap-input.ts';
import { joinLines } from './raw-v1/endpoint.ts';
import type { RunOptions } from './run-options.ts';
import { type Damage, type InputResult, RunState } from './run-state.ts';
import { StreamInput } from './stream-input.ts';

/** Bytes looked at to tell a format; captures need these few. */
const HEAD_BYTES = 65536;
const CAPTURE_HEAD_BYTES = 12;

export interface RunResult {
  readonly inputs: readonly InputResult[];
  readonly feed: Feed | null;
  readonly framing: Framing | null;
  readonly counts: FeedCounts;
  /** Do venue times count from 1970, or from an unknown midnight? */
  readonly timeBase: 'utc' | 'midnight';
  readonly channels: readonly Channel[];
  readonly products: readonly ProductNumbers[];
  /** What the merge did, where sources were merged. */
  readonly merge: MergeResult | null;
  readonly streams: readonly StreamFacts[];
  readonly books: Books;
  readonly damage: readonly Damage[];
  readonly invariants: InvariantWatch | null;
  /** History that the events are of, 0 = of none. */
  readonly epoch: Epoch;
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
  readonly #state: RunState;
  readonly #captures: CaptureInput;
  readonly #streams: StreamInput;
  readonly #events: EventInput;
  readonly #journals: JournalInput;
  readonly #ingest: IngestInput;
  readonly #merged: MergedInput;

  constructor(options: RunOptions) {
    this.#state = new RunState(options);
    this.#captures = new CaptureInput(this.#state);
    this.#streams = new StreamInput(this.#state);
    const delivery = new EventDelivery(this.#state);
    this.#events = new EventInput(this.#state, delivery);
    this.#journals = new JournalInput(this.#state, delivery);
    this.#ingest = new IngestInput(this.#state);
    this.#merged = new MergedInput(this.#state);
  }

  async execute(): Promise<RunResult> {
    const state = this.#state;
    const started = process.hrtime.bigint();
    const { merged, paths } = state.options;
    if (merged !== undefined) await this.#merged.read(merged);
    for (const path of joinLines(paths)) {
      if (state.stopped !== null) break;
      await this.#read(path);
    }
    if (state.stopped !== null && state.options.endsOpen === true) this.#captures.leave();
    else this.#captures.finish();
    const elapsedNs = Number(process.hrtime.bigint() - started);
    const books = state.books ?? new Books(NO_RULES, state.dictionary, null, []);
    state.invariants?.checkAll(books.markets);
    return {
      inputs: state.inputs,
      feed: state.feed,
      framing: state.framing,
      counts: state.counts ?? new FeedCounts(0),
      timeBase: state.timeBase,
      channels: [...this.#captures.channels, ...this.#merged.channels],
      products: [...this.#captures.products, ...this.#merged.products],
      merge: this.#merged.result,
      streams: [
        ...this.#streams.decoders,
        ...this.#events.streams,
        ...this.#journals.streams,
        ...this.#ingest.streams,
      ],
      books,
      damage: state.damage,
      invariants: state.invariants,
      epoch: state.epoch,
      elapsedNs,
      stopped: state.stopped,
    };
  }

  async #read(path: string): Promise<void> {
    const journal = this.#state.options.open === undefined ? openJournal(path) : null;
    if (journal !== null) {
      await this.#journals.read(path, journal);
      return;
    }
    const endpoint = parseIngestEndpoint(path);
    if (endpoint !== null) {
      await this.#ingest.read(endpoint);
      return;
    }
    const source = await this.#open(path);
    if (source === null) return;
    const state = this.#state;
    const { window } = state;
    window.reset();
    try {
      // Captures and events tell themselves by their first bytes, so those from a pipe are read as they come.
      let format: CaptureFormat | null = null;
      while (format === null && window.available < HEAD_BYTES && (await state.fill(source))) {
        if (window.available >= CAPTURE_HEAD_BYTES) {
          const start = window.bytes.subarray(window.position, window.limit);
          format = detectCapture(start);
          if (isFrame(start) || isObsnap(start) || isRawV1(start)) break;
        }
      }
      const head = window.bytes.subarray(
        window.position,
        Math.min(window.limit, window.position + HEAD_BYTES),
      );
      if (head.length === 0) {
        if (state.stopped !== null) return;
        throw new MdxError('input-empty', `reading ${path}: it is empty`);
      }
      format ??= detectCapture(head);
      if (format !== null || !isFrame(head)) this.#refuseNoEvents(path);
      if (format !== null) await this.#captures.read(source, format);
      else if (isFrame(head)) await this.#events.read(source);
      else if (isObsnap(head)) await new ObsnapInput(state).read(source);
      else await this.#streams.read(source, head);
    } finally {
      await source.close();
    }
  }

  #refuseNoEvents(path: string): void {
    const { stopAt, steps, follow } = this.#state.options;
    if (follow === true) {
      throw new MdxError('usage', `reading ${path}: --follow follows journals and event files`);
    }
    if ((stopAt ?? steps?.point)?.kind !== 'event') return;
    throw new MdxError(
      'usage',
      `reading ${path}: --at @EVENT names an event, and only journals and event files number theirs`,
    );
  }

  /** @returns null where somebody asked to stop before there was anything to read. */
  async #open(path: string): Promise<ByteSource | null> {
    try {
      const {
        signal,
        tell = () => {},
        open = openByteSource,
        token = null,
        follow,
        stop,
      } = this.#state.options;
      const source = await open(path, signal, tell, token);
      // What is no file is waited for anyway.
      if (follow !== true || source.total === null) return source;
      return new FollowedFile(source, new ChangeWatch(path, signal, stop));
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      this.#state.stopped = 'request';
      return null;
    }
  }
}

const NO_RULES: ConstructorParameters<typeof Books>[0] = {
  idScope: 'source',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};
