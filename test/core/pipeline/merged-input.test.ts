import { beforeAll, expect, test } from 'vitest';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import type { EventBatch } from '../../../src/core/event/batch.ts';
import { KIND_GAP, KIND_RESET, KIND_SESSION, WORD_RECEIVE_TIME } from '../../../src/core/event/record.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { RecoveryCounts } from '../../../src/core/merge/recovery/counts.ts';
import { ONE_LINE } from '../../../src/core/merge/session-merge.ts';
import type { RecoveryCallbacks, RecoveryClient } from '../../../src/core/net/recovery/client.ts';
import type { EventObserver } from '../../../src/core/pipeline/books.ts';
import type { MergedSources } from '../../../src/core/pipeline/merge/merge-options.ts';
import {
  LINE_A,
  type PacketSource,
  SOURCE_END,
  SOURCE_NONE,
  SOURCE_PACKET,
  type SourcePacket,
} from '../../../src/core/pipeline/packet-source.ts';
import { type RunResult, run } from '../../../src/core/pipeline/run.ts';
import { runOptions } from '../../world/run-options.ts';
import { payloadsOf } from '../../world/two-lines.ts';
import { play } from '../simulate/session.ts';

const PACKETS = 20;
const LOST = 7;
const LOST_LATER = 12;
const BETWEEN_NS = 1000;
const GAP_TIMEOUT_NS = 5000;
const TIME_HIGH = 0x18000000;
let packets: readonly Buffer[];
let later: readonly Buffer[];

beforeAll(() => {
  packets = payloadsOf(play({ seed: 3, profile: { messages: 300 } }).a).slice(0, PACKETS);
  later = payloadsOf(play({ seed: 4, profile: { messages: 300 } }).a).slice(0, PACKETS);
});

/** A live line that brings what it is given, a microsecond apart. */
class GivenLine implements PacketSource {
  readonly name = 'a line';
  readonly isLive = true;
  readonly #waiting: Buffer[] = [];
  #isStopped = false;
  #wake: () => void = () => {};

  give(...given: readonly Buffer[]): void {
    this.#waiting.push(...given);
    this.#wake();
  }

  next(packet: SourcePacket): number {
    const bytes = this.#waiting.shift();
    if (bytes === undefined) return this.#isStopped ? SOURCE_END : SOURCE_NONE;
    packet.attach(bytes);
    packet.length = bytes.length;
    packet.timeHigh = TIME_HIGH;
    packet.timeLow += BETWEEN_NS;
    packet.destinationPort = 5001;
    packet.line = LINE_A;
    packet.pair = 0;
    return SOURCE_PACKET;
  }

  origin(): null {
    return null;
  }

