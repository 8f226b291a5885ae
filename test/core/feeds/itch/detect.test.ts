import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { itch } from '../../../../src/core/feeds/itch/index.ts';
import { DATA } from '../../../world/data.ts';
import { capturePayloads, captures } from './captures.ts';
import { blocksOf, concat, datagramOf, moldPacket } from './harness.ts';
import { hex, SAMPLES, sampleBytes, sampleOf } from './samples.ts';

const ALL = SAMPLES.map(sampleBytes);

function isDatagram(payload: Uint8Array): boolean {
  return itch.detectDatagram!(datagramOf(payload)) === 'yes';
}

function soup(messages: readonly Uint8Array[]): Uint8Array {
  return blocksOf(messages.map((message) => concat([Uint8Array.of(0x53), message])));
}

function late(message: Uint8Array): Uint8Array {
  const copy = Buffer.from(message);
  copy.writeUIntBE(86_400_000_000_000, 5, 6);
  return copy;
}

describe('datagrams', () => {
  test('every message makes one', () => {
    for (const message of ALL) expect(isDatagram(moldPacket([message]))).toBe(true);
    expect(isDatagram(moldPacket(ALL))).toBe(true);
  });

  test.each([
    ['a heartbeat', moldPacket([])],
    ['an end of session', moldPacket([], { count: 0xffff })],
    ['no bytes', new Uint8Array(0)],
    ['a byte too many', concat([moldPacket(ALL), Uint8Array.of(0)])],
    ['a byte too few', moldPacket(ALL).slice(0, -1)],
    ['one message fewer than named', moldPacket(ALL, { count: ALL.length + 1 })],
    ['one message more than named', moldPacket(ALL, { count: ALL.length - 1 })],
    ['a block of length 0', moldPacket([...ALL, new Uint8Array(0)])],
    ['an unknown type', moldPacket([new Uint8Array(19).fill(0x7a)])],
    ['a longer message', moldPacket([concat([sampleOf('A'), Uint8Array.of(0)])])],
    ['a time that no day has', moldPacket([late(sampleOf('A'))])],
    ['zero bytes', new Uint8Array(200)],
  ])('%s makes none', (_, payload) => {
    expect(isDatagram(payload)).toBe(false);
  });

  test.skipIf(DATA === null)('real ones of other feeds are none, real ones of this are', () => {
    const answers = { Nasdaq: [0, 0], Eurex: [0, 0], Iex: [0, 0] };
    for (const path of captures()) {
      const venue = path.split('/').at(-3) as keyof typeof answers;
      for (const { payload } of capturePayloads(path)) answers[venue][Number(isDatagram(payload))]! += 1;
    }
    expect(answers).toEqual({ Nasdaq: [0, 110], Eurex: [12, 0], Iex: [39, 0] });
  });
});

describe('streams', () => {
  const plain = blocksOf(ALL);
  const login = hex(`001f 41 ${Buffer.from('SESSION'.padStart(10) + '1'.padStart(20)).toString('hex')}`);
  const heartbeat = hex('0001 48');

  test.each([
    ['length-prefixed', plain],
    ['length-prefixed', blocksOf([sampleOf('S')])],
    ['length-prefixed', concat([blocksOf([sampleOf('S')]), hex('0000 ffff')])],
    ['length-prefixed', plain.slice(0, -5)],
    ['soupbintcp', soup(ALL)],
    ['soupbintcp', soup(ALL).slice(0, -5)],
    ['soupbintcp', login],
    ['soupbintcp', concat([heartbeat, hex('0006 2b 68656c6c6f'), login, soup(ALL)])],
    ['soupbintcp', concat([heartbeat, soup([sampleOf('S')])])],
  ])('%s', (framing, head) => {
    expect(itch.detectStream!(head)).toBe(framing);
  });

  test('each message alone begins a stream of its own kind', () => {
    for (const message of ALL) {
      expect(itch.detectStream!(blocksOf([message]))).toBe('length-prefixed');
      expect(itch.detectStream!(soup([message]))).toBe('soupbintcp');
    }
  });

  test('messages of new types and damaged ones are in the minority', () => {
    const unknown = new Uint8Array(19).fill(0x7a);
    const short = sampleOf('A').slice(0, 20);
    const messages = [sampleOf('A'), unknown, sampleOf('D'), short];
    expect(itch.detectStream!(blocksOf(messages))).toBe('length-prefixed');
    expect(itch.detectStream!(soup(messages))).toBe('soupbintcp');
    expect(itch.detectStream!(blocksOf([...messages, unknown]))).toBeNull();
    expect(itch.detectStream!(soup([...messages, unknown]))).toBeNull();
    expect(itch.detectStream!(blocksOf([unknown, sampleOf('A')]))).toBeNull();
  });

  test('only the beginning is looked at', () => {
    const long = concat([
      blocksOf(Array.from({ length: 100 }, () => sampleOf('D'))),
      new Uint8Array(50).fill(0x7a),
    ]);
    expect(itch.detectStream!(long)).toBe('length-prefixed');
    expect(itch.detectStream!(long.subarray(21))).toBeNull();
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['zero bytes', new Uint8Array(65_536)],
    ['ones', new Uint8Array(65_536).fill(0xff)],
    ['JPEG', hex('ffd8ffe000104a46494600010101006000600000ffdb0043000302')],
    ['text', Buffer.from('MDX is a toolkit. '.repeat(50))],
    ['JSON', Buffer.from('{"A":[1,2,3]}\n{"S":{}}\n')],
    ['ELF', hex('7f454c4602010100000000000000000003003e0001000000')],
    ['pcap', hex('4d3cb2a1020004000000000000000000ffff000001000000')],
    ['big-endian pcap', hex('a1b2c3d400020004000000000000000000040000 00000001')],
    ['pcapng', hex('0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000')],
    ['DBN', Buffer.from('DBN\x01............................')],
    ['gzip', hex('1f8b0808000000000003')],
    ['heartbeats alone', concat([heartbeat, heartbeat, heartbeat])],
    ['debug noise', concat([hex('0004 2b 000102'), login])],
    ['a login without number', login.slice(0, -1).fill(0x41, 13)],
    ['half a message', plain.slice(0, 9)],
    ['a time that no day has', blocksOf([late(sampleOf('A'))])],
    ['a Mold packet', moldPacket(ALL)],
  ])('%s is none', (_, head) => {
    expect(itch.detectStream!(head)).toBeNull();
  });

  test.skipIf(DATA === null)('no real capture is one', () => {
    for (const path of captures()) expect(itch.detectStream!(readFileSync(path))).toBeNull();
  });
});
