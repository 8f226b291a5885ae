import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type CaptureForm,
  copyPackets,
  type PacketCopyResult,
} from '../../../src/core/convert/packet-copy.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { DATA, dataPath } from '../../world/data.ts';
import { itchCapture, OPEN } from '../../world/itch-capture.ts';
import { runOptions } from '../../world/run-options.ts';
import { concat } from '../capture/bytes.ts';
import { ethernet, ipv4, udp } from '../capture/frames.ts';
import { Blocks } from '../capture/pcapng-blocks.ts';
import { type SeenPacket, walk } from '../capture/walk.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-packets-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function copy(
  input: Uint8Array | string,
  form: CaptureForm,
  wanted: Partial<RunOptions> = {},
): Promise<PacketCopyResult & { readonly bytes: Uint8Array }> {
  let path = input;
  if (typeof path !== 'string') {
    path = join(folder, 'input');
    writeFileSync(path, input as Uint8Array);
  }
  const chunks: Uint8Array[] = [];
  const result = await copyPackets(runOptions([path], wanted), form, (chunk) => chunks.push(chunk.slice()));
  return { ...result, bytes: new Uint8Array(Buffer.concat(chunks)) };
}

/** All that a packet is, but its place. */
const whatItIs = ({
  time,
  data,
  originalLength,
  linkType,
  fcsLength,
  udp: outcome,
  payload,
}: SeenPacket): unknown => ({
  time,
  data,
  originalLength,
  linkType,
  fcsLength,
  outcome,
  payload,
});

const FORMS: readonly CaptureForm[] = ['pcap', 'pcapng'];
const captures = DATA === null ? [] : globSync('**/*.pcap', { cwd: dataPath('captures') }).sort();

describe.each(FORMS)('packets copied to %s', (form) => {
  it.skipIf(DATA === null)('are those of every real capture that carry UDP, as they were', async () => {
    for (const name of captures) {
      const path = dataPath('captures', name);
      const { bytes, written, inputs } = await copy(path, form);
      const packets = walk(new Uint8Array(readFileSync(path))).packets;
      const wanted = packets.filter(({ udp: outcome }) => outcome === 'ok');
      expect(walk(bytes).packets.map(whatItIs)).toEqual(wanted.map(whatItIs));
      expect([written, inputs[0]!.packets]).toEqual([wanted.length, packets.length]);
    }
  });

  it('keep nanoseconds, lengths of cut packets and times of every unit', async () => {
    const blocks = new Blocks('big');
    const frame = ethernet(0x0800, ipv4(udp([1, 2, 3])));
    // Behind the datagram there may be more than was captured.
    const input = concat(
      blocks.section(),
      blocks.interface(1, 0, blocks.resolution(6)),
      blocks.packet(0, 1_758_742_200_000_001n, frame, { original: frame.length + 9 }),
      blocks.interface(1, 0, blocks.resolution(9)),
      blocks.packet(1, 1_758_742_200_000_001_234n, frame),
    );
    const { bytes } = await copy(input, form);
    expect(walk(bytes).packets.map(({ time, originalLength }) => [time, originalLength])).toEqual([
      [1_758_742_200_000_001_000n, frame.length + 9],
      [1_758_742_200_000_001_234n, frame.length],
    ]);
  });

  it('are chosen by port, group, time and number', async () => {
    const packet = (
      index: number,
    ): { port: number; group: number; sequence: number; adds: []; time: bigint } => ({
      port: 5000 + (index % 2),
      group: (0xe9000001 + (index % 3)) | 0,
      sequence: 1,
      adds: [],
      time: OPEN + BigInt(index),
    });
    const input = itchCapture(Array.from({ length: 12 }, (_, index) => packet(index)));
    const times = async (wanted: Partial<RunOptions>): Promise<number[]> =>
      walk((await copy(input, form, wanted)).bytes).packets.map(({ time }) => Number(time - OPEN));
    expect(await times({})).toHaveLength(12);
    expect(await times({ ports: new Set([5001]) })).toEqual([1, 3, 5, 7, 9, 11]);
    expect(await times({ groups: [Int32Array.of(0, 0, 0, 0xe9000002 | 0)] })).toEqual([1, 4, 7, 10]);
    expect(await times({ from: OPEN + 3n, until: OPEN + 5n })).toEqual([3, 4, 5]);
    expect(await times({ ports: new Set([5000]), messagesMax: 2 })).toEqual([0, 2]);
    const { stopped } = await copy(input, form, { messagesMax: 2 });
    expect(stopped).toBe('limit');
  });

  it('are those of the flows of a feed, where one is named', async () => {
    const itch = itchCapture([
      { port: 7000, sequence: 1, adds: [{ id: 1n, buy: true, price: 5 }], time: OPEN },
      { port: 7000, sequence: 2, adds: [{ id: 2n, buy: true, price: 5 }], time: OPEN + 3n },
    ]);
    const noise = ethernet(0x0800, ipv4(udp([1, 2, 3])));
    const blocks = new Blocks();
    const frames = walk(itch).packets.map(({ data }) => Buffer.from(data, 'hex'));
    const input = concat(
      blocks.section(),
      blocks.interface(1, 0, blocks.resolution(9)),
      blocks.packet(0, OPEN, noise),
      blocks.packet(0, OPEN + 1n, frames[0]!),
      blocks.packet(0, OPEN + 2n, noise),
      blocks.packet(0, OPEN + 3n, frames[1]!),
    );
    const { bytes, inputs } = await copy(input, form, { feedName: 'itch-5.0' });
    expect(walk(bytes).packets.map(({ time }) => time - OPEN)).toEqual([1n, 3n]);
    expect([...inputs[0]!.skipped]).toEqual([['otherPort', 2]]);
  });

  it('of a cut capture are all whole ones, and the cut is told', async () => {
    const input = itchCapture([
      { port: 5000, sequence: 1, adds: [], time: OPEN },
      { port: 5000, sequence: 1, adds: [], time: OPEN },
    ]);
    const { bytes, damage } = await copy(input.subarray(0, -5), form);
    expect(walk(bytes).packets).toHaveLength(1);
    expect(damage).toHaveLength(1);
  });

  it('may be none: a whole file all the same', async () => {
    const { bytes } = await copy(itchCapture([]), form);
    expect(walk(bytes)).toMatchObject({ packets: [], problem: null });
  });
});

