import { LINE_STATE_CLOSED, LINE_STATE_SILENT, LINE_STATE_UP } from '../capture/pipe-record.ts';
import type { Feed } from '../feeds/feed.ts';
import { ProcessClock } from '../threads/process-clock.ts';
import type { LiveLines } from './live-source.ts';
import { SOURCE_END, SOURCE_PACKET, SourcePacket } from './packet-source.ts';
import { LineTally, PipeStream, type PipeTarget } from './pipe-stream.ts';
import { SequenceWatch } from './sequence-watch.ts';

/** When the next file begins; Infinity = never. */
export interface Rotation {
  readonly bytes: number;
  readonly ms: number;
  readonly packets: number;
}

export interface RxOptions {
  readonly live: LiveLines;
  readonly feed: Feed | null;
  /** Ends by itself after so many packets, or so many ms; Infinity = never. */
  readonly packetsMax: number;
  readonly durationMs: number;
  /** A line without packets for so long is silent, ms. */
  readonly silentMs: number;
  readonly rotation: Rotation;
  /** Opens where the n-th stream goes, from 1. */
  readonly open: (number: number) => PipeTarget;
  readonly onSecond: () => void;
}

/** Why a run ended. */
export type RxEnd = 'request' | 'limit' | 'duration' | 'readerLeft';

export interface RxFile {
  readonly name: string;
  readonly packets: number;
  readonly bytes: number;
}

/** Packets between two looks at the output and at the clock. */
const PACKETS_PER_TURN = 512;
const SECOND_MS = 1000;

/**
 * Writes what live lines receive as packet pipes, and accounts for every packet: received = written + dropped by
 * reason. A reader that does not keep up is waited for; what its pool has no room for meanwhile is counted by the
 * receivers, so memory does not grow.
 */
export class RxRun {
  readonly tallies: readonly LineTally[];
  readonly files: RxFile[] = [];
  readonly watch: SequenceWatch | null;
  written = 0;
  ended: RxEnd = 'request';
  readonly #options: RxOptions;
  readonly #live: LiveLines;
  readonly #clock: ProcessClock = new ProcessClock();
  readonly #packet: SourcePacket = new SourcePacket();
  readonly #byLine: LineTally[] = [];
  /** Kernel drops of the last packet, by line, worker and group. */
  readonly #drops: Float64Array;
  readonly #pairsMost: number;
  readonly #workersMost: number;
  #stream: PipeStream;
  #openedAt: number = performance.now();
  #secondAt: number = performance.now() + SECOND_MS;

