import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ordersOf } from '../../../src/core/book/view.ts';
import { parseAddress } from '../../../src/core/capture/address.ts';
import type { Impairments } from '../../../src/core/simulate/impairment.ts';
import { MIX_DEFAULT } from '../../../src/core/simulate/mix.ts';
import type { SimulationFeed } from '../../../src/core/simulate/simulation.ts';
import { mdx, shell } from '../../world/real-process.ts';
import { type Played, play, type Replayed, Replays, type Truth } from './session.ts';

const replays = new Replays();
afterAll(() => replays.remove());

/** An order in wire integers: what the feed names it by, price (null = market), quantity. */
type Plain = readonly [key: string, price: string | null, quantity: string];

interface PlainBook {
  readonly instrument: string;
  readonly bids: readonly Plain[];
  readonly asks: readonly Plain[];
}

function replayedBooks({ result }: Replayed): PlainBook[] {
  return result.books.markets
    .flatMap((market) =>
      market.dictionary.books
        .filter(({ channel }) => result.books.marketOf(channel) === market)
        .map(({ number, instrument }) => {
          const side = (ask: boolean): Plain[] =>
            Array.from(ordersOf(market, number, ask), ({ id, price, quantity }) => [
              String(id),
              price === null ? null : String(price),
              String(quantity),
            ]);
          return { instrument: String(instrument), bids: side(false), asks: side(true) };
        }),
    )
    .filter(({ bids, asks }) => bids.length + asks.length > 0)
    .sort(byInstrument);
}

const integer = (decimal: string): string => String(BigInt(decimal.replace('.', '')));

function trueBooks({ books }: Truth): PlainBook[] {
  const side = (orders: Truth['books'][number]['bids']): Plain[] =>
    orders.map(({ id, key, price, quantity }) => [
      key ?? id,
      price === null ? null : integer(price),
      integer(quantity),
    ]);
  return books
    .filter(({ orders }) => orders > 0)
    .map(({ instrument, bids, asks }) => ({ instrument, bids: side(bids), asks: side(asks) }))
    .sort(byInstrument);
}

function byInstrument(left: PlainBook, right: PlainBook): number {
  return BigInt(left.instrument) < BigInt(right.instrument) ? -1 : 1;
}

const NAMES: Readonly<Record<SimulationFeed, string>> = {
  itch: 'itch-5.0',
  eobi: 'eobi-14.1',
  'fast-like': 'fast-like',
};
/** DBN alone can change an order under its id. */
const MIX = { ...MIX_DEFAULT, modify: 0 };

const profiles = fc.record({
  instruments: fc.integer({ min: 1, max: 6 }),
  messages: fc.integer({ min: 0, max: 500 }),
  ordersLive: fc.integer({ min: 1, max: 120 }),
  zipf: fc.constantFrom(0, 1),
  bursts: fc.constantFrom(0, 0.5),
  rate: fc.constantFrom(1_000, 100_000),
});

/** Prices in ten-thousandths and whole quantities, by symbol: the market apart from how a feed tells it. */
function market(truth: Truth, priceScale: number, quantityFactor: bigint): unknown {
  return truth.books.map(({ symbol, instrument, bids, asks }) => {
    // What is told as a spread has a number beyond 32 bits and a price 100.00 below the exchange's.
    const isSpread = BigInt(instrument) > 0xffffffffn;
    const side = (orders: typeof bids): unknown =>
      orders.map(({ price, quantity }) => [
        String(BigInt(integer(price!)) / 10n ** BigInt(priceScale - 4) + (isSpread ? 1_000_000n : 0n)),
        String(BigInt(integer(quantity)) / quantityFactor),
      ]);
    return { symbol, bids: side(bids), asks: side(asks) };
  });
}

