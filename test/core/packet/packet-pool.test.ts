import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import {
  FLAG_IPV6,
  FLAG_TRUNCATED,
  PacketPool,
  SLOT_DESTINATION,
  SLOT_FLAGS,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_PORTS,
  SLOT_SOURCE,
  SLOT_TIME_HIGH,
  SLOT_TIME_LOW,
  SLOT_WORDS,
} from '../../../src/core/packet/packet-pool.ts';

const SLOTS = 5;
const SLOT_BYTES = 128;

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const port = fc.nat(0xffff);
const packet = fc.record({
  offset: fc.nat(40),
  payload: fc.uint8Array({ maxLength: SLOT_BYTES - 40 }),
  time: fc.tuple(word, word),
  flags: fc.constantFrom(0, FLAG_IPV6, FLAG_IPV6 | FLAG_TRUNCATED),
  ports: fc.tuple(port, port),
  source: fc.tuple(word, word, word, word),
  destination: fc.tuple(word, word, word, word),
});

describe('a packet pool', () => {
  it('gives back what every slot was filled with, from either side of the memory', () => {
    fc.assert(
      fc.property(fc.array(packet, { minLength: SLOTS, maxLength: SLOTS }), (packets) => {
        const pool = new PacketPool(SLOTS, SLOT_BYTES);
        for (const [
          slot,
          { offset, payload, time, flags, ports, source, destination },
        ] of packets.entries()) {
          const at = slot * SLOT_WORDS;
          pool.words[at + SLOT_LENGTH] = payload.length;
          pool.words[at + SLOT_OFFSET] = offset;
          pool.words[at + SLOT_TIME_HIGH] = time[0];
          pool.words[at + SLOT_TIME_LOW] = time[1];
          pool.words[at + SLOT_FLAGS] = flags;
          pool.words[at + SLOT_PORTS] = (ports[0] << 16) | ports[1];
          pool.words.set(source, at + SLOT_SOURCE);
          pool.words.set(destination, at + SLOT_DESTINATION);
          pool.bytes.set(payload, slot * SLOT_BYTES + offset);
        }
        const other = new PacketPool(SLOTS, SLOT_BYTES, pool.memory);
        const datagram = new Datagram();
        datagram.bytes = other.bytes;
        datagram.view = other.view;
        for (const [slot, { payload, time, flags, ports, source, destination }] of packets.entries()) {
          other.read(slot, datagram);
          const { bytes, view, offset, length } = datagram;
          expect(bytes.slice(offset, offset + length)).toEqual(payload);
          if (length > 0) expect(view.getUint8(offset)).toBe(payload[0]);
          expect([datagram.timeHigh, datagram.timeLow]).toEqual(time);
          expect(datagram.ipVersion).toBe((flags & FLAG_IPV6) === 0 ? 4 : 6);
          expect([datagram.sourcePort, datagram.destinationPort]).toEqual(ports);
          expect([...datagram.source, ...datagram.destination]).toEqual([...source, ...destination]);
        }
      }),
    );
  });
});
