import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { toBigInt } from '../../../src/core/binary/time.ts';
import {
  CAPTURE_MORE,
  CAPTURE_PACKET,
  CAPTURE_RECORD,
  CAPTURE_STATISTICS,
  type CaptureFormat,
  CaptureReader,
  detectCapture,
} from '../../../src/core/capture/capture-reader.ts';
import type { SeenStatistics } from '../../../src/core/capture/captured-packet.ts';
import type { PipeRecord } from '../../../src/core/capture/pipe-record.ts';
import { SKIP_NAMES, UdpExtractor } from '../../../src/core/capture/udp.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';

export interface SeenPacket {
  readonly time: bigint;
  readonly data: string;
  readonly originalLength: number;
  readonly linkType: number;
  readonly fcsLength: number;
  readonly interfaceId: number;
  readonly packetNumber: number;
  /** Outcome of the way down to UDP, and the payload. */
  readonly udp: string;
  readonly payload: string | null;
}

/** A record, and how many packets stood before it. */
export type SeenRecord = Omit<PipeRecord, 'reset'> & { readonly after: number };

export interface Walk {
  readonly packets: SeenPacket[];
  readonly records: SeenRecord[];
  readonly statistics: SeenStatistics[];
  /** Last answer of the reader. */
  readonly answer: number;
  readonly problem: string | null;
  readonly problemOffset: number;
  readonly reader: CaptureReader;
}

const windowOfTests = new ByteWindow(1 << 20);

/** Walks a capture that arrives in chunks of `chunkBytes`. */
export function walk(
  bytes: Uint8Array,
  chunkBytes: number = bytes.length,
  format: CaptureFormat | null = detectCapture(bytes),
): Walk {
  const window = windowOfTests;
  window.position = 0;
  window.limit = 0;
  window.base = 0;
  window.ended = false;
  const reader = new CaptureReader(window, format!);
  const extractor = new UdpExtractor();
  const datagram = new Datagram();
  const packets: SeenPacket[] = [];
  const records: SeenRecord[] = [];
  const statistics: SeenStatistics[] = [];
  let fed = 0;
  for (;;) {
    const answer = reader.next();
    if (answer === CAPTURE_PACKET) {
      const outcome = extractor.extract(reader, window, datagram);
      packets.push(see(reader, window, outcome, datagram));
    } else if (answer === CAPTURE_RECORD) {
      const { record } = reader;
      records.push({ ...record, session: record.session.slice(), after: packets.length });
    } else if (answer === CAPTURE_STATISTICS) {
      statistics.push({ ...reader.statistics });
    } else if (answer === CAPTURE_MORE) {
      const room = window.room();
      const count = Math.min(Math.max(chunkBytes, 1), bytes.length - fed, room.length);
      if (count === 0 && fed < bytes.length) throw new Error('the reader stalls on a full window');
      room.set(bytes.subarray(fed, fed + count));
      window.commit(count);
      fed += count;
      if (fed === bytes.length) window.ended = true;
    } else {
      const { problem, problemOffset } = reader;
      return { packets, records, statistics, answer, problem, problemOffset, reader };
    }
  }
}

function see(reader: CaptureReader, window: ByteWindow, outcome: number, datagram: Datagram): SeenPacket {
  const { dataOffset, capturedLength, originalLength, linkType, fcsLength, interfaceId, packetNumber } =
    reader;
  const from = datagram.offset;
  return {
    time: toBigInt(reader.timeHigh, reader.timeLow),
    data: Buffer.from(window.bytes.subarray(dataOffset, dataOffset + capturedLength)).toString('hex'),
    originalLength,
    linkType,
    fcsLength,
    interfaceId,
    packetNumber,
    udp: SKIP_NAMES[outcome]!,
    payload:
      outcome === 0
        ? Buffer.from(datagram.bytes.subarray(from, from + datagram.length)).toString('hex')
        : null,
  };
}
