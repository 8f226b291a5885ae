import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Market } from '../../src/core/book/market.ts';
import { EventBatch } from '../../src/core/event/batch.ts';
import {
  FLAG_EXTENDED,
  KIND_EXTENSION,
  KIND_GAP,
  KIND_RESET,
  KIND_SESSION,
  RECORD_WORDS,
} from '../../src/core/event/record.ts';
import type { Feed } from '../../src/core/feeds/feed.ts';
import { DURABLE_BYTES, DURABLE_NAME, segmentName, writeDurable } from '../../src/core/journal/directory.ts';
import { type Epoch, FIRST_PLACE, type FramePlace } from '../../src/core/journal/frame.ts';
import type { ChannelPlace } from '../../src/core/journal/image-payload.ts';
import { writeImage } from '../../src/core/journal/image-writer.ts';
import { firstHead } from '../../src/core/journal/payload.ts';
import { SegmentWriter } from '../../src/core/journal/segment-writer.ts';
import type { EventObserver, RunFacts } from '../../src/core/pipeline/books.ts';
import { run } from '../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../src/core/pipeline/run-options.ts';
import { runOptions } from './run-options.ts';

export interface JournalPlan {
  /** Records of a segment before the next one begins. */
  readonly segmentEvents: number;
  /** How the input is read; its batches may end anywhere, and segments do where a batch ends. */
  readonly options?: Partial<RunOptions>;
  /** Of each segment, by its number from 1. */
  readonly epoch?: (segment: number) => Epoch;
  /** The last segment is left without a frame that closes it. */
  readonly leavesOpen?: boolean;
  readonly frameBytes?: number;
  /** False: images do not say in which session channels are. */
  readonly namesSessions?: boolean;
  /** The writer goes away behind so many events, wherever that is; Infinity unless given. */
  readonly eventsMax?: number;
}

/** A journal as a test made it: what is in each segment, by its number. */
export interface BuiltJournal {
  readonly directory: string;
  /** Number of the first event of each segment, in order. */
  readonly firstEvents: readonly number[];
  /** Events in all. */
  readonly events: number;
  /** Where its last frame ends, by segment. */
  readonly bytes: readonly number[];
}

/**
 * Reads an input and writes its events as a journal of small segments into a new directory, in the plainest way: each segment
 * begins with all books and their image and is closed.
 */
export async function buildJournal(
  directory: string,
  paths: readonly string[],
  plan: JournalPlan,
): Promise<BuiltJournal> {
  mkdirSync(directory, { recursive: true });
  const builder = new JournalBuilder(directory, plan);
  await run(runOptions(paths, { batchEvents: 7, ...plan.options, observers: [builder] }));
  return builder.finish();
}

class JournalBuilder implements EventObserver {
  readonly #directory: string;
  readonly #plan: JournalPlan;
  readonly #epochOf: (segment: number) => Epoch;
  readonly #markets: Market[] = [];
  readonly #channels: ChannelPlace[] = [];
  readonly #firstEvents: number[] = [];
  readonly #bytes: number[] = [];
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #writer: SegmentWriter | null = null;
  #frames: Uint8Array[] = [];
  #records = 0;
  #events = 0;

  constructor(directory: string, plan: JournalPlan) {
    this.#directory = directory;
    this.#plan = plan;
    this.#epochOf = plan.epoch ?? (() => ({ high: 0x5eed, low: 0x1234 }));
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
  }

