import { mix2 } from '../binary/hash-index.ts';
import { bigHigh, bigLow } from '../binary/time.ts';
import { parseAddress } from '../capture/address.ts';
import {
  type ByteSink,
  type CaptureWriter,
  PcapngWriter,
  PcapWriter,
  type UdpHeader,
} from '../capture/capture-writer.ts';
import { DbnMboEncoder, mboMetadata } from '../feeds/dbn/encoder.ts';
import { PRICE_SCALE as DBN_PRICE_SCALE } from '../feeds/dbn/layout.ts';
import { PRICE_SCALE as ITCH_PRICE_SCALE } from '../feeds/itch/layout.ts';
import { midnightOf } from '../feeds/session-date.ts';
import { Action, type ActionSink, type ActionSource } from './action.ts';
import { DbnSession } from './dbn-session.ts';
import { Exchange, type ExchangeOptions } from './exchange.ts';
import { Fixture } from './fixture.ts';
import { ImpairedWire, type Impairments, type PacketSink } from './impairment.ts';
import { ItchSession } from './itch-session.ts';
import { LINES, Line, type LineProfile } from './line.ts';

export const FORMATS = ['pcap', 'pcapng', 'dbn'] as const;
export type SimulationFormat = (typeof FORMATS)[number];

/** What is simulated. */
export type Profile =
  | ({ readonly kind: 'exchange' } & Omit<ExchangeOptions, 'seed' | 'keepsIds'>)
  | { readonly kind: 'fixture'; readonly instruments: number; readonly ordersEach: number };

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
const TWO_32 = 4294967296;

/**
 * One run of a source of actions through the encoders: call `step` until it answers false. Synchronous; whoever
 * calls it waits for slow readers between the steps.
 */
export class Simulation {
  readonly options: SimulationOptions;
  readonly source: ActionSource;
  /** ns since 1970 of the midnight that the day begins with in New York. */
  readonly midnight: bigint;
  /** Decimal digits of prices on the wire. */
  readonly priceScale: number;
  /** DBN's publisher; 0 where the wire has none. */
  readonly publisher: number;
  /** Empty for DBN. */
  readonly lines: readonly Line[];
  /** Mold session; null for DBN. */
  readonly session: string | null;
  /** Actions so far. */
  actions = 0;
  readonly #action: Action = new Action();
  readonly #sink: ActionSink;
  readonly #writers: CaptureWriter[] = [];
  #finished = false;

  constructor(options: SimulationOptions) {
    const { profile, seed, date, a, b } = options;
    const isDbn = a.format === 'dbn';
    this.options = options;
    this.midnight = midnightOf(date, ZONE);
    this.source =
      profile.kind === 'fixture'
        ? new Fixture(profile.instruments, profile.ordersEach)
        : new Exchange({ ...profile, seed, keepsIds: isDbn });
    this.priceScale = isDbn ? DBN_PRICE_SCALE : ITCH_PRICE_SCALE;
    this.publisher = isDbn ? this.source.publisher : 0;
    if (isDbn) {
      this.session = null;
      this.lines = [];
      this.#sink = this.#openDbn(a.sink);
      return;
    }
    if (this.source.priceScale > ITCH_PRICE_SCALE)
      throw new RangeError('ITCH prices have four decimal digits');
    this.session = sessionOf(seed);
    this.lines = [this.#openLine(LINES.A, a), ...(b === null ? [] : [this.#openLine(LINES.B, b)])];
    this.#sink = new ItchSession(this.source.instruments, this.lines);
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
      this.#sink.take(action);
      this.actions += 1;
    }
    return true;
  }

  /** Comes to the end of the session as soon as it can. */
  end(): void {
    this.source.end();
  }

  messagesByType(): Record<string, number> {
    return this.#sink.messagesByType();
  }

  #finish(): void {
    this.#finished = true;
    this.#sink.finish(this.#action.time);
    for (const writer of this.#writers) writer.flush();
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

  #openLine(profile: LineProfile, output: LineOutput): Line {
    const writer = openWriter(profile, output);
    this.#writers.push(writer);
    const sink = packetSink(profile, writer, this.midnight);
    const seed = mix2(this.options.seed, profile.name.charCodeAt(0));
    return new Line(profile, sessionOf(this.options.seed), new ImpairedWire(seed, output.impairments, sink));
  }
}

/** Ten characters that differ from seed to seed. */
function sessionOf(seed: number): string {
  return (seed >>> 0).toString(10).padStart(10, '0');
}

function openWriter(profile: LineProfile, { format, sink }: LineOutput): CaptureWriter {
  if (format === 'pcap') return new PcapWriter(sink, { line: profile.name });
  const writer = new PcapngWriter(sink);
  const { name, group, port } = profile;
  writer.addInterface({
    name,
    description: `mdx/1 line=${name} clock=file source=udp://${group}:${port} feed=itch-5.0`,
  });
  return writer;
}

/** Writes packets as UDP datagrams of a line. */
function packetSink(profile: LineProfile, writer: CaptureWriter, midnight: bigint): PacketSink {
  const midnightHigh = bigHigh(midnight);
  const midnightLow = bigLow(midnight);
  const header = {
    timeHigh: 0,
    timeLow: 0,
    ipVersion: 4,
    source: wordsOf(profile.source),
    sourcePort: profile.sourcePort,
    destination: wordsOf(profile.group),
    destinationPort: profile.port,
  } satisfies UdpHeader;
  return (payload, time) => {
    const low = (midnightLow + (time | 0)) | 0;
    header.timeLow = low;
    header.timeHigh = midnightHigh + Math.floor(time / TWO_32) + (low >>> 0 < midnightLow >>> 0 ? 1 : 0);
    writer.writeUdp(header, payload, 0, payload.length);
  };
}

function wordsOf(address: string): Int32Array {
  const parsed = parseAddress(address);
  if (parsed === null) throw new RangeError(`${address} is no address`);
  return parsed.words;
}