describe('one market in four formats', () => {
  const playAll = (seed: number, profile: object): Record<'itch' | 'eobi' | 'fast-like' | 'dbn', Played> => ({
    itch: play({ seed, profile: { ...profile, mix: MIX } }),
    eobi: play({ seed, feed: 'eobi', profile: { ...profile, mix: MIX } }),
    'fast-like': play({ seed, feed: 'fast-like', profile: { ...profile, mix: MIX } }),
    dbn: play({ seed, format: 'dbn', profile: { ...profile, mix: MIX } }),
  });

  async function expectSame(played: ReturnType<typeof playAll>): Promise<void> {
    const expected = market(played.itch.truth, 4, 1n);
    expect(market(played.eobi.truth, 8, 10_000n)).toEqual(expected);
    expect(market(played['fast-like'].truth, 4, 1n)).toEqual(expected);
    expect(market(played.dbn.truth, 9, 1n)).toEqual(expected);
    for (const [name, { a, truth }] of Object.entries(played)) {
      const feedName = name === 'dbn' ? null : NAMES[name as SimulationFeed];
      const replayed = await replays.replay(a, { feedName });
      expect(replayedBooks(replayed), name).toEqual(trueBooks(truth));
      expect(replayed.report.book, name).toEqual(truth.book);
      expect(replayed.report.anomalies, name).toMatchObject({
        unknownOrder: { modify: 0, replace: 0, reduce: 0, delete: 0, execute: 0, informs: 0 },
        duplicateOrder: 0,
        overReduced: 0,
        rejected: 0,
      });
      expect(replayed.report.feed.messagesByType, name).toEqual(truth.messagesByType);
    }
  }

  it('ends with the same books, order by order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(0xffffffff), profiles, (seed, profile) => expectSame(playAll(seed, profile))),
      { numRuns: 12 },
    );
  });

  it('also in a larger session', async () => {
    await expectSame(playAll(77, { instruments: 9, messages: 15_000, ordersLive: 2_000, zipf: 1 }));
  });
});

describe('a late joiner of an EOBI session', () => {
  const snapshots = [{ address: parseAddress('224.0.114.10')!.words, port: 59_000 }];
  const session = play({
    seed: 3,
    feed: 'eobi',
    snapshotNs: 4_000_000,
    profile: { instruments: 5, messages: 3_000, ordersLive: 300 },
  });

  it.each([0.002, 0.0111, 0.0199, 0.028])(
    '%f s after the open ends in the same books as the full session',
    async (late) => {
      const from = BigInt(Date.parse('2026-01-05T14:30:00Z')) * 1_000_000n + BigInt(Math.round(late * 1e9));
      for (const wanted of [{}, { snapshots }, { snapshots, snapshotRequired: true }]) {
        const replayed = await replays.replay(session.a, { feedName: 'eobi-14.1', from, ...wanted });
        expect(replayed.report.inputs[0]!.skipped['beforeFrom']).toBeGreaterThan(100);
        expect(replayedBooks(replayed)).toEqual(trueBooks(session.truth));
        expect(replayed.report.book).toEqual(session.truth.book);
        expect(replayed.report.sequence?.products?.every(({ complete }) => complete)).toBe(true);
        expect(replayed.report.instruments.some(({ stale }) => stale)).toBe(false);
      }
    },
  );

  it('has only what the snapshot has not: nothing is unknown, nothing comes twice', async () => {
    const from = BigInt(Date.parse('2026-01-05T14:30:00Z')) * 1_000_000n + 9_000_000n;
    const { report } = await replays.replay(session.a, {
      feedName: 'eobi-14.1',
      from,
      snapshots,
      snapshotRequired: true,
    });
    expect(Object.values(report.anomalies.unknownOrder).every((count) => count === 0)).toBe(true);
    expect(report.anomalies).toMatchObject({ duplicateOrder: 0, overReduced: 0 });
  });
});

const lossy = (wanted: Partial<Impairments>): Partial<Impairments> => ({
  loss: 0.01,
  duplicates: 0.02,
  reorder: 0.02,
  ...wanted,
});

