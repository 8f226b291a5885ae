import type { ByteWindow } from '../../binary/byte-window.ts';
import { bigHigh, bigLow } from '../../binary/time.ts';
import { EventBatch, type EventSink } from '../../event/batch.ts';
import {
  GAP_LOST,
  KIND_GAP,
  KIND_SESSION,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
} from '../../event/record.ts';
import type { EventWriter } from '../../event/writer.ts';
import type { FeedCounts } from '../../feeds/counts.ts';
import type { StreamDecoder } from '../../feeds/feed.ts';
import type { Hello, TellsGap } from '../../net/ingest/layout.ts';
import type { Ending, IngestSink } from '../../net/ingest/sink.ts';
import { IngestSource, recordsAt } from './ingest-source.ts';

const TWO_32 = 4294967296;
/** No record is shorter. */
const RECORD_BYTES_MIN = 16;
const WORD_BYTES = 4;

/** What the sources of a run write to. */
export interface IngestTargets {
  readonly window: ByteWindow;
  readonly writer: EventWriter;
  readonly sink: EventSink;
  readonly counts: FeedCounts;
  /** Records that are still wanted. */
  readonly recordsMax: number;
  /** Senders there may be at a time: of several threads, none knows of all. */
  readonly sendersMax: number;
  /** Sources there may be at most. */
  readonly sourcesMax: number;
  open(source: IngestSource): StreamDecoder;
  /** Ends a connection. */
  cut(sender: number, ending: Ending): void;
  /** Says what was wrong with what a source sent. */
  tell(text: string): void;
}

/**
 * What many senders say, as events: each source is a channel. All decoders read through one window and write into one
 * batch; what one source says at a stretch is decoded at once, so that many small messages cost what a large one does.
 */
export class IngestSources implements IngestSink {
  readonly all: IngestSource[] = [];
  readonly #byName: Map<string, IngestSource> = new Map();
  readonly #bySender: Map<number, IngestSource> = new Map();
  readonly #targets: IngestTargets;
  /** Whose records are in the window. */
  #staged: IngestSource | null = null;
  /** What decoded last. */
  #last: StreamDecoder | null = null;
  readonly #note: EventBatch = new EventBatch(1);

  constructor(targets: IngestTargets) {
    this.#targets = targets;
  }

  /** A source that is known from before: where it stands. */
  expect(name: string, channel: number, next: number): void {
    const source = new IngestSource(name, channel);
    source.next = next;
    this.#byName.set(name, source);
    this.all.push(source);
  }

  /** Has the source of this channel begun anew? */
  isAnew(channel: number): boolean {
    return this.all.some((source) => source.channel === channel && source.isAnew);
  }

  /** Sources that said goodbye and are away. */
  get finished(): number {
    let finished = 0;
    for (const { ended } of this.all) if (ended === 'goodbye') finished += 1;
    return finished;
  }

  /** Senders that are there. */
  get connected(): number {
    return this.#bySender.size;
  }

  /** All that was asked for has come. */
  get isFull(): boolean {
    return this.#targets.counts.messages >= this.#targets.recordsMax;
  }

