import { toBigUint } from '../binary/time.ts';
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
} from '../capture/capture-reader.ts';
import { SKIP_NAMES, UDP_OK, UdpExtractor } from '../capture/udp.ts';
import { MdxError } from '../errors.ts';
import { Datagram } from '../packet/datagram.ts';
import { type ByteSource, Interrupted, openByteSource } from './byte-source.ts';
import { type FlowFilter, passes, sameFlow } from './flows.ts';
import type { RunOptions } from './run-options.ts';
import { type Damage, type InputResult, RunState } from './run-state.ts';

/** Packets between two looks at whether to stop. */
const PACKETS_PER_TURN = 2048;
const CAPTURE_HEAD_BYTES = 12;

/** What the packets of captures are handed to. */
export interface PacketTaker {
  /** @returns false where the packet has to wait: it is offered again after `settle`. */
  take(packet: CaptureReader, datagram: Datagram): boolean;
  /** What a packet pipe says besides packets, where that is of interest. */
  record?(reader: CaptureReader): void;
  /** Between two turns: the place to write what was taken, and to wait. */
  settle(): Promise<void> | void;
}

/** What a walk has read. */
export interface PacketWalkResult {
  readonly inputs: readonly InputResult[];
  readonly damage: readonly Damage[];
  /** Packets taken. */
  readonly taken: number;
  /** Why the walk ended before its input did. */
  readonly stopped: RunState['stopped'];
}

/**
 * Hands on the packets of captures that carry the UDP datagrams asked for, as they were captured. Ports, groups and
 * times choose; a feed that is named chooses the flows of which a datagram looks like it, from that one on.
 * `messagesMax` counts packets.
 */
export async function walkPackets(options: RunOptions, taker: PacketTaker): Promise<PacketWalkResult> {
  return new PacketWalk(options, taker).execute();
}

class PacketWalk {
  readonly #state: RunState;
  readonly #taker: PacketTaker;
  readonly #filter: FlowFilter;
  readonly #extractor: UdpExtractor = new UdpExtractor();
  readonly #datagram: Datagram = new Datagram();
  /** One datagram of each flow of the feed that was named. */
  readonly #flows: Datagram[] = [];
  #taken = 0;
  /** The packet at hand was offered and has to be offered again. */
  #waits = false;

  constructor(options: RunOptions, taker: PacketTaker) {
    this.#state = new RunState(options);
    this.#taker = taker;
    const { ports, groups, snapshots } = options;
    const { feed } = this.#state;
    this.#filter = { ports, groups, snapshots, detect: feed !== null && ports === null && groups === null };
    if (feed !== null && feed.detectDatagram === undefined) {
      throw new MdxError('usage', `--feed ${feed.name}: it does not come in packets`);
    }
  }

  async execute(): Promise<PacketWalkResult> {
    const state = this.#state;
    for (const path of state.options.paths) {
      if (state.stopped !== null) break;
      const source = await this.#open(path);
      if (source === null) break;
      try {
        await this.#read(source);
      } finally {
        await source.close();
      }
    }
    const { inputs, damage, stopped } = state;
    return { inputs, damage, taken: this.#taken, stopped };
  }

  /** @returns null where somebody asked to stop before there was anything to read. */
  async #open(path: string): Promise<ByteSource | null> {
    try {
      const { signal, tell } = this.#state.options;
      return await openByteSource(path, signal, tell);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      this.#state.stopped = 'request';
      return null;
    }
  }

  async #read(source: ByteSource): Promise<void> {
    const state = this.#state;
    const { window } = state;
    window.reset();
    while (window.available < CAPTURE_HEAD_BYTES && (await state.fill(source)));
    if (state.stopped !== null) return;
    const format = detectCapture(window.bytes.subarray(window.position, window.limit));
    if (format === null) {
      const why = window.available === 0 ? 'it is empty' : 'it is no capture, so it has none';
      throw new MdxError('input-format', `reading packets of ${source.path}: ${why}`);
    }
    const input = state.addInput(source.path, format, true);
    const reader = new CaptureReader(window, format);
    this.#datagram.attach(window.bytes);
    for (;;) {
      const step = this.#walk(reader, input);
      if (step === CAPTURE_DAMAGED || step === CAPTURE_TRUNCATED) {
        state.noteCaptureEnd(source, input, reader, step === CAPTURE_TRUNCATED);
        break;
      }
      await this.#taker.settle();
      await state.breathe(source);
      if (state.stopped !== null || step === CAPTURE_END) break;
      if (step === CAPTURE_MORE) await state.fill(source);
    }
    state.noteSource(input, source);
    if (input.lastTime !== null) state.latest = { path: input.path, time: input.lastTime };
  }

  #walk(reader: CaptureReader, input: InputResult): number {
    const { window, options } = this.#state;
    if (this.#waits && !this.#offer(reader)) return CAPTURE_PACKET;
    for (let packets = 0; packets < PACKETS_PER_TURN; packets += 1) {
      if (this.#taken >= options.messagesMax) {
        this.#state.stopped = 'limit';
        return CAPTURE_PACKET;
      }
      const step = reader.next();
      if (step === CAPTURE_RECORD) this.#taker.record?.(reader);
      if (step === CAPTURE_RECORD || step === CAPTURE_STATISTICS) continue;
      if (step !== CAPTURE_PACKET) return step;
      input.packets! += 1;
      this.#noteTime(reader, input);
      const outcome = this.#extractor.extract(reader, window, this.#datagram);
      if (outcome !== UDP_OK) {
        count(input, SKIP_NAMES[outcome]!);
        continue;
      }
      input.datagrams! += 1;
      const reason = this.#refusal();
      if (reason !== null) {
        count(input, reason);
        continue;
      }
      if (!this.#offer(reader)) return CAPTURE_PACKET;
    }
    return CAPTURE_PACKET;
  }

  #offer(reader: CaptureReader): boolean {
    this.#waits = !this.#taker.take(reader, this.#datagram);
    if (!this.#waits) this.#taken += 1;
    return !this.#waits;
  }

  #noteTime(reader: CaptureReader, input: InputResult): void {
    // Simple packets of pcapng have no time, those of an anonymised capture may have none.
    if ((reader.timeHigh | reader.timeLow) === 0) return;
    input.lastTime = toBigUint(reader.timeHigh, reader.timeLow);
    if (input.firstTime !== null) return;
    input.firstTime = input.lastTime;
    this.#state.refuseBackwards(input.path, input.firstTime);
  }

  /** Why the datagram at hand is not one of those asked for, or null. */
  #refusal(): string | null {
    const datagram = this.#datagram;
    const { from, until } = this.#state.options;
    if (from !== null || until !== null) {
      const time = toBigUint(datagram.timeHigh, datagram.timeLow);
      if (from !== null && time < from) return 'beforeFrom';
      if (until !== null && time > until) return 'afterUntil';
    }
    if (!passes(this.#filter, datagram)) return 'otherPort';
    return !this.#filter.detect || this.#isOfFeed(datagram) ? null : 'otherPort';
  }

  #isOfFeed(datagram: Datagram): boolean {
    for (const flow of this.#flows) if (sameFlow(flow, datagram)) return true;
    if (this.#state.feed!.detectDatagram!(datagram) !== 'yes') return false;
    this.#flows.push(datagram.copy());
    return true;
  }
}

function count(input: InputResult, reason: string): void {
  input.skipped.set(reason, (input.skipped.get(reason) ?? 0) + 1);
}
