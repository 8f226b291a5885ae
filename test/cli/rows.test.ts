import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { DATA, dataPath } from '../world/data.ts';
import { environment, finished, MDX, mdx, shell } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-rows-'));
const session = join(folder, 'session.pcap');
beforeAll(async () => {
  const made = await mdx(['simulate', '--messages', '3000', '--seed', '7', '-o', session, '-q']);
  expect(made.code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

type Row = Record<string, unknown>;

/** Rows that the one line on stderr counts; NaN where it says anything else. */
function rowsOut(stderr: string): number {
  const count = /^[\d,]+ messages in · ([\d,]+) rows out\n$/.exec(stderr)?.[1] ?? '';
  return count === '' ? Number.NaN : Number(count.replaceAll(',', ''));
}

async function rowsOf(...args: string[]): Promise<Row[]> {
  const { code, stdout, stderr } = await mdx(['replay', ...args]);
  const rows = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Row);
  expect({ code, out: rowsOut(stderr) }).toEqual({ code: 0, out: rows.length });
  return rows;
}

async function csvOf(...args: string[]): Promise<{ head: string[]; lines: string[][] }> {
  const { code, stdout, stderr } = await mdx(['replay', ...args, '--format', 'csv']);
  expect({ code, out: rowsOut(stderr) }).toEqual({ code: 0, out: expect.any(Number) });
  const [head, ...lines] = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(','));
  return { head: head!, lines };
}

interface Level {
  readonly price: string;
  readonly quantity: string;
  readonly orders: number;
}

describe.skipIf(DATA === null)('rows of a real session', () => {
  const path = (): string => dataPath('dbn/CLX5_mbo.dbn');
  const expected = (): {
    trades: Record<string, unknown>;
    book: { events: Record<string, number>; series: Record<string, string> };
  } => JSON.parse(readFileSync(dataPath('dbn/CLX5_expected.json'), 'utf8'));

  /** Sequence of every record that ends a group, straight from the bytes. */
  function groupEnds(): number[] {
    const bytes = readFileSync(path());
    const ends: number[] = [];
    for (let record = 1, at = 360; at < bytes.length; at += 56, record += 1) {
      if ((bytes[at + 36]! & 128) !== 0) ends.push(record);
    }
    return ends;
  }

  it('bbo: repeated at every group, they are the reference series of best quotes', async () => {
    const rows = await rowsOf(path(), '--emit', 'bbo');
    const hash = createHash('sha256');
    let next = 0;
    let text = '-|0|0|-|0|0';
    for (const record of groupEnds()) {
      if (rows[next]?.['sequence'] === String(record)) {
        text = [rows[next]!['bid'], rows[next]!['ask']].map((level) => seriesText(level as Level)).join('|');
        next += 1;
      }
      hash.update(`${record}|${text}\n`);
    }
    expect(next).toBe(rows.length);
    expect(hash.digest('hex')).toBe(expected().book.series['bbo_sha256']);
  });

  it('bbo as CSV says the same as NDJSON', async () => {
    const rows = await rowsOf(path(), '--emit', 'bbo');
    const { head, lines } = await csvOf(path(), '--emit', 'bbo');
    const price = head.indexOf('bidPrice');
    const quantity = head.indexOf('askQuantity');
    expect(lines.map((line) => [line[1], line[price], line[quantity]])).toEqual(
      rows.map((row) => [
        row['sequence'],
        (row['bid'] as Level | null)?.price ?? '',
        (row['ask'] as Level | null)?.quantity ?? '',
      ]),
    );
  });

  it('depth: repeated at every group, they are the reference series of ten levels', async () => {
    const rows = await rowsOf(path(), '--emit', 'depth', '--depth', '10');
    const hash = createHash('sha256');
    let next = 0;
    let text = '';
    for (const record of groupEnds()) {
      if (rows[next]?.['sequence'] === String(record)) {
        const sides = [
          ['B', rows[next]!['bids']],
          ['A', rows[next]!['asks']],
        ] as [string, Level[]][];
        text = sides
          .flatMap(([side, levels]) =>
            levels.map(
              ({ price, quantity, orders }) => `|${side},${price.replace('.', '')},${quantity},${orders}`,
            ),
          )
          .join('');
        next += 1;
      }
      hash.update(`${record}${text}\n`);
    }
    expect(next).toBe(rows.length);
    expect(hash.digest('hex')).toBe(expected().book.series['depth10_sha256']);
  });

  it('events: one per record, with times, ids and numbers as in the bytes', async () => {
    const rows = await rowsOf(path(), '--emit', 'events');
    const bytes = readFileSync(path());
    const kinds: Record<string, string> = {
      A: 'add',
      C: 'reduce',
      M: 'modify',
      T: 'trade',
      F: 'execute',
    };
    expect(rows).toHaveLength(38_212);
    const wrong = rows.filter((row, index) => {
      const at = 360 + index * 56;
      const side = String.fromCharCode(bytes[at + 39]!);
      const id = String(bytes.readBigUInt64LE(at + 16));
      const price = String(bytes.readBigInt64LE(at + 24))
        .padStart(10, '0')
        .replace(/(\d{9})$/, '.$1');
      const kind = kinds[String.fromCharCode(bytes[at + 38]!)]!;
      const said = kind === 'execute' ? row['executionPrice'] : row['price'];
      return (
        row['kind'] !== kind ||
        row['sequence'] !== String(index + 1) ||
        row['venueTime'] !== String(bytes.readBigUInt64LE(at + 8)) ||
        row['receiveTime'] !== String(bytes.readBigUInt64LE(at + 40)) ||
        row['orderId'] !== (id === '0' ? null : id) ||
        row['quantity'] !== String(bytes.readUInt32LE(at + 32)) ||
        said !== price ||
        (row['flags'] as string[]).includes('last') !== (bytes[at + 36]! & 128) > 0 ||
        (kind === 'trade' && row['aggressor'] !== (side === 'A' ? 'sell' : side === 'B' ? 'buy' : null)) ||
        (kind === 'add' && row['side'] !== (side === 'A' ? 'ask' : 'bid')) ||
        (row['side'] !== null && side !== 'N' && row['side'] !== (side === 'A' ? 'ask' : 'bid'))
      );
    });
    expect(wrong).toEqual([]);
  });

  it('trades: each once, with the volume of the reference', async () => {
    const rows = await rowsOf(path(), '--emit', 'trades');
    const volume = rows.reduce((sum, row) => sum + Number(row['quantity']), 0);
    const bought = rows.filter((row) => row['aggressor'] === 'buy');
    expect([rows.length, volume, bought.length]).toEqual([1599, 3613, 544]);
    expect(rows.every((row) => row['kind'] === 'trade')).toBe(true);
  });

  it('are the same from a pipe and with any batch size', async () => {
    const whole = await mdx(['replay', path(), '--emit', 'depth', '--depth', '3']);
    const piped = await shell(
      `cat ${path()} | $MDX replay - --emit depth --depth 3 --format ndjson --batch-events 7`,
    );
    expect(piped.code).toBe(0);
    expect(piped.stdout === whole.stdout).toBe(true);
  });
});

function seriesText(level: Level | null): string {
  if (level === null) return '-|0|0';
  return `${level.price.replace('.', '')}|${level.quantity}|${level.orders}`;
}

describe('rows of a simulated ITCH session', () => {
  it('executions name price and taker from the order in the book', async () => {
    const events = await rowsOf(session, '--emit', 'events');
    const trades = await rowsOf(session, '--emit', 'trades');
    const orders = new Map<unknown, { side: unknown; price: unknown }>();
    const wanted: unknown[] = [];
    for (const { kind, orderId, relatedId, side, price, executionPrice } of events) {
      if (kind === 'add') orders.set(orderId, { side, price });
      else if (kind === 'replace') orders.set(orderId, { side: orders.get(relatedId)!.side, price });
      else if (kind === 'execute') {
        const order = orders.get(orderId)!;
        wanted.push([executionPrice ?? order.price, order.side === 'ask' ? 'buy' : 'sell']);
      }
    }
    const executions = trades.filter(({ kind }) => kind === 'execute');
    expect(executions.length).toBeGreaterThan(50);
    expect(executions.map(({ price, aggressor }) => [price, aggressor])).toEqual(wanted);
  });

  it('best quotes agree with the first level of depth', async () => {
    const bbo = await rowsOf(session, '--emit', 'bbo');
    const depth = await rowsOf(session, '--emit', 'depth', '--depth', '1');
    const strip = (row: Row, bid: unknown, ask: unknown): unknown[] => [
      row['sequence'],
      row['symbol'],
      bid,
      ask,
    ];
    expect(bbo.map((row) => strip(row, row['bid'], row['ask']))).toEqual(
      depth.map((row) =>
        strip(row, (row['bids'] as Level[])[0] ?? null, (row['asks'] as Level[])[0] ?? null),
      ),
    );
  });
});

describe('where rows go', () => {
  it('to a file in the form of its extension, and the report to stdout', async () => {
    const path = join(folder, 'quotes.csv');
    const { code, stdout } = await mdx(['replay', session, '--emit', 'bbo', '-o', path, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ command: 'replay' });
    expect(readFileSync(path, 'utf8')).toMatch(/^channel,sequence,.*,stale\n0,/);
  });

  it('never over a file that is there, unless told so', async () => {
    const path = join(folder, 'mine.ndjson');
    writeFileSync(path, 'mine');
    const args = ['replay', session, '--emit', 'trades', '-o', path];
    const refused = await mdx(args);
    expect({ code: refused.code, left: readFileSync(path, 'utf8') }).toEqual({ code: 2, left: 'mine' });
    expect((await mdx([...args, '--force'])).code).toBe(0);
    expect(readFileSync(path, 'utf8')).toMatch(/^\{"channel":0,/);
  });

  it('to no file at all when the input is not readable', async () => {
    const path = join(folder, 'none.csv');
    expect((await mdx(['replay', join(folder, 'missing'), '--emit', 'bbo', '-o', path])).code).toBe(2);
    expect(existsSync(path)).toBe(false);
  });

  it('with one line beside them that counts what was lost', async () => {
    const lossy = join(folder, 'lossy.pcap');
    const truth = join(folder, 'lossy.json');
    const size = ['--messages', '20000', '--seed', '3'];
    expect((await mdx(['simulate', ...size, '--loss', '1%', '-o', lossy, '--truth', truth])).code).toBe(0);
    const { stderr } = await mdx(['replay', lossy, '--emit', 'trades']);
    const { code, stdout } = await mdx(['replay', lossy, '--json']);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as RunReport;
    const lost = report
      .sequence!.channels[0]!.gaps.map(({ from, to }) => Number(to) - Number(from) + 1)
      .reduce((sum, count) => sum + count, 0);
    expect(lost).toBeGreaterThan(0);
    expect(stderr).toContain(` · ${lost} lost\n`);
    expect((await mdx(['replay', lossy, '--emit', 'trades', '--quiet'])).stderr).toBe('');
  });

  it('to a reader that leaves after the first, quietly', async () => {
    const { code, stdout, stderr } = await shell(`$MDX replay ${session} --emit events | head -1`);
    expect({ code, stderr, rows: stdout.split('\n').length }).toEqual({ code: 0, stderr: '', rows: 2 });
  });

  it.each([
    [['--format', 'csv'], '--format is about what is written'],
    [['-o', '-'], 'it has no extension that tells the form'],
    [['-o', 'x.csv', '--depth', '5'], '--depth is about price levels'],
    [['-o', '-', '--format', 'csv', '--json'], '--json prints a report where -o - and --emit write'],
    [['-o', join(folder, 'x.txt')], 'its extension names no form that mdx writes'],
    [['--emit', 'bbo', '-o', join(folder, 'x.dbn')], '--emit bbo makes rows, and dbn has no place for them'],
    [['--emit', 'bbo', '--depth', '5'], '--depth is about price levels'],
    [['--emit', 'bbo', '--json'], '--json prints a report where -o - and --emit write'],
    [['--emit', 'bbo', '-o', join(folder, 'x.txt')], 'its extension names no form that mdx writes'],
  ])('%j: refused with exit 2', async (args, message) => {
    const { code, stdout, stderr } = await mdx(['replay', session, ...args]);
    expect(code).toBe(2);
    expect(stdout + stderr).toContain(message);
  });

  it('one by one when paced, until a signal ends the waiting', async () => {
    const child = spawn(
      process.execPath,
      [MDX, 'replay', session, '--emit', 'events', '--speed', '0.000001'],
      {
        env: environment(),
      },
    );
    const end = finished(child, null);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const { code, stdout } = await end;
    const times = stdout.match(/"receiveTime":"\d+"/g)!;
    expect({ code, packets: new Set(times).size }).toEqual({ code: 130, packets: 1 });
  });

  it('with their head line also where none comes', async () => {
    const { stdout } = await mdx(['replay', session, '--emit', 'bbo', '--format', 'csv', '--symbol', 'NONE']);
    expect(stdout.split('\n')).toHaveLength(2);
  });
});