  hello(sender: number, hello: Hello): void {
    this.flush();
    const isNew = (this.#byName.get(hello.source)?.sender ?? 0) === 0;
    const isFull = isNew && this.#bySender.size >= this.#targets.sendersMax;
    const source = isFull ? null : this.#sourceOf(hello.source);
    if (source === null) {
      this.#targets.cut(sender, isFull ? 'full' : 'names');
      return;
    }
    if (source.sender !== 0) {
      const before = source.sender;
      this.#bySender.delete(before);
      this.#targets.cut(before, 'replaced');
    }
    const { start, continues } = hello;
    const wanted = Math.max(source.next, 1);
    source.begin(sender, start, hello.note);
    this.#bySender.set(sender, source);
    if (start === 1 && !continues && wanted > 1) this.#beginAnew(source);
    else if (start > wanted) this.#lose(source, start - 1, 0, 0);
    else source.next = wanted;
  }

  metadata(sender: number, bytes: Uint8Array, from: number, to: number): void {
    this.flush();
    const source = this.#bySender.get(sender);
    if (source === undefined) return;
    const { window } = this.#targets;
    window.reset();
    window.room().set(bytes.subarray(from, to));
    window.commit(to - from);
    const problem = source.takeHead(window, () => this.#targets.open(source));
    window.reset();
    if (problem !== null) this.#refuse(source, 'metadata', problem);
  }

  records(sender: number, bytes: Uint8Array, from: number, to: number): void {
    const source = this.#bySender.get(sender);
    if (source === undefined) return;
    const { window } = this.#targets;
    if (this.#staged !== source || window.bytes.length - window.limit < to - from) {
      this.flush();
      const problem = source.ready(window, () => this.#targets.open(source));
      if (problem !== null) {
        this.#refuse(source, 'metadata', problem);
        return;
      }
      window.reset();
      this.#staged = source;
    }
    const begin = source.at < source.next ? this.#skip(source, bytes, from, to) : from;
    const { end } = recordsAt(bytes, begin, to, Number.POSITIVE_INFINITY);
    window.bytes.set(bytes.subarray(begin, end), window.limit);
    window.commit(end - begin);
    if (end === to) return;
    this.flush();
    this.#refuse(source, 'records', `no whole record at byte ${end - from} of a message of ${to - from}`);
  }

  gap(sender: number, { first, last, timeHigh, timeLow }: TellsGap): void {
    this.flush();
    const source = this.#bySender.get(sender);
    if (source === undefined) return;
    // Numbers that the sender left out in front of it are lost as well.
    if (first < source.at) {
      this.#refuse(source, 'gap', `a gap from ${first}, and record ${source.at} is the next`);
      return;
    }
    source.at = last + 1;
    if (last >= source.next) this.#lose(source, last, timeHigh, timeLow);
  }

  closed(sender: number, ending: Ending): void {
    this.flush();
    const source = this.#bySender.get(sender);
    this.#bySender.delete(sender);
    if (source?.sender === sender) source.end(ending);
  }

  /** Decodes what waits in the window. */
  flush(): void {
    const source = this.#staged;
    if (source === null) return;
    this.#staged = null;
    const { window, counts } = this.#targets;
    const decoder = source.decoder;
    if (decoder !== null && window.available > 0) {
      const before = decoder.ordinal!;
      this.#last = decoder;
      this.#decode(decoder);
      source.next = decoder.ordinal! + 1;
      source.at = source.next;
      source.records += decoder.ordinal! - before;
      const { problem } = decoder;
      if (problem !== null) {
        counts.noteMalformed('records of a sender', 0, window.offset);
        this.#refuse(source, 'records', problem);
      }
    }
    window.reset();
  }

  /** Decodes what is in the window, or as much of it as is still wanted. */
  #decode(decoder: StreamDecoder): void {
    const { window, counts, recordsMax } = this.#targets;
    for (let shown = 0; decoder.problem === null; ) {
      const left = recordsMax - counts.messages;
      if (left <= 0) return;
      const { available, offset } = window;
      // A step is shorter than two records where few are wanted.
      shown = Math.min(available, Math.max(left * RECORD_BYTES_MIN, shown + WORD_BYTES));
      const isAll = shown === available;
      window.showOnly(shown);
      window.ended = isAll;
      decoder.decode(window);
      window.showAll();
      if (isAll) return;
      shown -= window.offset - offset;
    }
  }

  /** Leaves out what is known. @returns where the records begin that are not. */
  #skip(source: IngestSource, bytes: Uint8Array, from: number, to: number): number {
    const { end, count } = recordsAt(bytes, from, to, source.next - source.at);
    source.at += count;
    source.repeated += count;
    return end;
  }

  /** A sender that begins with the first record again: what it said before is over. */
  #beginAnew(source: IngestSource): void {
    source.next = 1;
    source.isAnew = true;
    this.#write(source, KIND_SESSION, 1, 0, 0, 0);
  }

  /** Numbers up to `last` are lost. */
  #lose(source: IngestSource, last: number, timeHigh: number, timeLow: number): void {
    const first = Math.max(source.next, 1);
    const count = last - first + 1;
    source.next = last + 1;
    source.lost += count;
    this.#write(source, KIND_GAP, first, count, timeHigh, timeLow);
    if (source.decoder !== null) source.decoder.ordinal = last;
  }

  /** Writes an event about the source itself. It has the time that the sender tells, or that of the last record. */
  #write(
    { channel, decoder }: IngestSource,
    kind: number,
    first: number,
    count: number,
    timeHigh: number,
    timeLow: number,
  ): void {
    const { writer, sink } = this.#targets;
    writer.flush();
    const last = (decoder ?? this.#last)?.lastTime ?? 0n;
    const isTold = (timeHigh | timeLow) !== 0;
    const note = this.#note;
    note.channel = channel;
    note.sequenceBase = first;
    note.venueBaseHigh = isTold ? timeHigh : bigHigh(last);
    note.venueBaseLow = isTold ? timeLow : bigLow(last);
    note.receiveBaseHigh = note.venueBaseHigh;
    note.receiveBaseLow = note.venueBaseLow;
    const { words } = note;
    words.fill(0, 0, RECORD_WORDS);
    words[0] = kind;
    words[WORD_BOOK] = NO_BOOK;
    words[WORD_ID] = first | 0;
    words[WORD_ID + 1] = Math.floor(first / TWO_32);
    words[WORD_QUANTITY] = count | 0;
    words[WORD_QUANTITY + 1] = Math.floor(count / TWO_32);
    words[WORD_PRICE] = kind === KIND_GAP ? GAP_LOST : 0;
    note.count = 1;
    sink.accept(note);
  }

  #refuse(source: IngestSource, ending: Ending, problem: string): void {
    this.#targets.tell(`source ${source.name}: ${problem}`);
    const { sender } = source;
    this.#bySender.delete(sender);
    source.end(ending);
    this.#targets.cut(sender, ending);
  }

  #sourceOf(name: string): IngestSource | null {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.all.length >= this.#targets.sourcesMax) return null;
    let channel = 0;
    for (const each of this.all) channel = Math.max(channel, each.channel + 1);
    const source = new IngestSource(name, channel);
    this.all.push(source);
    this.#byName.set(name, source);
    return source;
  }
}
