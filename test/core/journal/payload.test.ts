import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c, crc32cTables } from '../../../src/core/binary/crc32c.ts';
import { readDurable, writeDurable } from '../../../src/core/journal/directory.ts';
import {
  readCheckpoint,
  readClose,
  readImageEnd,
  readImageHead,
  writeCheckpoint,
  writeClose,
  writeImageEnd,
  writeImageHead,
} from '../../../src/core/journal/image-payload.ts';

const place = fc.record({
  channel: fc.nat(),
  isLost: fc.boolean(),
  lastSequence: fc.maxSafeNat(),
  lastEvents: fc.nat(65_535),
  nextTransport: fc.maxSafeNat(),
  session: fc.option(fc.stringMatching(/^[0-9A-Z]{1,16}$/)),
});
const sum = fc.record({
  source: fc.nat(),
  version: fc.constantFrom(0 as const, 1 as const, 2 as const),
  hash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});

function forms<T>(write: (view: DataView, at: number, value: T) => number, value: T): [DataView, number] {
  const view = new DataView(new ArrayBuffer(65_536));
  const bytes = write(view, 64, value);
  expect(bytes % 8).toBe(0);
  return [view, bytes];
}

describe('payloads of images and closes', () => {
  test('come back as they were written', () => {
    void fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.maxSafeNat(),
        fc.array(place, { maxLength: 8 }),
        fc.array(sum, { maxLength: 8 }),
        (one, two, channels, sums) => {
          const head = { nextEvent: one, busCursor: two, channels };
          expect(readImageHead(...at(forms(writeImageHead, head)))).toEqual(head);
          const checkpoint = { nextEvent: one, orders: two, levels: 7, channels };
          expect(readCheckpoint(...at(forms(writeCheckpoint, checkpoint)))).toEqual(checkpoint);
          expect(readImageEnd(...at(forms(writeImageEnd, { records: one, sums })))).toEqual({
            records: one,
            sums,
          });
          const close = { lastEvent: one, books: 3, sums };
          expect(readClose(...at(forms(writeClose, close)))).toEqual(close);
        },
      ),
    );
  });

  test('of another length than they say are refused', () => {
    const [view, bytes] = forms(writeClose, { lastEvent: 5, books: 1, sums: [] });
    expect(readClose(view, 64, bytes + 8)).toBe('12 bytes for 0 sums');
    expect(readClose(view, 64, 8)).toBe('a close of 8 bytes');
    expect(readImageHead(view, 64, 16)).toBe('the head of an image of 16 bytes');
  });
});

test('a durable record whose bytes are not whole is none', () => {
  const view = new DataView(new ArrayBuffer(64));
  const record = {
    event: 7,
    frame: 9,
    offset: 4096,
    segment: 2,
    epoch: { high: -1, low: 5 },
    failed: true,
    wallTime: 1_700_000_000_000_000_000n,
  };
  writeDurable(view, record);
  expect(readDurable(view)).toEqual(record);
  for (let byte = 0; byte < 64; byte += 1) {
    view.setUint8(byte, view.getUint8(byte) ^ 1);
    expect(readDurable(view)).toBeNull();
    view.setUint8(byte, view.getUint8(byte) ^ 1);
  }
});

test('the sum of the processor is the sum of the tables, and that of RFC 3720', () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, at) => (at * 7919) >> 3);
  const view = new DataView(bytes.buffer);
  for (const length of [255, 256, 257, 1000, 4999]) {
    expect(crc32c(view, 1, length, 77)).toBe(crc32cTables(view, 1, length, 77));
  }
  const digits = new DataView(new TextEncoder().encode('123456789').buffer);
  expect(crc32c(digits, 0, 9) >>> 0).toBe(0xe3069283);
});

function at([view, bytes]: [DataView, number]): [DataView, number, number] {
  return [view, 64, bytes];
}
