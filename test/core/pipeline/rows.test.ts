import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_FULL,
  FLAG_LAST,
  FLAG_ONE_SIDE,
  FLAG_QUANTITY_ONLY,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_GAP,
  KIND_MODIFY,
  KIND_SESSION,
  NO_BOOK,
} from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { Books } from '../../../src/core/pipeline/books.ts';
import type { BboRow } from '../../../src/core/pipeline/rows/bbo-rows.ts';
import { ROW_MAKERS, type RowKind, type RowOf } from '../../../src/core/pipeline/rows/rows.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';
import { itchCapture, OPEN } from '../../world/itch-capture.ts';
import { MARKET_PRICE } from '../../world/reference-book.ts';
import { runOptions } from '../../world/run-options.ts';
import { concat, headBytes, mboBytes } from '../feeds/dbn/stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-rows-'));
afterAll(() => rmSync(folder, { recursive: true }));

const RULES: BookRules = {
  idScope: 'book',
  groupScope: 'source',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

/** Rows of events that are handed over one batch after another; books 0 and 1 have price scale 2. */
function rowsOf<K extends RowKind>(kind: K, events: EventInput[], rules: BookRules = RULES): RowOf[K][] {
  const dictionary = new Dictionary();
  for (const instrument of [10n, 11n]) {
    dictionary.add({
      source: 'test',
      publisher: 0,
      instrument,
      channel: 0,
      priceScale: 2,
      quantityScale: 0,
      symbol: null,
    });
  }
  const rows: RowOf[K][] = [];
  const books = new Books(rules, dictionary, null, [ROW_MAKERS[kind]((row) => rows.push(row), 2)]);
  for (const event of events) books.accept(batchOf([event]));
  return rows;
}

const quote = ({ instrument, bid, ask, stale }: BboRow): string =>
  `${instrument} ${bid?.price ?? (bid?.market ? 'market' : '–')} ${ask?.price ?? (ask?.market ? 'market' : '–')}${stale ? ' stale' : ''}`;

const add = (book: number, id: bigint, price: bigint, flags = 0, ask = false): EventInput => ({
  kind: KIND_ADD,
  book,
  id,
  price,
  quantity: 5n,
  flags,
  ask,
});

describe('rows of best quotes', () => {
  it('come at the end of a group that spans books, one per book that changed', () => {
    const rows = rowsOf('bbo', [
      add(1, 1n, 100n),
      add(0, 2n, 200n),
      add(1, 3n, 105n, FLAG_LAST),
      add(0, 4n, 190n, FLAG_LAST),
      add(0, 5n, 205n, FLAG_LAST, true),
    ]);
    expect(rows.map(quote)).toEqual(['10 2.00 –', '11 1.05 –', '10 2.00 2.05']);
  });

  it('name orders without a price', () => {
    const rows = rowsOf('bbo', [
      add(0, 1n, 100n, FLAG_LAST),
      add(0, 2n, MARKET_PRICE, FLAG_LAST),
      { kind: KIND_DELETE, book: 0, id: 2n, flags: FLAG_LAST },
    ]);
    expect(rows.map(quote)).toEqual(['10 1.00 –', '10 market –', '10 1.00 –']);
    expect(rows[1]!.bid).toEqual({ price: null, quantity: '5', orders: 1, market: true });
  });

  it('follow a loss, a new session and a clear of everything at once', () => {
    const rows = rowsOf('bbo', [
      add(0, 1n, 100n, FLAG_LAST),
      add(1, 2n, 200n, FLAG_LAST),
      { kind: KIND_GAP, book: NO_BOOK, id: 3n, quantity: 2n },
      { kind: KIND_GAP, book: NO_BOOK, id: 7n, quantity: 1n },
      { kind: KIND_SESSION, book: NO_BOOK, id: 1n },
      add(0, 1n, 100n, FLAG_LAST),
      { kind: KIND_CLEAR, book: NO_BOOK },
    ]);
    expect(rows.map(quote)).toEqual([
      '10 1.00 –',
      '11 2.00 –',
      '10 1.00 – stale',
      '11 2.00 – stale',
      '10 – –',
      '11 – –',
      '10 1.00 –',
      '10 – –',
    ]);
  });

  it('of a capture with a hole carry number and time of the packet that showed it', async () => {
    const path = join(folder, 'hole.pcap');
    const adds = [{ id: 1n, buy: true, price: 100 }];
    writeFileSync(
      path,
      itchCapture([
        { port: 1, sequence: 1, adds, time: OPEN },
        { port: 1, sequence: 4, adds: [{ id: 2n, buy: true, price: 99 }], time: OPEN + 1n },
        { port: 1, sequence: 5, adds: [{ id: 3n, buy: true, price: 98 }], time: OPEN + 10_000_000n },
      ]),
    );
    const rows: BboRow[] = [];
    await run(runOptions([path], { observers: [ROW_MAKERS.bbo((row) => rows.push(row), 1)] }));
    expect(rows.map(({ sequence, receiveTime, stale }) => [sequence, receiveTime, stale])).toEqual([
      ['1', String(OPEN), false],
      ['2', String(OPEN + 10_000_000n), true],
    ]);
  });
});

describe('rows of depth', () => {
  it('come when a level in view changes, and not for those below', () => {
    const rows = rowsOf('depth', [
      add(0, 1n, 100n, FLAG_LAST),
      add(0, 2n, 101n, FLAG_LAST),
      add(0, 3n, 99n, FLAG_LAST),
      { kind: KIND_DELETE, book: 0, id: 2n, flags: FLAG_LAST },
    ]);
    expect(rows.map(({ bids }) => bids.map(({ price }) => price))).toEqual([
      ['1.00'],
      ['1.01', '1.00'],
      ['1.00', '0.99'],
    ]);
  });
});

describe('rows of events', () => {
  it('tell what an event takes from the order in the book', () => {
    const rows = rowsOf('events', [
      add(0, 1n, 150n, FLAG_LAST, true),
      { kind: KIND_MODIFY, book: 0, id: 1n, quantity: 3n, ask: true, flags: FLAG_QUANTITY_ONLY },
      { kind: KIND_EXECUTE, book: 0, id: 1n, ask: true, flags: FLAG_FULL | FLAG_LAST },
      { kind: KIND_EXECUTE, book: 0, id: 1n, quantity: 2n, flags: FLAG_LAST },
      { kind: KIND_CLEAR, book: 0, flags: FLAG_ONE_SIDE, ask: true },
      { kind: KIND_GAP, book: NO_BOOK, id: 5n, quantity: 3n, price: 3n },
      { kind: KIND_GAP, book: 0, price: 3n },
    ]);
    expect(
      rows.map(({ kind, side, price, quantity, flags }) => [kind, side, price, quantity, flags.join()]),
    ).toEqual([
      ['add', 'ask', '1.50', '5', 'last'],
      ['modify', 'ask', '1.50', '3', 'quantityOnly'],
      ['execute', 'ask', '1.50', '3', 'last,full'],
      ['execute', null, null, '2', 'last'],
      ['clear', 'ask', null, null, 'oneSide'],
      ['gap', null, null, null, ''],
      ['gap', null, null, null, ''],
    ]);
    expect(rows.slice(-2).map(({ instrument, state, from, to }) => [instrument, state, from, to])).toEqual([
      [null, 'lost', '5', '7'],
      ['10', 'lost', null, null],
    ]);
  });

  it('of aggregated levels say side, price and count', async () => {
    const path = join(folder, 'levels.dbn');
    const level = mboBytes({ action: 'A', side: 'A', flags: 128 | 16, price: 5_000_000_000n, size: 9 });
    writeFileSync(path, concat(headBytes(), level));
    const rows: RowOf['events'][] = [];
    await run(runOptions([path], { observers: [ROW_MAKERS.events((row) => rows.push(row), 1)] }));
    expect(rows).toMatchObject([
      { kind: 'level', side: 'ask', price: '5.000000000', quantity: '9', orderId: null, orders: null },
    ]);
  });
});
