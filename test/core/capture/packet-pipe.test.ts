import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bigHigh, bigLow, toBigInt } from '../../../src/core/binary/time.ts';
import { parseAddress } from '../../../src/core/capture/address.ts';
import { CAPTURE_END, CAPTURE_TRUNCATED } from '../../../src/core/capture/capture-reader.ts';
import { PcapngWriter, type UdpHeader } from '../../../src/core/capture/capture-writer.ts';
import {
  describeInterface,
  type PipeInterface,
  parseInterfaceDescription,
} from '../../../src/core/capture/pipe-interface.ts';
import {
  GAP_STATE_LOST,
  LINE_STATE_UP,
  NO_INTERFACE,
  PipeRecord,
  RECORD_END,
  RECORD_GAP,
  RECORD_LINE,
} from '../../../src/core/capture/pipe-record.ts';
import { concat, counting, toHex } from './bytes.ts';
import { Blocks } from './pcapng-blocks.ts';
import { type Walk, walk } from './walk.ts';

const TIME = 1_700_000_000_123_456_789n;
const HEADER: UdpHeader = {
  timeHigh: bigHigh(TIME),
  timeLow: bigLow(TIME),
  ipVersion: 4,
  source: parseAddress('192.0.2.1')!.words,
  sourcePort: 5000,
  destination: parseAddress('239.10.10.1')!.words,
  destinationPort: 5001,
};
const LINE_A: PipeInterface = {
  line: 'A',
  clock: 'software',
  source: 'udp://239.10.10.1:5001',
  backend: 'mmsg',
  feed: 'itch-5.0',
  pair: 0,
};

function written(write: (writer: PcapngWriter) => void): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  const writer = new PcapngWriter((chunk) => chunks.push(chunk.slice()));
  write(writer);
  writer.flush();
  return concat(...chunks);
}

function record(kind: number, fields: Partial<PipeRecord> = {}): PipeRecord {
  return Object.assign(new PipeRecord().reset(kind), fields);
}

/** Two lines, an interface that comes late, a gap with its comment, kernel drops, queues, counters, the end. */
function stream(packetsPerPart: number, end = true): Uint8Array<ArrayBuffer> {
  const payload = counting(64);
  return written((writer) => {
    const a = writer.addInterface({ name: 'A', description: describeInterface(LINE_A) });
    const b = writer.addInterface({ name: 'B', description: describeInterface({ ...LINE_A, line: 'B' }) });
    writer.writeRecord(record(RECORD_LINE, { state: LINE_STATE_UP, by: 65, interfaceId: a }));
    writer.writeRecord(record(RECORD_LINE, { state: LINE_STATE_UP, by: 66, interfaceId: b }));
    for (let index = 0; index < packetsPerPart; index += 1) {
      writer.interfaceId = index & 1;
      writer.queue = index & 3;
      writer.writeUdp(HEADER, payload, 0, index & 63);
    }
    writer.writeRecord(record(RECORD_GAP, { state: GAP_STATE_LOST, channel: 3, first: 65, count: 1000 }));
    writer.comment = 'mdx gap channel=3 first=65 count=1000 state=lost';
    writer.dropCount = 17;
    writer.writeUdp(HEADER, payload, 0, 7);
    writer.interfaceId = writer.addInterface({
      name: 'A2',
      description: describeInterface({ ...LINE_A, clock: 'hardware' }),
    });
    for (let index = 0; index < packetsPerPart; index += 1) writer.writeUdp(HEADER, payload, 0, index & 63);
    writer.writeStatistics(0, HEADER.timeHigh, HEADER.timeLow, {
      received: 9n,
      systemDropped: 17n,
      delivered: 9n,
    });
    if (end) writer.writeRecord(record(RECORD_END));
  });
}

test('the bytes of a record stand where the format says', () => {
  const file = written((writer) => {
    const session = new Uint8Array(16);
    session.set(Buffer.from('SESSION001'));
    const fields = { state: GAP_STATE_LOST, by: 66, channel: 3, first: 2 ** 40 + 65, count: 1000, session };
    writer.writeRecord(record(RECORD_GAP, { ...fields, timeHigh: 1, timeLow: 2, interfaceId: 5 }));
  });
  const expected = `786d0080 44000000 01010342 03000000 53455353494f4e303031 000000000000
    4100000000010000 e803000000000000 0200000001000000 05000000 00000000 44000000`;
  expect(toHex(file.subarray(28))).toBe(expected.replace(/\s/g, ''));
});

