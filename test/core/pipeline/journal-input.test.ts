import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import type { EventBatch } from '../../../src/core/event/batch.ts';
import { KIND_GAP } from '../../../src/core/event/record.ts';
import { segmentName } from '../../../src/core/journal/directory.ts';
import { FRAME_EVENTS, FRAME_HEADER_BYTES, FRAME_IMAGE } from '../../../src/core/journal/frame.ts';
import type { EventObserver } from '../../../src/core/pipeline/books.ts';
import { type RunResult, run } from '../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { type BuiltJournal, buildJournal } from '../../world/journals.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-journal-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Read {
  readonly result: RunResult;
  readonly told: readonly string[];
  /** What the books are: hash, and which of them are stale. */
  readonly books: readonly object[];
}

async function read(path: string, wanted: Partial<RunOptions> = {}): Promise<Read> {
  const told: string[] = [];
  const result = await run(runOptions([path], { tell: (text) => told.push(text), ...wanted }));
  return { result, told, books: booksOf(result) };
}

function booksOf({ books }: RunResult): object[] {
  return books.markets.map((market) => ({
    ...stateHash(market),
    stale: [...market.stale.subarray(0, market.books)].join(''),
  }));
}

function countsOf({ books, counts }: RunResult): object {
  return {
    messages: counts.messages,
    events: books.markets.map(({ events }) => [...events]),
    tally: books.markets.map(({ tally }) => [...tally]),
  };
}

/** A frame of a segment: its type, where it begins, and bytes of its payload. */
interface Frame {
  readonly type: number;
  readonly offset: number;
  readonly payload: number;
}

function framesOf(path: string): Frame[] {
  const bytes = readFileSync(path);
  const frames: Frame[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const payload = bytes.readUInt32LE(offset + 8);
    frames.push({ type: bytes[offset + 16]!, offset, payload });
    offset += FRAME_HEADER_BYTES + payload;
  }
  return frames;
}

function turnByte(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 0x40;
  writeFileSync(path, bytes);
}

class Gaps implements EventObserver {
  gaps = 0;
  before(batch: EventBatch, at: number): void {
    if ((batch.words[at]! & 255) === KIND_GAP) this.gaps += 1;
  }
}

const input = join(folder, 'session.pcap');
let journal: BuiltJournal;
let direct: Read;
let copies = 0;

beforeAll(async () => {
  writeFileSync(input, play({ seed: 11, profile: { messages: 2000, instruments: 4, ordersLive: 120 } }).a);
  journal = await buildJournal(join(folder, 'journal'), [input], { segmentEvents: 300, frameBytes: 4096 });
  direct = await read(input);
  expect(journal.firstEvents.length).toBeGreaterThan(5);
});

/** A copy of the journal that a test may harm. */
function copyOf(from: string = journal.directory): string {
  copies += 1;
  const directory = join(folder, `copy${copies}`);
  cpSync(from, directory, { recursive: true });
  return directory;
}

const segment = (directory: string, number: number): string => join(directory, segmentName(number));

