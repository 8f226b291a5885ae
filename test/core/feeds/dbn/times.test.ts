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
