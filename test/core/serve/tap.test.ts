import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test } from 'vitest';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { ByteRing } from '../../../src/core/packet/byte-ring.ts';
import type { Books } from '../../../src/core/pipeline/books.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import type { FrameBus } from '../../../src/core/publish/bus.ts';
import { EventClient } from '../../../src/core/publish/events/event-client.ts';
import { EventHub } from '../../../src/core/publish/events/event-hub.ts';
import { filterOf } from '../../../src/core/publish/events/filter.ts';
import type { EventFraming, Pieces } from '../../../src/core/publish/events/framing.ts';
import { bitOf } from '../../../src/core/publish/events/kinds.ts';
import { Subscription } from '../../../src/core/publish/events/subscription.ts';
import { RawV1Publisher } from '../../../src/core/publish/raw-v1/publisher.ts';
import { EventPublisher } from '../../../src/core/serve/events/event-publisher.ts';
import { FollowedBooks } from '../../../src/core/serve/followed-books.ts';
import { follow } from '../../../src/core/serve/follower.ts';
import { Tap } from '../../../src/core/serve/tap.ts';
import { runOptions } from '../../world/run-options.ts';
import { framesOf } from '../publish/raw-v1/frames.ts';
import { play } from '../simulate/session.ts';

const DIRECTORY = mkdtempSync(join(tmpdir(), 'mdx-tap-'));
afterAll(() => rmSync(DIRECTORY, { recursive: true }));

const EPOCH = { high: 7, low: 9 };
const LIMITS = { retainedEvents: 1 << 20, retainedBytes: 1 << 28, batchMax: 100, recentEvents: 10 };
const KINDS = bitOf('mbo') | bitOf('trade') | bitOf('status') | bitOf('definition');

interface Range {
  readonly from: number;
  readonly to: number;
}

/** What a client of events is told: texts of events, the ranges that it has lost, and what events a snapshot stands for. */
class ToldFraming implements EventFraming {
  readonly protocol = 'events';
  readonly eventsMax = 100;
  readonly joins = false;
  readonly texts: string[] = [];
  readonly lost: Range[] = [];
  readonly inBooks: Range[] = [];

  room(bytes: number): number {
    return bytes;
  }

  write(_out: Buffer, at: number, { sources, starts, ends, count }: Pieces): number {
    for (let piece = 0; piece < count; piece += 1) {
      const bytes = sources[piece]!.subarray(starts[piece]!, ends[piece]! - 1);
      this.texts.push(Buffer.from(bytes).toString());
    }
    return at + 1;
  }

  control(type: string, data: object): Buffer {
    if (type === 'lagged') {
      const { skipped, next_seq } = data as { skipped: string; next_seq: string };
      this.lost.push({ from: Number(next_seq) - Number(skipped), to: Number(next_seq) - 1 });
    } else if (type === 'snapshot') {
      const { seq, events } = data as { seq: string; events: number };
      // The books were made just now, and are sent behind this.
      this.texts.length -= events;
      if (this.lost.length > 0) this.inBooks.push({ from: this.lost.at(-1)!.from, to: Number(seq) });
    }
    return Buffer.alloc(1);
  }
}

/** Everything that follows a tap, with a client that takes all it is given. */
class Followers {
  readonly books = new FollowedBooks();
  readonly hub = new EventHub(LIMITS);
  readonly told = new ToldFraming();
  readonly events = new EventPublisher(this.hub, 'none');
  readonly frames = new RawV1Publisher({ price: 'native', retainedFrames: 1 << 20, retainedBytes: 1 << 28 });

  constructor(snapshot: boolean) {
    const port = { isOpen: true, pendingBytes: 0, write: (_: Buffer, taken?: () => void) => taken?.() };
    const client = new EventClient(this.hub, port, this.told);
    this.hub.join(client);
    const filter = filterOf({ sources: null, instruments: null, kinds: KINDS });
    client.begin(new Subscription({ sub: null, filter, snapshot, conflateMs: 0 }, this.hub.log.topics, 0));
  }

