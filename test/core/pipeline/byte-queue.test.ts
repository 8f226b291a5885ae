import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteQueue } from '../../../src/core/pipeline/byte-queue.ts';

it('gives out what was put in, in order, whatever is put and taken at a time', () => {
  const step = fc.record({ put: fc.nat({ max: 150 }), take: fc.nat({ max: 150 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const queue = new ByteQueue(64);
      let written = 0;
      let read = 0;
      const take = (bytes: number): void => {
        const room = new Uint8Array(bytes);
        const count = queue.take(room);
        expect(count > 0).toBe(bytes > 0 && written > read);
        const expected = Uint8Array.from({ length: count }, (_, at) => (read + at) % 256);
        expect(Buffer.compare(room.subarray(0, count), expected)).toBe(0);
        read += count;
        expect(queue.waiting).toBe(written - read);
      };
      for (const { put, take: most } of steps) {
        const start = written;
        queue.put(Uint8Array.from({ length: put }, (_, at) => (start + at) % 256));
        written += put;
        if (most > 0) take(most);
      }
      while (queue.waiting > 0) take(50);
      expect(read).toBe(written);
    }),
    { numRuns: 200 },
  );
});
