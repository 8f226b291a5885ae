import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketQueue } from '../../../src/core/net/packet-queue.ts';

test('slots go round in order, none twice and none lost, whatever the two ends do', () => {
  const step = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 9 }), fill: fc.nat(9) }),
    fc.record({ read: fc.nat(9), keep: fc.nat(4) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 20 }), fc.array(step, { maxLength: 100 }), (slots, steps) => {
      const consumer = PacketQueue.create(slots, 64);
      const receiver = PacketQueue.attach(consumer.memory);
      const held = new Int32Array(16);
      let have = 0;
      let sent = 0;
      let seen = 0;
      const kept: number[] = [];
      for (const each of steps) {
        if ('take' in each) {
          have = receiver.takeFree(held, have, each.take);
          const count = Math.min(have, each.fill);
          for (let at = 0; at < count; at += 1) receiver.pool.words[held[at]! * 16] = sent + at;
          receiver.publish(held, count, have);
          have -= count;
          sent += count;
        } else {
          while (kept.length > each.keep) consumer.giveBack(kept.shift()!);
          for (let at = 0; at < each.read; at += 1) {
            const slot = consumer.take();
            if (slot < 0) break;
            expect(consumer.pool.words[slot * 16]).toBe(seen);
            seen += 1;
            kept.push(slot);
          }
        }
      }
      for (const slot of kept) consumer.giveBack(slot);
      for (let slot = consumer.take(); slot >= 0; slot = consumer.take()) {
        expect(consumer.pool.words[slot * 16]).toBe(seen);
        seen += 1;
        consumer.giveBack(slot);
      }
      expect(seen).toBe(sent);
      consumer.flush();
      const all = new Int32Array(slots);
      all.set(held.subarray(0, have));
      expect(receiver.takeFree(all, have, slots)).toBe(slots);
      expect([...all].sort((a, b) => a - b)).toEqual([...all.keys()]);
    }),
  );
});
