import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { BookOfLevels } from '../../../src/cli/ladder.ts';
import { styleFor } from '../../../src/cli/style.ts';
import { depthFor, type Frame, frameLines } from '../../../src/cli/watch/frame.ts';

const STYLE = styleFor('never', {});
const COLORED = styleFor('always', {});

function book(levels: number, wanted: Partial<BookOfLevels> = {}): BookOfLevels {
  const side = (sign: number): BookOfLevels['bids'] =>
    Array.from({ length: levels }, (_, at) => ({
      price: (-70 + sign * (at + 1) * 0.01).toFixed(2),
      quantity: String(1000 * (at + 1)),
      orders: at + 1,
    }));
  const [bids, asks] = [side(-1), side(1)];
  return {
    source: 'eobi-14.1',
    publisher: 0,
    instrument: '1099511627780',
    symbol: null,
    priceScale: 2,
    quantityScale: 0,
    orders: 3 * levels,
    stale: false,
    bid: bids[0] ?? null,
    ask: asks[0] ?? null,
    bidLevels: levels + 5,
    askLevels: levels + 7,
    bids,
    asks,
    ...wanted,
  };
}

function frame(wanted: Partial<Frame>): Frame {
  return {
    file: 'session.pcap',
    time: '2026-01-05T14:30:00.000000001Z',
    messages: 12345,
    messagesPerSecond: 250_000.4,
    pace: 'playing',
    speed: 'full speed',
    position: '#0/12345',
    isPaused: false,
    book: book(3),
    place: 2,
    books: 8,
    trades: [],
    steps: null,
    help: false,
    notice: null,
    search: null,
    ...wanted,
  };
}

test('a frame with all its parts', () => {
  const trades = [
    { time: '14:30:00.001', price: '-70.00', quantity: '1,000', aggressor: 'buy' as const },
    { time: '14:30:00.000', price: '9.00', quantity: '5', aggressor: null },
  ];
  expect(frameLines(frame({ trades }), 80, 20, STYLE, { widths: [] })).toEqual([
    'instrument 1099511627780  2 of 8 · instrument 1099511627780 · eobi-14.1 · 9 ord…'.replace(
      ' · instrument 1099511627780 · eobi-14.1 · 9 ord…',
      ' · eobi-14.1 · 9 orders · 8 + 10 levels',
    ),
    'playing · 2026-01-05T14:30:00.000000001Z · 12,345 messages · 250,000/s · full s…',
    '',
    expect.stringMatching(/^ +orders +sum +quantity +bid +│ +ask +quantity +sum +orders$/),
    expect.stringMatching(/1 +1,000 +1,000 +-70\.01 +│ +-69\.99 +1,000 +1,000 +1/),
    expect.stringMatching(/2 +3,000 +2,000 +-70\.02 +│ +-69\.98 +2,000 +3,000 +2/),
    expect.stringMatching(/3 +6,000 +3,000 +-70\.03 +│ +-69\.97 +3,000 +6,000 +3/),
    '… 5 more bid levels and 7 more ask levels',
    '',
    '',
    '',
    '',
    '',
    '',
    'trades',
    '14:30:00.001  -70.00 × 1,000  buy',
    '14:30:00.000    9.00 ×     5',
    '',
    '',
    'q leave · ? help · space pause · ←→ step · ↑↓ book · / find · e event · t trade',
  ]);
});

test('no frame is larger than its terminal, whatever is in it', () => {
  const wide = { price: '-9007199.254740991', quantity: '9007199254740991', orders: 4_000_000_000 };
  const level = (price: string): BookOfLevels['bid'] => ({ price, quantity: '1', orders: 1 });
  const crossed = book(60, { bid: level('2.00'), ask: level('1.00'), symbol: 'B'.repeat(70), stale: true });
  const frames = [
    frame({}),
    frame({ book: null, time: null }),
    frame({ book: book(0) }),
    frame({ book: book(60, { stale: true, symbol: 'A'.repeat(70) }) }),
    frame({ book: crossed }),
    frame({ book: book(5, { bids: [], bid: null, bidLevels: 0 }) }),
    frame({ book: book(2, { bids: [wide, { ...wide, price: null, market: true }], asks: [wide] }) }),
    frame({ help: true }),
    frame({ search: { typed: 'x'.repeat(70), found: { book: 0, name: 'Y'.repeat(70) } } }),
    frame({ isPaused: true, steps: Array.from({ length: 40 }, (_, at) => `add bid ${'1'.repeat(at * 5)}`) }),
    frame({ isPaused: true, steps: [] }),
  ];
  for (const each of frames) {
    for (const [columns, rows] of [
      [80, 24],
      [200, 60],
      [40, 12],
      [20, 5],
      [1, 1],
    ] as const) {
      const lines = frameLines(each, columns, rows, STYLE, { widths: [] });
      expect(lines.length).toBe(rows);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      const colored = frameLines(each, columns, rows, COLORED, { widths: [] });
      expect(colored.map((line) => stripVTControlCharacters(line).trimEnd())).toEqual(
        lines.map((line) => line.trimEnd()),
      );
    }
  }
});

test('names from the file cannot move the cursor', () => {
  const names = { symbol: 'A\u001b[2J\n', source: '\u009b1;1H\u0007' };
  for (const each of [frame({ book: book(1, names) }), frame({ book: null, file: 'a\u001bc.pcap' })]) {
    for (const line of frameLines(each, 80, 24, STYLE, { widths: [] })) expect(line).not.toMatch(/\p{Cc}/u);
  }
});

test('steps show the last ones, and how many came before', () => {
  const steps = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];
  const lines = frameLines(frame({ isPaused: true, steps }), 80, 24, STYLE, { widths: [] });
  const head = lines.indexOf('what happened, and 2 events before');
  expect(lines.slice(head + 1, head + 6)).toEqual(steps.slice(2));
});

test('cells stay as wide as they were', () => {
  const steady = { widths: [] };
  frameLines(frame({ book: book(20) }), 120, 40, STYLE, steady);
  const narrow = frameLines(frame({ book: book(1) }), 120, 40, STYLE, steady);
  const fresh = frameLines(frame({ book: book(1) }), 120, 40, STYLE, { widths: [] });
  expect(narrow[3]!.indexOf('│')).toBeGreaterThan(fresh[3]!.indexOf('│'));
});

test('a taller terminal has more levels', () => {
  expect(depthFor(24, 5)).toBe(10);
  expect(depthFor(60, 8)).toBe(43);
  expect(depthFor(3, 0)).toBe(1);
});
