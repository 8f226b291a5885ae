import { mix2 } from '../binary/hash-index.ts';
import { type ByteSink, type CaptureWriter, PcapngWriter, PcapWriter } from '../capture/capture-writer.ts';
import { DbnMboEncoder, mboMetadata } from '../feeds/dbn/encoder.ts';
import { midnightOf } from '../feeds/session-date.ts';
import { Action, type ActionSource } from './action.ts';
import { DbnSession } from './dbn-session.ts';
import { EobiFixture } from './eobi-fixture.ts';
import { EobiSession } from './eobi-session.ts';
import { Exchange, type ExchangeOptions } from './exchange.ts';
import { FastLikeSession } from './fast-like-session.ts';
import type { FeedSession, LineFile } from './feed-session.ts';
import { Fixture } from './fixture.ts';
import { ImpairedWire, type Impairments } from './impairment.ts';
import { ItchSession } from './itch-session.ts';
import { MOLD_LINES, MOLD_SHAPE, MoldLine } from './mold-line.ts';
import { TimeIds } from './order-ids.ts';
import type { ToldBooks } from './told-books.ts';
import { packetSink } from './udp-sink.ts';

export const FORMATS = ['pcap', 'pcapng', 'dbn'] as const;
export type SimulationFormat = (typeof FORMATS)[number];

/** Feeds that packets can be written in. */
export const FEEDS = ['itch', 'eobi', 'fast-like'] as const;
export type SimulationFeed = (typeof FEEDS)[number];

/** What is simulated. */
export type Profile =
  | ({ readonly kind: 'exchange' } & Omit<ExchangeOptions, 'seed' | 'keepsIds' | 'ids'>)
  | {
      readonly kind: 'fixture';
      readonly instruments: number;
      readonly ordersEach: number;
      /** EOBI: packets of four messages. */
      readonly packets?: number;
    };

/** One file to write. */
export interface LineOutput {
  readonly format: SimulationFormat;
  /** Takes its bytes; they are the writer's own and valid until it returns. */
  readonly sink: ByteSink;
  /** For packets; a DBN file has none. */
  readonly impairments: Impairments;
}

export interface SimulationOptions {
  readonly profile: Profile;
  /** Of the packets; a DBN file is what it is. ITCH unless given. */
  readonly feed?: SimulationFeed;
  /** Time between the beginnings of two snapshot cycles, for feeds that have them; a quarter of a second unless given. */
  readonly snapshotNs?: number | undefined;
  readonly seed: number;
  /** Trading day in New York, YYYY-MM-DD. */
  readonly date: string;
  readonly a: LineOutput;
  /** A second line of packets, or null. */
  readonly b: LineOutput | null;
}

/** DBN's name of where the records come from. */
export const DATASET = 'MDX.SIMULATE';
const ZONE = 'America/New_York';
const DAY_NS = 86_400_000_000_000n;
const SNAPSHOT_NS = 250_000_000;

/**
 * One run of a source of actions through the encoders: call `step` until it answers false. Synchronous; whoever
 * calls it waits for slow readers between the steps.
 */