describe('a journal', () => {
  it.each(['itch', 'eobi', 'fast-like'] as const)('of %s is read as what it was made of', async (feed) => {
    const path = join(folder, `${feed}.pcap`);
    writeFileSync(path, play({ feed, seed: 5, profile: { messages: 1200 } }).a);
    const options = feed === 'fast-like' ? { feedName: 'fast-like' } : {};
    const { directory } = await buildJournal(join(folder, feed), [path], { segmentEvents: 150, options });
    const [there, here] = [await read(path, options), await read(directory)];
    expect(here.books).toEqual(there.books);
    // Messages without events leave nothing in a journal.
    const { messages } = here.result.counts;
    expect(countsOf(here.result)).toEqual({ ...countsOf(there.result), messages });
    expect(here).toMatchObject({ told: [], result: { damage: [], framing: 'journal' } });
    expect(here.result.inputs[0]).toMatchObject({
      path: directory,
      format: 'journal',
      truncated: false,
      skipped: new Map(),
    });
  });

  it('with losses has the same gaps and stale books', async () => {
    const path = join(folder, 'lossy.pcap');
    const profile = { messages: 1500, instruments: 3 };
    writeFileSync(path, play({ seed: 9, profile, a: { loss: 0.01 } }).a);
    const { directory } = await buildJournal(join(folder, 'lossy'), [path], { segmentEvents: 200 });
    const [there, here] = [await read(path), await read(directory)];
    expect(here.books).toEqual(there.books);
    const newest = await read(directory, { seeks: true });
    expect(newest.books).toEqual(there.books);
  });

  it('is as long as its segments, and has the times of its events', async () => {
    const { result } = await read(journal.directory);
    const bytes = journal.bytes.reduce((sum, each) => sum + each, 0);
    expect(result.inputs).toMatchObject([{ bytes, firstTime: direct.result.inputs[0]!.firstTime }]);
  });

  it('can be asked for a part, as any input', async () => {
    const { firstTime, lastTime } = direct.result.inputs[0]!;
    const middle = (firstTime! + lastTime!) / 2n;
    const name = direct.result.books.dictionary.books[1]!.symbol;
    for (const wanted of [
      { from: middle },
      { until: middle },
      { messagesMax: 777 },
      { books: ({ symbol }) => symbol === name },
      { from: middle, seeks: true },
      { until: middle, seeks: true },
      { messagesMax: 777, seeks: true },
    ] satisfies Partial<RunOptions>[]) {
      const events = join(folder, 'session.mdxj');
      writeFileSync(events, readFileSync(segment(await oneSegment(), 1)));
      const [there, here] = [await read(events, wanted), await read(journal.directory, wanted)];
      expect(here.books).toEqual(there.books);
      expect(countsOf(here.result)).toEqual(countsOf(there.result));
    }
  });

  it('whose first segments were removed begins with the books as they were', async () => {
    const directory = copyOf();
    for (const number of [1, 2]) rmSync(segment(directory, number));
    const { books, told, result } = await read(directory);
    expect(books).toEqual(direct.books);
    expect({ told, damage: result.damage }).toEqual({ told: [], damage: [] });
    expect(result.inputs[0]!.image).toMatchObject({ event: journal.firstEvents[2]! - 1 });
    const time = result.inputs[0]!.firstTime! - 1n;
    const before = await read(directory, {
      seeks: true,
      stopAt: { kind: 'time', high: Number(time >> 32n), low: Number(BigInt.asIntN(32, time)) },
    });
    // What the books were in front of its first image it does not know.
    expect(before.result.books.markets.every(({ orders }) => orders.live === 0)).toBe(true);
  });

  it('goes on over a change of its epoch', async () => {
    const plan = { segmentEvents: 300, epoch: (number: number) => ({ high: 1, low: number < 3 ? 5 : 6 }) };
    const { directory } = await buildJournal(join(folder, 'epochs'), [input], plan);
    const { books, told, result } = await read(directory);
    expect({ books, told, damage: result.damage }).toEqual({ books: direct.books, told: [], damage: [] });
    expect(countsOf(result)).toEqual(countsOf(direct.result));
  });

  it('is not a capture, and is not read beside one', async () => {
    await expect(run(runOptions([input, journal.directory]))).rejects.toThrow('it is a message file, and');
    await expect(run(runOptions([journal.directory, input]))).rejects.toThrow('it is a capture, and');
  });

  it('is a directory with segments; any other is refused', async () => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    await expect(run(runOptions([empty]))).rejects.toMatchObject({ code: 'input-directory' });
  });
});

let whole: string | null = null;

/** The same events in one segment. */
async function oneSegment(): Promise<string> {
  whole ??= (await buildJournal(join(folder, 'one'), [input], { segmentEvents: 1e9 })).directory;
  return whole;
}

