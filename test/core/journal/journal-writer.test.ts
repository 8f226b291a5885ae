import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/binary/random.ts';
import { Market } from '../../../src/core/book/market.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { KIND_ADD } from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import {
  DURABLE_BYTES,
  type DurableRecord,
  indexName,
  readDurable,
  segmentFiles,
} from '../../../src/core/journal/directory.ts';
import { FRAME_CHECKPOINT, FRAME_CLOSE, FRAME_HEADER_BYTES } from '../../../src/core/journal/frame.ts';
import { FRAME_END } from '../../../src/core/journal/frame-reader.ts';
import { readCheckpoint, readClose } from '../../../src/core/journal/image-payload.ts';
import { buildIndex } from '../../../src/core/journal/index-builder.ts';
import {
  type ExistingJournal,
  type JournalOptions,
  JournalWriter,
} from '../../../src/core/journal/journal-writer.ts';
import { openSegmentBytes } from '../../../src/core/journal/segment-bytes.ts';
import { isIndexOf, readIndex } from '../../../src/core/journal/segment-index.ts';
import { scanSegment } from '../../../src/core/journal/segment-scan.ts';
import { FaultingDisk } from '../../world/faulting-disk.ts';
import { batchOf, concat, dictionaryOf, type Event, readBack } from './streams.ts';

const RULES: BookRules = {
  idScope: 'book',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};
const BOOT = 'b'.repeat(32);
const ABOUT = { timeBase: 'utc', sources: [{ feed: 'itch-5.0', name: 'itch-5.0' }] } as const;

const add = (sequence: number): Event => ({
  channel: 0,
  kind: KIND_ADD,
  flags: 1,
  book: 0,
  sequence,
  venue: 1_700_000_000_000_000_000n + BigInt(sequence),
  receive: 1_700_000_000_000_000_100n + BigInt(sequence),
  body: [sequence, 0, 100 - (sequence % 9), 0, sequence, 0],
  second: null,
});

/** A writer with books of its own, on a disk in memory, and with a clock that is set. */
class World {
  disk: FaultingDisk;
  clock = 0;
  readonly told: string[] = [];
  readonly market: Market = new Market(RULES, dictionaryOf(3));
  options: JournalOptions;

  constructor(options: Partial<JournalOptions> = {}) {
    this.disk = new FaultingDisk(new Random(3));
    this.options = {
      disk: this.disk,
      directory: 'd/j',
      version: '1.2.3',
      bootId: BOOT,
      wallTime: () => 5n,
      now: () => this.clock,
      fsync: { kind: 'batch' },
      commitMs: 10,
      segmentBytes: 1e9,
      segmentEvents: 1e9,
      keepBytes: null,
      keepNs: null,
      compress: false,
      minFreeBytes: 0,
      tell: (text) => this.told.push(text),
      ...options,
    };
  }

  open(existing?: ExistingJournal): JournalWriter {
    const writer = JournalWriter.open({ ...this.options, disk: this.disk }, existing);
    return writer;
  }

  begun(): JournalWriter {
    const writer = this.open();
    this.begin(writer);
    return writer;
  }

  begin(writer: JournalWriter): void {
    const { market } = this;
    const place = {
      channel: 0,
      session: 'S',
      nextTransport: 77,
      lastSequence: 0,
      lastEvents: 0,
      isLost: false,
    };
    writer.begin(ABOUT, {
      markets: [market],
      dictionary: market.dictionary,
      places: () => ({ busCursor: 0, channels: [place] }),
    });
  }

  /** Appends and applies the events with these numbers. */
  append(writer: JournalWriter, from: number, to: number): void {
    for (let sequence = from; sequence <= to; sequence += 1) {
      const batch = batchOf(add(sequence));
      writer.append(batch, 0, 1);
      this.market.apply(batch);
    }
  }

  bytes(name: string): Uint8Array {
    const file = this.disk.open(join('d/j', name), 'read');
    const bytes = new Uint8Array(file.bytes);
    file.read(bytes, 0);
    return bytes;
  }

  /** What is in the directory; indexes come and go without changing anything. */
  get names(): string[] {
    return this.disk.list('d/j').filter((name) => !name.endsWith('.idx'));
  }

