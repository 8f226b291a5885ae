import { describe, expect, test } from 'vitest';
import { concat, decodeStream, headBytes, mboBytes, recordBytes, T0, TIME_UNDEFINED } from './stream.ts';

const RTYPE_UNKNOWN = 0x77;
const RTYPE_SYSTEM = 0x17;
const RTYPE_STATUS = 0x12;

function timesOf(bytes: Uint8Array, chunk: number): (bigint | null)[] {
  const { decoder } = decodeStream(bytes, { chunk });
  return [decoder.firstTime, decoder.lastTime];
}

describe('first and last time of a DBN stream', () => {
  test.each([1, 64, 4096])('records that are left out have no part in it (%i bytes at a time)', (chunk) => {
    const bytes = concat(
      headBytes(),
      mboBytes({ action: 'A', id: 1n, receiveTime: T0 + 5n }),
      mboBytes({ action: 'A', id: 2n, receiveTime: T0 + 9n }),
      recordBytes(RTYPE_UNKNOWN, 64, 0x33),
      recordBytes(RTYPE_SYSTEM, 32, 0x33),
    );
    expect(timesOf(bytes, chunk)).toEqual([T0 + 5n, T0 + 9n]);
  });

  test.each([1, 64, 4096])(
    'an undefined time is that of the mbo record before it (%i bytes at a time)',
    (chunk) => {
      const status = recordBytes(RTYPE_STATUS, 40);
      new DataView(status.buffer).setBigUint64(16, TIME_UNDEFINED, true);
      const bytes = concat(
        headBytes(),
        mboBytes({ action: 'A', id: 1n, receiveTime: T0 + 5n }),
        mboBytes({ action: 'A', id: 2n, receiveTime: T0 + 9n }),
        status,
      );
      expect(timesOf(bytes, chunk)).toEqual([T0 + 5n, T0 + 9n]);
    },
  );
});

describe('undefined times beside the ends of all times', () => {
  /** Times with the high half of undefined ones count as undefined; these are the last in front of them and the first. */
  const LAST = (0xffffffffn << 32n) - 1n;
  const venueAndReceive = (
    start: bigint,
    times: readonly (readonly [bigint, bigint])[],
    chunk: number,
  ): bigint[][] => {
    const head = headBytes();
    new DataView(head.buffer).setBigUint64(26, start, true);
    const records = times.map(([eventTime, receiveTime], at) =>
      mboBytes({ action: 'A', id: BigInt(at + 1), eventTime, receiveTime }),
    );
    const { events } = decodeStream(concat(head, ...records), { chunk });
    return events.map(({ venueTime, receiveTime }) => [venueTime, receiveTime]);
  };
  const NONE = TIME_UNDEFINED;

  test.each([1, 56, 4096])('are those of the record before (%i bytes at a time)', (chunk) => {
    const times = [
      [0n, 0n],
      [NONE, NONE],
      [5n, 6n],
      [NONE, NONE],
      [LAST, LAST - 9n],
      [NONE, NONE],
      [NONE - 7n, NONE - 7n],
    ] as const;
    const expected = [
      [0n, 0n],
      [0n, 0n],
      [5n, 6n],
      [5n, 6n],
      [LAST, LAST - 9n],
      [LAST, LAST - 9n],
      [LAST, LAST - 9n],
    ];
    for (const start of [0n, T0, LAST, NONE - 3n, NONE]) {
      expect(venueAndReceive(start, times, chunk)).toEqual(expected);
    }
  });

  test.each([1, 56, 4096])(
    'are the start of the file in front of all others (%i bytes at a time)',
    (chunk) => {
      for (const start of [0n, 9n, T0, LAST]) {
        expect(venueAndReceive(start, [[NONE, NONE]], chunk)).toEqual([[start, start]]);
      }
    },
  );
});
