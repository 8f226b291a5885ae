import { join } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { type Batch, decodeBatch, encodeBatch } from '../../../../src/core/publish/zeromq/batch.ts';
import { ROOT } from '../../../world/real-process.ts';

const root = protobuf.loadSync(join(ROOT, 'proto/mdx_stream.proto'));
const TYPES = {
  packets: { id: 0x40, type: root.lookupType('mdx.v1.PacketBatch'), payload: 'pcapng' },
  events: { id: 0x41, type: root.lookupType('mdx.v1.EventBatch'), payload: 'frames' },
} as const;
const VERSION = Uint8Array.of(1);

const GOLDEN: readonly (readonly [Batch, string])[] = [
  [
    {
      kind: 'packets',
      streamHigh: 0xfedcba98 | 0,
      streamLow: 0x76543210,
      sequence: 300,
      first: 2 ** 53 - 2,
      count: 1,
      end: false,
      payload: Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a),
    },
    '40091032547698badcfe10ac0218feffffffffffff0f200132040a0d0d0a',
  ],
  [
    {
      kind: 'events',
      streamHigh: 1,
      streamLow: 0,
      sequence: 1,
      first: 1,
      count: 0,
      end: true,
      payload: Uint8Array.of(0x4d, 0x44, 0x58, 0x4a),
    },
    '4109000000000100000010011801280132044d44584a',
  ],
];

const batches: fc.Arbitrary<Batch> = fc.record({
  kind: fc.constantFrom('packets', 'events'),
  streamHigh: fc.integer(),
  streamLow: fc.integer(),
  sequence: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
  first: fc.integer({ min: 1, max: 2 ** 53 - 2 ** 32 }),
  count: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  end: fc.boolean(),
  payload: fc.uint8Array({ maxLength: 300 }),
});

const bytesOf = (data: Uint8Array): number[] => [...data];
const plain = (batch: Batch): object => ({ ...batch, payload: bytesOf(batch.payload) });

describe('a batch', () => {
  it.each(GOLDEN)('is these bytes: $kind', (batch, hex) => {
    expect(Buffer.from(encodeBatch(batch)).toString('hex')).toBe(hex);
  });

  it('is read by another protobuf, every bit of its numbers', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const message = encodeBatch(batch);
        const { id, type, payload } = TYPES[batch.kind];
        expect(message[0]).toBe(id);
        const read = type.toObject(type.decode(message.subarray(1)), { longs: String, defaults: true });
        const stream = (BigInt(batch.streamHigh >>> 0) << 32n) | BigInt(batch.streamLow >>> 0);
        expect({ ...read, [payload]: bytesOf(read[payload] as Uint8Array) }).toEqual({
          stream: String(stream),
          sequence: String(batch.sequence),
          first: String(batch.first),
          count: batch.count,
          end: batch.end,
          [payload]: bytesOf(batch.payload),
        });
      }),
    );
  });

  it('written by another protobuf is read, with fields that are not known', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const { id, type, payload } = TYPES[batch.kind];
        const stream = (BigInt(batch.streamHigh >>> 0) << 32n) | BigInt(batch.streamLow >>> 0);
        const { sequence, first, count, end } = batch;
        const object = { stream: String(stream), sequence, first, count, end, [payload]: batch.payload };
        const body = type.encode(type.fromObject(object)).finish();
        const unknown = Uint8Array.of(0x7a, 2, 1, 2, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4);
        const read = decodeBatch([VERSION, Uint8Array.of(id, ...body, ...unknown)]);
        expect(typeof read === 'string' ? read : plain(read)).toEqual(plain(batch));
      }),
    );
  });

  it('that is none is refused, whatever it is', () => {
    const message = encodeBatch(GOLDEN[0]![0]);
    expect(decodeBatch([Uint8Array.of(2), message])).toBe('unknownVersion');
    expect(decodeBatch([VERSION, Uint8Array.of(0x42, ...message.subarray(1))])).toBe('unknownId');
    for (const frames of [
      [],
      [VERSION],
      [message],
      [VERSION, new Uint8Array(0)],
      [Uint8Array.of(1, 1), message],
      [VERSION, message, message],
    ]) {
      expect(decodeBatch(frames)).toBe('malformed');
    }
    for (let length = 1; length < message.length; length += 1) {
      const cut = decodeBatch([VERSION, message.subarray(0, length)]);
      // A message that ends between two fields is one with fewer fields.
      if (typeof cut === 'string') expect(cut).toBe('malformed');
      else expect(cut.payload).toHaveLength(0);
    }
    const tooLarge = encodeBatch({ ...GOLDEN[0]![0], first: 2 ** 53 - 1, count: 2 });
    expect(decodeBatch([VERSION, tooLarge])).toBe('malformed');
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 3 }),
        fc.constantFrom(0x40, 0x41),
        (frames, id) => {
          decodeBatch(frames);
          decodeBatch([VERSION, Uint8Array.of(id, ...(frames[0] ?? []))]);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
