import { build, type Histogram } from 'hdr-histogram-js';
import { mix2 } from '../binary/hash-index.ts';
import type { CaptureReader } from '../capture/capture-reader.ts';
import type { UdpSender } from '../net/sender.ts';
import type { Datagram } from '../packet/datagram.ts';
import { ImpairedWire, type Impairments } from '../simulate/impairment.ts';
import type { PacketShape } from '../simulate/packet-shape.ts';
import { LineOfPacket } from './line-of-packet.ts';
import { type PacketTaker, type PacketWalkResult, walkPackets } from './packet-walk.ts';
import type { RunOptions } from './run-options.ts';
import { type WireClock, WirePacer } from './wire-pacer.ts';
import { type WireRate, WireSchedule } from './wire-schedule.ts';

/** A line that datagrams go out on. */
export interface WireLineOptions {
  readonly name: 'A' | 'B';
  readonly sender: UdpSender;
  /** Which of the capture's lines goes out here; null = all datagrams. Either all lines say it or none. */
  readonly takes: 'A' | 'B' | null;
  /** Null = everything goes out once, whole and in order. */
  readonly impairments: Impairments | null;
}

export interface WireReplayOptions {
  readonly input: RunOptions;
  readonly lines: readonly WireLineOptions[];
  readonly rate: WireRate;
  /** How often the capture is played. */
  readonly passes: number;
  readonly seed: number;
  readonly clock: WireClock;
}

/** How long after they were due datagrams went out, ns. */
export interface Lateness {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly samples: number;
  /** Of the last datagram: what has added up. */
  readonly final: number;
}

export interface WireLineResult {
  readonly name: 'A' | 'B';
  /** Datagrams for this line, before anything happened to them. */
  readonly datagrams: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly corrupted: number;
  /** Bytes of UDP payload handed to the sender. */
  readonly bytes: number;
}

export interface WireReplayResult extends Omit<PacketWalkResult, 'taken'> {
  readonly lines: readonly WireLineResult[];
  /** Datagrams of the capture that were for no line. */
  readonly otherLine: number;
  /** Passes that were begun. */
  readonly passes: number;
  /** Null where there was no plan. */
  readonly lateness: Lateness | null;
  readonly elapsedNs: number;
}

/** Datagrams that go out together at most. */
const BATCH = 64;
const LATENESS_MAX_NS = 3_600_000_000_000;

/**
 * Sends the datagrams of captures onto the wire, as they were captured or at a given rate. The walk's messagesMax counts
 * datagrams of each pass.
 */
export async function replayOntoWire(options: WireReplayOptions): Promise<WireReplayResult> {
  const replay = new WireReplay(options);
  const started = options.clock.now();
  const walk = await replay.play();
  const { inputs, damage, stopped } = walk;
  return { inputs, damage, stopped, ...replay.result(), elapsedNs: options.clock.now() - started };
}

class WireReplay implements PacketTaker {
  readonly #options: WireReplayOptions;
  readonly #lines: readonly WireLine[];
  readonly #schedule: WireSchedule;
  readonly #pacer: WirePacer | null;
  /** The capture has two lines, which go different ways. */
  readonly #splits: boolean;
  readonly #lineOf: LineOfPacket = new LineOfPacket();
  readonly #lateness: Histogram;
  /** When the datagrams that were put and not yet flushed were due. */
  readonly #dues: Float64Array = new Float64Array(BATCH);
  #waiting = 0;
  #final = 0;
  #otherLine = 0;
  #passes = 0;