  get all() {
    return [this.books, this.events, this.frames];
  }
}

interface Played {
  readonly engine: Books;
  readonly tap: Tap;
  readonly followers: Followers;
}

/**
 * Runs a session through a tap to followers on the same thread, whose loop has its turn only where `isFree` says so.
 * @param lag events that the journal is behind.
 */
async function played(
  path: string,
  isFree: (turn: number, cuts: number, images: number) => boolean,
  { cuts = true, lag = 0, snapshot = false, ringBytes = 1 << 17 } = {},
): Promise<Played> {
  const ring = new ByteRing(ringBytes);
  let applied = 0;
  let images = 0;
  let isOver = false;
  const tap = new Tap('main', ring, { epoch: EPOCH, nextEvent: 1 }, 'test', {
    cuts,
    written: () => (isOver || lag === 0 ? Number.POSITIVE_INFINITY : applied - lag),
    gone: () => false,
    tell: (level) => {
      if (level === 'info') images += 1;
    },
  });
  const followers = new Followers(snapshot);
  const following = follow(ring, followers.all);
  let turn = 0;
  const { books } = await run(
    runOptions([path], {
      observers: [tap],
      breathe: async () => {
        tap.flush();
        applied = tap.written;
        turn += 1;
        if (isFree(turn, tap.cuts, images)) for (let more = 0; more < 4; more += 1) await nextTurn();
      },
    }),
  );
  isOver = true;
  tap.flush();
  while (tap.view.isCut) {
    await Promise.race([following, nextTurn()]);
    tap.flush();
  }
  tap.finish();
  await following;
  return { engine: books, tap, followers };
}

/** A session whose image does not fit into the ring. */
function capture(name: string): string {
  const path = join(DIRECTORY, name);
  writeFileSync(path, play({ seed: 11, profile: { messages: 16_000, ordersLive: 5000 } }).a);
  return path;
}

/** Where two lists begin to differ, one below the other; empty where they do not. */
function firstDifference(found: readonly string[], expected: readonly string[]): unknown[] {
  const at = found.findIndex((text, index) => text !== expected[index]);
  if (at < 0 && found.length === expected.length) return [];
  return [at, found.length, expected.length, found[at], expected[at < 0 ? found.length : at]];
}

/** Frames that are kept in one bus, as they are in another one, without their times. */
function framesIn(bus: FrameBus, kept: FrameBus = bus): string[] {
  const frames: string[] = [];
  for (let cursor = 0; cursor < bus.next; cursor += 1) {
    if (kept.chunkAt(cursor) === null) continue;
    const chunk = bus.chunkAt(cursor)!;
    const index = cursor - chunk.first;
    const bytes = chunk.bytes.subarray(index === 0 ? 0 : chunk.ends[index - 1]!, chunk.ends[index]!);
    const [frame] = framesOf(bytes);
    const { type, instrument, sequence, payload } = frame!;
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('hex');
    frames.push(`${frame!.cursor} ${type} ${instrument} ${sequence} ${text}`);
  }
  return frames;
}

