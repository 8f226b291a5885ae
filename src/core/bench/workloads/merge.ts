import { Random } from '../../binary/random.ts';
import type { TransportReader } from '../../feeds/feed.ts';
import { HEADER_DATA } from '../../feeds/feed.ts';
import { itch } from '../../feeds/itch/index.ts';
import { MOLD_HEADER_BYTES } from '../../feeds/itch/mold-layout.ts';
import { Arbiter } from '../../merge/arbiter.ts';
import type { ArbiterSink } from '../../merge/session-merge.ts';
import { WAITING_PACKETS_MAX, WaitingRoom } from '../../merge/waiting-room.ts';
import { Datagram } from '../../packet/datagram.ts';
import { inSteps } from '../steps.ts';
import type { Workload, WorkloadOptions } from '../workload.ts';
import { SEED } from './synthetic.ts';

/** A block of 22 bytes with its length: two of them and a header make a packet of 64 bytes. */
const MESSAGE_BYTES = 20;
const BLOCK_BYTES = MESSAGE_BYTES + 2;
/** Messages per packet: those of A, and in turn those of B, which carries the same ones. */
const CUT_A: readonly number[] = [2];
const CUT_B: readonly number[] = [1, 3, 2];
const LOSS = 0.05;
/** B is so many packets behind A. */
const SKEW = 8;
/** Time from one packet of a line to its next. */
const PACKET_GAP_NS = 100_000;
const GAP_TIMEOUT_NS = 5_000_000;
const PACKETS_PER_STEP = 256;
const DATAGRAM_BYTES_MAX = 65_535;

/**
 * Two lines in memory, in the order in which they would arrive, through transport reader and arbiter to a sink that cuts
 * every packet anew as it was passed on. A unit is a packet that arrived, on either line.
 */
export function mergeLines(options: WorkloadOptions): Workload {
  const arrivals = new Arrivals(options.events);
  let merge = new Merge();
  return {
    units: arrivals.packets,
    bytes: arrivals.bytes.length,
    note: null,
    reset() {
      merge = new Merge();
    },
    run() {
      inSteps(arrivals.packets, PACKETS_PER_STEP, (from, to) => merge.take(arrivals, from, to));
      merge.finish();
      if (merge.delivered + merge.lost !== arrivals.messages) {
        throw new RangeError(`${merge.delivered} delivered and ${merge.lost} lost of ${arrivals.messages}`);
      }
    },
    checksum: () => null,
  };
}

/** The packets of both lines that were not lost, back to back. */
class Arrivals {
  packets = 0;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly starts: Int32Array;
  readonly lines: Uint8Array;
  readonly times: Float64Array;
  /** Numbers that any packet named. */
  messages = 0;

  constructor(packets: number) {
    this.bytes = new Uint8Array(packets * (MOLD_HEADER_BYTES + 3 * BLOCK_BYTES));
    this.view = new DataView(this.bytes.buffer);
    this.starts = new Int32Array(packets + 1);
    this.lines = new Uint8Array(packets);
    this.times = new Float64Array(packets);
    const a = new Line(0, CUT_A, 0);
    const b = new Line(1, CUT_B, SKEW * PACKET_GAP_NS);
    while (this.packets < packets) {
      const line = a.time <= b.time ? a : b;
      if (!line.isLost()) this.#put(line);
      line.advance();
    }
  }

  #put(line: Line): void {
    const { bytes, view } = this;
    const start = this.starts[this.packets]!;
    for (let at = 0; at < 10; at += 1) bytes[start + at] = 'BENCH     '.charCodeAt(at);
    view.setUint32(start + 14, line.first);
    view.setUint16(start + 18, line.count);
    let at = start + MOLD_HEADER_BYTES;
    for (let number = line.first; number < line.first + line.count; number += 1) {
      view.setUint16(at, MESSAGE_BYTES);
      for (let word = 0; word < MESSAGE_BYTES; word += 4) view.setUint32(at + 2 + word, number * 31 + word);
      at += BLOCK_BYTES;
    }
    this.lines[this.packets] = line.number;
    this.times[this.packets] = line.time;
    this.packets += 1;
    this.starts[this.packets] = at;
    this.messages = Math.max(this.messages, line.first + line.count - 1);
  }
}

/** One line: its next packet. */
class Line {
  readonly number: number;
  first = 1;
  count: number;
  time: number;
  readonly #cut: readonly number[];
  readonly #random: Random;
  #packet = 0;

  constructor(number: number, cut: readonly number[], time: number) {
    this.number = number;
    this.#cut = cut;
    this.count = cut[0]!;
    this.time = time;
    this.#random = new Random(SEED + number);
  }

  isLost(): boolean {
    // The very first packet says where the stream begins.
    return this.#packet > 0 && this.#random.below(1000) < LOSS * 1000;
  }

  advance(): void {
    this.first += this.count;
    this.#packet += 1;
    this.count = this.#cut[this.#packet % this.#cut.length]!;
    this.time += PACKET_GAP_NS;
  }
}

/** A merge of one channel, as the command has it but for files and sockets. */
class Merge implements ArbiterSink {
  delivered = 0;
  lost = 0;
  readonly #room: WaitingRoom = new WaitingRoom();
  readonly #transport: TransportReader = itch.transport!();
  readonly #datagram: Datagram = new Datagram();
  readonly #into: Uint8Array = new Uint8Array(DATAGRAM_BYTES_MAX);
  readonly #arbiter: Arbiter;

  constructor() {
    const options = {
      gapTimeoutNs: GAP_TIMEOUT_NS,
      start: 1,
      window: Number.POSITIVE_INFINITY,
      waitingPacketsMax: WAITING_PACKETS_MAX,
      lines: 2,
      recoveryTimeoutNs: null,
    };
    this.#arbiter = new Arbiter(0, options, this, this.#room);
  }

  take(arrivals: Arrivals, from: number, to: number): void {
    const datagram = this.#datagram;
    const room = this.#room;
    const { starts, lines, times } = arrivals;
    datagram.bytes = arrivals.bytes;
    datagram.view = arrivals.view;
    for (let packet = from; packet < to; packet += 1) {
      const time = times[packet]!;
      room.clock[0] = time;
      if (room.isDue) {
        room.rearm();
        this.#arbiter.expire();
      }
      datagram.offset = starts[packet]!;
      datagram.length = starts[packet + 1]! - datagram.offset;
      datagram.packetNumber = packet + 1;
      datagram.timeLow = time | 0;
      if (this.#transport.readHeader(datagram) === HEADER_DATA) {
        this.#arbiter.data(lines[packet]!, datagram, this.#transport);
      }
    }
  }

  finish(): void {
    this.#arbiter.finish();
  }

  deliver(
    _channel: number,
    _line: number,
    datagram: Datagram,
    first: number,
    skip: number,
    take: number,
  ): void {
    this.#transport.cut!(datagram, first, skip, take, this.#into);
    this.delivered += take;
  }

  gap(_channel: number, _session: number, _first: number, count: number): void {
    this.lost += count;
  }

  session(): void {}
}