  records(batch: EventBatch, from: number, to: number, market: Market): void {
    const end = this.#cut(batch, from, to);
    if (end === from && this.#writer !== null) return;
    const source = this.#sourceOf(batch.channel);
    while (this.#markets.length < source) this.#markets.push(new Market(market.rules, market.dictionary));
    this.#markets[source] = market;
    if (this.#writer === null) this.#begin(FIRST_PLACE);
    else if (this.#records >= this.#plan.segmentEvents) this.#roll();
    this.#writer!.append(batch, from, end, market.dictionary);
    this.#records += end - from;
    this.#note(batch, from, end);
  }

  /** Where in a batch the writer goes away: `to` where it does not. */
  #cut(batch: EventBatch, from: number, to: number): number {
    const { eventsMax = Number.POSITIVE_INFINITY } = this.#plan;
    let record = from;
    while (record < to && this.#events < eventsMax) {
      record += ((batch.words[record * RECORD_WORDS]! >> 8) & FLAG_EXTENDED) !== 0 ? 2 : 1;
      this.#events += 1;
    }
    return record;
  }

  finish(): BuiltJournal {
    if (this.#writer === null) throw new Error('a journal of no events');
    if (this.#plan.leavesOpen === true) this.#writer.cut();
    else this.#writer.close();
    const { frameNumber, eventNumber, segment } = this.#writer.frames;
    this.#write(segment);
    const view = new DataView(new ArrayBuffer(DURABLE_BYTES));
    writeDurable(view, {
      event: eventNumber - 1,
      frame: frameNumber - 1,
      offset: this.#bytes.at(-1)!,
      segment,
      epoch: this.#epochOf(segment),
      failed: false,
      wallTime: 0n,
    });
    writeFileSync(join(this.#directory, DURABLE_NAME), new Uint8Array(view.buffer));
    return {
      directory: this.#directory,
      firstEvents: this.#firstEvents,
      events: eventNumber - 1,
      bytes: this.#bytes,
    };
  }

  #roll(): void {
    const { frames } = this.#writer!;
    this.#writer!.close();
    this.#write(frames.segment);
    this.#begin({
      frameNumber: frames.frameNumber,
      eventNumber: frames.eventNumber,
      segment: frames.segment + 1,
      lastCrc: frames.lastCrc,
    });
  }

  #begin(place: FramePlace): void {
    const { name } = this.#feed!;
    const writer = new SegmentWriter(
      (frame) => this.#frames.push(frame.slice()),
      this.#epochOf(place.segment),
      this.#plan.frameBytes,
    );
    Object.assign(writer.frames, place);
    const sources = [{ feed: name, name }];
    writer.open({
      ...firstHead({ sources, timeBase: this.#run!.timeBase, version: '0.0.0' }),
      lastFrame: BigInt(place.frameNumber - 1),
      lastCrc: place.lastCrc,
    });
    // What is known of books stands in front of what is in them.
    const { dictionary } = this.#markets[0]!;
    writer.append(NOTHING, 0, 0, dictionary);
    writeImage(writer.frames, this.#markets, { busCursor: 0, channels: this.#places() });
    this.#writer = writer;
    this.#records = 0;
    this.#firstEvents.push(place.eventNumber);
  }

  #places(): ChannelPlace[] {
    const sessions = new Map(this.#run!.places().map(({ channel, session }) => [channel, session]));
    return this.#channels.map((place, channel) => {
      const market = this.#markets[this.#sourceOf(channel)];
      const session = this.#plan.namesSessions === false ? null : (sessions.get(channel) ?? null);
      return { ...place, session, isLost: market?.lostChannels.has(channel) ?? false };
    });
  }

  #sourceOf(channel: number): number {
    return this.#feed!.rules.idScope === 'source' ? channel : 0;
  }

  /** Follows the last message of every channel. */
  #note(batch: EventBatch, from: number, to: number): void {
    const { words, channel } = batch;
    while (this.#channels.length <= channel) {
      this.#channels.push({
        channel: this.#channels.length,
        isLost: false,
        lastSequence: 0,
        lastEvents: 0,
        nextTransport: 0,
        session: null,
      });
    }
    for (let record = from; record < to; record += 1) {
      const head = words[record * RECORD_WORDS]!;
      if (NOT_COUNTED.has(head & 255)) continue;
      const place = this.#channels[channel]!;
      const lastSequence = batch.sequenceBase === 0 ? 0 : batch.sequenceBase + (head >>> 16);
      const lastEvents = lastSequence === place.lastSequence && lastSequence !== 0 ? place.lastEvents + 1 : 1;
      this.#channels[channel] = { ...place, lastSequence, lastEvents };
    }
  }

  #write(segment: number): void {
    const bytes = Buffer.concat(this.#frames);
    writeFileSync(join(this.#directory, segmentName(segment)), bytes);
    this.#bytes.push(bytes.length);
    this.#frames = [];
  }
}

/** Second records, and what the transport says. */
const NOT_COUNTED: ReadonlySet<number> = new Set([KIND_EXTENSION, KIND_GAP, KIND_RESET, KIND_SESSION]);
const NOTHING = new EventBatch(1);
