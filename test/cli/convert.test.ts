import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PacketReport } from '../../src/core/convert/packet-copy.ts';
import type { RunReport } from '../../src/core/pipeline/report.ts';
import { publicId } from '../world/public-id.ts';
import { mdx, shell } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-convert-'));
const session = join(folder, 'session.pcap');
beforeAll(async () => {
  const made = await mdx(['simulate', '--messages', '20000', '--seed', '7', '-o', session, '-q']);
  expect(made.code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Level {
  readonly price: string;
  readonly queue: readonly { readonly orderId: string; readonly quantity: string }[];
}

/** A decimal without the zeros behind its last digit: scales differ. */
const trimmed = (text: string): string => text.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');

/**
 * Every order of every book in the order of its queue, by symbol or number.
 * @param isPublic ids are unique in one side of a book, and known by another number elsewhere
 */
async function ordersOf(path: string, isPublic = false): Promise<string[]> {
  const { code, stdout } = await mdx(['book', path, '--orders', '--json']);
  expect(code).toBe(0);
  const { instruments } = JSON.parse(stdout) as RunReport;
  const lines = instruments.flatMap((instrument) =>
    (['bids', 'asks'] as const).flatMap((side) =>
      (instrument[side] as unknown as Level[]).flatMap(({ price, queue }) =>
        queue.map(({ orderId, quantity }) => {
          const id = isPublic
            ? publicId(BigInt(instrument.instrument), side === 'asks', BigInt(orderId))
            : orderId;
          const name = instrument.symbol ?? instrument.instrument;
          return `${name} ${side} ${trimmed(price)} #${id} ${trimmed(quantity)}`;
        }),
      ),
    ),
  );
  // Instruments of more than 32 bits are numbered anew, so they stand in another order; a queue stays as it is.
  const rank = (line: string): string => line.split(' ')[0]!;
  return lines
    .map((line, at) => ({ line, at }))
    .toSorted((a, b) => (rank(a.line) < rank(b.line) ? -1 : rank(a.line) > rank(b.line) ? 1 : a.at - b.at))
    .map(({ line }) => line);
}

describe.each(['eobi', 'fast-like'])('a session of %s as DBN', (feed) => {
  it('has the same books, order by order', async () => {
    const capture = join(folder, `${feed}.pcap`);
    const path = join(folder, `${feed}.dbn`);
    const size = ['--messages', '8000', '--seed', '5'];
    expect((await mdx(['simulate', '--feed', feed, ...size, '-o', capture, '-q'])).code).toBe(0);
    expect((await mdx(['replay', capture, '-o', path, '-q'])).code).toBe(0);
    const orders = await ordersOf(path);
    expect(orders).toEqual(await ordersOf(capture, feed === 'eobi'));
    expect(orders.length).toBeGreaterThan(1000);
  });
});

describe('an ITCH session as DBN', () => {
  it('has the same books, order by order', async () => {
    const path = join(folder, 'session.dbn');
    const { code, stdout } = await mdx(['replay', session, '-o', path, '--json']);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as RunReport;
    const orders = await ordersOf(path);
    expect(orders).toEqual(await ordersOf(session));
    expect(orders.length).toBe(report.book.orders);
    expect(report.output).toMatchObject({ path, format: 'dbn', lossy: 0 });
    const read = JSON.parse((await mdx(['replay', path, '--json'])).stdout) as RunReport;
    expect(read.output).toBeUndefined();
    expect(read.feed.messages - read.feed.messagesByType['symbol-mapping']!).toBe(report.output!.written);
    expect(read.anomalies.rejected).toBe(0);
    expect(read.events['groups']).toBeGreaterThan(0);
  });

  it('is the same through a pipe and compressed', async () => {
    const plain = join(folder, 'plain.dbn');
    const packed = join(folder, 'packed.dbn.zst');
    for (const path of [plain, packed]) expect((await mdx(['replay', session, '-o', path])).code).toBe(0);
    const { stdout } = await shell(
      `$MDX replay ${session} -o - --format dbn -q | cmp - ${plain} && zstd -dcq ${packed} 2>/dev/null | cmp - ${plain} && echo same`,
    );
    const hashes = await Promise.all([plain, packed].map((path) => ordersOf(path)));
    expect(hashes[0]).toEqual(hashes[1]);
    expect(stdout === 'same\n' || !existsSync('/usr/bin/zstd')).toBe(true);
    expect(readFileSync(packed).length).toBeLessThan(readFileSync(plain).length / 2);
  });

  it.each([
    [['-o', 'x.csv', '--lossy'], '--lossy is about DBN, and what is written is csv'],
    [['--lossy'], '--lossy is about what is written'],
    [['-o', 'x.csv.zst', '--format', 'csv'], 'of the forms only DBN is compressed'],
  ])('%j: refused', async (args, message) => {
    const { code, stderr } = await mdx(['replay', session, ...args]);
    expect({ code, says: stderr.includes(message) }).toEqual({ code: 2, says: true });
  });
});

describe('rows as Parquet', () => {
  const compressors = { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) };
  const rowsOf = async (path: string): Promise<Record<string, unknown>[]> =>
    parquetReadObjects({ file: new Uint8Array(readFileSync(path)).buffer, compressors });

  it.each(['events', 'bbo', 'depth', 'trades'])('%s: the lines of the CSV', async (kind) => {
    const parquet = join(folder, `${kind}.parquet`);
    const csv = join(folder, `${kind}.csv`);
    for (const path of [parquet, csv]) {
      const emit = kind === 'events' ? [] : ['--emit', kind];
      expect((await mdx(['replay', session, ...emit, '-o', path, '-q'])).code).toBe(0);
    }
    const [head, ...lines] = readFileSync(csv, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(','));
    const rows = await rowsOf(parquet);
    expect(Object.keys(rows[0]!)).toEqual(head);
    const wrong = rows.filter((row, index) =>
      head!.some((name, column) => {
        // Times are compared exactly elsewhere; the reader makes doubles of decimals.
        if (name.endsWith('Time')) return false;
        const text = lines[index]![column]!;
        const value = row[name] ?? '';
        const digits = text.split('.')[1]?.length ?? 0;
        return (typeof value === 'number' ? value.toFixed(digits) : String(value)) !== text;
      }),
    );
    expect(wrong.slice(0, 1)).toEqual([]);
    expect(rows).toHaveLength(lines.length);
  });

  it.each([
    [['--emit', 'records', '-o', 'x.parquet'], 'Parquet has the columns of one'],
    [['--emit', 'bbo', '-o', '-', '--format', 'dbn'], '--emit bbo makes rows, and dbn has no place for them'],
  ])('%j: refused', async (args, message) => {
    const { code, stderr } = await mdx(['replay', session, ...args]);
    expect({ code, says: stderr.includes(message) }).toEqual({ code: 2, says: true });
  });
});

describe('packets', () => {
  it('of a filtered copy are those of the filtered capture: the same books', async () => {
    const path = join(folder, 'part.pcapng');
    const filter = ['--until', '2026-01-05T14:30:00.1Z'];
    const made = await mdx(['replay', session, ...filter, '-o', path, '--json']);
    expect(made.code).toBe(0);
    const report = JSON.parse(made.stdout) as PacketReport;
    expect(report.output).toMatchObject({ path, format: 'pcapng' });
    const skipped = report.inputs[0]!.skipped['afterUntil']!;
    expect(report.output.written + skipped).toBe(report.inputs[0]!.packets!);
    const hashOf = async (...args: string[]): Promise<string | null> =>
      (JSON.parse((await mdx(['replay', ...args, '--json'])).stdout) as RunReport).book.stateHash;
    expect(await hashOf(path)).toBe(await hashOf(session, ...filter));
  });

  it('go through a pipe, and back to the same file', async () => {
    const again = join(folder, 'again.pcap');
    const { code, stderr } = await shell(
      `$MDX replay ${session} -o - --format pcapng | $MDX replay - -o ${again} -q > /dev/null && cmp ${session} ${again}`,
    );
    expect({ code, stderr: stderr.replaceAll(/[\d,]+/g, 'N') }).toEqual({
      code: 0,
      stderr: 'N packets in · N packets out\n',
    });
  });

  it.each([
    [['-o', 'x.pcap', '--symbol', 'AAA'], '--symbol is about messages and books'],
    [['-o', 'x.pcap', '--speed', '1'], '--speed is about messages and books'],
    [['-o', 'x.pcap', '--emit', 'bbo'], '--emit bbo makes rows, and pcap has no place for them'],
    [['-o', 'x.pcap', '--feed', 'dbn'], '--feed dbn: it does not come in packets'],
  ])('%j: refused', async (args, message) => {
    const { code, stderr } = await mdx(['replay', session, ...args]);
    expect({ code, says: stderr.includes(message) }).toEqual({ code: 2, says: true });
  });

  it('are not in a DBN file', async () => {
    const path = join(folder, 'some.dbn');
    expect((await mdx(['replay', session, '-o', path, '--limit', '10', '-q'])).code).toBe(0);
    const { code, stderr } = await mdx(['replay', path, '-o', join(folder, 'none.pcap')]);
    expect({ code, says: stderr.includes('it is no capture, so it has none') }).toEqual({
      code: 2,
      says: true,
    });
    expect(existsSync(join(folder, 'none.pcap'))).toBe(false);
  });
});
