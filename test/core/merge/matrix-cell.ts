import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../../src/core/binary/random.ts';
import { toBigInt } from '../../../src/core/binary/time.ts';
import type { Market } from '../../../src/core/book/market.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import type { EventBatch } from '../../../src/core/event/batch.ts';
import {
  FLAG_EXTENDED,
  KIND_GAP,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../../../src/core/event/record.ts';
import { FEEDS } from '../../../src/core/feeds/registry.ts';
import { ONE_LINE } from '../../../src/core/merge/session-merge.ts';
import { CaptureSource } from '../../../src/core/pipeline/merge/capture-source.ts';
import type { MergedSources } from '../../../src/core/pipeline/merge/merge-options.ts';
import { type LineReport, mergeReport } from '../../../src/core/pipeline/merge/merge-report.ts';
import { merge } from '../../../src/core/pipeline/merge/merge-run.ts';
import { PacketOutput } from '../../../src/core/pipeline/merge/packet-output.ts';
import { type RunReport, reportOf } from '../../../src/core/pipeline/report.ts';
import { type RunResult, run } from '../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { type Impairments, PERFECT } from '../../../src/core/simulate/impairment.ts';
import {
  FEED_NAMES,
  FEEDS as SIMULATED,
  type SimulationFeed,
} from '../../../src/core/simulate/simulation.ts';
import {
  type Arrival,
  arrivalsOf,
  type ReferenceChannel,
  ReferenceLine,
  referenceMerge,
  streamOf,
} from '../../world/reference-merge.ts';
import { runOptions } from '../../world/run-options.ts';
import { bothLines } from '../../world/two-lines.ts';
import { type Played, play } from '../simulate/session.ts';

/** Above everything that skew and reordering of a cell can be: the simulator's times jump by hours. */
const AMPLE_NS = 1e15;

/** What goes wrong in one cell of the matrix. */
export interface Cell {
  readonly seed: number;
  readonly feed: SimulationFeed;
  readonly messages: number;
  readonly gapTimeoutNs: number;
  readonly a: Impairments;
  readonly b: Impairments;
}

/** The cell of a seed: every one of them is drawn, and again the same. */
export function cellOf(seed: number): Cell {
  const random = new Random(seed);
  const one = <T>(choices: readonly T[]): T => choices[random.below(choices.length)]!;
  const impairments = (): Impairments => ({
    ...PERFECT,
    loss: one([0, 0, 0.01, 0.05, 0.1, 0.2, 0.3]),
    lossBurst: one([1, 1, 3, 8]),
    duplicates: one([0, 0, 0.05, 0.3]),
    reorder: one([0, 0, 0.05, 0.3]),
    reorderDepth: one([1, 4, 12]),
    skewNs: one([0, 0, 10_000, 100_000, 1_000_000, 7_000_000]),
  });
  return {
    seed,
    feed: one(SIMULATED),
    messages: one([100, 200, 400]),
    gapTimeoutNs: one([AMPLE_NS, AMPLE_NS, 20_000, 100_000, 1_000_000, 5_000_000]),
    a: impairments(),
    b: impairments(),
  };
}

/** How a cell ended, for the summary of a matrix. */
export interface CellResult {
  readonly isWhole: boolean;
  readonly lost: number;
  readonly late: number;
  readonly cut: number;
}

/** Runs one cell. Throws where anything is not as the simulator and the reference merge know it. */
export async function runCell(cell: Cell): Promise<CellResult> {
  const folder = mkdtempSync(join(tmpdir(), 'mdx-matrix-'));
  try {
    return await checkCell(cell, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function checkCell(cell: Cell, folder: string): Promise<CellResult> {
  const { seed, feed, messages, gapTimeoutNs } = cell;
  const session = { seed, feed, snapshotNs: 1_000_000, profile: { messages } };
  const played = play({ ...session, a: cell.a, b: cell.b });
  const a = arrivalsOf(played.a, 0, feed);
  const b = arrivalsOf(played.b, 1, feed);
  const channels = referenceMerge(a, b, gapTimeoutNs);
  checkLedgers(played, channels, feed);

  const paths = [join(folder, 'a.pcap'), join(folder, 'b.pcap')];
  writeFileSync(paths[0]!, played.a);
  writeFileSync(paths[1]!, played.b);
  const { report, stream } = await mergeFiles(cell, paths);
  for (const [line, name] of ['A', 'B'].entries()) {
    assert.deepEqual(report.lines[name], lineOf(channels, line), `line ${name}`);
  }
  checkChannels(report.channels, channels);
  checkSkew(report.skew, channels);
  const cut = checkStream(stream, channels, feed, report.delivered.packets);

  const lost = sum(channels, ({ lost: numbers }) => numbers.size);
  // What is missing at the end of both lines, where no heartbeat names it, nobody can know of.
  const isWhole =
    lost === 0 &&
    played.simulation.lines.every(
      ({ profile, nextSequence }) => channels.get(channelOf(feed, profile.port))?.highest === nextSequence,
    );
  const clean = play(session).a;
  const perfect = await replay(folder, clean, feed, AMPLE_NS);
  const merged = await replay(folder, stream, feed, AMPLE_NS);
  const both = await replay(folder, bothLines(played.a, played.b, { named: false }), feed, gapTimeoutNs);
  const direct = await mergeAndDecode(cell, paths);
  assert.deepEqual(direct.everything, merged.everything, 'records without a packet pipe in between');
  assert.deepEqual(direct.hashes, merged.hashes, 'books without a packet pipe in between');
  for (const replayed of [merged, both]) {
    checkLost(replayed, channels);
    if (!isWhole) continue;
    assert.deepEqual(replayed.digests, perfect.digests, 'events');
    assert.deepEqual(replayed.report.book, perfect.report.book, 'books');
    assert.deepEqual(replayed.report.feed.messagesByType, perfect.report.feed.messagesByType);
    const { gap: _, ...events } = replayed.report.events;
    const { gap: none, ...expected } = perfect.report.events;
    assert.deepEqual([events, none], [expected, 0]);
  }
  const late = sum(channels, ({ lines }) => lines[0].counts.late + lines[1].counts.late);
  return { isWhole, lost, late, cut };
}

/** The simulator's ledgers and the reading of its files say the same of each line. */
function checkLedgers(
  { simulation }: Played,
  channels: ReadonlyMap<number, ReferenceChannel>,
  feed: SimulationFeed,
): void {
  for (const { profile, wire } of simulation.lines) {
    const channel = channels.get(channelOf(feed, profile.port));
    const { ledger } = wire;
    if (channel === undefined) {
      assert.equal(ledger.written, 0);
      continue;
    }
    const { counts, shown } = channel.lines[profile.name.startsWith('A') ? 0 : 1];
    const never = ledger
      .lostRanges()
      .reduce((total, { from, to }) => total + Math.max(0, Math.min(to, channel.highest - 1) - from + 1), 0);
    assert.deepEqual(
      [counts.packets, counts.messages - shown.size, counts.outOfOrder, counts.missing],
      [ledger.written, ledger.duplicateNumbers, ledger.outOfOrderNumbers, never],
      profile.name,
    );
  }
}

async function mergeFiles(
  cell: Cell,
  paths: readonly string[],
): Promise<{ readonly report: ReturnType<typeof mergeReport>; readonly stream: Buffer }> {
  const chunks: Buffer[] = [];
  const sources = await sourcesOf(paths);
  const result = await merge({
    ...mergingOf(cell, sources),
    output: ({ name }) => new PacketOutput((chunk) => chunks.push(Buffer.from(chunk)), 'pcapng', name),
    idleMs: Number.POSITIVE_INFINITY,
    stop: () => false,
    breathe: async () => {},
  });
  for (const source of sources) await source.close();
  const inputs = sources.map(({ input }) => input);
  const report = mergeReport(result, { version: '', inputs, damage: [], recovery: null, output: null });
  return { report, stream: Buffer.concat(chunks) };
}

async function sourcesOf(paths: readonly string[]): Promise<CaptureSource[]> {
  const sources: CaptureSource[] = [];
  for (const [line, path] of paths.entries()) {
    sources.push((await CaptureSource.open(path, line, null, () => {}))!);
  }
  return sources;
}

function mergingOf({ feed, gapTimeoutNs }: Cell, sources: readonly CaptureSource[]): MergedSources {
  return {
    sources,
    feeds: FEEDS.filter(({ transport }) => transport !== undefined),
    feed: feedOf(feed),
    // Named, so that heartbeats are of the feed though they look like nothing.
    filter: { ports: portsOf(feed), groups: null },
    arbiter: { ...ONE_LINE, gapTimeoutNs, start: 1, lines: 2 },
    recovery: null,
    stopsAtLoss: false,
  };
}

/** The lines merged on their way to the books. */
async function mergeAndDecode(cell: Cell, paths: readonly string[]): Promise<Events> {
  const { feed } = cell;
  const merged = mergingOf(cell, await sourcesOf(paths));
  return runOf(feed, runOptions([], { merged, feedName: FEED_NAMES[feed], ports: portsOf(feed) }));
}

function lineOf(channels: ReadonlyMap<number, ReferenceChannel>, line: number): LineReport {
  const total = new ReferenceLine();
  for (const { lines } of channels.values()) {
    const { counts } = lines[line]!;
    for (const name of Object.keys(total) as (keyof ReferenceLine)[]) total[name] += counts[name];
  }
  return { ...total, unsequenced: 0, malformed: 0 };
}

/** Channels have numbers of their own there, so they are compared as a set. */
function checkChannels(
  reports: ReturnType<typeof mergeReport>['channels'],
  channels: ReadonlyMap<number, ReferenceChannel>,
): void {
  const expected = [...channels.values()].map(({ highest, taken, lost, lines }) => ({
    first: '1',
    last: String(highest - 1),
    delivered: taken.size,
    lost: lost.size,
    duplicates: lines[0].counts.duplicates + lines[1].counts.duplicates,
    conflicts: 0,
    gaps: rangesOf(lost),
  }));
  const found = reports.map(({ first, last, delivered, lost, duplicates, conflicts, gaps }) => {
    for (const { state, by } of gaps) assert.deepEqual([state, by], ['lost', null]);
    return { first, last, delivered, lost, duplicates, conflicts, gaps: rangesOf(numbersOf(gaps)) };
  });
  assert.deepEqual(sorted(found), sorted(expected), 'channels');
}

function checkSkew(
  { p50Ns, p99Ns, maxNs, samples }: ReturnType<typeof mergeReport>['skew'],
  channels: ReadonlyMap<number, ReferenceChannel>,
): void {
  const times = [...channels.values()].flatMap((channel) => channel.skew()).sort((x, y) => x - y);
  assert.equal(samples, times.length, 'skew samples');
  if (samples === 0) return;
  const largest = times.reduce((most, time) => Math.max(most, Math.abs(time)), 0);
  assert.equal(Math.abs(maxNs!), largest, 'largest skew');
  for (const [found, percent] of [
    [p50Ns!, 50],
    [p99Ns!, 99],
  ] as const) {
    const exact = times[Math.ceil((percent * samples) / 100) - 1]!;
    assert.ok(Math.abs(found - exact) <= Math.abs(exact) / 1000, `skew ${percent} %: ${found} for ${exact}`);
  }
}

/** @returns how many of the packets that went out had been cut. */
function checkStream(
  stream: Buffer,
  channels: ReadonlyMap<number, ReferenceChannel>,
  feed: SimulationFeed,
  packets: number,
): number {
  const { arrivals, lost } = streamOf(stream, feed);
  assert.equal(arrivals.length, packets, 'packets that went out');
  const next = new Map<number, number>();
  let cut = 0;
  for (const { channel: key, first, contents, line } of arrivals) {
    const channel = channels.get(key)!;
    const expected = next.get(key) ?? 1;
    if (contents.length === 0) {
      assert.ok(first >= expected, 'a heartbeat of the past');
      continue;
    }
    assert.ok(first >= expected, `number ${first} behind ${expected - 1}`);
    for (let number = expected; number < first; number += 1) assert.ok(channel.lost.has(number), 'lost');
    for (const [index, content] of contents.entries()) {
      assert.deepEqual({ line, content }, channel.taken.get(first + index), `number ${first + index}`);
    }
    next.set(key, first + contents.length);
    if (isCut(channel, line, first, contents.length)) cut += 1;
  }
  for (const [key, channel] of channels) {
    for (let number = next.get(key) ?? 1; number < channel.highest; number += 1) {
      assert.ok(channel.lost.has(number), `number ${number} did not go out`);
    }
  }
  const told = lost.reduce((total, [from, to]) => total + to - from + 1, 0);
  assert.equal(
    told,
    sum(channels, ({ lost: numbers }) => numbers.size),
    'lost numbers that were told',
  );
  return cut;
}

/** Did the line show the number in front of these, or the one behind, at the same moment? */
function isCut({ lines }: ReferenceChannel, line: number, first: number, count: number): boolean {
  const { shown } = lines[line]!;
  const time = shown.get(first);
  return shown.get(first - 1) === time || shown.get(first + count) === time;
}

/** What a run made of its input. */
interface Events {
  readonly result: RunResult;
  /** By port: the events without receive times, gaps left out. */
  readonly digests: Readonly<Record<string, string>>;
  /** By port: the same with both, but for the times of gaps. */
  readonly everything: Readonly<Record<string, string>>;
  readonly hashes: readonly unknown[];
}

interface Replayed extends Events {
  readonly report: RunReport;
}

async function replay(
  folder: string,
  capture: Buffer,
  feed: SimulationFeed,
  gapTimeoutNs: number,
): Promise<Replayed> {
  const path = join(folder, 'replay');
  writeFileSync(path, capture);
  const arbiter = { ...ONE_LINE, gapTimeoutNs, start: 1 };
  const events = await runOf(
    feed,
    runOptions([path], { feedName: FEED_NAMES[feed], ports: portsOf(feed), arbiter }),
  );
  const report = reportOf(events.result, { command: 'replay', version: '', allInstruments: true });
  return { ...events, report };
}

async function runOf(feed: SimulationFeed, options: RunOptions): Promise<Events> {
  const events = new EventDigests(feed, false);
  const everything = new EventDigests(feed, true);
  const result = await run({ ...options, observers: [events, everything] });
  const ports = result.channels.map(({ flows }) => channelOf(feed, flows[0]!.port));
  const byPort = ({ text }: EventDigests): Record<string, string> =>
    Object.fromEntries([...text].map(([channel, digest]) => [ports[channel]!, digest]));
  const hashes = result.books.markets.map((market) => stateHash(market));
  return { result, digests: byPort(events), everything: byPort(everything), hashes };
}

/** The ranges that a replay reports as lost are those. */
function checkLost({ report }: Replayed, channels: ReadonlyMap<number, ReferenceChannel>): void {
  const found = report.sequence!.channels.map(({ first, last, gaps }) => ({
    first,
    last,
    gaps: rangesOf(numbersOf(gaps)),
  }));
  const expected = [...channels.values()].map(({ highest, lost }) => ({
    first: '1',
    last: String(highest - 1),
    gaps: rangesOf(lost),
  }));
  assert.deepEqual(sorted(found), sorted(expected), 'lost ranges of a replay');
}

/** Hashes the canonical bytes of events: instrument, number and venue time as they are, not as differences. */
class EventDigests {
  readonly #hashes: Map<number, { count: number; hash: number }> = new Map();
  /** Else the receive time stands in their place. */
  readonly #hasVenueTimes: boolean;
  /** Gaps and receive times, too. */
  readonly #isWhole: boolean;

  constructor(feed: SimulationFeed, isWhole: boolean) {
    this.#hasVenueTimes = feed !== 'fast-like';
    this.#isWhole = isWhole;
  }

  get text(): Map<number, string> {
    return new Map(
      [...this.#hashes].map(([channel, { count, hash }]) => [channel, `${count} ${hash >>> 0}`]),
    );
  }

  after({ words, ...batch }: EventBatch, at: number, { dictionary }: Market): void {
    const head = words[at]!;
    const isGap = (head & 0xff) === KIND_GAP;
    if (isGap && !this.#isWhole) return;
    const digest = this.#hashes.get(batch.channel) ?? { count: 0, hash: 0x811c9dc5 };
    this.#hashes.set(batch.channel, digest);
    digest.count += 1;
    const put = (value: number): void => {
      digest.hash = Math.imul(digest.hash ^ value, 0x01000193) ^ (digest.hash >>> 15);
    };
    const putWide = (value: bigint): void => {
      put(Number(BigInt.asIntN(32, value)));
      put(Number(BigInt.asIntN(32, value >> 32n)));
    };
    put(head & 0xffff);
    putWide(BigInt(batch.sequenceBase + (head >>> 16)));
    const book = words[at + WORD_BOOK]!;
    putWide(book === NO_BOOK ? -1n : BigInt(dictionary.books[book]!.instrument));
    for (let word = WORD_ID; word < WORD_VENUE_TIME; word += 1) put(words[at + word]!);
    if (this.#isWhole && !isGap) {
      putWide(
        toBigInt(batch.receiveBaseHigh, batch.receiveBaseLow) + BigInt(words[at + WORD_RECEIVE_TIME]! >>> 0),
      );
    }
    if (this.#hasVenueTimes && !isGap) {
      putWide(toBigInt(batch.venueBaseHigh, batch.venueBaseLow) + BigInt(words[at + WORD_VENUE_TIME]!));
    }
    if (((head >>> 8) & FLAG_EXTENDED) === 0) return;
    for (let word = 0; word < RECORD_WORDS; word += 1) put(words[at + RECORD_WORDS + word]!);
  }
}

const PORTS: Readonly<Record<SimulationFeed, readonly number[]>> = {
  itch: [26477],
  eobi: [59001, 59000],
  'fast-like': [5001, 5002],
};

function portsOf(feed: SimulationFeed): ReadonlySet<number> {
  return new Set(PORTS[feed]);
}

/** As the reference merge names channels. */
function channelOf(feed: SimulationFeed, port: number): Arrival['channel'] {
  return feed === 'fast-like' ? 0 : port;
}

function feedOf(feed: SimulationFeed): (typeof FEEDS)[number] {
  return FEEDS.find(({ name }) => name === FEED_NAMES[feed])!;
}

function numbersOf(gaps: readonly { readonly from: string; readonly to: string }[]): number[] {
  return gaps.flatMap(({ from, to }) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => Number(from) + at),
  );
}

/** Numbers as ranges, neighbours joined. */
function rangesOf(numbers: Iterable<number>): string {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((x, y) => x - y)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === number) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map((range) => range.join('-')).join(' ');
}

function sorted<T>(rows: readonly T[]): T[] {
  return [...rows].sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
}

function sum(
  channels: ReadonlyMap<number, ReferenceChannel>,
  of: (channel: ReferenceChannel) => number,
): number {
  return [...channels.values()].reduce((total, channel) => total + of(channel), 0);
}
