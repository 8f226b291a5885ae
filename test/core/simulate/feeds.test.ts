import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { MIX_DEFAULT } from '../../../src/core/simulate/mix.ts';
import { mdx, shell } from '../../world/real-process.ts';
import {
  type BookOrders,
  booksOf,
  byInstrument,
  filled,
  play,
  READERS,
  type Replayed,
  Replays,
  trueBooks,
  type Wanted,
} from './session.ts';

const replays = new Replays();
afterAll(() => replays.remove());

/** Nothing in it that DBN says in another way than the others: they give the order another id. */
const MIX = { ...MIX_DEFAULT, modify: 0 };
const profiles = fc.record({
  instruments: fc.integer({ min: 1, max: 6 }),
  messages: fc.integer({ min: 0, max: 500 }),
  ordersLive: fc.integer({ min: 1, max: 150 }),
  zipf: fc.constantFrom(0, 1, 2),
  bursts: fc.constantFrom(0, 0.3, 0.95),
  rate: fc.constantFrom(100, 10_000, 1_000_000),
  mix: fc.constant(MIX),
});
const seeds = fc.nat(0xffffffff);
const CLEAN = {
  unknownOrder: { modify: 0, replace: 0, reduce: 0, delete: 0, execute: 0, informs: 0 },
  duplicateOrder: 0,
  overReduced: 0,
  rejected: 0,
  crossedAtLast: 0,
  lockedAtLast: 0,
};

describe.each(['eobi', 'fast-like'] as const)('the truth of a session of %s', (feed) => {
  it('is what a replay of either line finds: messages and every order in its queue', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, profiles, async (seed, profile) => {
        const snapshotNs = 20_000_000;
        const { a, b, truth } = play({ seed, profile, feed, snapshotNs });
        for (const bytes of [a, b]) {
          const replayed = await replays.replayPackets(bytes, feed);
          const { report } = replayed;
          expect(report.feed).toMatchObject({
            messagesByType: truth.messagesByType,
            malformed: 0,
            unknownMessages: 0,
          });
          expect(report.feed.remarks ?? {}).toEqual({});
          expect(report.anomalies).toMatchObject(CLEAN);
          expect(report.invariants?.problems).toEqual([]);
          expect(report.sequence?.channels.flatMap(({ gaps }) => gaps)).toEqual([]);
          expect(filled(booksOf(replayed))).toEqual(filled(trueBooks(truth)));
          expect(report.book).toEqual(truth.book);
        }
      }),
      { numRuns: 20 },
    );
  });
});

/** Orders in queue order without the names that feeds give to books and orders; prices in the exchange's unit. */
function market(books: readonly BookOrders[], units: bigint, offset = (_: bigint) => 0n): object[] {
  const number = (instrument: bigint): string =>
    String(
      instrument > SPREADS ? instrument - SPREADS : instrument > SIMPLE ? instrument - SIMPLE : instrument,
    );
  return filled(books)
    .map(({ instrument, bids, asks }) => ({
      instrument: number(BigInt(instrument)),
      sides: [bids, asks].map((side) =>
        side.map(({ price, quantity }) => {
          const wire = BigInt(price.replace('.', '')) + offset(BigInt(instrument));
          expect(wire % units).toBe(0n);
          return `${wire / units} ${quantity.replace(/\.0+$/, '')}`;
        }),
      ),
    }))
    .sort((x, y) => Number(x.instrument) - Number(y.instrument));
}

/** SecurityIDs of the simulated EOBI: the exchange's numbers above these; a spread is 100 below its price. */
const SIMPLE = 4_128_000n;
const SPREADS = 1n << 40n;
const spreadOffset = (instrument: bigint): bigint => (instrument > SPREADS ? 100_00000000n : 0n);

/** FNV-1a 64 over SecurityID, side and time priority, in bigints. */
function publicId(instrument: string, side: bigint, key: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const [value, bytes] of [
    [BigInt(instrument), 8],
    [side, 1],
    [BigInt(key), 8],
  ] as const) {
    for (let at = 0; at < bytes; at += 1) {
      hash = ((hash ^ ((value >> BigInt(8 * at)) & 0xffn)) * 0x100000001b3n) & 0xffffffffffffffffn;
    }
  }
  return String(hash);
}

