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
import { type ByteSink, PcapngWriter, PcapWriter } from '../capture/capture-writer.ts';
import type { CaptureInterface } from '../capture/captured-packet.ts';
import { PipeRecord, RECORD_END } from '../capture/pipe-record.ts';
import { SKIP_NAMES, UDP_OK, UdpExtractor } from '../capture/udp.ts';
import { MdxError } from '../errors.ts';
import { Datagram } from '../packet/datagram.ts';
import { type ByteSource, Interrupted, openByteSource } from '../pipeline/byte-source.ts';
import { type FlowFilter, passes, sameFlow } from '../pipeline/flows.ts';
import { damageReports, inputReport, type OutputReport, type RunReport } from '../pipeline/report.ts';
import type { RunOptions } from '../pipeline/run-options.ts';
import { type Damage, type InputResult, RunState } from '../pipeline/run-state.ts';

export type CaptureForm = 'pcap' | 'pcapng';

/** What a copy of packets did. */
export interface PacketCopyResult {
  readonly inputs: readonly InputResult[];
  readonly damage: readonly Damage[];
  /** Packets written. */
  readonly written: number;
  /** Why the copy ended before its input did. */
  readonly stopped: RunState['stopped'];
  readonly elapsedNs: number;
}

/** The same for machines; docs/convert.md describes it. */
export interface PacketReport
  extends Pick<RunReport, 'command' | 'version' | 'inputs' | 'damage' | 'stopped'> {
  readonly output: OutputReport;
  readonly timing: { readonly elapsedNs: string; readonly packetsPerSecond: number };
}

/** Puts the result of a copy into the words of a report. */
export function packetReport(
  { inputs, damage, written, stopped, elapsedNs }: PacketCopyResult,
  about: Pick<PacketReport, 'command' | 'version'> & Pick<OutputReport, 'path' | 'format'>,
): PacketReport {
  const { command, version, path, format } = about;
  const packets = inputs.reduce((sum, input) => sum + input.packets!, 0);
  return {
    command,
    version,
    inputs: inputs.map(inputReport),
    output: { path, format, written },
    damage: damageReports(damage),
    stopped,
    timing: {
      elapsedNs: String(Math.round(elapsedNs)),
      packetsPerSecond: Math.round(packets / (elapsedNs / 1e9)),
    },
  };
}

/** Packets between two looks at whether to stop. */
const PACKETS_PER_TURN = 2048;
const CAPTURE_HEAD_BYTES = 12;

/**
 * Copies the packets of captures that carry the UDP datagrams asked for, as they were captured: bytes, link layer, and
 * times to the nanosecond. Ports, groups and times choose; a feed that is named chooses the flows of which a datagram
 * looks like it, from that one on. `messagesMax` counts packets.
 */
export function copyPackets(
  options: RunOptions,
  form: CaptureForm,
  sink: ByteSink,
): Promise<PacketCopyResult> {
  return new PacketCopy(options, form, sink).execute();
}

class PacketCopy {
  readonly #state: RunState;
  readonly #out: CaptureOut;
  readonly #filter: FlowFilter;
  readonly #extractor: UdpExtractor = new UdpExtractor();
  readonly #datagram: Datagram = new Datagram();
  /** One datagram of each flow of the feed that was named. */
  readonly #flows: Datagram[] = [];
  #written = 0;

  constructor(options: RunOptions, form: CaptureForm, sink: ByteSink) {
    this.#state = new RunState(options);
    this.#out = form === 'pcap' ? new PcapOut(sink) : new PcapngOut(sink);
    const { ports, groups, snapshots } = options;
    const { feed } = this.#state;
    this.#filter = { ports, groups, snapshots, detect: feed !== null && ports === null && groups === null };
    if (feed !== null && feed.detectDatagram === undefined) {
      throw new MdxError('usage', `--feed ${feed.name}: it does not come in packets`);
    }
  }

  async execute(): Promise<PacketCopyResult> {
    const state = this.#state;
    const started = process.hrtime.bigint();
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
    this.#out.finish();
    const { inputs, damage, stopped } = state;
    const elapsedNs = Number(process.hrtime.bigint() - started);
    return { inputs, damage, written: this.#written, stopped, elapsedNs };
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
      this.#out.flush();
      await state.breathe(source);
      if (state.stopped !== null || step === CAPTURE_END) break;
      if (step === CAPTURE_MORE) await state.fill(source);
    }
    state.noteSource(input, source);
    if (input.lastTime !== null) state.latest = { path: input.path, time: input.lastTime };
  }

