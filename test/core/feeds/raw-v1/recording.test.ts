import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { stateHash } from '../../../../src/core/book/state-hash.ts';
import { type RunReport, reportOf } from '../../../../src/core/pipeline/report.ts';
import { type RunResult, run } from '../../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../../src/core/pipeline/run-options.ts';
import { RawV1Books, recordingOf } from '../../../world/raw-v1-client.ts';
import { runOptions } from '../../../world/run-options.ts';
import * as frames from './frames.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-raw-v1-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function file(bytes: Buffer): string {
  files += 1;
  const path = join(folder, `${files}.bin`);
  writeFileSync(path, bytes);
  return path;
}

async function read(sent: readonly Buffer[] | Buffer, wanted: Partial<RunOptions> = {}): Promise<RunResult> {
  const bytes = Buffer.isBuffer(sent) ? sent : recordingOf(sent);
  return run(runOptions([file(bytes)], wanted));
}

function report(result: RunResult): RunReport {
  return reportOf(result, { command: 'replay', version: '0', allInstruments: true });
}

/** The books of a report, by the number of their instrument. */
function shown(result: RunResult): RunReport['instruments'] {
  return report(result).instruments.toSorted((a, b) => Number(a.instrument) - Number(b.instrument));
}

function hashOf({ books }: RunResult): bigint {
  return stateHash(books.marketOf(0)).hash;
}

function naive(sent: readonly Buffer[]): RawV1Books {
  const books = new RawV1Books();
  for (const bytes of sent) books.apply(bytes);
  return books;
}

/** Live frames of instruments, with the numbers that a server gives them. */
class Server {
  readonly sent: Buffer[] = [];
  #cursor = 0n;
  readonly #sequences: Map<bigint, bigint> = new Map();

