import { PcapngWriter } from '../capture/capture-writer.ts';
import { describeInterface } from '../capture/pipe-interface.ts';
import {
  LINE_STATE_CLOSED,
  LINE_STATE_SILENT,
  LINE_STATE_UP,
  NO_INTERFACE,
  PipeRecord,
  RECORD_END,
  RECORD_LINE,
} from '../capture/pipe-record.ts';
import type { ProcessClock } from '../threads/process-clock.ts';
import type { LiveLine, LiveLines } from './live-source.ts';
import type { SourcePacket } from './packet-source.ts';

/** Where a stream goes; the command opens it. */
export interface PipeTarget {
  /** Path, or `stdout`. */
  readonly name: string;
  readonly bytes: number;
  /** The reader left. */
  readonly closed: boolean;
  write(chunk: Uint8Array): void;
  /** Hands over what was gathered. */
  flush(): void;
  /** Waits for a slow reader. */
  drain(): Promise<void>;
  finish(): Promise<void>;
  abandon(): Promise<void>;
}

/** How many packets of a line have passed, and when the last one did. */
export class LineTally {
  readonly line: LiveLine;
  written = 0;
  /** By group pair; the last one counts what was sent to none of the line's groups. */
  readonly writtenByPair: Float64Array;
  /** Packets of that went nowhere, and why. */
  readerLeft = 0;
  afterLimit = 0;
  otherGroup = 0;
  /** LINE_STATE_*, and ms of `performance.now` of the last packet. */
  state: number = LINE_STATE_UP;
  silences = 0;
  lastPacketAt = 0;

  constructor(line: LiveLine) {
    this.line = line;
    this.writtenByPair = new Float64Array(line.spec.subscriptions.length);
  }
}

/**
 * One whole packet pipe of live lines: interfaces, packets, the states of the lines, counters, the end. A recording in
 * several files is a row of such streams, whose counters begin anew.
 */
export class PipeStream {
  readonly target: PipeTarget;
  packets = 0;
  readonly #writer: PcapngWriter;
  readonly #live: LiveLines;
  readonly #tallies: readonly LineTally[];
  readonly #clock: ProcessClock;
  /** First interface of each line, by its number. */
  readonly #firstInterface: number[] = [];
  /** Counts of the lines when the stream began: written by pair, and dropped for want of a slot. */
  readonly #writtenBefore: readonly Float64Array[];
  readonly #poolFullBefore: readonly number[];
  readonly #kernelBefore: readonly number[];
  readonly #record: PipeRecord = new PipeRecord();

  constructor(target: PipeTarget, live: LiveLines, tallies: readonly LineTally[], clock: ProcessClock) {
    this.target = target;
    this.#live = live;
    this.#tallies = tallies;
    this.#clock = clock;
    this.#writer = new PcapngWriter((chunk) => target.write(chunk));
    this.#writtenBefore = tallies.map(({ writtenByPair }) => writtenByPair.slice());
    this.#poolFullBefore = tallies.map(({ line }) => poolFullOf(line));
    this.#kernelBefore = tallies.map(({ line }) => kernelDropsOf(line));
    for (const { line } of tallies) {
      for (const [pair, origin] of line.origins.entries()) {
        const id = this.#writer.addInterface({
          name: pair === 0 ? line.spec.name : `${line.spec.name}${pair + 1}`,
          description: describeInterface(origin),
        });
        if (pair === 0) this.#firstInterface[line.line] = id;
      }
    }
    for (const tally of tallies) this.writeState(tally);
  }

  /** Writes the packet that the lines gave last. @param newDrops kernel drops since the one before, 0 = none. */
  write(packet: SourcePacket, newDrops: number, isShared: boolean): void {
    const writer = this.#writer;
    const live = this.#live;
    writer.interfaceId = this.#firstInterface[packet.line]! + packet.pair;
    if (newDrops > 0) writer.dropCount = newDrops;
    if (isShared) writer.queue = live.worker;
    const { bytes, offset, length } = packet;
    if (live.isFrame) {
      const start = live.frameOffset;
      const captured = offset + length - start;
      const original = Math.max(live.wireLength, captured + (live.isTruncated ? 1 : 0));
      writer.writeFrame(packet.timeHigh, packet.timeLow, bytes, start, captured, original);
    } else {
      const wire = live.isTruncated ? Math.max(live.wireLength, length + 1) : length;
      writer.writeUdp(packet, bytes, offset, length, wire);
    }
    this.packets += 1;
  }

  /** Says how a line stands now. */
  writeState({ line, state }: LineTally): void {
    const record = this.#stamped(RECORD_LINE);
    record.state = state;
    record.by = line.spec.name.charCodeAt(0);
    record.interfaceId = this.#firstInterface[line.line]!;
    this.#writer.writeRecord(record);
  }

  /** The counters of all interfaces as they stand. What was dropped for want of a slot counts for a line's first one. */
  writeStatistics(): void {
    const clock = this.#clock;
    clock.read();
    for (const [at, { line, writtenByPair }] of this.#tallies.entries()) {
      for (let pair = 0; pair < writtenByPair.length; pair += 1) {
        const delivered = BigInt(writtenByPair[pair]! - this.#writtenBefore[at]![pair]!);
        const dropped = pair > 0 ? 0n : BigInt(poolFullOf(line) - this.#poolFullBefore[at]!);
        const systemDropped = pair > 0 ? 0n : BigInt(kernelDropsOf(line) - this.#kernelBefore[at]!);
        this.#writer.writeStatistics(this.#firstInterface[line.line]! + pair, clock.high, clock.low, {
          received: delivered + dropped,
          interfaceDropped: dropped,
          systemDropped,
          delivered,
        });
      }
    }
  }

  /** Hands everything over to the target. */
  flush(): void {
    this.#writer.flush();
    this.target.flush();
  }

  /** Bytes so far, also those that are not handed over. */
  spill(): void {
    this.#writer.flush();
  }

  /** Writes the last counters and the end. @param isWhole false where the receiving failed: then the end is missing. */
  async finish(isWhole: boolean): Promise<void> {
    this.writeStatistics();
    if (isWhole) this.#writer.writeRecord(this.#stamped(RECORD_END));
    this.#writer.flush();
    await this.target.finish();
  }

  #stamped(kind: number): PipeRecord {
    this.#clock.read();
    const record = this.#record.reset(kind);
    record.timeHigh = this.#clock.high;
    record.timeLow = this.#clock.low;
    record.interfaceId = NO_INTERFACE;
    return record;
  }
}

/** What people call the states. */
export function stateName(state: number): 'up' | 'silent' | 'closed' {
  return state === LINE_STATE_SILENT ? 'silent' : state === LINE_STATE_CLOSED ? 'closed' : 'up';
}

function poolFullOf({ receivers }: LiveLine): number {
  let sum = 0;
  for (const { poolFull } of receivers) sum += poolFull;
  return sum;
}

/** Drops of all the places where the kernel counts them. */
function kernelDropsOf({ receivers }: LiveLine): number {
  let sum = 0;
  for (const { status } of receivers) {
    for (const count of Object.values(status.kernelDrops)) sum += count;
  }
  return sum;
}