describe('the newest image of a journal', () => {
  it('is enough for the books at its end', async () => {
    const { books, result } = await read(journal.directory, { seeks: true });
    expect(books).toEqual(direct.books);
    const last = journal.firstEvents.at(-1)!;
    expect(result.inputs[0]!.image).toMatchObject({ event: last - 1 });
    expect(result.counts.messages).toBe(journal.events - last + 1);
    expect(result.inputs[0]!.bytes).toBe(journal.bytes.at(-1));
  });

  it.each([0, 1, 2])('that is damaged (its frame %i) is not used, the one before is', async (which) => {
    const directory = copyOf();
    const number = journal.bytes.length;
    const path = segment(directory, number);
    const image = framesOf(path).filter(({ type }) => type === FRAME_IMAGE)[which]!;
    turnByte(path, image.offset + FRAME_HEADER_BYTES + 3);
    const { books, told, result } = await read(directory, { seeks: true });
    expect(books).toEqual(direct.books);
    expect(told).toEqual([
      `${directory}: ${segmentName(number)} has no image that books can be built from; the one before is used`,
    ]);
    expect(result.damage).toMatchObject([{ path, offset: image.offset }]);
    expect(result.inputs[0]!.image).toMatchObject({ event: journal.firstEvents.at(-2)! - 1 });
  });

  it('is looked for further back where two are damaged', async () => {
    const directory = copyOf();
    const number = journal.bytes.length;
    for (const each of [number, number - 1]) {
      const path = segment(directory, each);
      turnByte(path, framesOf(path).find(({ type }) => type === FRAME_IMAGE)!.offset);
    }
    const { books, told, result } = await read(directory, { seeks: true });
    expect(books).toEqual(direct.books);
    expect(told).toHaveLength(2);
    expect(result.damage).toHaveLength(2);
  });
});

describe('a journal that is damaged', () => {
  it('in an image that is not needed only says so', async () => {
    const directory = copyOf();
    const path = segment(directory, 3);
    const image = framesOf(path).find(({ type }) => type === FRAME_IMAGE)!;
    turnByte(path, image.offset + 20);
    const { books, told, result } = await read(directory);
    expect({ books, told }).toEqual({ books: direct.books, told: [] });
    expect(countsOf(result)).toEqual(countsOf(direct.result));
    expect(result.damage).toMatchObject([{ path, offset: image.offset }]);
  });

  it('in its events goes on with the next image, behind a gap', async () => {
    const directory = copyOf();
    const path = segment(directory, 3);
    const events = framesOf(path).filter(({ type }) => type === FRAME_EVENTS)[1]!;
    turnByte(path, events.offset + FRAME_HEADER_BYTES + 100);
    const gaps = new Gaps();
    const { books, told, result } = await read(directory, { observers: [gaps] });
    expect(books).toEqual(direct.books);
    expect(gaps.gaps).toBe(1);
    const lost = result.inputs[0]!.skipped.get('lostEvents')!;
    expect(told).toEqual([
      `${directory}: ${lost} events in front of event ${journal.firstEvents[3]} are missing`,
    ]);
    expect(result.damage).toMatchObject([{ path, offset: events.offset }]);
    const { events: kinds } = result.books.markets[0]!;
    expect(kinds.reduce((sum, count) => sum + count, 0)).toBe(journal.events - lost + 1);
  });

  it('in its events is not written on as events: they do not lead to the image behind', async () => {
    const directory = copyOf();
    const path = segment(directory, 3);
    const events = framesOf(path).filter(({ type }) => type === FRAME_EVENTS)[1]!;
    turnByte(path, events.offset + FRAME_HEADER_BYTES + 100);
    const record = { isUnbroken: true, records: () => {} };
    await expect(read(directory, { observers: [record] })).rejects.toMatchObject({
      code: 'input-damaged',
      message: expect.stringContaining(`${path}: damaged at byte ${events.offset}`),
    });
  });

  it('in the events of its last segment ends there', async () => {
    const directory = copyOf();
    const number = journal.bytes.length;
    const path = segment(directory, number);
    const events = framesOf(path).filter(({ type }) => type === FRAME_EVENTS)[1]!;
    turnByte(path, events.offset + FRAME_HEADER_BYTES + 100);
    const { told, result } = await read(directory);
    expect({ told, damage: result.damage }).toMatchObject({
      told: [],
      damage: [{ path, offset: events.offset }],
    });
  });

  it('by a segment that is missing, swapped or of another journal goes on with the next image', async () => {
    const another = join(folder, 'another.pcap');
    writeFileSync(another, play({ seed: 12, profile: { messages: 2000 } }).a);
    const other = await buildJournal(join(folder, 'other'), [another], { segmentEvents: 300 });
    const breaks = 'it was not written behind the segment in front of it';
    const missing = copyOf();
    rmSync(segment(missing, 3));
    const swapped = copyOf();
    copyFileSync(segment(journal.directory, 3), segment(swapped, 4));
    copyFileSync(segment(journal.directory, 4), segment(swapped, 3));
    const spliced = copyOf();
    copyFileSync(segment(other.directory, 3), segment(spliced, 3));
    for (const [directory, problems] of [
      [missing, ['it is missing']],
      [swapped, ['it holds segment 4', 'it holds segment 3']],
      [spliced, [breaks, breaks]],
    ] as const) {
      const { books, result } = await read(directory);
      expect(books).toEqual(direct.books);
      expect(result.damage.map(({ problem }) => problem)).toEqual(problems);
    }
  });

  it('without its last segment says what was promised', async () => {
    const directory = copyOf();
    const number = journal.bytes.length;
    rmSync(segment(directory, number));
    const { result } = await read(directory);
    expect(result.damage).toEqual([
      {
        path: segment(directory, number - 1),
        offset: 0,
        problem: `events ${journal.firstEvents.at(-1)} to ${journal.events} were durable, and are missing`,
      },
    ]);
  });

  it('has no orders of before where nothing behind a loss can be used', async () => {
    const directory = copyOf();
    rmSync(segment(directory, 2));
    const { books } = await read(directory, { from: 1n });
    expect(books).not.toEqual(direct.books);
    expect(books.every((book) => !(book as { stale: string }).stale.includes('0'))).toBe(true);
  });
});

