import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeEventStream } from '../../../src/core/bench/event-stream.ts';
import { Random } from '../../../src/core/binary/random.ts';
import { Market } from '../../../src/core/book/market.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { RECORD_WORDS } from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import type { JournalBooks } from '../../../src/core/journal/book-standing.ts';
import { segmentFiles } from '../../../src/core/journal/directory.ts';
import type { Disk } from '../../../src/core/journal/disk.ts';
import { ImageTaker } from '../../../src/core/journal/image-taker.ts';
import { JournalConsumer } from '../../../src/core/journal/journal-consumer.ts';
import { JournalControl } from '../../../src/core/journal/journal-control.ts';
import type { JournalWord } from '../../../src/core/journal/journal-plan.ts';
import { JournalRing, RING_EVENTS } from '../../../src/core/journal/journal-ring.ts';
import { type JournalOptions, JournalWriter } from '../../../src/core/journal/journal-writer.ts';
import { NODE_DISK } from '../../../src/core/journal/node-disk.ts';
import { openSegmentBytes } from '../../../src/core/journal/segment-bytes.ts';
import { type JournalLink, ThreadedJournal } from '../../../src/core/journal/threaded-journal.ts';
import { verify } from '../../../src/core/journal/verify.ts';
import { ThreadCpu } from '../../../src/core/observe/thread-cpu.ts';
import { FaultingDisk } from '../../world/faulting-disk.ts';
import { concat, dictionaryOf, readBack } from './streams.ts';

const RULES: BookRules = {
  idScope: 'book',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};
const ABOUT = { timeBase: 'utc', sources: [{ feed: 'itch-5.0', name: 'itch-5.0' }] } as const;
const EPOCH_AT = 40;

const { fill, steady } = makeEventStream({
  instruments: 3,
  live: 300,
  seed: 9,
  shape: 'touch',
  changes: 'modify',
  events: 6000,
});
const batches = [...fill, ...steady];

function optionsOn(disk: Disk, changes: Partial<JournalOptions> = {}): JournalOptions {
  return {
    disk,
    directory: 'd/j',
    version: '1.2.3',
    bootId: 'b'.repeat(32),
    wallTime: () => 5n,
    now: () => 0,
    fsync: { kind: 'batch' },
    commitMs: 1e9,
    segmentBytes: 1e9,
    segmentEvents: 2000,
    keepBytes: null,
    keepNs: null,
    compress: false,
    minFreeBytes: 0,
    tell: () => {},
    ...changes,
  };
}

/** What a journal is written to, whichever it is. */
type Journal = Pick<JournalWriter, 'begin' | 'append' | 'tick' | 'close' | 'failure'>;

/** @param slices an image is taken while events go on, by this. */
function booksOf(market: Market, slices?: JournalBooks['slices']): JournalBooks {
  const channel = {
    channel: 0,
    session: 'S',
    nextTransport: 7,
    lastSequence: 0,
    lastEvents: 0,
    isLost: false,
  };
  return {
    markets: [market],
    dictionary: market.dictionary,
    places: () => ({ busCursor: 0, channels: [channel] }),
    ...(slices === undefined ? {} : { slices }),
  };
}

/** Writes the stream in pieces of these sizes; a segment may begin behind each. */
function writeAll(
  journal: Journal,
  sizes: readonly number[],
  after: (piece: number) => void = () => {},
  isSliced = false,
): Market {
  const market = new Market(RULES, dictionaryOf(4));
  let taker = null as ImageTaker | null;
  const slices: JournalBooks['slices'] = {
    perChannel: false,
    taker(sink) {
      taker = new ImageTaker(market.dictionary, sink);
      return taker;
    },
  };
  journal.begin(ABOUT, booksOf(market, isSliced ? slices : undefined));
  let piece = 0;
  for (const [index, batch] of batches.entries()) {
    if (index === 2) market.dictionary.add({ ...market.dictionary.books[0]!, instrument: 77n });
    if (index === 3) market.dictionary.name(3, 'LATE');
    for (let from = 0; from < batch.count; piece += 1) {
      const to = Math.min(batch.count, from + (sizes[piece % sizes.length] ?? batch.count));
      journal.append(batch, from, to);
      apply(market, taker, partOf(batch, from, to));
      journal.tick();
      after(piece);
      from = to;
    }
  }
  journal.close();
  return market;
}

