import { zstdDecompressSync } from 'node:zlib';
import { type ParquetParsers, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { EventParquet } from '../../../src/core/convert/event-parquet.ts';
import {
  DecimalColumn,
  FlagColumn,
  Int32Column,
  Int64Column,
  TextColumn,
} from '../../../src/core/convert/parquet-columns.ts';
import { type Column, GROUP_ROWS, ParquetFile } from '../../../src/core/convert/parquet-file.ts';
import { formatScaledBig } from '../../../src/core/event/format-text.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { DATA, dataPath } from '../../world/data.ts';
import { PlainEventRows } from '../../world/event-row-oracle.ts';
import { runOptions } from '../../world/run-options.ts';

/** Times as the integers that they are. */
const parsers = { timestampFromNanoseconds: (ns: bigint) => ns } as unknown as ParquetParsers;
const compressors = { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) };

function read(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const file = bytes.slice().buffer;
  return parquetReadObjects({ file, compressors, parsers, utf8: true });
}

/** Scale of the decimals of a column as the schema has it; 0 for plain integers. */
function scaleOf(bytes: Uint8Array, name: string): number {
  return parquetMetadata(bytes.slice().buffer).schema.find((element) => element.name === name)?.scale ?? 0;
}

async function eventsOf(path: string): Promise<{ bytes: Uint8Array; plain: Record<string, unknown>[] }> {
  const chunks: Uint8Array[] = [];
  const plain: Record<string, unknown>[] = [];
  const parquet = new EventParquet((chunk) => chunks.push(chunk.slice()));
  const observers = [parquet, new PlainEventRows((row) => plain.push({ ...row }))];
  await run(runOptions([path], { observers }));
  parquet.finish();
  expect(parquet.written).toBe(plain.length);
  return { bytes: new Uint8Array(Buffer.concat(chunks)), plain };
}

/** A row as it was read in the words of the plain rows. */
function plainOf(row: Record<string, unknown>, decimals: (name: string) => number): Record<string, unknown> {
  const words = Object.entries(row).map(([name, value]) => {
    if (value === null || value === undefined) return [name, null];
    if (['channel', 'publisher'].includes(name)) return [name, value];
    if (name === 'flags') return [name, value === '' ? [] : String(value).split(' ')];
    if (['price', 'quantity', 'executionPrice'].includes(name)) {
      const scale = decimals(name);
      const unscaled = typeof value === 'bigint' ? value : BigInt(Math.round(Number(value) * 10 ** scale));
      return [name, formatScaledBig(unscaled, scale)];
    }
    return [name, String(value)];
  });
  return Object.fromEntries(words) as Record<string, unknown>;
}

describe('events as Parquet', () => {
  it.skipIf(DATA === null)('are read back by another reader: same rows, same sums', async () => {
    const { bytes, plain } = await eventsOf(dataPath('dbn/CLX5_mbo.dbn'));
    const rows = await read(bytes);
    expect(rows).toHaveLength(38_212);
    const scales: Record<string, number> = {
      price: scaleOf(bytes, 'price'),
      quantity: scaleOf(bytes, 'quantity'),
    };
    expect(scales).toEqual({ price: 9, quantity: 0 });
    const scale = (name: string): number => scales[name === 'executionPrice' ? 'price' : name]!;
    const mine = rows.map((row) => plainOf(row, scale));
    const wrong = mine.filter((row, index) => JSON.stringify(row) !== JSON.stringify(plain[index]));
    expect(wrong.slice(0, 2)).toEqual([]);
    const sum = (list: readonly Record<string, unknown>[], name: string): bigint =>
      list.reduce((total, row) => total + BigInt((row[name] as string | null) ?? 0), 0n);
    for (const name of ['quantity', 'orderId', 'venueTime']) expect(sum(mine, name)).toBe(sum(plain, name));
  });

  it('have their columns also where no row comes', async () => {
    const chunks: Uint8Array[] = [];
    new EventParquet((chunk) => chunks.push(chunk.slice())).finish();
    const metadata = parquetMetadata(new Uint8Array(Buffer.concat(chunks)).buffer);
    expect([metadata.schema.length, metadata.num_rows]).toEqual([24, 0n]);
  });
});