describe('the end of a journal', () => {
  it('that is torn is left out, and said', async () => {
    const open = await buildJournal(join(folder, 'open'), [input], {
      segmentEvents: 300,
      frameBytes: 4096,
      leavesOpen: true,
    });
    const number = open.bytes.length;
    const frames = framesOf(segment(open.directory, number)).filter(({ type }) => type === FRAME_EVENTS);
    const { told: whole } = await read(open.directory);
    expect(whole).toEqual([
      `${open.directory}: its last segment is not closed: it is being written, or its writer did not end in order`,
    ]);
    const directory = copyOf(open.directory);
    // What was not promised may be torn.
    rmSync(join(directory, 'durable'));
    const last = frames.at(-1)!;
    truncateSync(segment(directory, number), last.offset + 100);
    const { told, result } = await read(directory);
    const torn = result.inputs[0]!.skipped.get('tornBytes')!;
    // Zeros at the end count as absent.
    expect([100, 99, 98, 97, 96]).toContain(torn);
    expect({ told, damage: result.damage }).toEqual({
      told: [
        `${directory}: its last ${torn} bytes are not whole: they were being written and were never promised`,
      ],
      damage: [],
    });
    // A promise makes it damage.
    copyFileSync(join(open.directory, 'durable'), join(directory, 'durable'));
    expect((await read(directory)).result.damage).toMatchObject([{ offset: last.offset }]);
  });

  it('that is torn in its image is as if the segment had not begun', async () => {
    const directory = copyOf();
    const number = journal.bytes.length;
    rmSync(join(directory, 'durable'));
    const path = segment(directory, number);
    const image = framesOf(path).find(({ type }) => type === FRAME_IMAGE)!;
    truncateSync(path, image.offset + 10);
    const without = copyOf();
    rmSync(join(without, 'durable'));
    rmSync(segment(without, number));
    const { books } = await read(without);
    for (const seeks of [false, true]) {
      const torn = await read(directory, { seeks });
      expect(torn.books).toEqual(books);
      expect(torn.result.damage).toEqual([]);
    }
  });
});
