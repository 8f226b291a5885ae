import type { CaptureReader } from '../capture/capture-reader.ts';
import { type ByteSink, PcapngWriter, PcapWriter } from '../capture/capture-writer.ts';
import type { CaptureInterface } from '../capture/captured-packet.ts';
import { PipeRecord, RECORD_END } from '../capture/pipe-record.ts';
import { MdxError } from '../errors.ts';
import { type PacketWalkResult, walkPackets } from '../pipeline/packet-walk.ts';
import { damageReports, inputReport, type OutputReport, type RunReport } from '../pipeline/report.ts';
import type { RunOptions } from '../pipeline/run-options.ts';

export type CaptureForm = 'pcap' | 'pcapng';

/** What a copy of packets did. */
export interface PacketCopyResult extends Omit<PacketWalkResult, 'taken'> {
  /** Packets written. */
  readonly written: number;
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

/** Copies the packets that `walkPackets` finds: bytes, link layer, and times to the nanosecond. */
export async function copyPackets(
  options: RunOptions,
  form: CaptureForm,
  sink: ByteSink,
): Promise<PacketCopyResult> {
  const started = process.hrtime.bigint();
  const out = form === 'pcap' ? new PcapOut(sink) : new PcapngOut(sink);
  const { taken, ...result } = await walkPackets(options, {
    take: (packet, datagram) => {
      out.write(packet, datagram.bytes);
      return true;
    },
    record: (packet) => out.writeRecord(packet),
    settle: () => out.flush(),
  });
  out.finish();
  return { ...result, written: taken, elapsedNs: Number(process.hrtime.bigint() - started) };
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
