import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImpairedWire, type Impairments, PERFECT } from '../../../src/core/simulate/impairment.ts';
import { MOLD_SHAPE } from '../../../src/core/simulate/mold-line.ts';

const MESSAGE_BYTES = 19;

/** A Mold packet of deletes whose first number also stands at byte 10 … 17. */
function packetOf(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(20 + count * (2 + MESSAGE_BYTES));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(10, BigInt(first));
  view.setUint16(18, count);
  for (let at = 20; at < bytes.length; at += 2 + MESSAGE_BYTES) {
    view.setUint16(at, MESSAGE_BYTES);
    view.setUint8(at + 2, 0x44);
  }
  return bytes;
}

interface Arrival {
  readonly first: number;
  readonly count: number;
  readonly whole: boolean;
  readonly time: number;
  readonly bytes: Uint8Array;
}

interface Sent {
  readonly wire: ImpairedWire;
  readonly arrivals: Arrival[];
}

/** Sends packets of 1 … 3 messages, 10 ns apart; every 10th is a heartbeat. */
function send(packets: number, seed: number, wanted: Partial<Impairments>): Sent {
  const arrivals: Arrival[] = [];
  const wire = new ImpairedWire(seed, { ...PERFECT, ...wanted }, MOLD_SHAPE, (payload, time) => {
    const bytes = payload.slice();
    const view = new DataView(bytes.buffer);
    const first = Number(view.getBigUint64(10));
    const count = view.getUint16(18) & 0x7fff;
    const clean = packetOf(first, count);
    arrivals.push({ first, count, whole: Buffer.compare(clean, bytes) === 0, time, bytes });
  });
  let next = 1;
  for (let packet = 0; packet < packets; packet += 1) {
    const count = packet % 10 === 9 ? 0 : 1 + (packet % 3);
    wire.send(packetOf(next, count), next, count, count, packet * 10);
    next += count;
  }
  wire.finish();
  return { wire, arrivals };
}

const shares = fc.constantFrom(0, 0.05, 0.3, 1);
const impairments = fc.record({
  loss: shares,
  lossBurst: fc.constantFrom(1, 4),
  duplicates: shares,
  reorder: shares,
  reorderDepth: fc.integer({ min: 1, max: 12 }),
  corrupt: shares,
});

describe('an impaired wire', () => {
  it('keeps a ledger that a reader of its packets comes to, too', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 200 }), impairments, (seed, packets, wanted) => {
        const { wire, arrivals } = send(packets, seed, wanted);
        const seen = new Set<number>();
        let highest = 1;
        let duplicates = 0;
        let outOfOrder = 0;
        for (const { first, count, whole } of arrivals.filter((arrival) => arrival.whole)) {
          expect(whole).toBe(true);
          for (let number = first; number < first + count; number += 1) {
            if (seen.has(number)) duplicates += 1;
            else if (number < highest) outOfOrder += 1;
            seen.add(number);
          }
          highest = Math.max(highest, first + count);
        }
        const { ledger } = wire;
        expect(ledger).toMatchObject({
          duplicateNumbers: duplicates,
          outOfOrderNumbers: outOfOrder,
          highest,
        });
        expect(ledger.messages).toBe(seen.size);
        const lost = ledger
          .lostRanges()
          .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
        expect(lost.some((number) => seen.has(number))).toBe(false);
        expect(new Set([...lost, ...seen]).size).toBe(lost.length + seen.size);
        expect(ledger.missingByType[0x44]).toBe(lost.length);
        expect(ledger).toMatchObject({ sent: packets, written: arrivals.length });
        expect(ledger.written).toBe(packets - ledger.lost + ledger.duplicated);
        expect(ledger.corruptions).toHaveLength(arrivals.filter(({ whole }) => !whole).length);
      }),
      { numRuns: 200 },
    );
  });

  it('lets a packet fall behind by at most the depth, and no time run backwards', () => {
    fc.assert(
      fc.property(fc.nat(), impairments, (seed, wanted) => {
        const { arrivals } = send(200, seed, { ...wanted, corrupt: 0 });
        for (const [at, { first, time }] of arrivals.entries()) {
          const overtaken = new Set(
            arrivals
              .slice(0, at)
              .map((earlier) => earlier.first)
              .filter((other) => other > first),
          );
          expect(overtaken.size).toBeLessThanOrEqual(wanted.reorderDepth);
          if (at > 0) expect(time).toBeGreaterThanOrEqual(arrivals[at - 1]!.time);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is transparent when nothing is asked for, but for the skew', () => {
    const { arrivals } = send(30, 1, { skewNs: 1000 });
    expect(arrivals.every(({ whole }) => whole)).toBe(true);
    expect(arrivals.map(({ time }) => time)).toEqual(
      Array.from({ length: 30 }, (_, packet) => packet * 10 + 1000),
    );
  });

  it.each([
    { loss: 0.05, lossBurst: 1 },
    { loss: 0.2, lossBurst: 8 },
  ])('loses the share it was told, in bursts of the mean it was told: %o', ({ loss, lossBurst }) => {
    const { wire } = send(50_000, 5, { loss, lossBurst });
    expect(wire.ledger.lost / 50_000).toBeGreaterThan(loss * 0.9);
    expect(wire.ledger.lost / 50_000).toBeLessThan(loss * 1.1);
    // Heartbeats have no numbers, so ranges are a little longer than bursts of packets.
    const burst = wire.ledger.lost / wire.ledger.lostRanges().length;
    expect(burst).toBeGreaterThan((lossBurst / (1 - loss)) * 0.8);
    expect(burst).toBeLessThan((lossBurst / (1 - loss)) * 1.5);
  });

  it('loses the same packets whatever else goes wrong', () => {
    const alone = send(500, 9, { loss: 0.2 }).wire.ledger.lostRanges();
    const among = send(500, 9, { loss: 0.2, duplicates: 0.3, reorder: 0.3 }).wire.ledger.lostRanges();
    expect(among).toEqual(alone);
    expect(send(500, 10, { loss: 0.2 }).wire.ledger.lostRanges()).not.toEqual(alone);
  });

  it('damages framing so that the first block runs past the end, and says where', () => {
    const { wire, arrivals } = send(20, 1, { corrupt: 1 });
    for (const [at, { bytes }] of arrivals.entries()) {
      const { packet, messages, offset, mask } = wire.ledger.corruptions[at]!;
      expect({ packet, mask }).toEqual({ packet: at + 1, mask: 0x80 });
      expect(offset).toBe(messages === null ? 18 : 20);
      const view = new DataView(bytes.buffer);
      expect(view.getUint16(messages === null ? 18 : 20)).toBeGreaterThan(bytes.length);
    }
    expect(wire.ledger.messages).toBe(0);
  });

  it('damages one bit inside a message, which no framing shows', () => {
    const { wire, arrivals } = send(200, 3, { corrupt: 1, corruptPart: 'message' });
    for (const [at, { first, count, bytes }] of arrivals.entries()) {
      const { messages, offset, mask } = wire.ledger.corruptions[at]!;
      if (messages === null) continue;
      const clean = packetOf(first, count);
      const turned = [...clean.keys()].filter((index) => clean[index] !== bytes[index]);
      expect(turned).toEqual([offset]);
      expect(clean[offset]! ^ bytes[offset]!).toBe(mask);
      expect((offset - 20) % (2 + MESSAGE_BYTES)).toBeGreaterThanOrEqual(2 + 11);
    }
    expect(wire.ledger.messages).toBeGreaterThan(0);
  });
});