function apply(market: Market, taker: ImageTaker | null, batch: EventBatch): void {
  for (let from = 0; from < batch.count; ) {
    const to = taker === null ? batch.count : taker.before(batch, from, batch.count, 0);
    market.apply(batch, from, to);
    from = to;
  }
}

function partOf(batch: EventBatch, from: number, to: number): EventBatch {
  const part = new EventBatch(to - from);
  part.words.set(batch.words.subarray(from * RECORD_WORDS, to * RECORD_WORDS));
  part.count = to - from;
  return part;
}

/** The frames of all segments, without the epoch, which is another one each time, and what it changes. */
function framesOn(disk: Disk, directory: string): string[] {
  const frames: string[] = [];
  for (const file of segmentFiles(disk.list(directory))) {
    const segment = openSegmentBytes(disk, directory, file);
    const bytes = new Uint8Array(segment.bytes);
    segment.read(bytes, 0);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; ) {
      const end = at + 64 + view.getUint32(at + 8, true);
      // Neither its sum nor how far the disk was.
      bytes.fill(0, at + 4, at + 8);
      bytes.fill(0, at + EPOCH_AT, at + 56);
      frames.push(Buffer.from(bytes.subarray(at, end)).toString('latin1'));
      at = end;
    }
  }
  return frames;
}

/** Both ends on one thread: the consumer has its turn where the producer waits, and when a test says so. */
class OneThread implements JournalLink {
  readonly ring: JournalRing;
  readonly control: JournalControl = new JournalControl();
  readonly cpuTime: ThreadCpu = new ThreadCpu();
  readonly consumer: JournalConsumer;
  readonly journal: ThreadedJournal;
  readonly #words: JournalWord[] = [];
  waits = 0;

  constructor(options: JournalOptions, slots: number) {
    this.ring = new JournalRing(slots);
    const writer = JournalWriter.open(options);
    const consumerRing = new JournalRing(slots, this.ring.memory);
    this.consumer = new JournalConsumer(consumerRing, this.control, writer, (word) => {
      this.#words.push(word);
      this.control.say();
    });
    this.journal = new ThreadedJournal(this, writer.found, options.directory, () => {});
  }

  words(): JournalWord[] {
    return this.#words.splice(0);
  }

  waitForRoom(): void {
    this.waits += 1;
    this.consumer.turn();
  }

  waitForState(): void {
    this.consumer.turn();
  }
}

const disks = (): FaultingDisk => new FaultingDisk(new Random(1));