  constructor(options: WireReplayOptions) {
    this.#options = options;
    this.#lines = options.lines.map((line, index) => new WireLine(line, mix2(options.seed, index)));
    this.#splits = options.lines.some(({ takes }) => takes !== null);
    this.#schedule = new WireSchedule(options.rate);
    this.#pacer = options.rate.kind === 'top' ? null : new WirePacer(options.clock);
    this.#lateness = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: LATENESS_MAX_NS,
      numberOfSignificantValueDigits: 3,
      bitBucketSize: 64,
      useWebAssembly: false,
    });
  }

  async play(): Promise<PacketWalkResult> {
    const { input, passes } = this.#options;
    for (;;) {
      this.#passes += 1;
      const walk = await walkPackets(input, this);
      const isLast = this.#passes === passes || walk.stopped === 'request' || walk.damage.length > 0;
      if (isLast) for (const line of this.#lines) line.finish();
      await this.settle();
      if (isLast || walk.taken === 0) return walk;
      this.#schedule.rewind();
    }
  }

  take(packet: CaptureReader, datagram: Datagram): boolean {
    const line = this.#splits ? this.#lineOf.of(packet, datagram) : null;
    if (this.#splits && !this.#lines.some(({ takes }) => takes === line)) {
      this.#otherLine += 1;
      return true;
    }
    if (this.#waiting === BATCH) this.#flush();
    const due = this.#schedule.due(datagram.timeHigh, datagram.timeLow);
    const pacer = this.#pacer;
    // What is due goes out before anything is waited for.
    if (pacer?.isAhead(due) === true) {
      this.#flush();
      if (!pacer.block(due)) return false;
    }
    for (const each of this.#lines) if (each.takes === line) each.send(datagram, due);
    this.#schedule.sent(due, datagram.length);
    this.#dues[this.#waiting] = due;
    this.#waiting += 1;
    return true;
  }

  async settle(): Promise<void> {
    this.#flush();
    await this.#pacer?.rest();
  }

  result(): Pick<WireReplayResult, 'lines' | 'otherLine' | 'passes' | 'lateness'> {
    const histogram = this.#lateness;
    const at = (percentile: number): number => histogram.getValueAtPercentile(percentile);
    return {
      lines: this.#lines.map((line) => line.result()),
      otherLine: this.#otherLine,
      passes: this.#passes,
      lateness:
        this.#pacer === null
          ? null
          : {
              p50: at(50),
              p90: at(90),
              p99: at(99),
              p999: at(99.9),
              max: histogram.maxValue,
              samples: histogram.totalCount,
              final: Math.round(this.#final),
            },
    };
  }

  /** All that was put goes out now. */
  #flush(): void {
    for (const { sender } of this.#lines) sender.flush();
    const pacer = this.#pacer;
    for (let index = 0; index < this.#waiting && pacer !== null; index += 1) {
      this.#final = pacer.lateness(this.#dues[index]!);
      this.#lateness.recordValue(Math.min(Math.max(0, Math.round(this.#final)), LATENESS_MAX_NS));
    }
    this.#waiting = 0;
  }
}

/** One line and what goes wrong on it. */
class WireLine {
  readonly takes: 'A' | 'B' | null;
  readonly sender: UdpSender;
  readonly #name: 'A' | 'B';
  readonly #wire: ImpairedWire | null;
  #datagrams = 0;
  #bytes = 0;

  constructor({ name, sender, takes, impairments }: WireLineOptions, seed: number) {
    this.#name = name;
    this.sender = sender;
    this.takes = takes;
    this.#wire =
      impairments === null
        ? null
        : new ImpairedWire(seed, impairments, ANY_PACKET, (payload) => this.#put(payload, 0, payload.length));
  }

  send({ bytes, offset, length }: Datagram, due: number): void {
    this.#datagrams += 1;
    if (this.#wire === null) this.#put(bytes, offset, length);
    else this.#wire.send(bytes.subarray(offset, offset + length), 0, 0, 1, Math.round(due));
  }

  #put(bytes: Uint8Array, offset: number, length: number): void {
    this.#bytes += length;
    this.sender.send(bytes, offset, length);
  }

  /** What is late has nothing to wait for any more. */
  finish(): void {
    this.#wire?.finish();
  }

  result(): WireLineResult {
    const ledger = this.#wire?.ledger;
    return {
      name: this.#name,
      datagrams: this.#datagrams,
      lost: ledger?.lost ?? 0,
      duplicated: ledger?.duplicated ?? 0,
      reordered: ledger?.reordered ?? 0,
      corrupted: ledger?.corruptions.length ?? 0,
      bytes: this.#bytes,
    };
  }
}

/** Packets of which nothing is known: damage hits any byte. */
const ANY_PACKET: PacketShape = {
  typeCount: 0,
  typeName: () => '',
  tally: () => {},
  framingByte: () => 0,
  byteInside: (payload, _messages, random) => (payload.length === 0 ? 0 : random.below(payload.length)),
};
