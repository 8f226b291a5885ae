import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { CAPTURE_END } from '../../../src/core/capture/capture-reader.ts';
import { DATA } from '../../world/data.ts';
import { concat } from './bytes.ts';
import { walk } from './walk.ts';

/** What the package pcap-parser tells: a second reader, of microsecond files only. */
interface SecondReader {
  on(event: 'packet', listener: (packet: SecondPacket) => void): void;
  on(event: 'end' | 'error', listener: (error?: Error) => void): void;
}

interface SecondPacket {
  readonly header: {
    readonly timestampSeconds: number;
    readonly timestampMicroseconds: number;
    readonly capturedLength: number;
    readonly originalLength: number;
  };
  readonly data: Buffer;
}

const secondReader = createRequire(import.meta.url)('pcap-parser') as {
  parse(stream: Readable): SecondReader;
};

function readSecond(bytes: Buffer): Promise<SecondPacket[]> {
  return new Promise((resolve, reject) => {
    const packets: SecondPacket[] = [];
    const reader = secondReader.parse(Readable.from([bytes]));
    reader.on('packet', (packet) => packets.push(packet));
    reader.on('error', reject);
    reader.on('end', () => resolve(packets));
  });
}

const folder = DATA === null ? null : join(DATA, 'captures');
const files = folder === null ? [] : globSync('**/*.pcap', { cwd: folder }).sort();
const microseconds = files.filter((file) => readFileSync(join(folder!, file)).readUInt32LE(0) === 0xa1b2c3d4);

describe.skipIf(folder === null)('real captures', () => {
  test('are all there', () => {
    expect([files.length, microseconds.length]).toEqual([65, 34]);
  });

  test.each(files)('%s is read to its end, every packet down to UDP', (file) => {
    const bytes = readFileSync(join(folder!, file));
    const { packets, answer } = walk(bytes);
    expect(answer).toBe(CAPTURE_END);
    expect(packets.length).toBeGreaterThan(0);
    expect(packets.filter(({ udp }) => udp !== 'ok')).toEqual([]);
    // Plain UDP over plain IPv4: the payload is named by the UDP length, 20 bytes of IP and 8 of UDP behind the tag.
    for (const { data, payload } of packets) {
      const frame = Buffer.from(data, 'hex');
      const ip = frame.readUInt16BE(12) === 0x8100 ? 18 : 14;
      expect(payload).toBe(data.slice((ip + 28) * 2, (ip + 20 + frame.readUInt16BE(ip + 24)) * 2));
    }
    for (const chunk of [1, 7]) expect(walk(bytes, chunk).packets).toEqual(packets);
  });

  test.each(microseconds)('%s: a second reader sees the same', async (file) => {
    const bytes = readFileSync(join(folder!, file));
    const second = await readSecond(bytes);
    expect(
      walk(bytes).packets.map(({ time, originalLength, data }) => [
        time,
        originalLength,
        data.length / 2,
        data,
      ]),
    ).toEqual(
      second.map(({ header, data }) => [
        BigInt(header.timestampSeconds) * 1_000_000_000n + BigInt(header.timestampMicroseconds) * 1000n,
        header.originalLength,
        header.capturedLength,
        data.toString('hex'),
      ]),
    );
  });

  test('cut anywhere they give the packets in front of the cut', () => {
    const bytes = readFileSync(
      join(folder!, files.find((file) => file.endsWith('OrderDeleteMessage.pcap'))!),
    );
    const { packets } = walk(bytes);
    for (let length = 24; length < bytes.length; length += 1) {
      const cut = walk(concat(bytes.subarray(0, length)));
      expect(cut.packets).toEqual(packets.slice(0, cut.packets.length));
    }
  });
});
