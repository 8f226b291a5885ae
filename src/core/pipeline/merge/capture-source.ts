import { ByteWindow } from '../../binary/byte-window.ts';
import { toBigUint } from '../../binary/time.ts';
import {
  CAPTURE_DAMAGED,
  CAPTURE_END,
  CAPTURE_MORE,
  CAPTURE_PACKET,
  CAPTURE_RECORD,
  CAPTURE_STATISTICS,
  CAPTURE_TRUNCATED,
  CaptureReader,
  detectCapture,
} from '../../capture/capture-reader.ts';
import type { PipeInterface } from '../../capture/pipe-interface.ts';
import type { PipeRecord } from '../../capture/pipe-record.ts';
import { SKIP_NAMES, UDP_OK, UdpExtractor } from '../../capture/udp.ts';
import { MdxError } from '../../errors.ts';
import { type ByteSource, DamagedInput, Interrupted, openByteSource, type Tell } from '../byte-source.ts';
import {
  LINE_NAMES,
  type PacketSource,
  SOURCE_END,
  SOURCE_NONE,
  SOURCE_PACKET,
  SOURCE_RECORD,
  SOURCE_TIME,
  type SourcePacket,
} from '../packet-source.ts';
import type { Damage, InputResult } from '../run-state.ts';

const WINDOW_BYTES: number = 1 << 20;
const CAPTURE_HEAD_BYTES = 12;

/** A capture file, or a pipe or socket that brings one. */
export class CaptureSource implements PacketSource {
  readonly name: string;
  readonly input: InputResult;
  readonly damage: Damage[] = [];
  /** A packet pipe whose writer went away before it said that this is the end. */
  isCut = false;
  readonly #bytes: ByteSource;
  readonly #window: ByteWindow;
  readonly #reader: CaptureReader;
  readonly #extractor: UdpExtractor = new UdpExtractor();
  /** Line of all packets; −1 = the interfaces say it, or nobody does. */
  readonly #line: number;
  #filling: Promise<void> | null = null;
  #ended = false;
  /** Time of the last packet that had one. */
  #lastHigh = 0;
  #lastLow = 0;

  private constructor(
    bytes: ByteSource,
    window: ByteWindow,
    reader: CaptureReader,
    input: InputResult,
    line: number,
  ) {
    this.name = bytes.path;
    this.#bytes = bytes;
    this.#window = window;
    this.#reader = reader;
    this.input = input;
    this.#line = line;
  }

  /**
   * @param line of all its packets; −1: the interfaces of a packet pipe name theirs.
   * @returns null where somebody asked to stop before it was known what comes. Rejects with MdxError.
   */
  static async open(
    path: string,
    line: number,
    signal: AbortSignal | null,
    tell: Tell,
  ): Promise<CaptureSource | null> {
    const window = new ByteWindow(WINDOW_BYTES);
    let bytes: ByteSource | null = null;
    try {
      bytes = await openByteSource(path, signal, tell);
      while (window.available < CAPTURE_HEAD_BYTES && (await bytes.fill(window))) {
        // A pipe may bring its first bytes one by one.
      }
      const format = detectCapture(window.bytes.subarray(window.position, window.limit));
      if (format === null) {
        const isEmpty = window.available === 0;
        throw new MdxError(
          isEmpty ? 'input-empty' : 'input-format',
          `reading ${path}: ${isEmpty ? 'it is empty' : 'it is no capture (pcap or pcapng)'}`,
        );
      }
      const input: InputResult = {
        path,
        format,
        bytes: 0,
        packets: 0,
        datagrams: 0,
        firstTime: null,
        lastTime: null,
        truncated: false,
        skipped: new Map(),
      };
      return new CaptureSource(bytes, window, new CaptureReader(window, format), input, line);
    } catch (error) {
      await bytes?.close();
      if (error instanceof Interrupted) return null;
      throw error;
    }
  }

  get isLive(): boolean {
    if (this.#bytes.total !== null) return false;
    return this.#reader.interfaces.some(({ pipe }) => pipe !== null && pipe.clock !== 'file');
  }

  get record(): PipeRecord {
    return this.#reader.record;
  }

  next(packet: SourcePacket): number {
    if (this.#ended) return SOURCE_END;
    if (this.#filling !== null) return SOURCE_NONE;
    const reader = this.#reader;
    for (;;) {
      const step = reader.next();
      if (step === CAPTURE_PACKET) {
        if (this.#take(packet)) return SOURCE_PACKET;
      } else if (step === CAPTURE_STATISTICS) {
        packet.timeHigh = reader.statistics.timeHigh;
        packet.timeLow = reader.statistics.timeLow;
        return SOURCE_TIME;
      } else if (step === CAPTURE_RECORD) return SOURCE_RECORD;
      else if (step === CAPTURE_MORE) return SOURCE_NONE;
      else {
        this.#noteEnd(step);
        return SOURCE_END;
      }
    }
  }

  origin(): PipeInterface | null {
    const { interfaces, interfaceId } = this.#reader;
    return interfaces[interfaceId]?.pipe ?? null;
  }

  refuse(): void {
    this.#skip('otherPort');
  }

  async wait(ms: number): Promise<void> {
    this.#filling ??= this.#fill();
    if (!this.isLive) {
      await this.#filling;
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    const elapsed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.#filling, elapsed]).finally(() => clearTimeout(timer));
  }

  stop(): void {
    this.#ended = true;
  }

  async close(): Promise<void> {
    this.input.bytes = this.#bytes.bytes;
    await this.#bytes.close();
  }

  /** @returns false where the packet carries no datagram. */
  #take(packet: SourcePacket): boolean {
    const reader = this.#reader;
    const { input } = this;
    input.packets! += 1;
    if ((reader.timeHigh | reader.timeLow) !== 0) {
      if (input.firstTime === null) input.firstTime = toBigUint(reader.timeHigh, reader.timeLow);
      this.#lastHigh = reader.timeHigh;
      this.#lastLow = reader.timeLow;
    }
    const outcome = this.#extractor.extract(reader, this.#window, packet);
    if (outcome !== UDP_OK) {
      this.#skip(SKIP_NAMES[outcome]!);
      return false;
    }
    input.datagrams! += 1;
    const pipe = reader.interfaces[reader.interfaceId]?.pipe ?? null;
    packet.line = this.#line >= 0 || pipe === null ? this.#line : LINE_NAMES.indexOf(pipe.line);
    packet.pair = pipe?.pair ?? -1;
    return true;
  }

  #skip(reason: string): void {
    const { skipped } = this.input;
    skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
  }

  async #fill(): Promise<void> {
    try {
      await this.#bytes.fill(this.#window);
    } catch (error) {
      if (error instanceof Interrupted) this.#ended = true;
      else if (error instanceof DamagedInput) {
        this.damage.push({ path: this.name, offset: error.offset, problem: error.message });
        this.#window.ended = true;
      } else throw error;
    } finally {
      this.#filling = null;
    }
  }

  #noteEnd(step: number): void {
    const reader = this.#reader;
    const { input, damage, name } = this;
    this.#ended = true;
    if ((this.#lastHigh | this.#lastLow) !== 0) input.lastTime = toBigUint(this.#lastHigh, this.#lastLow);
    if (step === CAPTURE_END) return;
    input.truncated = step === CAPTURE_TRUNCATED;
    this.isCut = reader.isCut;
    if (reader.isCut && this.#bytes.total === null) return;
    if (step !== CAPTURE_DAMAGED && damage.length > 0) return;
    damage.push({ path: name, offset: reader.problemOffset, problem: reader.problem ?? '' });
  }
}