  constructor(options: RxOptions) {
    const { live, feed } = options;
    this.#options = options;
    this.#live = live;
    this.tallies = live.lines.map((line) => new LineTally(line));
    const now = performance.now();
    for (const tally of this.tallies) {
      this.#byLine[tally.line.line] = tally;
      tally.lastPacketAt = now;
    }
    this.#pairsMost = Math.max(...live.lines.map(({ spec }) => spec.subscriptions.length));
    this.#workersMost = Math.max(...live.lines.map(({ receivers }) => receivers.length));
    this.#drops = new Float64Array(2 * this.#workersMost * this.#pairsMost);
    const clocks = new Set(live.lines.map((line) => line.receivers[0]!.clock));
    this.watch = feed === null ? null : SequenceWatch.of(feed, this.#pairsMost, clocks.size === 1);
    this.#stream = this.#open();
  }

  /** The file that is written now. */
  get target(): PipeTarget {
    return this.#stream.target;
  }

  /** Receives until somebody asks to stop, the reader leaves, or as much as was asked for. Rejects with MdxError. */
  async execute(): Promise<void> {
    const { durationMs } = this.#options;
    const timer = Number.isFinite(durationMs)
      ? setTimeout(() => this.#end('duration'), Math.min(durationMs, 0x7fffffff))
      : null;
    try {
      await this.#receive();
    } catch (error) {
      await this.#keepWhatIsThere();
      throw error;
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
    for (const tally of this.tallies) {
      tally.state = LINE_STATE_CLOSED;
      this.#stream.writeState(tally);
    }
    await this.#close(true);
  }

  async #receive(): Promise<void> {
    this.#stream.flush();
    for (;;) {
      const answer = this.#turn();
      if (performance.now() >= this.#secondAt) this.#everySecond();
      if (answer === SOURCE_END) return;
      if (answer !== SOURCE_PACKET) this.#stream.flush();
      await this.#stream.target.drain();
      if (this.#stream.target.closed) this.#end('readerLeft');
      else if (this.#isFull()) await this.#rotate();
      if (answer !== SOURCE_PACKET) {
        await this.#live.wait(Math.max(1, Math.ceil(this.#secondAt - performance.now())));
      }
    }
  }

  /** Writes some packets. @returns the last answer of the lines. */
  #turn(): number {
    const live = this.#live;
    const packet = this.#packet;
    const { packetsMax, rotation } = this.#options;
    const now = performance.now();
    for (let count = 0; count < PACKETS_PER_TURN; count += 1) {
      const answer = live.next(packet);
      if (answer !== SOURCE_PACKET) return answer;
      const tally = this.#byLine[packet.line]!;
      tally.lastPacketAt = now;
      if (tally.state === LINE_STATE_SILENT) this.#becomes(tally, LINE_STATE_UP);
      if (packet.pair < 0) tally.otherGroup += 1;
      else if (this.#stream.target.closed) tally.readerLeft += 1;
      else if (this.written >= packetsMax) tally.afterLimit += 1;
      else this.#write(tally);
      if (this.written >= packetsMax) this.#end('limit');
      if (this.#stream.packets >= rotation.packets) return SOURCE_PACKET;
    }
    return SOURCE_PACKET;
  }

  #write(tally: LineTally): void {
    const packet = this.#packet;
    const live = this.#live;
    const { line, pair } = packet;
    const place = (line * this.#workersMost + live.worker) * this.#pairsMost + pair;
    const drops = live.kernelDrops;
    const newDrops = drops - this.#drops[place]!;
    this.#drops[place] = drops;
    this.#stream.write(packet, newDrops, tally.line.receivers.length > 1);
    tally.written += 1;
    tally.writtenByPair[pair]! += 1;
    this.written += 1;
    this.watch?.see(packet);
  }

  #everySecond(): void {
    const now = performance.now();
    this.#secondAt = now + SECOND_MS;
    this.#clock.adjust();
    for (const tally of this.tallies) {
      if (tally.state !== LINE_STATE_UP || now - tally.lastPacketAt < this.#options.silentMs) continue;
      tally.silences += 1;
      this.#becomes(tally, LINE_STATE_SILENT);
    }
    this.#stream.writeStatistics();
    this.#stream.flush();
    this.#options.onSecond();
  }

  #becomes(tally: LineTally, state: number): void {
    tally.state = state;
    this.#stream.writeState(tally);
  }

  /** The first reason counts. */
  #end(why: RxEnd): void {
    if (this.#hasReason) return;
    this.#hasReason = true;
    this.ended = why;
    this.#live.stop();
  }

  #hasReason = false;

  #open(): PipeStream {
    const { open, live } = this.#options;
    this.#openedAt = performance.now();
    const target = open(this.files.length + 1);
    return new PipeStream(target, live, this.tallies, this.#clock);
  }

  #isFull(): boolean {
    const { bytes, ms, packets } = this.#options.rotation;
    const stream = this.#stream;
    if (stream.packets === 0 || this.#hasReason) return false;
    if (Number.isFinite(bytes)) stream.spill();
    return (
      stream.target.bytes >= bytes || stream.packets >= packets || performance.now() - this.#openedAt >= ms
    );
  }

  async #rotate(): Promise<void> {
    await this.#close(true);
    this.#stream = this.#open();
  }

  async #close(isWhole: boolean): Promise<void> {
    const { target, packets } = this.#stream;
    await this.#stream.finish(isWhole);
    this.files.push({ name: target.name, packets, bytes: target.bytes });
  }

  /** The receiving failed: what was received stays, without the end, so that nobody takes it for all there was. */
  async #keepWhatIsThere(): Promise<void> {
    this.#live.stop();
    try {
      await this.#close(false);
    } catch {
      // The error that led here is the one to be told.
      await this.#stream.target.abandon();
    }
  }
}
