import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backlogLine, parseBacklogLine } from '../../../../src/core/merge/recovery/backlog.ts';
import { RecoveryCounts } from '../../../../src/core/merge/recovery/counts.ts';
import {
  ANSWER_DAMAGED,
  ANSWER_END,
  ANSWER_LEFT,
  ANSWER_MORE,
  FRAME_HEADER_BYTES,
  FrameReader,
  QUESTION_MORE,
  QUESTION_READ,
  QUESTION_REFUSED,
  QuestionReader,
  questionLine,
  writeFrameHeader,
} from '../../../../src/core/merge/recovery/len-seq-payload.ts';
import { MoldRequest, moldRequest } from '../../../../src/core/merge/recovery/mold-request.ts';
import { hullsOf, NumberSet } from '../../../../src/core/merge/recovery/number-set.ts';

function ranges(set: NumberSet): [number, number][] {
  return Array.from({ length: set.count }, (_, index) => [set.from(index), set.to(index) - 1]);
}

function setOf(...pairs: readonly (readonly [number, number])[]): NumberSet {
  const set = new NumberSet();
  for (const [first, last] of pairs) set.add(first, last + 1);
  return set;
}

describe('a set of numbers', () => {
  it('joins what overlaps and what touches, and leaves out what is none', () => {
    expect(ranges(setOf([10, 12], [2, 4], [5, 7], [20, 20], [18, 19], [7, 9]))).toEqual([
      [2, 12],
      [18, 20],
    ]);
    expect(ranges(setOf([5, 3], [1, 1], [3, 2], [2, 2]))).toEqual([[1, 2]]);
  });

  it('is a set, whatever is added and taken out', () => {
    const step = fc.record({ adds: fc.boolean(), from: fc.integer({ min: 1, max: 60 }), count: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const set = new NumberSet();
        const plain = new Set<number>();
        for (const { adds, from, count } of steps) {
          if (adds) set.add(from, from + count);
          else set.subtract(from, from + count);
          for (let number = from; number < from + count; number += 1) {
            if (adds) plain.add(number);
            else plain.delete(number);
          }
        }
        const numbers = ranges(set).flatMap(([first, last]) =>
          Array.from({ length: last - first + 1 }, (_, at) => first + at),
        );
        expect(numbers).toEqual([...plain].sort((a, b) => a - b));
        for (let index = 1; index < set.count; index += 1) {
          expect(set.from(index)).toBeGreaterThan(set.to(index - 1));
        }
      }),
    );
  });

  it('adds only what another one has not', () => {
    const set = new NumberSet();
    set.addWithout(1, 21, setOf([3, 4], [10, 30]));
    expect(ranges(set)).toEqual([
      [1, 2],
      [5, 9],
    ]);
  });

  it('is covered by few ranges, which leave the widest gaps open', () => {
    const set = setOf([1, 2], [5, 5], [100, 101], [104, 104], [300, 300]);
    expect(hullsOf(set, 3)).toEqual([1, 6, 100, 105, 300, 301]);
    expect(hullsOf(set, 1)).toEqual([1, 301]);
    expect(hullsOf(set, 9)).toEqual([1, 3, 5, 6, 100, 102, 104, 105, 300, 301]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.nat(3)), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (pairs, max) => {
          const numbers = setOf(...pairs.map(([first, more]) => [first, first + more] as const));
          const hulls = hullsOf(numbers, max);
          expect(hulls.length / 2).toBe(Math.min(max, numbers.count));
          let covered = 0;
          for (let at = 0; at < hulls.length; at += 2) covered += numbers.overlap(hulls[at]!, hulls[at + 1]!);
          expect(covered).toBe(ranges(numbers).reduce((sum, [first, last]) => sum + last - first + 1, 0));
        },
      ),
    );
  });
});

interface Frame {
  readonly number: number;
  readonly payload: string;
}

function reading(until = Number.POSITIVE_INFINITY): { frames: Frame[]; reader: FrameReader } {
  const frames: Frame[] = [];
  const reader = new FrameReader({
    frame: (number, bytes, offset, length) => {
      frames.push({
        number,
        payload: Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1'),
      });
      return frames.length < until;
    },
  });
  return { frames, reader };
}

