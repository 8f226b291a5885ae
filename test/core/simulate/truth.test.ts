import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Impairments } from '../../../src/core/simulate/impairment.ts';
import { MIX_DEFAULT } from '../../../src/core/simulate/mix.ts';
import { FEEDS } from '../../../src/core/simulate/simulation.ts';
import { booksOf, filled, play, type Range, Replays, type Truth, trueBooks } from './session.ts';

const replays = new Replays();
afterAll(() => replays.remove());

/** State hash of version 1 from the truth alone, in bigints. */
function hashOf(truth: Truth): string {
  let hash = 0xcbf29ce484222325n;
  const put = (value: bigint, bytes: number): void => {
    for (let at = 0; at < bytes; at += 1) {
      hash = ((hash ^ ((value >> BigInt(8 * at)) & 0xffn)) * 0x100000001b3n) & 0xffffffffffffffffn;
    }
  };
  const books = truth.books.filter(({ orders }) => orders > 0);
  put(1n, 4);
  put(BigInt(books.length), 8);
  for (const { instrument, bids, asks } of books) {
    put(BigInt(instrument), 4);
    put(BigInt(bids.length + asks.length), 8);
    for (const [side, orders] of [bids, asks].entries()) {
      for (const { id, price, quantity } of orders) {
        put(BigInt(id), 8);
        put(BigInt(price.replace('.', '')), 8);
        put(BigInt(quantity), 8);
        put(BigInt(side + 1), 1);
      }
    }
  }
  return `0x${hash.toString(16).padStart(16, '0')}`;
}

const NOTHING_UNKNOWN = { modify: 0, replace: 0, reduce: 0, delete: 0, execute: 0, informs: 0 };
const CLEAN = {
  unknownOrder: NOTHING_UNKNOWN,
  duplicateOrder: 0,
  overReduced: 0,
  rejected: 0,
  crossedAtLast: 0,
  lockedAtLast: 0,
};

const profiles = fc.record({
  instruments: fc.integer({ min: 1, max: 6 }),
  messages: fc.integer({ min: 0, max: 600 }),
  ordersLive: fc.integer({ min: 1, max: 150 }),
  zipf: fc.constantFrom(0, 0.5, 1, 2),
  bursts: fc.constantFrom(0, 0.3, 0.95),
  rate: fc.constantFrom(100, 10_000, 1_000_000),
});
const seeds = fc.nat(0xffffffff);
/** A day without a single order. */
const EMPTY = { instruments: 1, messages: 0, ordersLive: 1, zipf: 0, bursts: 0, rate: 100 };

describe('the truth of a session that nothing happened to', () => {
  it('is what a replay of either line finds: messages, best prices, every order in its queue', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, profiles, fc.constantFrom('pcap', 'pcapng'), async (seed, profile, format) => {
        const { a, b, truth } = play({ seed, profile, format: format as 'pcap' | 'pcapng' });
        for (const bytes of [a, b]) {
          const replayed = await replays.replayPackets(bytes);
          const { report } = replayed;
          expect(report.feed).toMatchObject({
            messagesByType: truth.messagesByType,
            malformed: 0,
            unknownMessages: 0,
          });
          expect(report.anomalies).toMatchObject(CLEAN);
          expect(report.invariants?.problems).toEqual([]);
          expect(report.sequence?.channels.map(({ gaps }) => gaps)).toEqual([[]]);
          expect(booksOf(replayed)).toEqual(trueBooks(truth));
          expect(report.book.stateHash).toBe(hashOf(truth));
          expect(truth.book).toEqual(report.book);
          const listed = report.instruments.filter(({ instrument }) => instrument !== '0');
          expect(listed.map(({ symbol, bid, ask }) => ({ symbol, bid, ask }))).toEqual(
            truth.books.map(({ symbol, bid, ask }) => ({ symbol, bid, ask })),
          );
        }
      }),
      { numRuns: 25 },
    );
  });

  it('is what a replay of DBN finds', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, profiles, async (seed, profile) => {
        const { a, truth } = play({ seed, profile, format: 'dbn' });
        const replayed = await replays.replay(a);
        expect(replayed.report.feed.messagesByType).toEqual(truth.messagesByType);
        expect(replayed.report.anomalies).toMatchObject(CLEAN);
        expect(booksOf(replayed)).toEqual(trueBooks(truth));
        expect(truth.book).toEqual(replayed.report.book);
      }),
      { numRuns: 25, examples: [[0, EMPTY]] },
    );
  });
});