async function allFeeds(wanted: Wanted): Promise<void> {
  const read = async (feed: 'itch' | 'eobi' | 'fast-like'): Promise<Replayed> =>
    replays.replayPackets(play({ ...wanted, feed }).a, feed);
  const itch = booksOf(await read('itch'));
  const fast = booksOf(await read('fast-like'));
  const dbn = booksOf(await replays.replay(play({ ...wanted, format: 'dbn' }).a));
  const eobi = booksOf(await read('eobi'));
  const expected = market(itch, 1n);
  expect(market(fast, 1n)).toEqual(expected);
  expect(market(dbn, 100_000n)).toEqual(expected);
  expect(market(eobi, 10_000n, spreadOffset)).toEqual(expected);
  // The ids of ITCH, DBN and FAST-like are the exchange's.
  const ids = (books: readonly BookOrders[]): object[] =>
    filled(books).map(({ bids, asks }) => [bids, asks].map((side) => side.map(({ id }) => id)));
  expect(ids(fast)).toEqual(ids(itch));
  expect(ids(dbn)).toEqual(ids(itch));
  // Those of EOBI are times: never the same twice, and ascending at each price.
  const times = eobi.flatMap(({ bids, asks }) => [...bids, ...asks].map(({ id }) => id));
  expect(new Set(times).size).toBe(times.length);
  for (const side of eobi.flatMap(({ bids, asks }) => [bids, asks])) {
    for (const [at, { id, price }] of side.entries()) {
      const before = side[at - 1];
      if (before?.price === price) expect(BigInt(id)).toBeGreaterThan(BigInt(before.id));
    }
  }
}

describe('one seed as ITCH, EOBI, FAST-like and DBN', () => {
  it('is one market, order by order', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, profiles, (seed, profile) => allFeeds({ seed, profile })),
      { numRuns: 12 },
    );
  });

  it('is one market on a larger day', async () => {
    await allFeeds({
      seed: 2026,
      profile: { instruments: 9, messages: 30_000, ordersLive: 4_000, mix: MIX },
    });
  });

  it('has the public ids of EOBI in its truth', () => {
    const { truth } = play({ seed: 4, feed: 'eobi', profile: { instruments: 4 } });
    expect(truth.books.map(({ orders }) => orders > 0)).toEqual([true, true, true, true]);
    for (const { instrument, bids, asks } of truth.books) {
      for (const [at, side] of [bids, asks].entries()) {
        for (const { id, key } of side) expect(id).toBe(publicId(instrument, BigInt(at + 1), key!));
      }
    }
  });
});

// Check values of the public engine that the fixture is from; at 4,096 packets it is at the same state again.
describe('the public EOBI fixture', () => {
  it.each([
    [512, 2048, '0x45b74f53ed785377'],
    [1024, 4096, '0xfe14db45f7246a64'],
    [1536, 3413, '0x86eb1aab68288261'],
    [4096, 4096, '0xfe14db45f7246a64'],
  ])('of %i packets, piped into a replay', async (packets, orders, stateHash) => {
    const truthPath = join(replays.folder, `fixture-${packets}.json`);
    const flags = `--feed eobi --profile fixture-64x64 --packets ${packets} --truth ${truthPath} -q`;
    const { code, stdout, stderr } = await shell(`$MDX simulate ${flags} -o - | $MDX replay - --json`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      feed: { protocol: 'eobi-14.1', framing: 't7-packet', malformed: 0, unknownMessages: 0, remarks: {} },
      sequence: { channels: [{ first: '1', last: String(packets), packets, gaps: [] }] },
      book: { instruments: 64, orders, stateHash, stateHashVersion: 1 },
    });
    expect(JSON.parse(readFileSync(truthPath, 'utf8')).book).toEqual(report.book);
  });
});

describe('converted to DBN and read again', () => {
  it.each([
    ['itch', 100_000n],
    ['eobi', 10n],
    ['fast-like', 1_000_000_000n],
  ] as const)('%s has the same books, order by order', async (feed, units) => {
    const { a, truth } = play({
      seed: 11,
      feed,
      profile: { instruments: 5, messages: 2_000, ordersLive: 200 },
    });
    const path = join(replays.folder, `${feed}.pcap`);
    const converted = join(replays.folder, `${feed}.dbn`);
    writeFileSync(path, a);
    const { code, stderr } = await mdx(['replay', path, '--feed', READERS[feed], '-o', converted, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const replayed = await replays.replay(readFileSync(converted));
    expect(replayed.report.anomalies).toMatchObject(CLEAN);
    expect(replayed.report.invariants?.problems).toEqual([]);
    // What has a number beyond 32 bits is found by its symbol.
    const numbers = new Map(truth.books.map(({ symbol, instrument }) => [symbol, instrument]));
    const renamed = new Map(
      replayed.report.instruments.map(({ instrument, symbol }) => [
        instrument,
        numbers.get(symbol ?? '') ?? instrument,
      ]),
    );
    const told = trueBooks(truth, 'id').map((book) => inUnits(book, 1n));
    const read = booksOf(replayed).map((book) => ({ ...book, instrument: renamed.get(book.instrument)! }));
    expect(read.sort(byInstrument).map((book) => inUnits(book, units))).toEqual(told);
  });
});

/** Prices as integers of so many of the smallest units each, quantities whole. */
function inUnits(book: BookOrders, units: bigint): object {
  const side = (orders: BookOrders['bids']): object[] =>
    orders.map(({ id, price, quantity }) => ({
      id,
      price: BigInt(price.replace('.', '')) / units,
      quantity: quantity.replace(/\.0+$/, ''),
    }));
  return { ...book, bids: side(book.bids), asks: side(book.asks) };
}