function answerOf(frames: readonly Frame[], hasEnd: boolean): Buffer {
  const parts = [...frames, ...(hasEnd ? [{ number: 0, payload: '' }] : [])].map(({ number, payload }) => {
    const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
    writeFrameHeader(new DataView(bytes.buffer, bytes.byteOffset), 0, payload.length, number);
    bytes.write(payload, FRAME_HEADER_BYTES, 'latin1');
    return bytes;
  });
  return Buffer.concat(parts);
}

describe('len_seq_payload', () => {
  const ABC = '00000003000000000000002a616263000000000000000000000000';

  it('writes and reads the frames of the sheet', () => {
    expect(answerOf([{ number: 42, payload: 'abc' }], true).toString('hex')).toBe(ABC);
    const { frames, reader } = reading();
    expect(reader.push(Buffer.from(ABC, 'hex'))).toBe(ANSWER_END);
    expect(frames).toEqual([{ number: 42, payload: 'abc' }]);
    expect(questionLine(100, 105)).toBe('REPLAY 100 105\n');
  });

  it('reads an answer in pieces of any size, and what ends early says where', () => {
    const frame = fc.record({
      number: fc.maxSafeNat(),
      payload: fc.string({ unit: 'binary-ascii', minLength: 1 }),
    });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 5 }),
        fc.boolean(),
        fc.nat(),
        fc.nat(40),
        (frames, hasEnd, cut, size) => {
          const whole = answerOf(frames, hasEnd);
          const end = whole.length === 0 ? 0 : cut % (whole.length + 1);
          const { frames: read, reader } = reading();
          let state = ANSWER_MORE;
          for (let at = 0; at < end; at += size + 1)
            state = reader.push(whole.subarray(at, Math.min(end, at + size + 1)));
          const starts: number[] = [0];
          for (const { payload } of frames) starts.push(starts.at(-1)! + FRAME_HEADER_BYTES + payload.length);
          expect(read).toEqual(frames.slice(0, starts.filter((start) => start > 0 && start <= end).length));
          if (end === whole.length && hasEnd) expect(state).toBe(ANSWER_END);
          else {
            expect(state).toBe(ANSWER_MORE);
            const isWhole = starts.includes(end);
            expect(reader.close()).toBe(isWhole ? ANSWER_END : ANSWER_DAMAGED);
            if (isWhole) return;
            const into = end - starts.filter((start) => start < end).at(-1)!;
            expect(reader.problem).toContain(
              into < FRAME_HEADER_BYTES ? 'inside the header' : 'inside the payload',
            );
          }
        },
      ),
    );
  });

  it.each([
    ['00010000 0000000000000001', '65536 bytes'],
    ['ffffffff 0000000000000001', '4294967295 bytes'],
    ['00000001 0020000000000000', 'above 2^53'],
    ['00000001 ffffffffffffffff', 'above 2^53'],
  ])('refuses the frame %s', (hex, problem) => {
    const { frames, reader } = reading();
    expect(reader.push(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe(ANSWER_DAMAGED);
    expect(reader.problem).toContain(problem);
    expect(reader.push(Buffer.alloc(100_000))).toBe(ANSWER_DAMAGED);
    expect(frames).toEqual([]);
  });

  it('takes the longest packet, and the highest number', () => {
    const { frames, reader } = reading();
    const frame = { number: Number.MAX_SAFE_INTEGER, payload: 'x'.repeat(65_535) };
    expect(reader.push(answerOf([frame], true))).toBe(ANSWER_END);
    expect(frames).toEqual([frame]);
  });

  it('stops where nobody wants more, and begins anew', () => {
    const { frames, reader } = reading(1);
    const two = answerOf(
      [
        { number: 1, payload: 'a' },
        { number: 2, payload: 'b' },
      ],
      true,
    );
    expect(reader.push(two)).toBe(ANSWER_LEFT);
    expect(frames).toHaveLength(1);
    reader.reset();
    expect(reader.push(two.subarray(0, 13))).toBe(ANSWER_LEFT);
  });

  it.each([
    ['REPLAY 1 1\n', 1, 1],
    ['REPLAY 007 9007199254740991\r\n', 7, Number.MAX_SAFE_INTEGER],
  ])('a server reads %j', (line, first, last) => {
    const reader = new QuestionReader();
    for (const byte of Buffer.from(line.slice(0, -1)))
      expect(reader.push(Uint8Array.of(byte))).toBe(QUESTION_MORE);
    expect(reader.push(Buffer.from('\nrest'))).toBe(QUESTION_READ);
    expect([reader.first, reader.last]).toEqual([first, last]);
  });

  it.each([
    'REPLAY 5 4\n',
    'REPLAY 0 4\n',
    'REPLAY 1 9007199254740992\n',
    'REPLAY 1 18446744073709551615\n',
    'REPLAY -1 4\n',
    'REPLAY 1 2 3\n',
    'replay 1 2\n',
    'REPLAY 1  2\n',
    'GET / HTTP/1.1\n',
    '\n',
    '\0\xff\n',
    'R'.repeat(65),
    'R'.repeat(100_000),
  ])('a server refuses %j', (line) => {
    expect(new QuestionReader().push(Buffer.from(line, 'latin1'))).toBe(QUESTION_REFUSED);
  });
});

