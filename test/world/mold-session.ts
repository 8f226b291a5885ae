import { writeFileSync } from 'node:fs';
import { bigHigh, bigLow } from '../../src/core/binary/time.ts';
import { PcapWriter } from '../../src/core/capture/capture-writer.ts';
import { OPEN } from './itch-capture.ts';

/** A MoldUDP64 packet with messages that say their number: byte by byte, by no code of ours. */
export function moldPacket(first: number, count: number, session: string = '000010059D'): Buffer {
  const parts: Buffer[] = [];
  const head = Buffer.alloc(20);
  head.write(session.padEnd(10), 0, 'latin1');
  head.writeBigUInt64BE(BigInt(first), 10);
  head.writeUInt16BE(count, 18);
  parts.push(head);
  for (let number = first; number < first + count; number += 1) {
    // System event messages, whose tracking number and time are their number.
    const message = Buffer.alloc(14);
    message.writeUInt16BE(12, 0);
    message.write('S', 2);
    message.writeUInt16BE(number & 0xffff, 5);
    message.writeUIntBE(number, 7, 6);
    message.write('O', 13);
    parts.push(message);
  }
  return Buffer.concat(parts);
}

/** The numbers of the messages in a packet, read from the messages themselves. */
export function numbersIn(packet: Uint8Array): number[] {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  const numbers: number[] = [];
  for (let at = 20; at < bytes.length; at += 2 + bytes.readUInt16BE(at))
    numbers.push(bytes.readUIntBE(at + 7, 6));
  return numbers;
}

/** Writes packets into a pcap file, a microsecond apart. */
export function writePackets(
  path: string,
  packets: readonly { readonly payload: Uint8Array; readonly group?: number; readonly port?: number }[],
): void {
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(chunk.slice()));
  packets.forEach(({ payload, group = 0xe9000001, port = 5001 }, at) => {
    const time = OPEN + BigInt(at) * 1000n;
    writer.writeUdp(
      {
        timeHigh: bigHigh(time),
        timeLow: bigLow(time),
        ipVersion: 4,
        source: Int32Array.of(0, 0, 0, 0x0a000001),
        sourcePort: 1000,
        destination: Int32Array.of(0, 0, 0, group | 0),
        destinationPort: port,
      },
      payload,
      0,
      payload.length,
    );
  });
  writer.flush();
  writeFileSync(path, Buffer.concat(chunks));
}