  numbers(instrument: bigint): frames.Numbers {
    const sequence = (this.#sequences.get(instrument) ?? 0n) + 1n;
    this.#sequences.set(instrument, sequence);
    this.#cursor += 1n;
    return { instrument, sequence, cursor: this.#cursor - 1n, time: 1_000n * this.#cursor };
  }
}

const ADD_BYTES =
  '4f4276310100640000000000e9030000000000000100000000000000000000000000000015cd5b07000000001a0000002a0000000000000080d406570200000007000000000000000000';
const EXECUTE_BYTES =
  '4f4276310100670000000000e9030000000000000200000000000000010000000000000016cd5b0700000000210000002a00000000000000030000000000000080d4065702000000010900000000000000';
const GAP_BYTES =
  '4f427631010002000000000000000000000000000000000000000000000000000000000005000000000000001000000000000000000000006300000000000000';
const SHEET = [ADD_BYTES, EXECUTE_BYTES].map((text) => Buffer.from(text, 'hex'));

describe('the check values of the format', () => {
  test('are what the frames of these tests are made as', () => {
    const numbers = { instrument: 1001n, sequence: 1n, cursor: 0n, time: 123_456_789n };
    expect(frames.add(numbers, 42n, 10_050_000_000n, 7n).toString('hex')).toBe(ADD_BYTES);
    const next = { instrument: 1001n, sequence: 2n, cursor: 1n, time: 123_456_790n };
    expect(frames.execute(next, 42n, 3n, 10_050_000_000n, 1, 9n).toString('hex')).toBe(EXECUTE_BYTES);
    expect(frames.gap(0n, 99n, { time: 5n }).toString('hex')).toBe(GAP_BYTES);
  });

  test('become an order of which an execution takes a part', async () => {
    const result = await read(SHEET);
    expect(report(result)).toMatchObject({
      feed: { protocol: 'raw-v1', framing: 'raw-v1' },
      instruments: [{ instrument: '1001', orders: 1, bid: { price: '100.50000000', quantity: '4' } }],
    });
    expect(hashOf(result)).toBe(naive(SHEET).hash());
  });

  test('lose all books behind a gap that the server tells', async () => {
    const result = await read([...SHEET, Buffer.from(GAP_BYTES, 'hex')]);
    expect(report(result)).toMatchObject({
      events: { gap: 1 },
      instruments: [{ instrument: '1001', stale: true }],
    });
    expect(result.streams[0]!.sequence).toMatchObject({ first: 1, last: 2 });
  });
});

describe('books of frames', () => {
  test('a change of the quantity keeps the place, one of the price does not, and none left is gone', async () => {
    const server = new Server();
    const next = (): frames.Numbers => server.numbers(7n);
    const sent = [
      frames.add(next(), 1n, 100n, 5n),
      frames.add(next(), 2n, 100n, 5n),
      frames.add(next(), 3n, 100n, 5n),
      frames.modify(next(), 1n, null, 9n),
      frames.modify(next(), 1n, 100n, 9n),
      frames.modify(next(), 3n, null, 0n),
      frames.cancel(next(), 1n, 2n),
    ];
    const result = await read(sent);
    const books = naive(sent);
    expect(books.book(7n).map(({ id, quantity }) => [id, quantity])).toEqual([
      [2n, 5n],
      [1n, 7n],
    ]);
    expect(hashOf(result)).toBe(books.hash());
  });

  test('an execution without a resting order is a print, and only the ask is believed as the side that took', async () => {
    const server = new Server();
    const sent = [
      frames.execute(server.numbers(7n), 0n, 5n, 100n, 0, 1n),
      frames.execute(server.numbers(7n), 0n, 5n, 100n, 1, 2n),
    ];
    const sides: number[] = [];
    const result = await read(sent, {
      observers: [{ before: ({ words }, at) => sides.push((words[at + 10]! >> 8) & 255) }],
    });
    expect(report(result).events).toMatchObject({ trade: 2, execute: 0 });
    expect(sides).toEqual([0, 2]);
  });

  test('any sequence of frames makes the books of the naive client, also of headers without cursors', async () => {
    const change = fc.record({
      instrument: fc.bigInt(1n, 3n),
      kind: fc.nat(5),
      id: fc.bigInt(1n, 6n),
      price: fc.bigInt(100n, 102n),
      quantity: fc.bigInt(1n, 9n),
      ask: fc.boolean(),
    });
    const histories = fc.tuple(fc.array(change, { maxLength: 60 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(histories, async ([changes, old]) => {
        const server = new Server();
        const sent = changes.map(({ instrument, kind, id, price, quantity, ask }) => {
          const numbers = { ...server.numbers(instrument), old };
          if (kind <= 1) return frames.add(numbers, id, price, quantity, ask);
          if (kind === 2) return frames.modify(numbers, id, null, quantity);
          if (kind === 3) return frames.modify(numbers, id, price, quantity);
          if (kind === 4) return frames.cancel(numbers, id, quantity - 1n);
          return frames.execute(numbers, id, quantity, price);
        });
        if (sent.length === 0) return;
        const result = await read(sent);
        expect(hashOf(result)).toBe(naive(sent).hash());
        expect(result.counts.malformed).toBe(0);
        expect(result.books.marketOf(0).lostChannels.size).toBe(0);
      }),
      { numRuns: 60, seed: 20260105 },
    );
  });
});

describe('numbers', () => {
  const order = (numbers: frames.Numbers, id: bigint): Buffer => frames.add(numbers, id, 100n, 1n);
  const at = (instrument: bigint, sequence: bigint, cursor: bigint): frames.Numbers => ({
    instrument,
    sequence,
    cursor,
  });

  test('a cursor that is skipped is a loss of all books, also of those that come later', async () => {
    const result = await read([order(at(1n, 1n, 0n), 1n), order(at(2n, 1n, 4n), 2n)]);
    expect(report(result).events).toMatchObject({ gap: 1 });
    expect(shown(result).map(({ stale }) => stale)).toEqual([true, true]);
  });

  test('a sequence that is skipped under following cursors is a loss of its book alone', async () => {
    const sent = [order(at(1n, 1n, 0n), 1n), order(at(2n, 1n, 1n), 2n), order(at(1n, 3n, 2n), 3n)];
    expect(shown(await read(sent)).map(({ stale }) => stale)).toEqual([true, false]);
  });

  test('a book whose beginning was not there is stale', async () => {
    const result = await read([order(at(1n, 5n, 9n), 1n), order(at(2n, 1n, 10n), 2n)]);
    expect(shown(result).map(({ stale }) => stale)).toEqual([true, false]);
  });

  test('frames that were there are left out and counted', async () => {
    const sent = [order(at(1n, 1n, 0n), 1n), order(at(1n, 1n, 0n), 1n), order(at(1n, 2n, 1n), 2n)];
    const result = await read(sent);
    expect(result.streams[0]!.sequence).toMatchObject({ first: 1, last: 2, duplicates: 1 });
    expect(report(result).instruments[0]).toMatchObject({ orders: 2, stale: false });
  });

  test('headers without cursors are held to the sequences of their instruments', async () => {
    const old = (sequence: bigint): frames.Numbers => ({ instrument: 1n, sequence, old: true });
    const sent = [order(old(1n), 1n), order(old(1n), 1n), order(old(2n), 2n), order(old(4n), 4n)];
    const result = await read(sent);
    expect(result.streams[0]!.sequence).toMatchObject({ first: 1, last: 3, duplicates: 1 });
    expect(report(result).instruments[0]).toMatchObject({ orders: 3, stale: true });
  });
});

describe('snapshots', () => {
  const epoch = 0x0123456789abcdefn;
  const image = (next: bigint, sequence: bigint): Buffer[] => [
    frames.control(3, { epoch, next }),
    frames.snapshotHeader(2, 7n, {
      sequence,
      venue: 7n,
      publisher: 3,
      priceScale: 2,
      quantityScale: 1,
      symbol: 'ABC',
    }),
    frames.add({ instrument: 7n }, 1n, 100n, 5n),
    frames.add({ instrument: 7n }, 2n, 101n, 5n, true),
    frames.snapshotHeader(0, 8n, { sequence: 4n, venue: 8n }),
    frames.control(4, { epoch, next }),
  ];

  test('bring books with their names and scales, and the live frames behind them', async () => {
    const live = frames.execute({ instrument: 7n, sequence: 12n, cursor: 40n }, 1n, 2n, 100n);
    const result = await read([...image(40n, 11n), live]);
    expect(shown(result)).toMatchObject([
      { symbol: 'ABC', publisher: 3, bid: { price: '1.00', quantity: '0.3' }, stale: false },
      { instrument: '8', orders: 0, stale: false },
    ]);
    expect(result.streams[0]!.sequence).toMatchObject({ session: '0123456789abcdef', first: 41, last: 41 });
    expect(hashOf(result)).toBe(naive([...image(40n, 11n), live]).hash(3));
  });

  test('tell the cursor and the sequences that come next', async () => {
    const late = frames.add({ instrument: 7n, sequence: 12n, cursor: 41n }, 3n, 100n, 5n);
    expect(report(await read([...image(40n, 11n), late])).events).toMatchObject({ gap: 1 });
    const skipped = frames.add({ instrument: 7n, sequence: 13n, cursor: 40n }, 3n, 100n, 5n);
    const result = await read([...image(40n, 11n), skipped]);
    expect(shown(result).map(({ stale }) => stale)).toEqual([true, false]);
  });

  test('begin the books anew, and make them right again after a loss', async () => {
    const before = frames.add({ instrument: 9n, sequence: 5n, cursor: 3n }, 9n, 100n, 5n);
    const result = await read([before, frames.gap(4n, 9n), ...image(40n, 11n)]);
    expect(shown(result)).toMatchObject([
      { instrument: '7', orders: 2, stale: false },
      { instrument: '8', orders: 0, stale: false },
      { instrument: '9', orders: 0, stale: false },
    ]);
  });

  test('of older servers say nothing of numbers', async () => {
    const sent = [
      frames.control(3),
      frames.snapshotHeader(1),
      frames.add({ instrument: 7n }, 1n, 100n, 5n),
      frames.control(4),
      frames.modify({ instrument: 7n, sequence: 99n, cursor: 1000n }, 1n, null, 4n),
      frames.add({ instrument: 8n, sequence: 3n, cursor: 1001n }, 1n, 100n, 5n),
    ];
    const result = await read(sent);
    expect(shown(result).map(({ stale }) => stale)).toEqual([false, false]);
    expect(hashOf(result)).toBe(naive(sent).hash());
  });

  test('of a server that was started again begin with other numbers', async () => {
    const first = (id: bigint): Buffer =>
      frames.add({ instrument: 7n, sequence: id, cursor: id - 1n }, id, 100n, 5n);
    const sent = [first(1n), first(2n), frames.control(3), frames.control(4), first(1n)];
    const result = await read(sent);
    expect(shown(result)).toMatchObject([{ orders: 1, stale: false }]);
    expect(result.counts.remarks.size).toBe(0);
    expect(hashOf(result)).toBe(naive(sent).hash());
  });

  test('that end in their middle are told', async () => {
    const result = await read(image(40n, 11n).slice(0, 4));
    expect(result.damage[0]!.problem).toContain('a snapshot is not complete');
    expect(result.inputs[0]!.truncated).toBe(true);
  });

  test('a heartbeat of another history empties the books', async () => {
    const result = await read([...image(40n, 11n), frames.control(1, { epoch: 5n, next: 0n })]);
    expect(shown(result).map(({ orders }) => orders)).toEqual([0, 0]);
  });

  test('books that have no form in frames are empty and stale', async () => {
    const refused = frames.cancel({ instrument: 7n, sequence: 12n, cursor: 40n }, 77n, 0n, 255);
    const again = frames.cancel({ instrument: 7n, sequence: 13n, cursor: 41n }, 78n, 0n, 255);
    const result = await read([...image(40n, 11n), refused, again]);
    expect(shown(result)).toMatchObject([{ orders: 0, stale: true }, { stale: false }]);
    expect(report(result).events).toMatchObject({ gap: 1, clear: 1, delete: 0 });
  });
});

describe('what is no frame', () => {
  const live = (id: bigint): Buffer =>
    frames.add({ instrument: 1n, sequence: id, cursor: id - 1n }, id, 100n, 1n);
  const broken = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = frames.control(1);
    change(bytes);
    return bytes;
  };

  test('is left out and counted by its kind', async () => {
    const bad = [
      broken((bytes) => bytes.write('XX', 'latin1')),
      broken((bytes) => bytes.writeUInt8(2, 4)),
      broken((bytes) => bytes.writeUInt8(1, 5)),
      broken((bytes) => bytes.writeUInt32LE(1, 8)),
      broken((bytes) => bytes.writeUInt32LE(1, 44)),
      frames.frame(100, Buffer.alloc(25)),
      frames.frame(2, Buffer.alloc(15)),
      frames.cancel({ instrument: 1n }, 1n),
      Buffer.alloc(0),
      Buffer.alloc(70_000),
    ];
    const result = await read([live(1n), ...bad, frames.frame(105, Buffer.alloc(3)), live(2n)]);
    expect(result.counts.malformed).toBe(bad.length);
    expect(result.counts.unknown).toBe(1);
    expect(result.damage).toEqual([]);
    expect(report(result).instruments[0]).toMatchObject({ orders: 2, stale: false });
  });

  test.each([
    [recordingOf([live(1n)]).subarray(0, 30), 'frame of 74 bytes cut after 26 bytes at offset 0'],
    [
      Buffer.concat([recordingOf([live(1n)]), Buffer.of(1, 2)]),
      'length of a frame cut after 2 bytes at offset 78',
    ],
    [
      Buffer.concat([recordingOf([live(1n)]), Buffer.of(0, 0, 0, 2)]),
      'frame of 33554432 bytes at offset 78: expected at most 16777216',
    ],
  ])('a cut or senseless length is damage', async (bytes, problem) => {
    const result = await read(bytes);
    expect(result.damage).toMatchObject([{ problem }]);
  });

  test('no bytes end the run by an exception', async () => {
    const whole = recordingOf([live(1n), live(2n), frames.gap(2n, 5n), frames.control(1)]);
    const places = fc.array(fc.tuple(fc.nat(whole.length - 11), fc.nat(255)), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(places, async (changes) => {
        const bytes = Buffer.from(whole);
        for (const [place, byte] of changes) bytes[place + 10] = byte;
        const { counts, damage } = await read(bytes);
        expect(counts.messages + counts.unknown + counts.malformed + damage.length).toBeGreaterThan(0);
      }),
      { numRuns: 60, seed: 20260105 },
    );
  });
});