describe('the ring', () => {
  test('hands over what was put, in order, whatever the sizes and however often it is full', () => {
    const message = fc.record({ records: fc.integer({ min: 0, max: 16 }), bytes: fc.nat(640) });
    void fc.assert(
      fc.property(fc.array(message, { maxLength: 80 }), fc.infiniteStream(fc.nat(3)), (messages, turns) => {
        const ring = new JournalRing(64);
        const reader = new JournalRing(64, ring.memory);
        const got: string[] = [];
        const take = (): boolean => {
          const kind = reader.next();
          if (kind === 0) return false;
          const { batch, from, to, bytes } = reader;
          if (kind === RING_EVENTS) {
            const words = batch.words.slice(from * RECORD_WORDS, to * RECORD_WORDS);
            got.push([batch.channel, batch.sequenceBase, batch.venueBaseHigh, ...words].join());
          } else got.push(`${kind} ${bytes.join()}`);
          reader.giveBack();
          return true;
        };
        const put: string[] = [];
        for (const [index, { records, bytes }] of messages.entries()) {
          const batch = new EventBatch(20);
          batch.words.forEach((_, at) => {
            batch.words[at] = index * 1000 + at;
          });
          batch.channel = index;
          batch.sequenceBase = 2 ** 52 + index;
          batch.venueBaseHigh = -index;
          const raw = Uint8Array.from({ length: bytes }, (_, at) => index + at);
          if (index % 2 === 0) {
            while (!ring.putEvents(batch, 3, 3 + records)) expect(take()).toBe(true);
            const words = batch.words.slice(30, 30 + records * RECORD_WORDS);
            put.push([index, batch.sequenceBase, -index, ...words].join());
          } else {
            while (!ring.putBytes(9, raw)) expect(take()).toBe(true);
            put.push(`9 ${raw.join()}`);
          }
          for (let left = turns.next().value; left > 0; left -= 1) take();
        }
        while (take());
        expect(got).toEqual(put);
        expect(ring.used).toBe(0);
      }),
    );
  });
});

