import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { ByteWindow } from '../../src/core/binary/byte-window.ts';
import { Random } from '../../src/core/binary/random.ts';
import {
  CAPTURE_PACKET,
  type CaptureFormat,
  CaptureReader,
  detectCapture,
} from '../../src/core/capture/capture-reader.ts';
import { PcapngWriter, PcapWriter, type UdpHeader } from '../../src/core/capture/capture-writer.ts';
import { PipeRecord, RECORD_END, RECORD_GAP, RECORD_SESSION } from '../../src/core/capture/pipe-record.ts';
import { UDP_OK, UdpExtractor } from '../../src/core/capture/udp.ts';
import { DbnMboEncoder, mboMetadata } from '../../src/core/feeds/dbn/encoder.ts';
import { MboRecord } from '../../src/core/feeds/dbn/mbo.ts';
import { RELEASES } from '../../src/core/feeds/eobi/layout.ts';
import { OutgoingMessage as T7Message } from '../../src/core/feeds/eobi/outgoing-message.ts';
import { T7PacketEncoder } from '../../src/core/feeds/eobi/packet-encoder.ts';
import { FastLikePacketEncoder, OutgoingMessage } from '../../src/core/feeds/fast-like/encoder.ts';
import { MoldPacketEncoder } from '../../src/core/feeds/itch/mold-encoder.ts';
import { Datagram } from '../../src/core/packet/datagram.ts';
import { DATA } from '../world/data.ts';
import { ItchWriter } from './itch-messages.ts';

/** Whole inputs that mutants begin as: from our own encoders, and the first bytes of real files where there are any. */
export interface Corpus {
  readonly moldPackets: readonly Uint8Array[];
  readonly t7Packets: readonly Uint8Array[];
  readonly fastLikePackets: readonly Uint8Array[];
  readonly frames: readonly Uint8Array[];
  readonly pcap: readonly Uint8Array[];
  readonly pcapng: readonly Uint8Array[];
  readonly soup: readonly Uint8Array[];
  readonly lengthPrefixed: readonly Uint8Array[];
  readonly dbn: readonly Uint8Array[];
}

/** Bytes taken of a real file: long enough for many packets, short enough for many cases. */
const REAL_BYTES = 4096;
const REAL_PACKETS_PER_FILE = 4;
const CORPUS_SEED = 20_230_822;

const TIME_HIGH = 394_115_000;

export function makeCorpus(): Corpus {
  const random = new Random(CORPUS_SEED);
  const messages = itchMessages(random, 24);
  const real = realFiles();
  const packets = [...moldPackets(random), ...real.flatMap(({ payloads }) => payloads)];
  const t7 = t7Packets(random);
  const fastLike = fastLikePackets();
  const frames = real.flatMap((file) => file.frames);
  const ofFormat = (format: CaptureFormat): Uint8Array[] =>
    real.filter((file) => file.format === format).map((file) => file.head);
  return {
    moldPackets: packets,
    t7Packets: [...t7, ...packets.filter(isT7)],
    fastLikePackets: [...fastLike, ...packets.slice(0, 4)],
    frames: [...ownFrames(packets), ...frames],
    pcap: [
      capture(packets.slice(0, 4), 'ns'),
      capture(fastLike.slice(2), 'us'),
      capture(t7.slice(0, 2), 'ns'),
      ...ofFormat('pcap'),
    ],
    pcapng: [pcapng(packets.slice(0, 4)), ...ofFormat('pcapng')],
    soup: [soup(messages.slice(0, 8), true), soup(messages.slice(8, 12), false)],
    lengthPrefixed: [lengthPrefixed(messages.slice(0, 8)), lengthPrefixed(messages.slice(0, 1))],
    dbn: [
      dbnFile(random, 8),
      dbnFile(random, 0),
      ...real.filter(({ format }) => format === 'dbn').map(({ head }) => head),
    ],
  };
}

function itchMessages(random: Random, count: number): Uint8Array[] {
  const writer = new ItchWriter(random);
  return Array.from({ length: count }, () => {
    const bytes = new Uint8Array(64);
    return bytes.subarray(0, writer.write(new DataView(bytes.buffer), 0));
  });
}

