import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { crc32c } from '../../../src/core/binary/crc32c.ts';
import { FRAME_HEADER_BYTES } from '../../../src/core/journal/frame.ts';
import { NODE_DISK } from '../../../src/core/journal/node-disk.ts';
import { firstHead } from '../../../src/core/journal/payload.ts';
import { writeSnapshot } from '../../../src/core/journal/snapshot-file.ts';
import { newestSnapshot } from '../../../src/core/pipeline/newest-snapshot.ts';
import type { RunReport } from '../../../src/core/pipeline/report.ts';
import { reportOf } from '../../../src/core/pipeline/report.ts';
import { type RunResult, run } from '../../../src/core/pipeline/run.ts';
import { itchCapture, OPEN } from '../../world/itch-capture.ts';
import { runOptions } from '../../world/run-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Two channels, of which the second lost numbers. */
const session = join(folder, 'session.pcap');
writeFileSync(
  session,
  itchCapture([
    { port: 1, sequence: 1, adds: [1n, 2n, 3n].map((id) => ({ id, buy: id < 3n, price: 100 })), time: OPEN },
    { port: 2, sequence: 1001, adds: [{ id: 1n, buy: true, price: 99 }], time: OPEN },
    { port: 2, sequence: 1007, adds: [{ id: 7n, buy: true, price: 98 }], time: OPEN + 1n },
  ]),
);
const NEXT_EVENT = 70;

async function snapshotOf(path: string, nextEvent = NEXT_EVENT): Promise<Uint8Array<ArrayBuffer>> {
  const { books, feed } = await run(runOptions([path]));
  const chunks: Uint8Array[] = [];
  writeSnapshot((bytes) => chunks.push(bytes.slice()), {
    head: firstHead({ sources: [{ feed: feed!.name, name: 'x' }], timeBase: 'utc', version: '1' }),
    epoch: { high: 1, low: 2 },
    nextEvent,
    dictionary: books.dictionary,
    markets: books.markets,
    place: {
      busCursor: 0,
      channels: books.markets.map((market, channel) => ({
        channel,
        isLost: market.lostChannels.has(channel),
        lastSequence: 0,
        lastEvents: 0,
        nextTransport: 0,
        session: null,
      })),
    },
  });
  return Uint8Array.from(Buffer.concat(chunks));
}

function read(bytes: Uint8Array, name = 'x.snap'): Promise<RunResult> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return run(runOptions([path]));
}

/** What a report says of the books. */
function booksOf(result: RunResult): unknown {
  const options = { command: 'book', version: '1', allInstruments: false };
  const { book, sources, instruments }: RunReport = reportOf(result, {
    ...options,
    depth: { levels: Number.POSITIVE_INFINITY, queues: true },
  });
  return { book, sources, instruments };
}

test('an input that begins with an image begins with its books, and nothing is missing in front of it', async () => {
  const bytes = await snapshotOf(session);
  const whole = await run(runOptions([session]));
  const loaded = await read(bytes);
  expect(booksOf(loaded)).toEqual(booksOf(whole));
  expect(loaded.books.markets.map(({ lostChannels }) => [...lostChannels])).toEqual([[], [1]]);
  expect(loaded.damage).toEqual([]);
  const [input] = loaded.inputs;
  expect(input!.image).toMatchObject({ event: NEXT_EVENT - 1, records: 5, written: null });
  expect(input!.skipped.size).toBe(0);
});

test('with a filter only the books that are wanted begin with it', async () => {
  const path = join(folder, 'part.snap');
  writeFileSync(path, await snapshotOf(session));
  const isWanted = (book: { channel: number }): boolean => book.channel === 0;
  const loaded = await run(runOptions([path], { books: isWanted }));
  const whole = await run(runOptions([session], { books: isWanted }));
  expect(loaded.damage).toEqual([]);
  expect((booksOf(loaded) as RunReport).instruments).toEqual((booksOf(whole) as RunReport).instruments);
});

