import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Market } from '../../../src/core/book/market.ts';
import { bestOf, depthOf, levelsOn, ordersOf } from '../../../src/core/book/view.ts';
import { FLAG_LAST } from '../../../src/core/event/record.ts';
import type { EventObserver } from '../../../src/core/pipeline/books.ts';
import { reportOf } from '../../../src/core/pipeline/report.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { DATA, dataPath } from '../../world/data.ts';
import { runOptions } from '../../world/run-options.ts';

interface Best {
  readonly price: string;
  readonly size: number;
  readonly count: number;
}

interface Checkpoint {
  readonly record: number;
  readonly bid: Best;
  readonly ask: Best;
  readonly resting: number;
  readonly bid_levels: number;
  readonly ask_levels: number;
  readonly state_sha256: string;
}

/** The parts of CLX5_expected.json that are compared; it was made by an independent program. */
interface Expected {
  readonly book: {
    readonly series: { readonly bbo_sha256: string; readonly depth10_sha256: string };
    readonly checkpoints: readonly Checkpoint[];
    readonly events: { readonly total: number; readonly crossed: number };
    readonly counts: Readonly<Record<string, number>>;
    readonly final: { readonly resting_orders: number };
  };
}

/** Follows the book record by record and writes down what the expected file has hashes of. */
class Witness implements EventObserver {
  readonly checkpoints: Checkpoint[] = [];
  readonly bbo = createHash('sha256');
  readonly depth = createHash('sha256');
  readonly #wanted: ReadonlySet<number>;
  #record = 0;

  constructor(wanted: ReadonlySet<number>) {
    this.#wanted = wanted;
  }

  after(batch: { readonly words: Int32Array }, at: number, market: Market): void {
    this.#record += 1;
    if (((batch.words[at]! >> 8) & FLAG_LAST) !== 0) this.#note(market);
    if (this.#wanted.has(this.#record)) this.#checkpoint(market);
  }

  #note(market: Market): void {
    const [bid, ask] = [false, true].map((isAsk) => {
      const level = bestOf(market, 0, isAsk);
      return level === null ? '-|0|0' : `${level.price}|${level.quantity}|${level.orders}`;
    });
    this.bbo.update(`${this.#record}|${bid}|${ask}\n`);
    const levels = [false, true].flatMap((isAsk) =>
      depthOf(market, 0, isAsk, 10).map(
        ({ price, quantity, orders }) => `|${isAsk ? 'A' : 'B'},${price},${quantity},${orders}`,
      ),
    );
    this.depth.update(`${this.#record}${levels.join('')}\n`);
  }

  #checkpoint(market: Market): void {
    const state = createHash('sha256');
    for (const isAsk of [false, true]) {
      for (const { id, price, quantity } of ordersOf(market, 0, isAsk)) {
        state.update(`${isAsk ? 'A' : 'B'}|${price}|${id}|${quantity}\n`);
      }
    }
    const best = (isAsk: boolean): Best => {
      const level = bestOf(market, 0, isAsk)!;
      return { price: String(level.price), size: level.quantity, count: level.orders };
    };
    this.checkpoints.push({
      record: this.#record,
      bid: best(false),
      ask: best(true),
      resting: market.orders.live,
      bid_levels: levelsOn(market, 0, false),
      ask_levels: levelsOn(market, 0, true),
      state_sha256: state.digest('hex'),
    });
  }
}

describe.skipIf(DATA === null)('CLX5, a real session of CME crude oil', () => {
  it('gives the books of the reference at every checkpoint and every group', async () => {
    const path = dataPath('dbn/CLX5_mbo.dbn');
    const expected = JSON.parse(readFileSync(dataPath('dbn/CLX5_expected.json'), 'utf8')) as Expected;
    const { checkpoints, series, events, counts, final } = expected.book;
    const witness = new Witness(new Set(checkpoints.map(({ record }) => record)));
    const result = await run(runOptions([path], { observers: [witness], invariants: 'all' }));

    const picked = checkpoints.map(({ record, bid, ask, resting, bid_levels, ask_levels, state_sha256 }) => {
      return { record, bid, ask, resting, bid_levels, ask_levels, state_sha256 };
    });
    expect(witness.checkpoints).toEqual(picked);
    expect(witness.bbo.digest('hex')).toBe(series.bbo_sha256);
    expect(witness.depth.digest('hex')).toBe(series.depth10_sha256);

    const report = reportOf(result, { command: 'replay', version: '0', allInstruments: false });
    expect(report.invariants?.problems).toEqual([]);
    expect(report.events).toMatchObject({ total: 38_212, groups: events.total, informs: 2701 });
    expect(report.anomalies.unknownOrder).toMatchObject({
      modify: counts['modify_unknown'],
      reduce: counts['cancel_unknown'],
      informs: counts['fill_unknown'],
    });
    expect(report.anomalies.crossedAtLast).toBe(events.crossed);
    expect(report.book.orders).toBe(final.resting_orders);
    expect(report.instruments).toMatchObject([
      {
        source: 'GLBX.MDP3',
        publisher: 1,
        instrument: '432669',
        symbol: 'CLX5',
        bid: { price: '65.400000000', quantity: '1', orders: 1 },
        ask: { price: '64.780000000', quantity: '3', orders: 1 },
      },
    ]);
  });

  it('gives the same report without an observer', async () => {
    const path = dataPath('dbn/CLX5_mbo.dbn');
    const plain = await run(runOptions([path]));
    const watched = await run(runOptions([path], { invariants: 'sample' }));
    const strip = ({ timing: _, invariants: __, ...rest }: ReturnType<typeof reportOf>): object => rest;
    const options = { command: 'replay', version: '0', allInstruments: false };
    expect(strip(reportOf(plain, options))).toEqual(strip(reportOf(watched, options)));
  });
});