describe('lines that lose packets', () => {
  it('no EOBI book ends wrong without being marked stale', async () => {
    let healed = 0;
    for (let seed = 1; seed <= 12; seed += 1) {
      const { a, truth } = play({
        seed,
        feed: 'eobi',
        snapshotNs: 2_000_000,
        a: lossy({ loss: 0.002 * (seed % 4), corrupt: seed % 3 === 0 ? 0.002 : 0 }),
        profile: { instruments: 4, messages: 2_000, ordersLive: 200 },
      });
      const replayed = await replays.replay(a, {
        feedName: 'eobi-14.1',
        sequencer: { gapTimeoutNs: 1_000_000, start: 1 },
      });
      const books = new Map(trueBooks(truth).map((book) => [book.instrument, book]));
      const stale = new Set(
        replayed.report.instruments.filter((each) => each.stale).map(({ instrument }) => instrument),
      );
      for (const book of replayedBooks(replayed)) {
        if (!stale.has(book.instrument)) expect(book, `seed ${seed}`).toEqual(books.get(book.instrument));
      }
      healed += replayed.report.sequence?.products?.reduce((sum, { snapshots }) => sum + snapshots, 0) ?? 0;
    }
    // The snapshots had something to do.
    expect(healed).toBeGreaterThan(5);
  });

  it.each(['eobi', 'fast-like'] as const)(
    '%s: what a replay counts is what the line carried',
    async (feed) => {
      for (let seed = 1; seed <= 6; seed += 1) {
        const { a, b, truth } = play({
          seed,
          feed,
          a: lossy({}),
          b: lossy({ loss: 0.05, corrupt: 0.01 }),
          profile: { instruments: 4, messages: 1_500, ordersLive: 100 },
        });
        for (const [name, bytes] of [
          ['A', a],
          ['B', b],
        ] as const) {
          const line = truth.lines[name]!;
          const { report } = await replays.replay(bytes, {
            feedName: NAMES[feed],
            sequencer: { gapTimeoutNs: 1e15, start: 1 },
          });
          const channel = report.sequence!.channels[0]!;
          expect(channel, `seed ${seed}, line ${name}`).toMatchObject({
            duplicates: line.duplicateNumbers,
            outOfOrder: line.outOfOrderNumbers,
            late: 0,
          });
          // What is missing at the end no packet names.
          const { last } = channel;
          const missing = line.missing.filter(({ from }) => BigInt(from) <= BigInt(last!));
          expect(channel.gaps.map(({ from, to }) => ({ from, to }))).toEqual(missing);
        }
      }
    },
  );
});

describe('the public EOBI fixture', () => {
  it.each([
    [512, 2048, '0x45b74f53ed785377'],
    [1024, 4096, '0xfe14db45f7246a64'],
    [1536, 3413, '0x86eb1aab68288261'],
    [4096, 4096, '0xfe14db45f7246a64'],
  ])('of %i packets, piped into a replay', async (packets, orders, hash) => {
    const { code, stdout } = await shell(
      `$MDX simulate --feed eobi --profile fixture-64x64 --packets ${packets} -o - -q | $MDX replay - --json`,
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      feed: { protocol: 'eobi-14.1', framing: 't7-packet', malformed: 0, unknownMessages: 0, remarks: {} },
      sequence: { channels: [{ first: '1', last: String(packets), packets, gaps: [] }] },
      book: { orders, stateHash: hash, stateHashVersion: 1 },
    });
  });
});

describe('converted to DBN and read again', () => {
  it.each(['itch', 'eobi', 'fast-like'] as const)('%s: the same books', async (feed) => {
    const { a, truth } = play({
      seed: 11,
      feed,
      profile: { instruments: 5, messages: 2_000, ordersLive: 200 },
    });
    const path = join(replays.folder, `${feed}.pcap`);
    const converted = join(replays.folder, `${feed}.dbn`);
    writeFileSync(path, a);
    const made = await mdx(['replay', path, '--feed', NAMES[feed], '-o', converted, '--json']);
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
    const again = await mdx(['replay', converted, '--json', '--verify-invariants', 'sample']);
    const report = JSON.parse(again.stdout);
    const { orders, levels, instruments } = truth.book as Record<string, number>;
    expect(report.book).toMatchObject({ orders, levels, instruments });
    const best = (level: { price: string; quantity: string; orders: number } | null): unknown =>
      level === null ? null : [Number(level.price), Number(level.quantity), level.orders];
    const bySymbol = new Map(
      report.instruments.map((each: { symbol: string; bid: never; ask: never }) => [
        each.symbol,
        [best(each.bid), best(each.ask)],
      ]),
    );
    for (const [index, { symbol, instrument, bid, ask, orders: count }] of truth.books.entries()) {
      if (count === 0) continue;
      // A feed without symbols has its numbers alone.
      const found = bySymbol.get(symbol) ?? bySymbol.get(null) ?? bySymbol.get(instrument);
      if (feed === 'fast-like') continue;
      expect(found, `${index} ${symbol}`).toEqual([best(bid as never), best(ask as never)]);
    }
    rmSync(path);
  });
});