describe('what is written reads back', () => {
  const number = fc.oneof(
    fc.nat(),
    fc.maxSafeNat().map((value) => Math.floor(value / 2)),
  );
  const given = fc.record({
    kind: fc.integer({ min: 1, max: 5 }),
    state: fc.nat(3),
    by: fc.constantFrom(0, 65, 66, 82),
    channel: fc.nat(0xffffffff),
    session: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    first: number,
    count: number,
    timeHigh: fc.integer(),
    timeLow: fc.integer(),
    interfaceId: fc.constantFrom(NO_INTERFACE, 0, 7),
  });

  test('records, in pieces of any size, among packets with any options', () => {
    const packet = fc.record({
      length: fc.nat(70),
      drops: fc.integer({ min: -1, max: 99 }),
      comment: fc.string(),
    });
    const items = fc.array(fc.oneof(given, packet), { maxLength: 20 });
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 300 }), (all, chunkBytes) => {
        const file = written((writer) => {
          writer.addInterface({ name: 'A', description: describeInterface({ ...LINE_A, clock: 'file' }) });
          for (const item of all) {
            if ('kind' in item) writer.writeRecord(record(item.kind, item));
            else {
              writer.dropCount = item.drops;
              writer.comment = item.comment;
              writer.writeUdp(HEADER, counting(70), 0, item.length);
            }
          }
        });
        const seen = walk(file, chunkBytes);
        expect(seen.answer).toBe(CAPTURE_END);
        expect(seen.records.map(({ after, ...fields }) => fields)).toEqual(
          all.flatMap((item) => ('kind' in item ? [item] : [])),
        );
        const lengths = all.flatMap((item) => ('kind' in item ? [] : [item.length]));
        expect(seen.packets.map(({ payload }) => payload!.length / 2)).toEqual(lengths);
      }),
    );
  });

  test('counters of an interface, in its own unit of time', () => {
    const count = fc.option(fc.maxSafeNat(), { nil: -1 });
    const big = (value: number): bigint | undefined => (value < 0 ? undefined : BigInt(value));
    fc.assert(
      fc.property(count, count, count, count, (received, interfaceDropped, systemDropped, delivered) => {
        const file = written((writer) => {
          writer.addInterface({ name: 'A', description: '' });
          writer.writeStatistics(0, HEADER.timeHigh, HEADER.timeLow, {
            ...(received < 0 ? {} : { received: big(received)! }),
            ...(interfaceDropped < 0 ? {} : { interfaceDropped: big(interfaceDropped)! }),
            ...(systemDropped < 0 ? {} : { systemDropped: big(systemDropped)! }),
            ...(delivered < 0 ? {} : { delivered: big(delivered)! }),
          });
        });
        const [seen] = walk(file).statistics;
        expect(seen).toMatchObject({ received, interfaceDropped, systemDropped, delivered, interfaceId: 0 });
        expect(toBigInt(seen!.timeHigh, seen!.timeLow)).toBe(TIME);
      }),
    );
  });

  test('descriptions of interfaces', () => {
    const word = fc.stringMatching(/^[a-z0-9.-]{1,12}$/);
    const description = fc.record<PipeInterface>({
      line: fc.constantFrom('A', 'B', 'R'),
      clock: fc.constantFrom('none', 'software', 'hardware', 'file'),
      source: fc.string(),
      backend: fc.option(word),
      feed: fc.option(word),
      pair: fc.option(fc.nat(65_535)),
    });
    fc.assert(
      fc.property(description, (info) => {
        expect(parseInterfaceDescription(describeInterface(info))).toEqual(info);
      }),
    );
  });
});

test('a description that is none of ours says nothing', () => {
  for (const text of [
    null,
    '',
    'eth0',
    'mdx/2 line=A clock=file',
    'mdx/1 line=A',
    'mdx/1 line=AB clock=file',
  ]) {
    expect(parseInterfaceDescription(text)).toBeNull();
  }
  const more = parseInterfaceDescription(
    'mdx/1 colour=red line=B clock=none source=udp://[ff05::1]:1 pair=x',
  );
  expect(more).toEqual({
    line: 'B',
    clock: 'none',
    source: 'udp://[ff05::1]:1',
    backend: null,
    feed: null,
    pair: null,
  });
});