describe('MoldUDP64 requests', () => {
  it('are laid out as the protocol says', () => {
    expect(Buffer.from(moldRequest(Buffer.from('000010059D'), 258, 1000)).toString('hex')).toBe(
      '30303030313030353944000000000000010203e8',
    );
    expect(Buffer.from(moldRequest(null, 1, 70_000)).toString('hex')).toBe(
      '202020202020202020200000000000000001fffe',
    );
  });

  it('come back as they were, or are refused', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 10, maxLength: 10 }),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 65_534 }),
        fc.integer({ min: 1, max: 65_534 }),
        (session, first, count) => {
          const request = new MoldRequest();
          expect(request.read(moldRequest(session, first, count))).toBeNull();
          expect(request).toMatchObject({ session, first, last: first + count - 1 });
        },
      ),
    );
    const request = new MoldRequest();
    const session = '30'.repeat(10);
    for (const rest of [
      '0000000000000001',
      '00000000000000010000',
      '0000000000000001ffff',
      '00000000000000000001',
    ]) {
      expect(request.read(Buffer.from(session + rest, 'hex')), rest).not.toBeNull();
    }
    for (const first of ['0020000000000000', 'ffffffffffffffff', '001fffffffffffff']) {
      expect(request.read(Buffer.from(`${session}${first}0002`, 'hex')), first).toContain('2^53');
    }
    expect(request.read(Buffer.from(`${session}001fffffffffffff0001`, 'hex'))).toBeNull();
    expect(request.read(Buffer.from(`${session}0000000000000001000100`, 'hex'))).toContain('21 bytes');
  });
});

describe('the backlog', () => {
  it('has the lines of the sheet, with fields behind', () => {
    const line = backlogLine('fetched', 65, 1064, [
      ['packets', '34'],
      ['session', 'A B%='],
    ]);
    expect(line).toBe('fetched 65 1064 packets=34 session=A%20B%25%3d\n');
    expect(parseBacklogLine(line.slice(0, -1))).toEqual({
      status: 'fetched',
      from: 65,
      to: 1064,
      fields: { packets: '34', session: 'A B%=' },
    });
  });

  it.each([
    'requested 65 1064',
    'failed 1 1',
    'unrecoverable 1 2',
    'slo_violation 65 1064',
    'fetched 1 2 packets=0',
  ])('reads %j, which has no fields of ours', (line) => {
    expect(parseBacklogLine(line)).toMatchObject({ status: line.split(' ')[0] });
  });

  it.each([
    '',
    'fetched',
    'fetched 2 1',
    'gone 1 2',
    'fetched 1 2 packets',
    'fetched 1 99999999999999999',
    ' failed 1 1',
  ])('does not read %j', (line) => {
    expect(parseBacklogLine(line)).toBeNull();
  });
});

it('puts range times into the buckets of the sheet', () => {
  const counts = new RecoveryCounts();
  for (const ns of [100_000, 100_001, 500_000, 100_000_000, 100_000_001, 5_000_000_000, 5_000_000_001]) {
    counts.noteRange(ns);
  }
  expect(counts.rangeSeconds).toEqual([1, 2, 0, 0, 0, 0, 1, 1, 0, 1, 1]);
  expect(counts.rangeNsMax).toBe(5_000_000_001);
});