describe('a journal written through a ring', () => {
  test('has the frames of one that is written at once, also where the ring is full all the time', () => {
    const direct = disks();
    const market = writeAll(JournalWriter.open(optionsOn(direct)), [1000]);
    const expected = framesOn(direct, 'd/j');
    for (const slots of [4096, 16_384]) {
      const disk = disks();
      const link = new OneThread(optionsOn(disk), slots);
      // The thread is as far as it is told to be, so that segments begin at the same events.
      const other = writeAll(link.journal, [1000], () => {
        while (link.consumer.turn());
        link.journal.tick();
      });
      expect(stateHash(other)).toEqual(stateHash(market));
      expect(framesOn(disk, 'd/j')).toEqual(expected);
    }
  });

  test('stands on images that are taken in slices, with events in between', async () => {
    const disk = disks();
    const link = new OneThread(optionsOn(disk), 8192);
    const { now } = performance;
    let looks = 0;
    // A clock on which a slice is over as soon as it has begun.
    performance.now = () => {
      looks += 1;
      return looks;
    };
    let isLate = 0;
    const after = (piece: number): void => {
      if (piece % 3 === 0) while (link.consumer.turn());
      if (link.journal.isTakingImage) isLate += 1;
    };
    const market = ((): Market => {
      try {
        return writeAll(link.journal, [200, 20, 20, 20, 100], after, true);
      } finally {
        performance.now = now;
      }
    })();
    expect(link.journal.failure).toBeNull();
    expect(isLate).toBeGreaterThan(3);
    const verified = await verify({
      disk,
      path: 'd/j',
      isDirectory: true,
      isLive: false,
      bootId: '',
      rulesOf: () => RULES,
      jobs: 1,
      progress: () => {},
      stop: () => false,
    });
    expect(verified!.segments.length).toBeGreaterThan(2);
    expect(verified!.judgement).toMatchObject({ damage: [], failed: [], tornTail: null });
    expect(link.journal.written).toBe(batches.reduce((sum, { count }) => sum + count, 0));
    expect(market.orders.live).toBeGreaterThan(0);
  });

  test('has all events, and books that are told as they were known, whenever the thread has its turn', () => {
    void fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
        (sizes, turns) => {
          const disk = disks();
          const link = new OneThread(optionsOn(disk), 4096);
          const market = writeAll(link.journal, sizes, (piece) => {
            for (let left = turns[piece % turns.length]!; left > 0; left -= 1) link.consumer.turn();
          });
          expect(link.journal.failure).toBeNull();
          const segments = segmentFiles(disk.list('d/j')).map((file) => {
            const segment = openSegmentBytes(disk, 'd/j', file);
            const bytes = new Uint8Array(segment.bytes);
            segment.read(bytes, 0);
            return bytes;
          });
          const back = readBack(concat(segments));
          expect(back.problem).toBeNull();
          expect(back.closed).toBe(true);
          expect(back.lost.every((lost) => lost === 0)).toBe(true);
          expect(back.events.length).toBe(link.journal.written);
          expect(back.dictionary.books).toEqual(market.dictionary.books);
          expect(link.journal.durable).toBe(link.journal.written);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('lets nobody be faster than the disk: a full ring is waited for, and counted', () => {
    const link = new OneThread(optionsOn(disks()), 4096);
    writeAll(link.journal, [1000]);
    expect(link.waits).toBeGreaterThan(0);
    expect(link.journal.stalls).toBeGreaterThan(0);
    expect(link.journal.written).toBe(batches.reduce((sum, { count }) => sum + count, 0));
  });

  test('says that the disk failed, promises no more, and takes what still comes', () => {
    const disk = disks();
    const link = new OneThread(optionsOn(disk, { commitMs: 0 }), 4096);
    let durable = -1;
    writeAll(link.journal, [500], (piece) => {
      if (piece === 4) {
        link.consumer.turn();
        durable = link.journal.durable;
        disk.failureOf = ({ kind }) => (kind === 'sync' ? 'EIO' : null);
      }
      if (piece === 8) {
        while (link.consumer.turn());
        expect(link.journal.failure).toMatchObject({ code: 'journal-failed' });
      }
    });
    expect(durable).toBeGreaterThan(0);
    expect(link.journal.durable).toBe(durable);
    expect(link.journal.failure?.message).toContain('EIO');
  });
});

describe('the thread of a journal', () => {
  const plain = (directory: string): Parameters<typeof ThreadedJournal.open>[0] => {
    const {
      disk: _,
      wallTime: __,
      now: ___,
      tell: ____,
      ...options
    } = optionsOn(NODE_DISK, {
      directory,
      commitMs: 5,
    });
    return options;
  };

  test('writes what the events say, and gives the directory back', async () => {
    const root = mkdtempSync(join(tmpdir(), 'mdx-thread-'));
    try {
      const directory = join(root, 'j');
      const journal = await ThreadedJournal.open(plain(directory), 'refuse', () => {}, 8192);
      const market = writeAll(journal, [512]);
      expect(journal.failure).toBeNull();
      const all = batches.reduce((sum, { count }) => sum + count, 0);
      expect([journal.written, journal.durable]).toEqual([all, all]);
      expect(readdirSync(directory)).not.toContain('lock');
      const again = JournalWriter.open(optionsOn(NODE_DISK, { directory }));
      expect(again.found).toMatchObject({ lastEvent: all, isNewEpoch: false, trimmed: null });
      expect(again.found.epoch).toEqual(journal.found.epoch);
      again.close();
      expect(market.orders.live).toBeGreaterThan(0);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('says why a journal cannot be opened', async () => {
    const root = mkdtempSync(join(tmpdir(), 'mdx-thread-'));
    try {
      const directory = join(root, 'j');
      const first = JournalWriter.open(optionsOn(NODE_DISK, { directory }));
      await expect(ThreadedJournal.open(plain(directory), 'resume', () => {}, 8192)).rejects.toMatchObject({
        code: 'journal-busy',
      });
      first.abandon();
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('leaves a prefix behind when its process is killed', async () => {
    const root = mkdtempSync(join(tmpdir(), 'mdx-thread-'));
    try {
      const directory = join(root, 'j');
      const child: ChildProcess = fork(new URL('../../world/threaded-writer.ts', import.meta.url), [
        directory,
      ]);
      const durable = await new Promise<number>((resolve) => {
        child.on('message', (event) => {
          if ((event as number) < 50_000) return;
          child.kill('SIGKILL');
          resolve(event as number);
        });
      });
      await new Promise((resolve) => child.once('exit', resolve));
      const writer = JournalWriter.open(optionsOn(NODE_DISK, { directory, bootId: '' }));
      expect(writer.found.lastEvent).toBeGreaterThanOrEqual(durable);
      writer.abandon();
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
