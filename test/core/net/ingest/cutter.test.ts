import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageCutter } from '../../../../src/core/net/ingest/cutter.ts';
import {
  decodeGap,
  decodeHello,
  encodeGap,
  encodeHello,
  encodeMessage,
} from '../../../../src/core/net/ingest/layout.ts';

const LONGEST = 600;

function cut(
  bytes: Uint8Array,
  sizes: readonly number[],
): { messages: [number, number[]][]; problem: string | null } {
  const cutter = new MessageCutter(LONGEST);
  const messages: [number, number[]][] = [];
  for (let at = 0, index = 0; at < bytes.length && cutter.problem === null; index += 1) {
    const size = sizes[index % sizes.length]!;
    cutter.push(bytes, at, Math.min(at + size, bytes.length), (type, body, from, to) => {
      messages.push([type, [...body.subarray(from, to)]]);
      return true;
    });
    at += size;
  }
  return { messages, problem: cutter.problem };
}

const BODY = fc.uint8Array({ maxLength: LONGEST - 1 });
const SIZES = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 });

describe('messages of a sender', () => {
  it('are the same wherever the chunks begin and end', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(255), BODY), { maxLength: 12 }), SIZES, (messages, sizes) => {
        const bytes = Buffer.concat(messages.map(([type, body]) => encodeMessage(type, body)));
        expect(cut(bytes, sizes)).toEqual({
          messages: messages.map(([type, body]) => [type, [...body]]),
          problem: null,
        });
      }),
    );
  });

  it.each([
    ['of no length', Buffer.from([0, 0, 0, 0, 0])],
    ['longer than the limit', encodeMessage(1, new Uint8Array(LONGEST))],
    ['of 4 GiB', Buffer.from([255, 255, 255, 255, 1])],
  ])('%s end the stream, and those before it count', (_name, bad) => {
    fc.assert(
      fc.property(BODY, SIZES, (body, sizes) => {
        const bytes = Buffer.concat([encodeMessage(1, body), bad, encodeMessage(1, body)]);
        expect(cut(bytes, sizes)).toEqual({ messages: [[1, [...body]]], problem: 'length' });
      }),
    );
  });

  it('end where whoever takes them wants no more', () => {
    const cutter = new MessageCutter(LONGEST);
    const bytes = Buffer.concat([encodeMessage(1), encodeMessage(2), encodeMessage(3)]);
    const types: number[] = [];
    cutter.push(bytes, 0, bytes.length, (type) => types.push(type) < 2);
    expect(types).toEqual([1, 2]);
  });
});

describe('a hello', () => {
  const HELLO = { source: 'GLBX.MDP3', start: 70_000_000_001, continues: true, kinds: 3, note: 'a note' };

  it('has the bytes that the layout draws', () => {
    expect(Buffer.from(encodeHello({ ...HELLO, start: 2, source: 'X', note: 'y' })).toString('hex')).toBe(
      `${'18000000'}00${'01010000'}${'03000000'}${'0200000000000000'}${'0158'}${'010079'}`.replace(
        '18',
        '16',
      ),
    );
  });

  it('reads as it was written', () => {
    expect(decodeHello(encodeHello(HELLO).subarray(5))).toEqual(HELLO);
  });

  it('is refused with what is wrong, and never throws', () => {
    const body = encodeHello(HELLO).slice(5);
    const changed = (at: number, value: number): Uint8Array =>
      body.map((byte, index) => (index === at ? value : byte));
    expect(decodeHello(changed(0, 9))).toBe('protocol 9, expected 1');
    expect(decodeHello(body.subarray(0, 12))).toBe('hello of 12 bytes');
    expect(decodeHello(changed(17, 0x20))).toContain('no name');
    expect(decodeHello(encodeHello({ ...HELLO, start: 0 }).subarray(5))).toContain('a start');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        expect(['string', 'object']).toContain(typeof decodeHello(bytes));
      }),
    );
  });
});

describe('a gap', () => {
  it('reads as it was written, and is refused where no numbers are missing', () => {
    const gap = { first: 5, last: 4_294_967_301, timeHigh: 409_494_000, timeLow: -7 };
    expect(decodeGap(encodeGap(gap).subarray(5))).toEqual(gap);
    expect(decodeGap(encodeGap({ ...gap, last: 4 }).subarray(5))).toBeNull();
    expect(decodeGap(encodeGap({ ...gap, first: 0 }).subarray(5))).toBeNull();
    expect(decodeGap(encodeGap(gap).subarray(6))).toBeNull();
  });
});