const seqOf = (text: string): number => Number(/^\{"seq":"(\d+)"/.exec(text)![1]);

describe('a follower that is cut off', () => {
  const path = capture('long.pcap');
  let whole: Played;

  test('a follower that keeps up is not', async () => {
    whole = await played(path, () => true, { ringBytes: 1 << 23 });
    const { engine, tap, followers } = whole;
    expect(tap.view).toMatchObject({ cuts: 0, stalls: 0, skippedEvents: 0 });
    expect(stateHash(followers.books.books()!.books.markets[0]!)).toEqual(stateHash(engine.markets[0]!));
    expect(followers.told.lost).toEqual([]);
  });

  test.each([
    ['again and again', (turn: number) => turn % 100 > 60, {}],
    ['behind a journal', (turn: number) => turn % 100 > 60, { lag: 500 }],
    [
      'again in its image',
      (turn: number, cuts: number, images: number) => turn < 80 || (turn > 150 && (images !== 1 || cuts > 1)),
      {},
    ],
    ['with snapshots', (turn: number) => turn % 100 > 60, { snapshot: true }],
  ])(
    'has the books of the engine, and its clients all but what they are told: %s',
    async (how, isFree, wanted) => {
      const { engine, tap, followers } = await played(path, isFree, wanted);
      const { cuts, stalls, skippedEvents } = tap.view;
      expect(cuts).toBeGreaterThan(how === 'again in its image' ? 1 : 0);
      expect(stalls).toBe(0);
      const { books, event } = followers.books.books()!;
      expect(stateHash(books.markets[0]!)).toEqual(stateHash(engine.markets[0]!));
      expect(books.markets[0]!.changes).toBe(engine.markets[0]!.changes);
      expect([...books.markets[0]!.bookChanges]).toEqual([...engine.markets[0]!.bookChanges]);
      expect(event).toBe(tap.written);
      const { lost, inBooks, texts } = followers.told;
      expect(lost.reduce((sum, { from, to }) => sum + to - from + 1, 0)).toBe(skippedEvents);
      const isMissing = (text: string): boolean =>
        [...lost, ...inBooks].some(({ from, to }) => seqOf(text) >= from && seqOf(text) <= to);
      const expected = whole.followers.told.texts.filter((text) => !isMissing(text));
      expect(firstDifference(texts, expected)).toEqual([]);
      // What was left out before and behind an image that did not become whole is one loss to clients.
      if (how === 'again in its image') expect(lost.length).toBeLessThan(cuts);
      const { bus } = followers.frames;
      expect(bus.next).toBe(engine.markets[0]!.changes);
      expect(firstDifference(framesIn(bus), framesIn(whole.followers.frames.bus, bus))).toEqual([]);
    },
  );
});

test.each([
  ['once it goes on', true],
  ['also where the engine ends meanwhile', false],
])('a thread that stands still holds up nobody, and has the books of the engine %s', async (_, goesOn) => {
  const ring = new ByteRing(1 << 17);
  const hold = new Int32Array(new SharedArrayBuffer(8));
  hold[0] = 1;
  const worker = new Worker(new URL('../../world/held-follower.ts', import.meta.url), {
    workerData: { ring: ring.memory, hold: hold.buffer },
  });
  const said = once(worker, 'message');
  const tap = new Tap('main', ring, { epoch: EPOCH, nextEvent: 1 }, 'test', {
    cuts: true,
    written: () => Number.POSITIVE_INFINITY,
    gone: () => false,
    tell: () => {},
  });
  const rejoined = async (): Promise<void> => {
    while (tap.view.isCut) {
      await Promise.race([said, nextTurn()]);
      tap.flush();
    }
  };
  const { books } = await run(
    runOptions([capture('held.pcap')], {
      observers: [tap],
      breathe: async () => {
        tap.flush();
        while (tap.written > 0 && Atomics.load(hold, 1) === 0) await nextTurn();
        if (!goesOn || tap.cuts === 0 || Atomics.exchange(hold, 0, 0) === 0) return;
        Atomics.notify(hold, 0);
        await rejoined();
      },
    }),
  );
  tap.flush();
  if (goesOn) await rejoined();
  else {
    expect(tap.view.isCut).toBe(true);
    Atomics.store(hold, 0, 0);
    Atomics.notify(hold, 0);
  }
  expect(tap.stalls).toBe(0);
  tap.finish();
  const [{ event, changes, hash }] = await said;
  const [market] = books.markets;
  expect(tap.view.cuts).toBeGreaterThan(0);
  expect([event, changes, hash]).toEqual([tap.written, market!.changes, stateHash(market!).hash]);
});