function moldPackets(random: Random): Uint8Array[] {
  const encoder = new MoldPacketEncoder({ session: 'S1', sequence: 1, packetBytesMax: 1400 });
  const packets: Uint8Array[] = [];
  for (let packet = 0; packet < 6; packet += 1) {
    for (const message of itchMessages(random, packet)) encoder.appendBytes(message);
    packets.push(encoder.finish().slice());
  }
  packets.push(encoder.heartbeat().slice(), encoder.endOfSession().slice());
  return packets;
}

/** A packet of each release. */
function t7Packets(random: Random): Uint8Array[] {
  return Object.values(RELEASES).map((release) => {
    const encoder = new T7PacketEncoder({ release, partition: 1, packetBytesMax: 1400 });
    const segment = { id: 688, msgSeqNum: 0 };
    for (const templateId of release.messages.keys()) {
      if (templateId === release.packetHeader.templateId) continue;
      const message = new T7Message(release, templateId);
      for (let at = 8; at < message.bytes.length; at += 8) message.put32(at, random.below(50));
      if (encoder.fits(segment, message.bytes.length)) encoder.append(segment, message);
    }
    return encoder.finish(true, TIME_HIGH, 0).slice();
  });
}

/** The real captures of Eurex are among the others. */
function isT7(packet: Uint8Array): boolean {
  return packet.length > 32 && packet[0] === 32 && packet[1] === 0 && packet[3] === 0x32;
}

function fastLikePackets(): Uint8Array[] {
  const encoder = new FastLikePacketEncoder({ sequence: 1, packetBytesMax: 1400 });
  const message = new OutgoingMessage();
  return Array.from({ length: 6 }, (_, packet) => {
    for (let count = 0; count < packet; count += 1) {
      message.idLow = packet * 8 + count;
      message.instrument = 1 + (count & 1);
      message.ask = count > 2;
      message.priceLow = 1000 + count;
      message.quantityLow = 5;
      message.hasMaker = message.hasTaker = count !== 3;
      encoder.add(message);
      if (count === 1) encoder.modify(message);
      if (count > 1) encoder.trade(message);
      if (count === 3) encoder.delete(message);
    }
    return encoder.finish().slice();
  });
}

function header(ipVersion: number): UdpHeader {
  return {
    timeHigh: TIME_HIGH,
    timeLow: 1000,
    ipVersion,
    source: Int32Array.of(0, 0, 0, 0x0a000001),
    sourcePort: 5000,
    destination:
      ipVersion === 4 ? Int32Array.of(0, 0, 0, 0xe9000001 | 0) : Int32Array.of(0xff3e0000 | 0, 0, 0, 1),
    destinationPort: 26_400,
  };
}

function capture(packets: readonly Uint8Array[], unit: 'ns' | 'us'): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(chunk.slice()), { unit });
  for (const packet of packets) writer.writeUdp(header(4), packet, 0, packet.length);
  writer.flush();
  return concat(chunks);
}

function pcapng(packets: readonly Uint8Array[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new PcapngWriter((chunk) => chunks.push(chunk.slice()));
  writer.addInterface({ name: 'A', description: 'mdx/1 line=A clock=file' });
  for (const packet of packets) writer.writeUdp(header(4), packet, 0, packet.length);
  writer.interfaceId = writer.addInterface({ name: 'B', description: '' });
  for (const packet of packets) writer.writeUdp(header(6), packet, 0, packet.length);
  const record = new PipeRecord();
  for (const kind of [RECORD_GAP, RECORD_SESSION, RECORD_END]) {
    Object.assign(record.reset(kind), { state: 3, by: 65, first: 65, count: 1000, timeHigh: TIME_HIGH });
    writer.writeRecord(record);
  }
  writer.writeStatistics(0, TIME_HIGH, 2000, { received: 8n, delivered: 8n });
  writer.flush();
  return concat(chunks);
}

/** Frames of both IP versions, plain and with one and two VLAN tags. */
function ownFrames(packets: readonly Uint8Array[]): Uint8Array[] {
  const bare = packetsOf(pcapng(packets.slice(0, 4)), 'pcapng').frames;
  const tagged = bare.map((frame) =>
    concat([frame.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 5), frame.subarray(12)]),
  );
  const twice = tagged.map((frame) =>
    concat([frame.subarray(0, 12), Uint8Array.of(0x88, 0xa8, 0, 9), frame.subarray(12)]),
  );
  const padded = bare.map((frame) => concat([frame, new Uint8Array(9)]));
  return [...bare, ...tagged, ...twice, ...padded];
}