describe('one seed in two formats', () => {
  const orders = (truth: Truth, withIds: boolean): object[] =>
    truth.books.flatMap(({ symbol, bids, asks }) =>
      [bids, asks].map((side) => ({
        symbol,
        side: side.map(({ id, price, quantity }) => [withIds ? id : '', Number(price), quantity]),
      })),
    );

  it('is one market where ITCH can say everything', () => {
    const profile = { messages: 3000, mix: { ...MIX_DEFAULT, modify: 0 } };
    const itch = play({ seed: 7, profile }).truth;
    const dbn = play({ seed: 7, profile, format: 'dbn' }).truth;
    expect(orders(itch, true)).toEqual(orders(dbn, true));
  });

  it('differs only in the ids of modified orders where it cannot', () => {
    const profile = { messages: 3000, mix: { ...MIX_DEFAULT, modify: 200 } };
    const itch = play({ seed: 7, profile }).truth;
    const dbn = play({ seed: 7, profile, format: 'dbn' }).truth;
    expect(orders(itch, false)).toEqual(orders(dbn, false));
    expect(orders(itch, true)).not.toEqual(orders(dbn, true));
  });
});

describe('the truth of a line that loses, doubles, delays and damages packets', () => {
  const shares = fc.constantFrom(0, 0.02, 0.1, 0.3);
  const impairments: fc.Arbitrary<Partial<Impairments>> = fc.record({
    loss: shares,
    lossBurst: fc.constantFrom(1, 3, 10),
    duplicates: shares,
    reorder: shares,
    reorderDepth: fc.integer({ min: 1, max: 20 }),
    skewNs: fc.constantFrom(0, 50_000),
    corrupt: shares,
  });
  /** Neighbouring holes as one: a replay may hear of them one after the other. */
  const joined = (gaps: readonly Range[]): { from: string; to: string }[] => {
    const ranges: { from: string; to: string }[] = [];
    for (const { from, to } of gaps) {
      const before = ranges.at(-1);
      if (before !== undefined && Number(before.to) + 1 === Number(from)) before.to = to;
      else ranges.push({ from, to });
    }
    return ranges;
  };
  const summed = (counts: readonly Readonly<Record<string, number>>[]): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const [type, count] of counts.flatMap((each) => Object.entries(each))) {
      sums[type] = (sums[type] ?? 0) + count;
    }
    return sums;
  };
  const upTo = (ranges: readonly Range[], last: number): object[] =>
    ranges
      .filter(({ from }) => Number(from) <= last)
      .map(({ from, to }) => ({ from, to: String(Math.min(Number(to), last)) }));

  it.each(FEEDS)(
    'is what a replay of %s counts, number by number',
    async (feed) => {
      const seen = { gaps: 0, duplicates: 0, outOfOrder: 0, malformed: 0 };
      await fc.assert(
        fc.asyncProperty(seeds, profiles, impairments, async (seed, profile, b) => {
          const played = play({ seed, feed, snapshotNs: 1_000_000, profile, b });
          const lines = played.simulation.lines.filter(({ profile }) => profile.name.startsWith('B'));
          const truths = lines.map(({ profile }) => played.truth.lines[profile.name]!);
          // Named, so that damage in front of a line's first whole packet counts, too.
          const ports = new Set(lines.map(({ profile }) => profile.port));
          const { report } = await replays.replayPackets(played.b, feed, { ports });
          expect(report.feed.messagesByType).toEqual(summed(truths.map((line) => line.messagesByType)));
          const corrupted = truths.reduce((sum, line) => sum + line.corrupted, 0);
          expect(report.feed.malformed).toBe(corrupted);
          for (const [at, { profile, wire }] of lines.entries()) {
            const line = truths[at]!;
            const last = wire.ledger.highest - 1;
            if (last === 0) continue;
            const alone = await replays.replayPackets(played.b, feed, { ports: new Set([profile.port]) });
            expect(alone.report.inputs[0]!.packets).toBe(report.inputs[0]!.packets);
            const channel = alone.report.sequence?.channels[0];
            expect(channel).toMatchObject({
              last: String(last),
              duplicates: line.duplicateNumbers,
              outOfOrder: line.outOfOrderNumbers,
              late: 0,
            });
            expect(joined(channel!.gaps)).toEqual(upTo(line.missing, last));
            seen.gaps += line.missing.length;
            seen.duplicates += line.duplicateNumbers;
            seen.outOfOrder += line.outOfOrderNumbers;
            seen.malformed += line.corrupted;
          }
          const written = truths.reduce((sum, line) => sum + line.written, 0);
          expect(report.inputs).toMatchObject([{ packets: written }]);
        }),
        { numRuns: 40 },
      );
      expect(Object.values(seen).every((count) => count > 20)).toBe(true);
    },
    60_000,
  );

  it.each(FEEDS)('has the numbers of %s where messages are damaged inside', async (feed) => {
    await fc.assert(
      fc.asyncProperty(seeds, impairments, async (seed, wanted) => {
        const b = { ...wanted, corrupt: 0.2, corruptPart: 'message' as const };
        const played = play({ seed, feed, b });
        const line = played.truth.lines['B']!;
        const ports = new Set([played.simulation.lines[1]!.profile.port]);
        const { report } = await replays.replayPackets(played.b, feed, { ports });
        const channel = report.sequence!.channels[0]!;
        expect(channel).toMatchObject({
          duplicates: line.duplicateNumbers,
          outOfOrder: line.outOfOrderNumbers,
        });
        expect(joined(channel.gaps)).toEqual(upTo(line.missing, Number(channel.last)));
      }),
      { numRuns: 15 },
    );
  });

  it.each(FEEDS)('leaves the books of %s whole where nothing was lost', async (feed) => {
    await fc.assert(
      fc.asyncProperty(seeds, impairments, async (seed, wanted) => {
        const played = play({ seed, feed, a: { ...wanted, loss: 0, corrupt: 0 } });
        const replayed = await replays.replayPackets(played.a, feed);
        expect(filled(booksOf(replayed))).toEqual(filled(trueBooks(played.truth)));
      }),
      { numRuns: 20 },
    );
  });

  it('tells what came and what did not without holes or overlaps', () => {
    const { truth } = play({
      seed: 3,
      profile: { messages: 2000 },
      a: { loss: 0.2, reorder: 0.1, corrupt: 0.05 },
    });
    const line = truth.lines['A']!;
    let next = 1;
    for (const { from, to } of [...line.carried, ...line.missing].sort(
      (x, y) => Number(x.from) - Number(y.from),
    )) {
      expect(Number(from)).toBe(next);
      next = Number(to) + 1;
    }
    expect(next - 1).toBe(Number(line.last));
    const carried = line.carried.reduce((sum, { from, to }) => sum + Number(to) - Number(from) + 1, 0);
    expect(line.messages).toBe(carried);
    expect(line.corruptions).toHaveLength(line.corrupted);
  });

  it('does not change the other line or the books', () => {
    const clean = play({ seed: 5 });
    const bad = play({ seed: 5, b: { loss: 0.5, duplicates: 0.5 } });
    expect(bad.a.equals(clean.a)).toBe(true);
    expect(bad.truth.books).toEqual(clean.truth.books);
    expect(bad.b.equals(clean.b)).toBe(false);
  });
});