  /** All segments one behind the other, as whoever reads them has them. */
  get all(): Uint8Array {
    return concat(segmentFiles(this.names).map(({ name }) => this.bytes(name)));
  }

  get durable(): DurableRecord | null {
    const bytes = this.bytes('durable');
    expect(bytes).toHaveLength(DURABLE_BYTES);
    return readDurable(new DataView(bytes.buffer));
  }

  scan(number: number): ReturnType<typeof scanSegment> {
    const file = segmentFiles(this.names).find((each) => each.number === number)!;
    return scanSegment(openSegmentBytes(this.disk, 'd/j', file));
  }

  /** Cuts the end of a file off, as if it had not been written. */
  cut(name: string, bytes: number): void {
    const file = this.disk.open(join('d/j', name), 'modify');
    file.truncate(bytes);
    file.close();
  }

  sequences(): number[] {
    const back = readBack(this.all);
    expect(back.lost.every((lost) => lost === 0)).toBe(true);
    return back.events.map(({ sequence }) => sequence);
  }
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

/** A journal of 20 events whose writer went away without closing it. */
function left(options: Partial<JournalOptions> = {}): World {
  const world = new World(options);
  const writer = world.begun();
  world.append(writer, 1, 20);
  writer.commit();
  writer.abandon();
  return world;
}

describe('a journal', () => {
  it('compresses the segments that are closed, and goes on behind them', () => {
    const world = new World({ compress: true });
    const writer = world.begun();
    world.append(writer, 1, 10);
    writer.roll();
    world.append(writer, 11, 20);
    expect(world.names).toContain('00000001.mdxj');
    while (writer.work());
    expect(world.names).toEqual(['00000001.mdxj.zst', '00000002.mdxj', 'durable', 'lock']);
    writer.close();
    expect(world.names).toEqual(['00000001.mdxj.zst', '00000002.mdxj.zst', 'durable']);
    const again = world.begun();
    world.append(again, 21, 25);
    again.abandon();
    expect(world.names).toEqual(['00000001.mdxj.zst', '00000002.mdxj.zst', '00000003.mdxj', 'durable']);
    expect([1, 2, 3].map((number) => world.scan(number).firstEvent)).toEqual([1, 11, 21]);
    expect(world.told).toEqual([]);
  });

  it('leaves a segment plain that cannot be compressed, and says so', () => {
    const world = new World({ compress: true });
    const writer = world.begun();
    world.append(writer, 1, 10);
    world.disk.failureOf = ({ kind, path }) =>
      kind === 'append' && path.endsWith('.part') ? 'ENOSPC' : null;
    writer.close();
    expect(writer.failure).toBeNull();
    expect(world.names).toEqual(['00000001.mdxj', 'durable']);
    expect(world.told).toEqual([expect.stringMatching(/^a closed segment is not compressed: ENOSPC/)]);
  });

  it('goes on over its segments, which stand on images and end with what they sum up to', () => {
    const world = new World();
    const writer = world.begun();
    world.append(writer, 1, 10);
    writer.roll();
    world.append(writer, 11, 25);
    writer.commit();
    world.append(writer, 26, 30);
    writer.roll();
    writer.close();
    expect(world.names).toEqual(['00000001.mdxj', '00000002.mdxj', '00000003.mdxj', 'durable']);
    expect(world.sequences()).toEqual(upTo(30));
    expect(readBack(world.all)).toMatchObject({ answer: FRAME_END, closed: true, problem: null });
    const scans = [1, 2, 3].map((number) => world.scan(number));
    expect(scans.map(({ firstEvent, nextEvent, isClosed }) => [firstEvent, nextEvent, isClosed])).toEqual([
      [1, 11, true],
      [11, 31, true],
      [31, 31, true],
    ]);
    for (const [index, scan] of scans.entries()) {
      const before = scans[index - 1];
      expect(scan.firstFrame).toBe((before?.lastFrame ?? 0) + 1);
      expect(scan.head).toMatchObject({
        lastFrame: BigInt(before?.lastFrame ?? 0),
        lastCrc: before?.lastCrc ?? 0,
        bootId: BOOT,
        version: '1.2.3',
      });
      expect(scan.epoch).toEqual(writer.found.epoch);
    }
    expect(world.durable).toMatchObject({
      event: 30,
      frame: scans[2]!.lastFrame,
      offset: scans[2]!.end,
      segment: 3,
      failed: false,
      epoch: writer.found.epoch,
    });
    expect([writer.written, writer.durable, writer.segments]).toEqual([30, 30, 3]);
  });

  it('says where its channels stand, and what the books are, where a segment ends', () => {
    const world = new World();
    const writer = world.begun();
    world.append(writer, 1, 7);
    writer.close();
    const bytes = world.bytes('00000001.mdxj');
    const view = new DataView(bytes.buffer);
    const said = new Map<number, unknown>();
    for (let at = 0; at < bytes.length; ) {
      const payload = view.getUint32(at + 8, true);
      const type = view.getUint8(at + 16);
      if (type === FRAME_CHECKPOINT) said.set(type, readCheckpoint(view, at + FRAME_HEADER_BYTES, payload));
      if (type === FRAME_CLOSE) said.set(type, readClose(view, at + FRAME_HEADER_BYTES, payload));
      at += FRAME_HEADER_BYTES + payload;
    }
    expect(said.get(FRAME_CHECKPOINT)).toEqual({
      nextEvent: 8,
      orders: 7,
      levels: 7,
      channels: [
        { channel: 0, session: 'S', nextTransport: 77, lastSequence: 7, lastEvents: 1, isLost: false },
      ],
    });
    expect(said.get(FRAME_CLOSE)).toEqual({
      lastEvent: 7,
      books: 3,
      sums: [{ source: 0, ...stateHash(world.market) }],
    });
  });

  it('rolls between batches when a segment is full', () => {
    const world = new World({ segmentEvents: 10, segmentBytes: 100_000 });
    const writer = world.begun();
    for (let sequence = 1; sequence <= 35; sequence += 1) {
      world.append(writer, sequence, sequence);
      writer.tick();
    }
    writer.close();
    expect(world.names).toHaveLength(5);
    expect([1, 2, 3, 4].map((number) => world.scan(number).firstEvent)).toEqual([1, 11, 21, 31]);
    expect(world.sequences()).toEqual(upTo(35));
  });

  it('is refused or replaced where one is there, and never in place of other files', () => {
    const world = new World();
    const writer = world.begun();
    world.append(writer, 1, 3);
    writer.roll();
    writer.close();
    const code = (existing: ExistingJournal): unknown => {
      try {
        world.open(existing).abandon();
        return null;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code('refuse')).toBe('output-exists');
    expect(world.names).toHaveLength(3);
    expect(code('replace')).toBeNull();
    expect(world.names).toEqual(['durable']);
    world.disk.remove('d/j/durable');
    world.disk.open('d/j/letter.txt', 'create').close();
    expect(code('replace')).toBe('output-exists');
    expect(world.names).toEqual(['letter.txt']);
  });
});

describe('an index', () => {
  it.each([false, true])(
    'stands beside each closed segment (compressed: %s) and is the one of it',
    (compress) => {
      const world = new World({ compress });
      const writer = world.begun();
      for (const from of [1, 11, 21]) {
        world.append(writer, from, from + 9);
        if (from < 21) writer.roll();
      }
      expect(world.disk.list('d/j').filter((name) => name.endsWith('.idx'))).toHaveLength(2);
      writer.close();
      for (const file of segmentFiles(world.names)) {
        const index = readIndex(new Uint8Array(world.bytes(indexName(file.number))))!;
        const bytes = openSegmentBytes(world.disk, 'd/j', file);
        expect(isIndexOf(index, bytes)).toBe(true);
        expect(index).toEqual(buildIndex(bytes));
        expect(index).toMatchObject({
          nextEvent: file.number * 10 + 1,
          sequences: new Map([[0, file.number * 10]]),
        });
      }
    },
  );

  it('that cannot be written is told of, and the journal goes on', () => {
    const world = new World();
    const writer = world.begun();
    world.disk.failureOf = ({ path }) => (path.endsWith('.idx') ? 'ENOSPC' : null);
    world.append(writer, 1, 10);
    writer.close();
    expect(writer.failure).toBeNull();
    expect(world.told).toEqual([expect.stringMatching(/^the index d\/j\/00000001\.idx is not written: /)]);
  });
});

describe('old segments', () => {
  /** A journal of segments of 10 events that began 100 ns apart, the next one at 1000. */
  function written(options: Partial<JournalOptions>): World {
    let time = 0n;
    const world = new World({ ...options, wallTime: () => time });
    const writer = world.begun();
    for (let segment = 1; segment < 10; segment += 1) {
      world.append(writer, segment * 10 - 9, segment * 10);
      time = BigInt(segment * 100);
      if (segment === 5) world.disk.open('d/j/00000005.idx', 'create').close();
      writer.roll();
    }
    writer.close();
    return world;
  }
  const numbers = (world: World): number[] => segmentFiles(world.names).map(({ number }) => number);

  it('go by their size, but never the newest', () => {
    expect(numbers(written({}))).toHaveLength(10);
    const one = written({ keepBytes: 1 });
    expect(numbers(one)).toEqual([10]);
    expect(one.names).toEqual(['00000010.mdxj', 'durable']);
    const sizes = written({}).bytes('00000009.mdxj').length + written({}).bytes('00000010.mdxj').length;
    // What the newest one is to hold is not known when it begins.
    expect(numbers(written({ keepBytes: sizes }))).toEqual([9, 10]);
  });

  it('go when the last of their events is too old', () => {
    // The last segment begins at 900: what ended by 900 − 250 goes.
    expect(numbers(written({ keepNs: 250 }))).toEqual([7, 8, 9, 10]);
    expect(numbers(written({ keepNs: 0 }))).toEqual([9, 10]);
  });

  it('stay while they are compressed, and go then', () => {
    const world = new World({ keepBytes: 1, compress: true });
    const writer = world.begun();
    world.append(writer, 1, 10);
    writer.roll();
    expect(numbers(world)).toEqual([1, 2]);
    while (writer.work());
    writer.roll();
    expect(numbers(world)).toEqual([2, 3]);
    writer.close();
    expect(world.names).toEqual(['00000002.mdxj.zst', '00000003.mdxj.zst', 'durable']);
  });

  it('stay where the new one could not be made to last', () => {
    const world = new World({ keepBytes: 1 });
    const writer = world.begun();
    world.append(writer, 1, 10);
    world.disk.failureOf = ({ kind, path }) => (kind === 'sync' && path.endsWith('2.mdxj') ? 'EIO' : null);
    writer.roll();
    world.disk.failureOf = () => null;
    expect(writer.failure).not.toBeNull();
    expect(numbers(world)).toEqual([1, 2]);
  });
});

describe('what is promised', () => {
  const positions = (fsync: JournalOptions['fsync']): number[][] => {
    const world = new World({ fsync });
    const writer = world.begun();
    const seen: number[][] = [];
    for (let sequence = 1; sequence <= 4; sequence += 1) {
      world.append(writer, sequence, sequence);
      world.clock += 10;
      writer.tick();
      seen.push([writer.written, writer.durable]);
    }
    writer.roll();
    seen.push([writer.written, writer.durable]);
    return seen;
  };

  it.each([
    [{ kind: 'batch' } as const, [1, 2, 3, 4]],
    [{ kind: 'interval', ms: 20 } as const, [0, 2, 2, 4]],
    [{ kind: 'never' } as const, [0, 0, 0, 0]],
  ])('with %j follows its syncs', (fsync, durable) => {
    expect(positions(fsync)).toEqual([...durable.map((each, at) => [at + 1, each]), [4, 4]]);
  });

  it('is written down behind the sync, and frames say what was promised before them', () => {
    const world = new World();
    const writer = world.begun();
    const calls: string[] = [];
    world.disk.failureOf = ({ kind, path }) => {
      calls.push(`${kind} ${path}`);
      return null;
    };
    world.append(writer, 1, 5);
    writer.commit();
    expect(calls).toEqual(['append d/j/00000001.mdxj', 'sync d/j/00000001.mdxj', 'write d/j/durable']);
    world.append(writer, 6, 6);
    writer.commit();
    expect(world.scan(1).durableEvent).toBe(5);
  });

  it('waits for its time, unless somebody commits', () => {
    const world = new World();
    const writer = world.begun();
    world.append(writer, 1, 1);
    world.clock = 9;
    writer.tick();
    expect(writer.written).toBe(0);
    world.clock = 10;
    writer.tick();
    expect(writer.written).toBe(1);
  });
});

describe('going on with a journal', () => {
  const goOn = (world: World): JournalWriter => {
    const writer = world.begun();
    const next = writer.found.lastEvent + 1;
    world.append(writer, next, next + 4);
    writer.close();
    return writer;
  };

  it('that was closed keeps its history, also behind another boot', () => {
    const world = new World();
    const first = world.begun();
    world.append(first, 1, 20);
    first.close();
    world.options = { ...world.options, bootId: 'c'.repeat(32) };
    const { found } = goOn(world);
    expect(found).toMatchObject({ lastEvent: 20, segment: 1, isNewEpoch: false, trimmed: null });
    expect(found.epoch).toEqual(first.found.epoch);
    expect(world.sequences()).toEqual(upTo(25));
  });

  it('whose process went away keeps its history, unless the machine has booted since', () => {
    for (const boot of [BOOT, 'c'.repeat(32)]) {
      const world = left();
      world.options = { ...world.options, bootId: boot };
      const { found } = goOn(world);
      expect(found).toMatchObject({ lastEvent: 20, isNewEpoch: boot !== BOOT, trimmed: null });
      expect(world.scan(2)).toMatchObject({ firstEvent: 21, epoch: found.epoch });
      expect(world.scan(2).head!.lastFrame).toBe(BigInt(world.scan(1).lastFrame));
    }
  });

  it('cut anywhere behind what was promised: what is not whole goes, and it is said', () => {
    void fc.assert(
      fc.property(fc.nat(400), fc.integer({ min: 1, max: 6 }), (back, perFrame) => {
        const world = new World({ fsync: { kind: 'never' } });
        const writer = world.begun();
        for (let sequence = 1; sequence <= 20; sequence += 1) {
          world.append(writer, sequence, sequence);
          if (sequence % perFrame === 0) writer.commit();
        }
        writer.commit();
        const size = world.bytes('00000001.mdxj').length;
        // It is gone without a word: nothing was synced behind the image.
        world.disk.remove('d/j/lock');
        world.cut('00000001.mdxj', size - back);
        const whole = world.scan(1);
        const resumed = world.begun();
        const { found } = resumed;
        expect(found.lastEvent).toBe(whole.nextEvent - 1);
        const bytes = whole.behind;
        expect(found.trimmed).toEqual(
          bytes === 0 ? null : { file: '00000001.mdxj', offset: whole.end, bytes },
        );
        expect(found.isNewEpoch).toBe(bytes > 0);
        expect(world.told).toHaveLength(bytes === 0 ? 0 : 1);
        expect(world.bytes('00000001.mdxj')).toHaveLength(whole.end);
        world.append(resumed, found.lastEvent + 1, found.lastEvent + 2);
        resumed.close();
        expect(world.scan(1).bad).toBeNull();
        expect(world.scan(2)).toMatchObject({ nextEvent: found.lastEvent + 3, isClosed: true });
      }),
      { numRuns: 30 },
    );
  });

  it('whose last segment came to no image drops it, and its number is used again', () => {
    const world = left();
    const writer = world.begun();
    const { end } = world.scan(2);
    writer.abandon();
    world.disk.remove('d/j/durable');
    for (const bytes of [end - 1, 100, 1, 0]) {
      world.cut('00000002.mdxj', bytes);
      const next = world.open();
      expect(world.names).toEqual(['00000001.mdxj', 'durable', 'lock']);
      expect(next.found).toMatchObject({ lastEvent: 20, segment: 1, isNewEpoch: true });
      world.begin(next);
      next.abandon();
      world.disk.remove('d/j/durable');
    }
    expect(world.scan(2).firstEvent).toBe(21);
  });

  it('that is damaged is refused with the place, and stays as it is', () => {
    const world = left();
    const { offset } = world.durable!;
    world.cut('00000001.mdxj', offset - 1);
    const cut = world.all;
    expect(() => world.open()).toThrow(
      expect.objectContaining({
        code: 'input-damaged',
        message: expect.stringMatching(/00000001\.mdxj is damaged at byte \d+: /),
      }),
    );
    expect(world.all).toEqual(cut);
    expect(world.names).not.toContain('lock');
  });

  it('of which all segments are gone is refused', () => {
    const world = left();
    world.disk.remove('d/j/00000001.mdxj');
    expect(() => world.open()).toThrow(/event 20 of segment 1 was durable, and no segment is there/);
  });
});

describe('a disk that fails', () => {
  it.each(['append', 'sync', 'write', 'create', 'syncDirectory'] as const)(
    'in %s ends the journal: nothing more is promised or written',
    (kind) => {
      const world = new World();
      const writer = world.begun();
      world.append(writer, 1, 5);
      writer.commit();
      world.disk.failureOf = (call) => (call.kind === kind && call.path !== 'd/j/lock' ? 'EIO' : null);
      world.append(writer, 6, 9);
      writer.roll();
      expect(writer.failure).toMatchObject({
        code: 'journal-failed',
        message: `writing the journal d/j: EIO: i/o error; events up to ${writer.durable} are durable`,
      });
      const isLate = kind === 'create' || kind === 'syncDirectory';
      expect(writer.durable).toBe(isLate ? 9 : 5);
      world.disk.failureOf = () => null;
      const { names, all } = world;
      world.append(writer, 10, 12);
      writer.commit();
      writer.roll();
      writer.close();
      expect(world.all).toEqual(all);
      expect(world.names).toEqual(names.filter((name) => name !== 'lock'));
      // Where it is the record that cannot be written nobody knows what it says.
      if (kind !== 'write') expect(world.durable).toMatchObject({ failed: true, event: isLate ? 9 : 5 });
      const { found } = world.open();
      if (kind !== 'write') expect(found.isNewEpoch).toBe(true);
      expect(found.lastEvent).toBeGreaterThanOrEqual(writer.durable);
    },
  );

  it('because it is full says so, and what was promised is there', () => {
    const world = new World();
    const writer = world.begun();
    world.append(writer, 1, 5);
    writer.commit();
    world.disk.failureOf = ({ kind }) => (kind === 'append' ? 'ENOSPC' : null);
    world.append(writer, 6, 9);
    writer.commit();
    expect(writer.failure).toMatchObject({ code: 'journal-full', exit: 4 });
    writer.close();
    world.disk.failureOf = () => null;
    expect(world.open().found).toMatchObject({ lastEvent: 5, isNewEpoch: true });
  });

  it('is left alone when it is about to be full, after a warning', () => {
    const world = new World({ minFreeBytes: 1000 });
    world.disk.freeBytes = 1999;
    const writer = world.begun();
    expect(world.told).toEqual([
      'the journal d/j stops when 1000 bytes are left on its disk, and 1999 are free',
    ]);
    world.disk.freeBytes = 999;
    world.append(writer, 1, 5);
    writer.commit();
    expect([writer.failure, writer.durable]).toEqual([null, 5]);
    world.clock = 1000;
    world.append(writer, 6, 6);
    writer.tick();
    expect(writer.failure).toMatchObject({ code: 'journal-full' });
    expect(writer.durable).toBe(6);
    expect(world.told).toHaveLength(1);
  });

  it.each([
    ['EROFS', 'journal-failed', 'read-only file system', 'is mounted read-only'],
    ['EACCES', 'journal-failed', 'permission denied', 'This user may not write there'],
    ['ENOSPC', 'journal-full', 'no space left on device', 'Free some space'],
  ] as const)('that may not be written is refused at once: %s', (failure, code, meaning, hint) => {
    const world = new World();
    world.disk.failureOf = ({ kind }) => (kind === 'create' ? failure : null);
    expect(() => world.open()).toThrow(
      expect.objectContaining({
        code,
        exit: 4,
        message: `opening the journal d/j: ${failure}: ${meaning}`,
        hint: expect.stringContaining(hint),
      }),
    );
    expect(world.names).toEqual([]);
  });
});