  #walk(reader: CaptureReader, input: InputResult): number {
    const { window, options } = this.#state;
    for (let packets = 0; packets < PACKETS_PER_TURN; packets += 1) {
      if (this.#written >= options.messagesMax) {
        this.#state.stopped = 'limit';
        return CAPTURE_PACKET;
      }
      const step = reader.next();
      if (step === CAPTURE_RECORD) this.#out.writeRecord(reader);
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
      this.#out.write(reader, window.bytes);
      this.#written += 1;
    }
    return CAPTURE_PACKET;
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

/** What packets are written to. */
interface CaptureOut {
  write(packet: CaptureReader, bytes: Uint8Array): void;
  /** What a packet pipe says besides packets, where the form has a place for it. */
  writeRecord(reader: CaptureReader): void;
  flush(): void;
  finish(): void;
}

/** A pcap file: one link type, which the first packet decides. */
class PcapOut implements CaptureOut {
  readonly #sink: ByteSink;
  #writer: PcapWriter | null = null;
  #first: CaptureInterface | null = null;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  write(packet: CaptureReader, bytes: Uint8Array): void {
    const from = packet.interfaces[packet.interfaceId]!;
    const first = this.#first ?? from;
    this.#first = first;
    if (from.linkType !== first.linkType || from.fcsLength !== first.fcsLength) {
      throw new MdxError(
        'no-form',
        `writing pcap: packet ${packet.packetNumber} has link type ${from.linkType}, those before it ${first.linkType}, and a pcap file has one`,
        { hint: 'Write a .pcapng file.' },
      );
    }
    this.#writer ??= new PcapWriter(this.#sink, first);
    writeFrame(this.#writer, packet, bytes);
  }

  writeRecord(): void {
    // A pcap file has packets only.
  }

  flush(): void {
    this.#writer?.flush();
  }

  finish(): void {
    this.#writer ??= new PcapWriter(this.#sink);
    this.#writer.flush();
  }
}

/** A pcapng file: an interface for each one that a packet came from, with its name. */
class PcapngOut implements CaptureOut {
  readonly #writer: PcapngWriter;
  readonly #ids: Map<CaptureInterface, number> = new Map();
  #last: CaptureInterface | null = null;
  /** There is an interface with a running clock, whose readers wait for the end record. */
  #isLive = false;

  constructor(sink: ByteSink) {
    this.#writer = new PcapngWriter(sink);
  }

  write(packet: CaptureReader, bytes: Uint8Array): void {
    const from = packet.interfaces[packet.interfaceId]!;
    if (from !== this.#last) {
      this.#last = from;
      this.#writer.interfaceId = this.#ids.get(from) ?? this.#add(from);
    }
    writeFrame(this.#writer, packet, bytes);
  }

  /** Gaps, sessions and lines as they were told; the end comes once, when the copy ends. */
  writeRecord({ record, interfaces }: CaptureReader): void {
    if (record.kind === RECORD_END) return;
    const from = interfaces[record.interfaceId];
    if (from !== undefined) record.interfaceId = this.#ids.get(from) ?? this.#add(from);
    this.#writer.writeRecord(record);
  }

  flush(): void {
    this.#writer.flush();
  }

  finish(): void {
    if (this.#isLive) this.#writer.writeRecord(new PipeRecord().reset(RECORD_END));
    this.#writer.flush();
  }

  #add(from: CaptureInterface): number {
    const { name, description, linkType, fcsLength, pipe } = from;
    if (pipe !== null && pipe.clock !== 'file') this.#isLive = true;
    const id = this.#writer.addInterface({
      name: name ?? '',
      description: description ?? '',
      linkType,
      fcsLength,
    });
    this.#ids.set(from, id);
    return id;
  }
}

function writeFrame(writer: PcapWriter | PcapngWriter, packet: CaptureReader, bytes: Uint8Array): void {
  const { timeHigh, timeLow, dataOffset, capturedLength, originalLength } = packet;
  writer.writeFrame(timeHigh, timeLow, bytes, dataOffset, capturedLength, originalLength);
}

function count(input: InputResult, reason: string): void {
  input.skipped.set(reason, (input.skipped.get(reason) ?? 0) + 1);
}