test('an image that is cut or damaged anywhere leaves no books, and is told', async () => {
  const bytes = await snapshotOf(session);
  const frames = offsetsOf(bytes);
  const end = frames.at(-1)!;
  for (let cut = 1; cut < bytes.length; cut += cut < end ? 61 : 8) {
    if (cut % 8 !== 0 && cut < FRAME_HEADER_BYTES) continue;
    const { damage, books, inputs } = await read(bytes.subarray(0, cut)).catch(() => ({
      damage: ['no format'],
      books: { markets: [] },
      inputs: [{ truncated: true }],
    }));
    expect([cut, damage.length, inputs[0]!.truncated]).toEqual([cut, 1, true]);
    if (cut < end) expect(books.markets.length).toBe(0);
  }
  for (let at = 0; at < end; at += 53) {
    const mutant = bytes.slice();
    mutant[at]! ^= 1 << (at % 8);
    const result = await read(mutant).catch(() => null);
    if (result === null) continue;
    expect([at, result.damage.length, result.books.markets.length]).toEqual([at, 1, 0]);
  }
});

test('books that came before an image are not mixed with it', async () => {
  const path = join(folder, 'later.snap');
  writeFileSync(path, await snapshotOf(session));
  const twice = run(runOptions([path, path]));
  await expect(twice).rejects.toMatchObject({ code: 'input-order' });
});

test('an image whose books are not what it sums up to is damage, though its sums of bytes are right', async () => {
  const bytes = await snapshotOf(session);
  const end = offsetsOf(bytes).at(-2)!;
  bytes[end + FRAME_HEADER_BYTES + 24]! ^= 1;
  mend(bytes);
  const { damage, books } = await read(bytes);
  expect(damage.map(({ problem }) => problem)).toEqual([
    'an image whose books of source 0 have another state hash',
  ]);
  expect(books.markets.length).toBe(0);
});

test('of a directory of snapshots the newest whole one is read, and what is wrong with newer ones is told', async () => {
  const directory = mkdtempSync(join(folder, 'snapshots-'));
  const put = (name: string, bytes: Uint8Array): void => writeFileSync(join(directory, name), bytes);
  put('a.snap', await snapshotOf(session, 300));
  put('b.snap', await snapshotOf(session, 100));
  put('c.snap', (await snapshotOf(session, 400)).subarray(0, -100));
  put('d.snap', Uint8Array.of(1, 2, 3));
  put('e.mdxj', await snapshotOf(session, 900));
  const { found, bad } = await newestSnapshot(NODE_DISK, directory, runOptions([]));
  expect(found!.path).toBe(join(directory, 'a.snap'));
  expect(found!.result.inputs[0]!.image!.event).toBe(299);
  expect(bad.map(({ path }) => basename(path))).toEqual(['d.snap', 'c.snap']);
  expect(bad[1]!.problem).toMatch(/^damaged at byte \d+: /);
  expect(await newestSnapshot(NODE_DISK, join(folder, 'none'), runOptions([]))).toEqual({
    found: null,
    bad: [],
  });
});

/** Makes the sums of all frames right. */
function mend(bytes: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(bytes.buffer);
  let last = 0;
  for (const at of offsetsOf(bytes)) {
    const sum = crc32c(view, at + FRAME_HEADER_BYTES, view.getUint32(at + 8, true));
    view.setInt32(at + 12, sum, true);
    view.setInt32(at + 60, last, true);
    view.setInt32(at + 4, crc32c(view, at + 8, FRAME_HEADER_BYTES - 8), true);
    last = sum;
  }
}

/** Where frames begin. */
function offsetsOf(bytes: Uint8Array<ArrayBuffer>): number[] {
  const offsets: number[] = [];
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += FRAME_HEADER_BYTES + view.getUint32(at + 8, true))
    offsets.push(at);
  return offsets;
}
