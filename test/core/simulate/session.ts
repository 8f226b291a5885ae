import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ordersIn, ordersOf } from '../../../src/core/book/view.ts';
import { formatScaledBig } from '../../../src/core/event/format-text.ts';
import { ONE_LINE } from '../../../src/core/merge/session-merge.ts';
import { type RunReport, reportOf } from '../../../src/core/pipeline/report.ts';
import { type RunResult, run } from '../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { type Impairments, PERFECT } from '../../../src/core/simulate/impairment.ts';
import { MIX_DEFAULT } from '../../../src/core/simulate/mix.ts';
import {
  type Profile,
  Simulation,
  type SimulationFeed,
  type SimulationFormat,
} from '../../../src/core/simulate/simulation.ts';
import { truthText } from '../../../src/core/simulate/truth.ts';
import { runOptions } from '../../world/run-options.ts';

type ExchangeProfile = Extract<Profile, { kind: 'exchange' }>;

/** A session as a test asks for it; what it leaves out is small. */
export interface Wanted {
  readonly seed?: number;
  readonly format?: SimulationFormat;
  /** Of packets, ITCH unless given. */
  readonly feed?: SimulationFeed;
  readonly snapshotNs?: number;
  readonly profile?: Partial<Omit<ExchangeProfile, 'kind'>>;
  readonly fixture?: { readonly instruments: number; readonly ordersEach: number; readonly packets?: number };
  readonly a?: Partial<Impairments>;
  readonly b?: Partial<Impairments>;
}

export interface TruthOrder {
  readonly id: string;
  /** What the feed names it by, where that is not the id. */
  readonly key?: string;
  readonly price: string;
  readonly quantity: string;
}

export interface Range {
  readonly from: string;
  readonly to: string;
}

export interface TruthLine {
  readonly last: string;
  readonly sent: number;
  readonly written: number;
  readonly lost: number;
  readonly corrupted: number;
  readonly messages: number;
  readonly duplicateNumbers: number;
  readonly outOfOrderNumbers: number;
  readonly messagesByType: Readonly<Record<string, number>>;
  readonly carried: readonly Range[];
  readonly missing: readonly Range[];
  readonly corruptions: readonly object[];
}

/** The parts of the truth that tests look at. */
export interface Truth {
  readonly messagesByType: Readonly<Record<string, number>>;
  readonly lines: Readonly<Record<string, TruthLine>>;
  /** As in the report of a replay. */
  readonly book: object;
  readonly books: readonly {
    readonly publisher: number;
    readonly instrument: string;
    readonly symbol: string;
    readonly orders: number;
    readonly bid: object | null;
    readonly ask: object | null;
    readonly bids: readonly TruthOrder[];
    readonly asks: readonly TruthOrder[];
  }[];
}

export interface Played {
  readonly simulation: Simulation;
  readonly a: Buffer;
  readonly b: Buffer;
  readonly truthText: string;
  readonly truth: Truth;
}

/** Simulates a whole session in memory. */
export function play(wanted: Wanted = {}): Played {
  const { format = 'pcap', feed = 'itch', snapshotNs, fixture } = wanted;
  const a: Buffer[] = [];
  const b: Buffer[] = [];
  const into = (chunks: Buffer[]) => (chunk: Uint8Array) => chunks.push(Buffer.from(chunk));
  const simulation = new Simulation({
    profile:
      fixture === undefined
        ? {
            kind: 'exchange',
            instruments: 3,
            messages: 400,
            ordersLive: 60,
            zipf: 1,
            mix: MIX_DEFAULT,
            bursts: 0.3,
            rate: 100_000,
            ...wanted.profile,
          }
        : { kind: 'fixture', ...fixture },
    feed,
    snapshotNs,
    seed: wanted.seed ?? 1,
    date: '2026-01-05',
    a: { format, sink: into(a), impairments: { ...PERFECT, ...wanted.a } },
    b: format === 'dbn' ? null : { format, sink: into(b), impairments: { ...PERFECT, ...wanted.b } },
  });
  while (simulation.step(100));
  const text = [...truthText(simulation, {})].join('');
  return {
    simulation,
    a: Buffer.concat(a),
    b: Buffer.concat(b),
    truthText: text,
    truth: JSON.parse(text) as Truth,
  };
}

/** Names of what reads the feeds. */
export const READERS: Readonly<Record<SimulationFeed, string>> = {
  itch: 'itch-5.0',
  eobi: 'eobi-14.1',
  'fast-like': 'fast-like',
};

/** A folder for files of sessions; remove it at the end. */
export class Replays {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'mdx-simulate-'));
  #files = 0;

  /** Replays bytes with holes that wait for ever, from number 1 on. */
  async replay(bytes: Uint8Array, wanted: Partial<RunOptions> = {}): Promise<Replayed> {
    this.#files += 1;
    const path = join(this.folder, String(this.#files));
    writeFileSync(path, bytes);
    const result = await run(runOptions([path], { invariants: 'sample', ...wanted }));
    rmSync(path);
    return { result, report: reportOf(result, { command: 'replay', version: '', allInstruments: true }) };
  }

  replayPackets(
    bytes: Uint8Array,
    feed: SimulationFeed = 'itch',
    wanted: Partial<RunOptions> = {},
  ): Promise<Replayed> {
    const arbiter = { ...ONE_LINE, gapTimeoutNs: 1e15, start: 1 };
    return this.replay(bytes, { feedName: READERS[feed], arbiter, ...wanted });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export interface Replayed {
  readonly result: RunResult;
  readonly report: RunReport;
}

export interface BookOrders {
  readonly instrument: string;
  readonly orders: number;
  readonly bids: readonly TruthOrder[];
  readonly asks: readonly TruthOrder[];
}

/** The books of a replay in the form of the truth: by instrument, orders in their queues, named as the feed does. */
export function booksOf({ result }: Replayed): BookOrders[] {
  return result.books.markets
    .flatMap((market) =>
      market.dictionary.books.map(({ number, instrument, priceScale, quantityScale }) => {
        const side = (ask: boolean): TruthOrder[] =>
          [...ordersOf(market, number, ask)].map(({ id, price, quantity }) => ({
            id: String(id),
            price: formatScaledBig(BigInt(price!), priceScale),
            quantity: formatScaledBig(BigInt(quantity), quantityScale),
          }));
        return {
          instrument: String(instrument),
          orders: ordersIn(market, number),
          bids: side(false),
          asks: side(true),
        };
      }),
    )
    .filter(({ instrument }) => instrument !== '0')
    .sort(byInstrument);
}

/** The same of the truth; `names` are the feed's own, or the ids by which hashes and other files know the orders. */
export function trueBooks(truth: Truth, names: 'key' | 'id' = 'key'): BookOrders[] {
  const named = ({ id, key = id, price, quantity }: TruthOrder): TruthOrder => ({
    id: names === 'key' ? key : id,
    price,
    quantity,
  });
  return truth.books
    .map(({ instrument, orders, bids, asks }) => ({
      instrument,
      orders,
      bids: bids.map(named),
      asks: asks.map(named),
    }))
    .sort(byInstrument);
}

/** Books with orders: a feed that announces no instrument has no others. */
export function filled(books: readonly BookOrders[]): BookOrders[] {
  return books.filter(({ orders }) => orders > 0);
}

export function byInstrument(x: BookOrders, y: BookOrders): number {
  return Number(x.instrument) - Number(y.instrument);
}
