import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Inbox } from '../../../../src/core/net/ingest/inbox.ts';

const CHUNK_MAX = 65_536;

/** Chunks that fill pieces of memory now and then, with some of no bytes between them. */
const CHUNKS = fc.array(fc.oneof(fc.constant(0), fc.nat(20), fc.integer({ min: 30_000, max: CHUNK_MAX })), {
  maxLength: 60,
});

it('gives back what was put into it, in its order, and holds nothing then', () => {
  fc.assert(
    fc.property(CHUNKS, fc.integer({ min: 1, max: 40 }), (lengths, ahead) => {
      const inbox = new Inbox();
      const buffer = new Uint8Array(CHUNK_MAX);
      let next = 0;
      const take = (): void => {
        expect(inbox.next()).toBe(true);
        const { sender, bytes, from, to } = inbox;
        // What is put behind it leaves the chunk at hand alone.
        inbox.put(0, buffer.fill(0), 1);
        expect([sender, to - from]).toEqual([next + 1, lengths[next]]);
        const chunk = bytes.subarray(from, to);
        expect([chunk.at(0), chunk.at(-1)]).toEqual(to > from ? [sender, sender] : [undefined, undefined]);
        next += 1;
      };
      for (const [index, length] of lengths.entries()) {
        inbox.put(index + 1, buffer.fill(index + 1), length);
        if (index + 1 < lengths.length && (index + 1) % ahead !== 0) continue;
        const before = next;
        while (next <= index) take();
        for (let mark = before; mark < next; mark += 1) {
          expect(inbox.next()).toBe(true);
          expect(inbox.sender).toBe(0);
        }
      }
      expect([inbox.next(), inbox.held, inbox.isEmpty]).toEqual([false, 0, true]);
    }),
    { numRuns: 30 },
  );
});

it('puts what comes into the same memory again where nothing waits', () => {
  const inbox = new Inbox();
  const places = [1, 2, 3].map((sender) => {
    inbox.put(sender, new Uint8Array(100), 100);
    expect([inbox.next(), inbox.sender]).toEqual([true, sender]);
    const { bytes, from } = inbox;
    expect(inbox.next()).toBe(false);
    return [bytes, from];
  });
  expect(places[1]).toEqual(places[0]);
  expect(places[2]).toEqual(places[0]);
});