describe.each(['little', 'big'] as const)('blocks of others, %s endian', (order) => {
  const blocks = new Blocks(order);
  const head = [blocks.section(), blocks.interface(1, 0, blocks.resolution(6))];
  const body = (version: number, kind: number, first: number[], count: number[]): Uint8Array =>
    concat([version, kind, 1, 0], blocks.u32(7), new Uint8Array(16), first, count, new Uint8Array(16));
  const long = (high: number, low: number): number[] =>
    order === 'little'
      ? [...blocks.u32(low), ...blocks.u32(high)]
      : [...blocks.u32(high), ...blocks.u32(low)];
  const recordsOf = (block: Uint8Array): Walk['records'] => walk(concat(...head, block)).records;

  test('a record of the other byte order is read', () => {
    const [seen] = recordsOf(blocks.block(0x80006d78, body(1, 1, long(1, 5), long(0, 9))));
    expect(seen).toMatchObject({ kind: 1, channel: 7, first: 2 ** 32 + 5, count: 9 });
  });

  test('other versions, other kinds, short ones and impossible numbers are passed over', () => {
    expect(recordsOf(blocks.block(0x80006d78, body(2, 1, long(0, 5), long(0, 9))))).toEqual([]);
    expect(recordsOf(blocks.block(0x80006d78, body(1, 6, long(0, 5), long(0, 9))))).toEqual([]);
    expect(recordsOf(blocks.block(0x80006d78, body(1, 1, long(0xffffffff, 0xffffffff), long(0, 1))))).toEqual(
      [],
    );
    expect(recordsOf(blocks.block(0x80006d78, body(1, 1, long(0, 5), long(0, 9)).subarray(0, 52)))).toEqual(
      [],
    );
    expect(recordsOf(blocks.block(0x80006d79, body(1, 1, long(0, 5), long(0, 9))))).toEqual([]);
  });

  test('counters about an interface that is not there are passed over, as are options that do not fit', () => {
    const counters = (id: number, options: ArrayLike<number>): Uint8Array =>
      blocks.block(5, concat(blocks.u32(id), blocks.u32(0), blocks.u32(3), options));
    expect(walk(concat(...head, counters(1, []))).statistics).toEqual([]);
    const bad = concat(blocks.u16(4), blocks.u16(200), long(0, 9));
    expect(walk(concat(...head, counters(0, bad)))).toMatchObject({
      answer: CAPTURE_END,
      statistics: [{ received: -1, timeLow: 3000 }],
    });
    expect(walk(concat(...head, counters(0, blocks.option(7, long(1, 2))))).statistics).toMatchObject([
      { systemDropped: 2 ** 32 + 2 },
    ]);
  });
});

test('a live stream without its end was cut', () => {
  expect(walk(stream(3)).answer).toBe(CAPTURE_END);
  const cut = walk(stream(3, false));
  expect(cut).toMatchObject({ answer: CAPTURE_TRUNCATED, reader: { isCut: true } });
  expect(cut.packets).toHaveLength(7);
  const inside = stream(3);
  expect(walk(inside.subarray(0, inside.length - 5))).toMatchObject({
    answer: CAPTURE_TRUNCATED,
    reader: { isCut: true },
  });
});

const hasTcpdump = spawnSync('tcpdump', ['--version']).error === undefined;
const hasTshark = spawnSync('tshark', ['--version']).error === undefined;

test.skipIf(!hasTcpdump)('tcpdump reads every packet of a pipe, and nothing else', () => {
  const { status, stdout, stderr } = spawnSync('tcpdump', ['-nn', '-tt', '-r', '-'], { input: stream(40) });
  expect(`${stderr}`).not.toMatch(/truncated|bad|invalid/);
  expect(status).toBe(0);
  const lines = `${stdout}`.trim().split('\n');
  expect(lines).toHaveLength(81);
  expect(lines.every((line) => line.includes('192.0.2.1.5000 > 239.10.10.1.5001: UDP, length'))).toBe(true);
});

test.skipIf(!hasTshark)('tshark reads every packet of a pipe, and nothing else', () => {
  // It takes standard input only from a real pipe.
  const { status, stdout } = spawnSync('bash', ['-c', 'cat | tshark -n -V -r -'], { input: stream(40) });
  expect(status).toBe(0);
  const lines = `${stdout}`.split('\n').map((line) => line.trim());
  const count = (start: string): number => lines.filter((line) => line.startsWith(start)).length;
  expect(count('Frame Number: ')).toBe(81);
  expect(count('User Datagram Protocol, Src Port: 5000, Dst Port: 5001')).toBe(81);
  expect(count('Interface name: A2')).toBe(40);
  expect(
    lines.filter((line) => line.includes('mdx gap channel=3 first=65 count=1000 state=lost')),
  ).not.toEqual([]);
});
