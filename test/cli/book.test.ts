import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concat, headBytes, mboBytes } from '../core/feeds/dbn/stream.ts';
import { DATA, dataPath } from '../world/data.ts';
import { mdx, shell } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-book-'));
const session = join(folder, 'session.pcap');
const truthPath = join(folder, 'truth.json');
beforeAll(async () => {
  const made = await mdx([
    ...['simulate', '--messages', '3000', '--seed', '7', '--instrument-count', '3'],
    ...['-o', session, '--truth', truthPath, '-q'],
  ]);
  expect(made.code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Truth {
  readonly books: readonly {
    readonly instrument: string;
    readonly symbol: string;
    readonly bids: readonly { id: string; price: string; quantity: string }[];
    readonly asks: readonly { id: string; price: string; quantity: string }[];
  }[];
}

async function csvOf(...args: string[]): Promise<string[][]> {
  const { code, stdout, stderr } = await mdx(['book', ...args, '--format', 'csv']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(','));
}

describe('mdx book at the end of a simulated session', () => {
  it('shows every order of the truth in its queue', async () => {
    const truth = JSON.parse(readFileSync(truthPath, 'utf8')) as Truth;
    const wanted = truth.books.flatMap(({ instrument, symbol, bids, asks }) =>
      [['bid', bids] as const, ['ask', asks] as const].flatMap(([side, orders]) =>
        orders.map(({ id, price, quantity }) => [instrument, symbol, side, price, id, quantity].join()),
      ),
    );
    const lines = await csvOf(session, '--orders');
    const found = lines.map(([, , instrument, symbol, , side, , price, , id, quantity]) =>
      [instrument, symbol, side, price, id, quantity].join(),
    );
    expect(wanted.length).toBeGreaterThan(100);
    expect(found).toEqual(wanted);
  });

  it('counts levels and positions from 1, and ends at the depth asked for', async () => {
    const lines = await csvOf(session, '--orders', '--depth', '2', '--instrument', '1');
    const level = (line: string[]): string => `${line[5]} ${line[6]}`;
    expect([...new Set(lines.map(level))]).toEqual(['bid 1', 'bid 2', 'ask 1', 'ask 2']);
    for (const at of ['bid 1', 'bid 2', 'ask 1', 'ask 2']) {
      const positions = lines.filter((line) => level(line) === at).map((line) => Number(line[8]));
      expect(positions).toEqual(positions.map((_, index) => index + 1));
    }
  });

  it('--json is the report of replay with the levels of each instrument', async () => {
    const book = JSON.parse((await mdx(['book', session, '--json'])).stdout);
    const replay = JSON.parse((await mdx(['replay', session, '--json'])).stdout);
    const strip = ({ command: _, timing: __, instruments, ...rest }: Record<string, unknown>): object => ({
      ...rest,
      instruments: (instruments as Record<string, unknown>[]).map(
        ({ bids: _bids, asks: _asks, bidLevels: _b, askLevels: _a, ...report }) => report,
      ),
    });
    expect(strip(book)).toEqual(strip(replay));
    for (const { bid, bids, bidLevels, ask, asks } of book.instruments) {
      expect([bids[0], asks[0], bids.length]).toEqual([bid, ask, bidLevels]);
    }
  });

  it('--format ndjson is one line per book, with the orders of each level if asked for', async () => {
    const { stdout } = await mdx(['book', session, '--format', 'ndjson', '--orders']);
    const books = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    expect(books).toHaveLength(3);
    for (const { bids, asks, orders } of books) {
      const queued = [...bids, ...asks].map(({ queue, orders: count }) => [queue.length, count]);
      expect(queued.every(([length, count]) => length === count)).toBe(true);
      expect(queued.reduce((sum, [length]) => sum + length, 0)).toBe(orders);
    }
  });

  it('lists the best prices of several books, and says how to choose one', async () => {
    const { stdout } = await mdx(['book', session]);
    expect(stdout).toMatch(
      /^after 2026-01-05T\S+Z, #0\/\d+\n\ninstrument +orders +quantity +bid +ask +quantity\nAAA /,
    );
    expect(stdout).toContain('Choose a book with --symbol or --instrument');
  });

  it('--orders of a feed that tells levels only says what there is', async () => {
    const path = join(folder, 'levels.dbn');
    writeFileSync(path, concat(headBytes(), mboBytes({ action: 'A', side: 'A', flags: 128 | 16, size: 9 })));
    const [line] = await csvOf(path, '--orders');
    expect(line!.slice(5)).toEqual(['ask', '1', '5.000000000', '', '', '9']);
    expect((await mdx(['book', path, '--orders'])).stdout).toMatch(/^ask +5\.00 +– +not told +9$/m);
  });

  it('says when no instrument is the one that was chosen', async () => {
    const { code, stdout, stderr } = await mdx(['book', session, '--symbol', 'aaa']);
    expect({ code, stdout: stdout.split('\n')[1] }).toEqual({ code: 0, stdout: 'no book has orders' });
    expect(stderr).toMatch(/^warning: none of the \d+ instruments in the input is one that --symbol or/);
  });

  it('reads standard input', async () => {
    const piped = await shell(`cat ${session} | $MDX book - --symbol AAB --format csv`);
    const direct = await mdx(['book', session, '--symbol', 'AAB', '--format', 'csv']);
    expect(piped).toEqual(direct);
  });

  it('writes a file in the form of its extension, and never over one', async () => {
    const path = join(folder, 'book.csv');
    const args = ['book', session, '-o', path];
    expect(await mdx(args)).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(path, 'utf8')).toMatch(/^source,publisher,instrument,symbol,stale,side,/);
    expect((await mdx(args)).code).toBe(2);
    expect(existsSync(path)).toBe(true);
  });
});

describe('a ladder on a terminal', () => {
  const SCRIPT =
    'script -qec "stty cols $COLUMNS_WANTED; $MDX book $FILE --symbol AAA --progress never" /dev/null';

  it.each([
    [80, false],
    [95, true],
    [160, true],
  ])('of %d columns fits, with bars where there is room (%s)', async (columns, bars) => {
    const { stdout } = await shell(`${SCRIPT} < /dev/null`, {
      COLUMNS_WANTED: String(columns),
      FILE: session,
      TERM: 'xterm',
    });
    const lines = stdout.split('\r\n').slice(3, -2);
    expect(lines.length).toBeGreaterThan(5);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines.some((line) => line.includes('█'))).toBe(bars);
  });
});

describe('--instruments', () => {
  it('names and scales the books, and --symbol finds them by these names', async () => {
    const names = join(folder, 'names.csv');
    writeFileSync(names, 'instrument,symbol,price_scale\n2,"B, Inc.",2\n');
    const args = [session, '--instruments', names, '--symbol', 'B, Inc.'];
    const plain = JSON.parse((await mdx(['book', session, '--symbol', 'AAB', '--json'])).stdout);
    const named = JSON.parse((await mdx(['book', ...args, '--json'])).stdout);
    const [wanted, found] = [plain.instruments[0], named.instruments[0]];
    expect(found).toMatchObject({ symbol: 'B, Inc.', priceScale: 2, orders: wanted.orders });
    expect(found.bid.price.replace('.', '')).toBe(wanted.bid.price.replace('.', ''));
    const csv = await mdx(['replay', ...args, '--emit', 'bbo', '--format', 'csv']);
    expect(csv.stdout.split('\n')[1]).toContain(',itch-5.0,0,2,"B, Inc.",');
  });

  it.each(['missing.csv', '.'])('%s: refused with exit 2', async (name) => {
    const { code, stderr } = await mdx(['replay', session, '--instruments', join(folder, name)]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: reading instruments .*: (there is no such file|it is a directory)\n/);
  });
});

describe('mdx book --at', () => {
  it('before the input shows empty books and says so', async () => {
    const { code, stdout, stderr } = await mdx(['book', session, '--at', '2026-01-05T00:00:00Z']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'before the first event\nno book has orders\n' });
    expect(stderr).toMatch(/^The point of --at is before .* begins at 2026-01-05T/);
  });

  it.each(['2027-01-01T00:00:00Z', '#99999999', '#7/1'])(
    'beyond the input (%s) shows its end and says so',
    async (at) => {
      const beyond = await mdx(['book', session, '--at', at]);
      const end = await mdx(['book', session]);
      expect({ code: beyond.code, stdout: beyond.stdout }).toEqual({ code: 0, stdout: end.stdout });
      expect(beyond.stderr).toMatch(/^The input ends before the point of --at, at 2026-01-05T/);
    },
  );

  it('at a time of the venue is where a message of that time ends', async () => {
    const { asOf } = JSON.parse((await mdx(['book', session, '--at', '#1500', '--json'])).stdout);
    const byNumber = await csvOf(session, '--at', '#1500', '--orders');
    expect(await csvOf(session, '--at', `venue:${asOf.venueTime}`, '--orders')).toEqual(byNumber);
    const before = `venue:${BigInt(asOf.venueTime) - 1n}`;
    expect(await csvOf(session, '--at', before, '--orders')).toEqual(
      await csvOf(session, '--at', '#1499', '--orders'),
    );
  });

  it('an event is named where events have numbers, and nowhere else', async () => {
    const events = join(folder, 'session.mdxj');
    expect((await mdx(['replay', session, '-o', events, '-q'])).code).toBe(0);
    expect(await csvOf(events, '--at', '@1500', '--orders')).toEqual(
      await csvOf(session, '--at', '#1500', '--orders'),
    );
    const { code, stderr } = await mdx(['book', session, '--at', '@1500']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: reading .*: --at @EVENT names an event, and only journals and event files/,
    );
  });

  it.each(['#', '#x', '#1/', '#-1', 'noon', '#1/2/3', '@', '@x', '@1e3', 'venue:noon'])(
    '%s: refused with exit 2',
    async (at) => {
      const { code, stdout, stderr } = await mdx(['book', session, '--at', at]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^error: --at/);
    },
  );
});