export class Simulation {
  readonly options: SimulationOptions;
  readonly source: ActionSource;
  /** ns since 1970 of the midnight that the day begins with in New York. */
  readonly midnight: bigint;
  /** Actions so far. */
  actions = 0;
  readonly #feed: FeedSession;
  readonly #action: Action = new Action();
  readonly #writers: CaptureWriter[] = [];
  #finished = false;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.midnight = midnightOf(options.date, ZONE);
    this.source = this.#openSource();
    this.#feed = this.#openFeed();
  }

  /** `dbn`, or the feed of the packets. */
  get wire(): 'dbn' | SimulationFeed {
    const { a, feed = 'itch' } = this.options;
    return a.format === 'dbn' ? 'dbn' : feed;
  }

  /** The lines of the files, one by one; none for DBN. */
  get lines(): FeedSession['lines'] {
    return this.#feed.lines;
  }

  /** Mold session; null for the others. */
  get session(): string | null {
    return this.#feed.session;
  }

  /** The books as the feed tells them. */
  get books(): ToldBooks {
    return this.#feed.books;
  }

  /** Writes at most so many more actions. @returns false when everything is written. */
  step(actions: number): boolean {
    if (this.#finished) return false;
    const action = this.#action;
    for (let left = actions; left > 0; left -= 1) {
      if (!this.source.next(action)) {
        this.#finish();
        return false;
      }
      this.#feed.take(action);
      this.actions += 1;
    }
    return true;
  }

  /** Comes to the end of the session as soon as it can. */
  end(): void {
    this.source.end();
  }

  messagesByType(): Record<string, number> {
    return this.#feed.messagesByType();
  }

  #finish(): void {
    this.#finished = true;
    this.#feed.finish(this.#action.time);
    for (const writer of this.#writers) writer.flush();
  }

  #openSource(): ActionSource {
    const { profile, seed } = this.options;
    const { wire } = this;
    if (profile.kind === 'exchange') {
      const ids = wire === 'eobi' ? { ids: new TimeIds(this.midnight) } : {};
      return new Exchange({ ...profile, ...ids, seed, keepsIds: wire === 'dbn' });
    }
    const { instruments, ordersEach, packets = 0 } = profile;
    return wire === 'eobi'
      ? new EobiFixture(instruments, ordersEach, packets)
      : new Fixture(instruments, ordersEach);
  }

  #openFeed(): FeedSession {
    const { source, wire, midnight } = this;
    const { seed, profile, snapshotNs = SNAPSHOT_NS, a, b } = this.options;
    if (wire === 'dbn') return this.#openDbn(a.sink);
    const files = [this.#openFile('A', a), ...(b === null ? [] : [this.#openFile('B', b)])];
    if (wire === 'eobi') {
      const isFixture = profile.kind === 'fixture';
      return new EobiSession({ source, midnight, files, isFixture, snapshotNs });
    }
    if (wire === 'fast-like') return new FastLikeSession(source, files);
    const session = sessionOf(seed);
    const lines = files.map(({ name, openWire }) => {
      const line = MOLD_LINES[name];
      return new MoldLine(line, session, openWire(line, MOLD_SHAPE));
    });
    return new ItchSession(source, lines, session);
  }

  #openDbn(sink: ByteSink): DbnSession {
    const encoder = new DbnMboEncoder(sink);
    encoder.begin(
      mboMetadata({
        dataset: DATASET,
        start: this.midnight,
        end: this.midnight + DAY_NS,
        instruments: this.source.instruments.map(({ symbol, number }) => ({ symbol, instrument: number })),
      }),
    );
    return new DbnSession(encoder, this.source, this.midnight);
  }

  #openFile(name: 'A' | 'B', { format, sink, impairments }: LineOutput): LineFile {
    const { wire, midnight } = this;
    const writer = format === 'pcap' ? new PcapWriter(sink, { line: name }) : new PcapngWriter(sink);
    this.#writers.push(writer);
    const arrival = { time: 0 };
    let series = name.charCodeAt(0);
    return {
      name,
      openWire: (profile, shape) => {
        const packets = packetSink({ profile, writer, midnight, arrival, feed: FEED_NAMES[wire] });
        const wireSeed = mix2(this.options.seed, series);
        series += 256;
        return new ImpairedWire(wireSeed, impairments, shape, packets);
      },
    };
  }
}

/** As the registry of feeds names them. */
export const FEED_NAMES: Readonly<Record<'dbn' | SimulationFeed, string>> = {
  dbn: 'dbn-mbo',
  itch: 'itch-5.0',
  eobi: 'eobi-14.1',
  'fast-like': 'fast-like',
};

/** Ten characters that differ from seed to seed. */
function sessionOf(seed: number): string {
  return (seed >>> 0).toString(10).padStart(10, '0');
}