describe('interfaces', () => {
  const blocks = new Blocks();
  const raw = ipv4(udp([1]));
  const frame = ethernet(0x0800, raw);
  const name = (text: string): Uint8Array => blocks.option(2, Buffer.from(text));
  const input = concat(
    blocks.section(),
    blocks.interface(1, 0, name('unused')),
    blocks.interface(101, 0, name('raw'), blocks.resolution(9)),
    blocks.interface(1, 0, name('wire'), blocks.resolution(9), blocks.option(13, [4])),
    blocks.packet(2, OPEN, concat(frame, [9, 9, 9, 9])),
    blocks.packet(1, OPEN + 1n, raw),
    blocks.packet(2, OPEN + 2n, concat(frame, [9, 9, 9, 9])),
  );

  it('of pcapng keep name, link type and check sequence; those without a packet stay away', async () => {
    const { packets, reader } = walk((await copy(input, 'pcapng')).bytes);
    expect(packets.map(whatItIs)).toEqual(walk(input).packets.map(whatItIs));
    expect(reader.interfaces.map((each) => [each.name, each.linkType, each.fcsLength])).toEqual([
      ['wire', 1, 4],
      ['raw', 101, 0],
    ]);
  });

  it('of two link types are no pcap file', async () => {
    await expect(copy(input, 'pcap')).rejects.toThrow(
      'writing pcap: packet 2 has link type 101, those before it 1, and a pcap file has one',
    );
  });
});

it('what holds no packets is refused', async () => {
  await expect(copy(Buffer.from('no capture at all'), 'pcap')).rejects.toThrow('it is no capture');
  await expect(copy(new Uint8Array(0), 'pcap')).rejects.toThrow('it is empty');
});

const tcpdump = spawnSync('tcpdump', ['--version']).status === 0;
it.skipIf(!tcpdump)('tcpdump (where it is installed) reads a filtered pcapng', async () => {
  const packets = Array.from({ length: 20 }, (_, index) => ({
    port: 5000 + (index % 2),
    sequence: 1,
    adds: [],
    time: OPEN + BigInt(index) * 1001n,
  }));
  for (const form of FORMS) {
    const { bytes } = await copy(itchCapture(packets), form, { ports: new Set([5001]) });
    const path = join(folder, `filtered.${form}`);
    writeFileSync(path, bytes);
    const args = ['-n', '-tt', '--nano', '-r', path];
    const { status, stdout } = spawnSync('tcpdump', args, { encoding: 'utf8' });
    const lines = stdout.split('\n').slice(0, -1);
    expect({ status, lines: lines.length }).toEqual({ status: 0, lines: 10 });
    expect(lines[1]).toMatch(
      /^1692712800\.000003003 IP 10\.0\.0\.1\.1000 > 233\.0\.0\.1\.5001: UDP, length 20/,
    );
  }
});