  async wait(): Promise<void> {
    if (this.#waiting.length > 0 || this.#isStopped) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  async close(): Promise<void> {}
}

/** A server of lost packets whose answers the test gives. */
class GivenRecovery implements RecoveryClient {
  readonly endpoint = 'tcp://server';
  readonly settings = {} as RecoveryClient['settings'];
  readonly counts = new RecoveryCounts();
  readonly isIdle = true;
  /** Resolves when every hole was asked for. */
  readonly asked: Promise<void>;
  callbacks: RecoveryCallbacks | null = null;
  #asked: () => void = () => {};
  readonly #holes: number;
  /** First numbers and counts of what was asked for. */
  readonly missing: [number, number][] = [];

  constructor(holes = 1) {
    this.#holes = holes;
    this.asked = new Promise((resolve) => {
      this.#asked = resolve;
    });
  }

  request(_channel: number, _session: Uint8Array | null, first: number, count: number): void {
    this.missing.push([first, count]);
    if (this.missing.length === this.#holes) this.#asked();
  }

  satisfied(_channel: number, first: number): void {
    const at = this.missing.findIndex((range) => range[0] === first);
    if (at >= 0) this.missing.splice(at, 1);
  }

  pause(): void {}
  resume(): void {}
  async idle(): Promise<void> {}

  async close(): Promise<void> {
    for (const range of this.missing.splice(0)) this.callbacks!.onUnrecoverable(0, ...range, null);
  }
}

/** What was applied, and what of it is about the stream itself. */
class Seen implements EventObserver {
  count = 0;
  readonly told: { kind: number; receiveTime: number; at: number }[] = [];
  failure: Error | null = null;

  after({ words, receiveBaseLow }: EventBatch, at: number): void {
    if (this.failure !== null) throw this.failure;
    this.count += 1;
    const kind = words[at]! & 0xff;
    if (kind !== KIND_GAP && kind !== KIND_SESSION && kind !== KIND_RESET) return;
    this.told.push({ kind, receiveTime: receiveBaseLow + words[at + WORD_RECEIVE_TIME]!, at: this.count });
  }
}

interface Running {
  readonly seen: Seen;
  readonly ended: Promise<RunResult>;
}

function begin(line: GivenLine, recovery: GivenRecovery | null, signal: AbortSignal | null = null): Running {
  const seen = new Seen();
  const merged: MergedSources = {
    sources: [line],
    feeds: [itch],
    feed: itch,
    filter: { ports: null, groups: null },
    arbiter: {
      ...ONE_LINE,
      gapTimeoutNs: GAP_TIMEOUT_NS,
      start: 'first-seen',
      lines: 3,
      recoveryTimeoutNs: recovery === null ? null : 1e12,
    },
    recovery:
      recovery === null
        ? null
        : (_feed, callbacks) => {
            recovery.callbacks = callbacks;
            return recovery;
          },
    stopsAtLoss: false,
  };
  const stop = (): boolean => signal?.aborted === true;
  const options = { merged, feedName: itch.name, observers: [seen], endsOpen: true, signal, stop };
  return { seen, ended: run(runOptions([], options)) };
}

/** What a line makes that loses nothing. */
async function whole(...given: readonly Buffer[]): Promise<{ seen: Seen; result: RunResult }> {
  const line = new GivenLine();
  const { seen, ended } = begin(line, null);
  line.give(...given);
  line.stop();
  return { seen, result: await ended };
}

function hashOf({ books }: RunResult): unknown {
  return stateHash(books.markets[0]!);
}

test('what recovery brings is in the books at once, with what has waited for it', async () => {
  const truth = await whole(...packets);
  const line = new GivenLine();
  const recovery = new GivenRecovery();
  const { seen, ended } = begin(line, recovery);
  line.give(...packets.toSpliced(LOST, 1));
  await recovery.asked;
  const before = await whole(...packets.slice(0, LOST));
  expect(seen.count).toBe(before.seen.count);
  const lost = packets[LOST]!;
  recovery.callbacks!.onPacket(0, lost, 0, lost.length);
  expect(seen.count).toBe(truth.seen.count);
  line.stop();
  expect(hashOf(await ended)).toEqual(hashOf(truth.result));
  expect(seen).toMatchObject({ count: truth.seen.count, told: [] });
});

test('an error of who watches ends the run, and not the connection that brought what it was about', async () => {
  const line = new GivenLine();
  const recovery = new GivenRecovery();
  const { seen, ended } = begin(line, recovery);
  line.give(...packets.toSpliced(LOST, 1));
  await recovery.asked;
  seen.failure = new Error('no room');
  const lost = packets[LOST]!;
  recovery.callbacks!.onPacket(0, lost, 0, lost.length);
  line.give();
  await expect(ended).rejects.toThrow('no room');
});

test('who stops leaves open what is missing: nothing is told as lost, and nothing behind it applied', async () => {
  const line = new GivenLine();
  const recovery = new GivenRecovery();
  const abort = new AbortController();
  const { seen, ended } = begin(line, recovery, abort.signal);
  line.give(...packets.toSpliced(LOST, 1));
  await recovery.asked;
  abort.abort();
  const result = await ended;
  const before = await whole(...packets.slice(0, LOST));
  expect(result.stopped).toBe('request');
  expect(hashOf(result)).toEqual(hashOf(before.result));
  expect(seen).toMatchObject({ count: before.seen.count, told: [] });
});

test('what is lost is told in front of what comes behind it', async () => {
  const { seen, result } = await whole(...packets.toSpliced(LOST, 1));
  const before = await whole(...packets.slice(0, LOST));
  // No venue has stamped it: it has the time of what was handed over last.
  const at = before.seen.count + 1;
  expect(seen.told).toEqual([{ kind: KIND_GAP, receiveTime: LOST * BETWEEN_NS, at }]);
  expect(seen.count).toBeGreaterThan(before.seen.count + 1);
  expect(result.merge!.channels[0]!.arbiter.sessions[0]!.lost).toBeGreaterThan(0);
});

test('what recovery cannot bring is told behind what it still may', async () => {
  const line = new GivenLine();
  const recovery = new GivenRecovery(2);
  const { seen, ended } = begin(line, recovery);
  line.give(...packets.filter((_, at) => at !== LOST && at !== LOST_LATER));
  await recovery.asked;
  recovery.callbacks!.onUnrecoverable(0, ...recovery.missing[1]!, null);
  const before = await whole(...packets.slice(0, LOST));
  expect(seen).toMatchObject({ count: before.seen.count, told: [] });
  const lost = packets[LOST]!;
  recovery.callbacks!.onPacket(0, lost, 0, lost.length);
  line.stop();
  const result = await ended;
  const truth = await whole(...packets.toSpliced(LOST_LATER, 1));
  expect(seen.told).toMatchObject([{ kind: KIND_GAP, at: truth.seen.told[0]!.at }]);
  expect([seen.count, hashOf(result)]).toEqual([truth.seen.count, hashOf(truth.result)]);
});

test('a session is told with its first packet', async () => {
  const { seen, result } = await whole(...packets, ...later);
  const alone = await whole(...later);
  const before = await whole(...packets);
  const receiveTime = (packets.length + 1) * BETWEEN_NS;
  expect(seen.told).toEqual([{ kind: KIND_SESSION, receiveTime, at: before.seen.count + 1 }]);
  expect(hashOf(result)).toEqual(hashOf(alone.result));
});