describe.skipIf(DATA === null)('mdx book --at in a real session', () => {
  const path = (): string => dataPath('dbn/CLX5_mbo.dbn');

  it('has the orders of the reference at its checkpoints', async () => {
    const { book } = JSON.parse(readFileSync(dataPath('dbn/CLX5_expected.json'), 'utf8')) as {
      book: { checkpoints: { record: number; state_sha256: string }[] };
    };
    const bytes = readFileSync(path());
    const whole = book.checkpoints.filter(({ record }) => (bytes[360 + record * 56 - 20]! & 128) !== 0);
    expect(whole.length).toBeGreaterThan(5);
    for (const { record, state_sha256 } of whole.slice(0, 6)) {
      const state = createHash('sha256');
      for (const line of await csvOf(path(), '--at', `#${record}`, '--orders')) {
        const [, , , , , side, , price, , id, quantity] = line as string[];
        state.update(
          `${side === 'ask' ? 'A' : 'B'}|${price!.replace('.', '').replace(/^0+/, '')}|${id}|${quantity}\n`,
        );
      }
      expect(state.digest('hex')).toBe(state_sha256);
    }
  });

  it('at a time of arrival is the book after the records up to it, itself among them', async () => {
    // Record 37,343, the last one before the close.
    const bytes = readFileSync(path());
    const time = bytes.readBigUInt64LE(360 + 37_342 * 56 + 40);
    const byTime = await csvOf(path(), '--at', String(time));
    expect(byTime).toEqual(await csvOf(path(), '--at', '#0/37343'));
    expect(byTime[0]!.slice(5)).toEqual(['bid', '1', '64.810000000', '4', '4']);
    expect(await csvOf(path(), '--at', String(time - 1n))).toEqual(await csvOf(path(), '--at', '#37342'));
  });

  it('for people is a ladder with the best prices in the middle', async () => {
    const { stdout } = await mdx(['book', path(), '--at', '#37343', '--depth', '2']);
    expect(stdout.split('\n').map((line) => line.trim().replace(/\s+/g, ' '))).toEqual([
      'after 2025-09-24T20:59:59.695510247Z, #0/37343',
      '',
      'CLX5 instrument 432669 · publisher 1 · GLBX.MDP3 · 266 orders · 86 + 70 levels',
      'orders sum quantity bid │ ask quantity sum orders',
      '████ 4 4 4 64.81 │ 64.83 9 9 8 ████████',
      '█████████████ 9 15 11 64.80 │ 64.84 10 19 9 █████████████████',
      '… 84 more bid levels and 68 more ask levels; see --depth',
      '',
    ]);
  });
});