describe('columns', () => {
  function fileOf(columns: readonly Column[], groups: readonly (() => number)[]): Uint8Array {
    const chunks: Uint8Array[] = [];
    const file = new ParquetFile(columns, (chunk) => chunks.push(chunk.slice()));
    for (const fill of groups) file.group(fill());
    file.finish();
    return new Uint8Array(Buffer.concat(chunks));
  }

  it('hold every type, with and without nulls, over several groups', async () => {
    const text = new TextColumn('text');
    const small = new Int32Column('small');
    const flag = new FlagColumn('flag');
    const id = new Int64Column('id', 'id');
    const time = new Int64Column('time', 'time');
    const never = new TextColumn('never');
    const sparse = new Int64Column('sparse', 'integer');
    const wanted: Record<string, unknown>[] = [];
    const fill = (rows: number, seed: number) => (): number => {
      for (let row = 0; row < rows; row += 1) {
        const value = row * 7 + seed;
        const has = value % 3 !== 0;
        const word = `w${value % 300}é`;
        text.set(row, word);
        if (has) small.set(row, -value);
        if (has) flag.set(row, value % 2 === 0);
        id.set(row, -1, value);
        time.setNumber(row, value * 1e9);
        if (value % 1000 === 1) sparse.setBig(row, -5n);
        wanted.push({
          text: word,
          small: has ? -value : null,
          flag: has ? value % 2 === 0 : null,
          id: (0xffffffffn << 32n) + BigInt(value),
          time: BigInt(value) * 1_000_000_000n,
          never: null,
          sparse: value % 1000 === 1 ? -5n : null,
        });
      }
      return rows;
    };
    const columns = [text, small, flag, id, time, never, sparse];
    const bytes = fileOf(columns, [fill(GROUP_ROWS, 1), fill(3, 5), fill(0, 0), fill(1, 3)]);
    expect(await read(bytes)).toEqual(wanted);
    const { row_groups: groups } = parquetMetadata(bytes.slice().buffer);
    expect(groups.map(({ num_rows: rows }) => rows)).toEqual([BigInt(GROUP_ROWS), 3n, 1n]);
    const bounds = groups[1]!.columns[4]!.meta_data!.statistics!;
    expect([bounds.null_count, bounds.min_value, bounds.max_value]).toEqual([
      0n,
      expect.anything(),
      expect.anything(),
    ]);
  });

  it('bring decimals to one scale, exactly', async () => {
    const price = new DecimalColumn('price', 2);
    const set = (row: number, text: string): void => price.setText(row, text);
    const bytes = fileOf(
      [price],
      [
        () => {
          for (const [row, text] of ['1.5', '-0.0625', '123456789012.00', '7'].entries()) set(row, text);
          return 4;
        },
      ],
    );
    expect(scaleOf(bytes, 'price')).toBe(4);
    expect(await read(bytes)).toEqual([1.5, -0.0625, 123456789012, 7].map((value) => ({ price: value })));
  });

  it.each([
    ['more decimals than those before', ['1.50'], '1.505'],
    ['too many digits', ['1.50'], '12345678901234567.89'],
    ['digits that do not fit when scaled', ['1.5000000000'], '1234567890.5'],
  ])('refuse %s', (_name, first, next) => {
    const price = new DecimalColumn('price', 0);
    const groups = [first, [next]].map((texts) => () => {
      for (const [row, text] of texts.entries()) price.setText(row, text);
      return texts.length;
    });
    expect(() => fileOf([price], groups)).toThrow(
      `writing Parquet: price ${next} is no decimal of 18 digits`,
    );
  });
});