function lengthPrefixed(messages: readonly Uint8Array[]): Uint8Array {
  return concat([
    ...messages.flatMap((message) => [Uint8Array.of(0, message.length), message]),
    new Uint8Array(2),
  ]);
}

function soup(messages: readonly Uint8Array[], login: boolean): Uint8Array {
  const packet = (type: string, body: Uint8Array): Uint8Array[] => [
    Uint8Array.of(0, body.length + 1, type.charCodeAt(0)),
    body,
  ];
  return concat([
    ...(login ? packet('A', text('   000002A                   1')) : []),
    ...messages.flatMap((message, at) => [
      ...packet(at % 5 === 4 ? 'U' : 'S', message),
      ...packet('H', text('')),
    ]),
    ...packet('+', text('note')),
    ...packet('Z', text('')),
  ]);
}

function dbnFile(random: Random, records: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  const encoder = new DbnMboEncoder((chunk) => chunks.push(chunk.slice()));
  const start = 1_692_712_800_000_000_000n;
  encoder.begin(
    mboMetadata({
      dataset: 'TEST.FUZZ',
      start,
      end: start + 1_000_000_000n,
      instruments: [
        { symbol: 'CLX5', instrument: 1 },
        { symbol: 'ESU6', instrument: 2 },
      ],
    }),
  );
  const record = new MboRecord();
  record.publisher = 1;
  record.eventTimeHigh = TIME_HIGH;
  record.receiveTimeHigh = TIME_HIGH;
  for (let number = 0; number < records; number += 1) {
    record.instrument = 1 + (number & 1);
    record.orderIdLow = 1 + random.below(4);
    record.priceLow = random.below(9) * 1000;
    record.size = 1 + random.below(5);
    record.flags = number % 3 === 0 ? 0 : 128;
    record.action = 'ACMRTFN'.charCodeAt(number % 7);
    record.side = 'BA'.charCodeAt(random.below(2));
    record.sequence = number;
    encoder.record(record);
  }
  encoder.flush();
  return concat(chunks);
}

interface RealFile {
  readonly format: CaptureFormat | 'dbn';
  readonly head: Uint8Array;
  readonly frames: Uint8Array[];
  readonly payloads: Uint8Array[];
}

function realFiles(): RealFile[] {
  if (DATA === null) return [];
  const files: RealFile[] = [];
  for (const entry of readdirSync(DATA, { recursive: true, encoding: 'utf8' }).toSorted()) {
    if (/\.pcap(ng)?$/.test(entry)) {
      const head = headOf(join(DATA, entry), REAL_BYTES);
      const format = detectCapture(head);
      if (format !== null) files.push({ format, head, ...packetsOf(head, format) });
    } else if (/\.dbn(\.zst)?$/.test(entry)) {
      // Compressed samples are whole and small.
      const bytes = headOf(join(DATA, entry), entry.endsWith('.zst') ? 1 << 20 : REAL_BYTES);
      const plain = entry.endsWith('.zst') ? new Uint8Array(zstdDecompressSync(bytes)) : bytes;
      files.push({ format: 'dbn', head: plain.slice(0, REAL_BYTES), frames: [], payloads: [] });
    }
  }
  return files;
}

function headOf(path: string, bytes: number): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    const head = new Uint8Array(bytes);
    return head.slice(0, readSync(fd, head, 0, bytes, 0));
  } finally {
    closeSync(fd);
  }
}

/** The first frames of a capture and what UDP carries in them. */
function packetsOf(
  bytes: Uint8Array,
  format: CaptureFormat,
): { frames: Uint8Array[]; payloads: Uint8Array[] } {
  const window = new ByteWindow(1 << 20);
  window.room().set(bytes);
  window.commit(bytes.length);
  window.ended = true;
  const reader = new CaptureReader(window, format);
  const extractor = new UdpExtractor();
  const datagram = new Datagram();
  const frames: Uint8Array[] = [];
  const payloads: Uint8Array[] = [];
  while (reader.next() === CAPTURE_PACKET && frames.length < REAL_PACKETS_PER_FILE * 2) {
    frames.push(window.bytes.slice(reader.dataOffset, reader.dataOffset + reader.capturedLength));
    if (extractor.extract(reader, window, datagram) !== UDP_OK) continue;
    payloads.push(datagram.bytes.slice(datagram.offset, datagram.offset + datagram.length));
  }
  return { frames, payloads };
}

function text(characters: string): Uint8Array {
  return Buffer.from(characters, 'latin1');
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
