import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { toBigInt } from '../../../src/core/binary/time.ts';
import { Market } from '../../../src/core/book/market.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { formatScaledBig } from '../../../src/core/event/format-text.ts';
import { KIND_TRADE } from '../../../src/core/event/record.ts';
import { TradeRows } from '../../../src/core/pipeline/rows/trade-rows.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { TAPE_TRADES, Tape } from '../../../src/core/pipeline/tape.ts';
import { DATA, dataPath } from '../../world/data.ts';
import { batchOf } from '../../world/event-builder.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-tape-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Lines of the trades of each instrument, newest first: by the rows of trades, and by the tape. */
async function bothWays(path: string, most: number): Promise<[Map<string, string[]>, Map<string, string[]>]> {
  const byRows = new Map<string, string[]>();
  const rows = new TradeRows(({ instrument, venueTime, price, quantity, aggressor, printable }) => {
    if (!printable || Number(quantity) === 0) return;
    const lines = byRows.get(instrument!) ?? [];
    lines.unshift(`${venueTime} ${price} × ${quantity} ${aggressor}`);
    byRows.set(instrument!, lines.slice(0, most));
  });
  const tape = new Tape();
  const { books } = await run(runOptions([path], { observers: [rows, tape] }));
  const byTape = new Map<string, string[]>();
  for (const { number, instrument, priceScale, quantityScale } of books.dictionary.books) {
    const lines = tape.lastOf(number, most).map(({ timeHigh, timeLow, price, quantity, aggressor }) => {
      const decimal = (value: number | null, scale: number): string | null =>
        value === null ? null : formatScaledBig(BigInt(value), scale);
      return `${toBigInt(timeHigh, timeLow)} ${decimal(price, priceScale)} × ${decimal(quantity, quantityScale)} ${aggressor}`;
    });
    if (lines.length > 0) byTape.set(String(instrument), lines);
  }
  return [byRows, byTape];
}

describe('the tape', () => {
  it('has the last trades of every instrument, as the rows of trades tell them', async () => {
    const wanted = fc.record({
      seed: fc.nat(0xffff),
      format: fc.constantFrom('pcap' as const, 'dbn' as const),
      messages: fc.integer({ min: 1, max: 1500 }),
      most: fc.integer({ min: 1, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(wanted, async ({ seed, format, messages, most }) => {
        const path = join(folder, `session.${format}`);
        writeFileSync(path, play({ seed, format, profile: { messages, instruments: 3, ordersLive: 60 } }).a);
        const [byRows, byTape] = await bothWays(path, most);
        expect(byTape).toEqual(byRows);
      }),
      { numRuns: 40 },
    );
  });

  it('forgets what is older than its ring, and nothing else', () => {
    const dictionary = new Dictionary();
    const market = new Market(
      {
        idScope: 'book',
        groupScope: 'book',
        modifyUnknown: 'ignore',
        replaceUnknown: 'ignore',
        modifyPriority: 'lost',
      },
      dictionary,
    );
    const tape = new Tape();
    const trade = (book: number, price: bigint): void =>
      tape.before(batchOf([{ kind: KIND_TRADE, book, price, quantity: 1n }]), 0, market);
    for (const price of [1n, 2n, 3n]) trade(100, price);
    for (let each = 0; each < TAPE_TRADES - 2; each += 1) trade(3, 7n);
    expect(tape.lastOf(100, 5).map(({ price }) => price)).toEqual([3, 2]);
    trade(3, 7n);
    trade(3, 7n);
    expect(tape.lastOf(100, 5)).toEqual([]);
    expect(tape.lastOf(3, 3)).toHaveLength(3);
    expect([tape.events, tape.eventsOf(100), tape.eventsOf(3), tape.eventsOf(5000)]).toEqual([
      TAPE_TRADES + 3,
      3,
      TAPE_TRADES,
      0,
    ]);
  });
});

describe.skipIf(DATA === null)('the tape of a real session', () => {
  it('is that of the rows', async () => {
    const [byRows, byTape] = await bothWays(dataPath('dbn/CLX5_mbo.dbn'), 50);
    expect(byTape).toEqual(byRows);
    expect([...byTape.values()].flat()).toHaveLength(50);
  });
});
