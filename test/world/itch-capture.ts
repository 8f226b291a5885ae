import { bigHigh, bigLow } from '../../src/core/binary/time.ts';
import { PcapWriter } from '../../src/core/capture/capture-writer.ts';
import { MoldPacketEncoder } from '../../src/core/feeds/itch/mold-encoder.ts';

/** An add order of one share of instrument 1. */
export interface AddInput {
  readonly id: bigint;
  readonly buy: boolean;
  readonly price: number;
}

/** A Mold packet as a test writes it down. */
export interface PacketInput {
  readonly port: number;
  readonly sequence: number;
  readonly adds: readonly AddInput[];
  /** ns since 1970. */
  readonly time: bigint;
  /** Destination address, 233.0.0.1 unless given. */
  readonly group?: number;
  /** S1 unless given. */
  readonly session?: string;
  /** TEST unless given. */
  readonly stock?: string;
  /** ns since midnight in New York, 10:00 unless given. */
  readonly timestamp?: bigint;
}

/** 2023-08-22 10:00:00 in New York. */
export const OPEN: bigint = 1692712800000000000n;

const GROUP = 0xe9000001 | 0;
const TEN = 36_000_000_000_000n;

/** A capture of ITCH packets. */
export function itchCapture(packets: readonly PacketInput[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(chunk.slice()));
  for (const {
    port,
    sequence,
    adds,
    time,
    group = GROUP,
    session = 'S1',
    timestamp = TEN,
    stock = 'TEST',
  } of packets) {
    const encoder = new MoldPacketEncoder({ session, sequence, packetBytesMax: 1400 });
    for (const { id, buy, price } of adds) {
      encoder.appendFields('A', {
        stockLocate: 1,
        trackingNumber: 0,
        timestamp,
        orderReferenceNumber: id,
        buySellIndicator: buy ? 'B' : 'S',
        shares: 1,
        stock,
        price,
      });
    }
    const payload = encoder.finish();
    const header = {
      timeHigh: bigHigh(time),
      timeLow: bigLow(time),
      ipVersion: 4,
      source: Int32Array.of(0, 0, 0, 0x0a000001),
      sourcePort: 1000,
      destination: Int32Array.of(0, 0, 0, group),
      destinationPort: port,
    };
    writer.writeUdp(header, payload, 0, payload.length);
  }
  writer.flush();
  return Buffer.concat(chunks);
}
