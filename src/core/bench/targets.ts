import type { Latency } from './measure.ts';
import type { Result, Verdict } from './report.ts';

/** What a profile should reach: at least the floor, and the aim if it can be had. */
interface Target {
  readonly profile: string;
  readonly what: string;
  readonly floor: number;
  readonly aim: number;
  readonly better: 'higher' | 'lower';
  readonly gates: boolean;
  readonly read: (result: Result) => number | null;
}

type MeasuredResult = Omit<Result, 'verdicts' | 'change'>;

const speed = (profile: string, unit: string, floor: number, aim: number, how: string = ''): Target => ({
  profile,
  what: `million ${unit}s/s${how}`,
  floor,
  aim,
  better: 'higher',
  gates: false,
  read: (result) => result.unitsPerSecond / 1e6,
});
const ratio = (
  profile: string,
  what: string,
  floor: number,
  aim: number,
  better: 'higher' | 'lower',
): Target => ({
  profile,
  what,
  floor,
  aim,
  better,
  gates: true,
  read: (result) => result.ratio?.median ?? null,
});

const cost = (profile: string, floor: number, aim: number): Target =>
  ratio(profile, 'times the cost of rx-dgram', floor, aim, 'lower');

const time = (profile: string, what: string, unitNs: number, floor: number, aim: number): Target => ({
  profile,
  what,
  floor,
  aim,
  better: 'lower',
  gates: false,
  read: (result) => result.nsPerUnit.median / unitNs,
});
const size = (profile: string, what: string, floor: number, aim: number): Target => ({
  profile,
  what,
  floor,
  aim,
  better: 'lower',
  gates: false,
  read: (result) => (result.bytesPerSecond === null ? null : result.bytesPerSecond / result.unitsPerSecond),
});

const NS_PER_US = 1e3;
const NS_PER_MS = 1e6;
const NS_PER_SECOND = 1e9;

const held = (profile: string): Target => ({
  profile,
  what: 'KB of memory for an idle client',
  floor: 64,
  aim: 16,
  better: 'lower',
  gates: false,
  read: (result) => (result.heldBytesPerUnit === null ? null : result.heldBytesPerUnit / 1024),
});

/** How a time stands to that of what took turns with it. */
function inTurn({ latency, inTurn: other }: Result, time: (latency: Latency) => number): number | null {
  return latency === null || other === null ? null : time(latency) / time(other.latency);
}

/** The figures that the project holds itself to. Ratios hold everywhere and gate; absolutes depend on the machine. */
export const TARGETS: readonly Target[] = [
  speed('serve-json', 'event', 1.6, 3, ' made and sent'),
  speed('serve-json-drain', 'event', 1.6, 3, ' from memory'),
  speed('serve-json-single', 'event', 0.3, 0.5),
  speed('fanout-1', 'frame', 2, 4),
  time('fanout-1-cpu', 'ns of CPU for a frame sent, books included', 1, 500, 250),
  speed('fanout-100', 'frame', 8, 12),
  time('fanout-100-cpu', 'ns of CPU for a frame sent', 1, 120, 80),
  ratio('fanout-100-cpu', 'times as fast as a loop over the clients', 5, 10, 'higher'),
  {
    profile: 'engine-latency',
    what: 'µs from hand-over to book, p50',
    floor: 20,
    aim: 9,
    better: 'lower',
    gates: false,
    read: ({ latency }) => (latency === null ? null : latency.p50Ns / NS_PER_US),
  },
  {
    profile: 'engine-latency',
    what: 'times the p99 of a hand-over alone',
    floor: 3,
    aim: 2,
    better: 'lower',
    gates: false,
    read: (result) => inTurn(result, ({ p99Ns }) => p99Ns),
  },
  {
    profile: 'sse-500',
    what: 'times the median delay with all reading',
    floor: 1.2,
    aim: 1.05,
    better: 'lower',
    gates: false,
    read: (result) => inTurn(result, ({ p50Ns }) => p50Ns),
  },
  {
    profile: 'sse-500',
    what: 'times the p99 of the delay with all reading',
    floor: 1.5,
    aim: 1.1,
    better: 'lower',
    gates: false,
    read: (result) => inTurn(result, ({ p99Ns }) => p99Ns),
  },
  {
    profile: 'sse-500',
    what: 'MB of memory gained since the second run',
    floor: 16,
    aim: 4,
    better: 'lower',
    gates: false,
    read: ({ heldBytesPerUnit, units }) =>
      heldBytesPerUnit === null ? null : (heldBytesPerUnit * units) / 1e6,
  },
  held('idle-raw-v1'),
  held('idle-json'),
  held('idle-sse'),
  speed('apply-100k', 'event', 11, 15),
  ratio('apply-100k', 'times as fast as object-book-100k', 5, 8, 'higher'),
  speed('apply-1m', 'event', 4.5, 7),
  ratio('churn', 'times the cost of apply-100k', 1.5, 1.1, 'lower'),
  ratio('clusters', 'times the cost of apply-100k', 1.5, 1.1, 'lower'),
  speed('itch-apply', 'message', 10, 14),
  ratio('eobi-apply', 'times as fast as itch-apply', 0.75, 0.9, 'higher'),
  ratio('fast-like-apply', 'times as fast as itch-apply', 0.5, 0.75, 'higher'),
  speed('dbn-apply', 'record', 22, 35),
  speed('convert-ndjson', 'record', 1.5, 3),
  speed('convert-parquet', 'record', 0.8, 1.2),
  speed('decode-mbp10', 'record', 8, 15),
  speed('ring', 'packet', 8, 14),
  speed('merge', 'packet', 4, 8),
  time('journal-engine', 'ns per event on the thread that has the events', 1, 8, 4),
  time('journal-threads', 'ns per event on all threads', 1, 35, 20),
  speed('journal-verify', 'event', 7, 10),
  time('journal-open', 's to open at a random time', NS_PER_SECOND, 1.5, 0.5),
  time('journal-restart', 's to restart', NS_PER_SECOND, 3, 1),
  time('journal-image', 'ms of the longest pause', NS_PER_MS, 1, 0.3),
  size('journal-unpack', 'bytes per event, open segments', 48, 41),
  size('journal-compress', 'bytes per event, compressed segments', 24, 12),
  cost('rx-mmsg', 0.45, 0.38),
  cost('rx-ring-v3', 0.07, 0.04),
  cost('rx-ring-walk', 0.03, 0.02),
  cost('rx-xdp', 0.25, 0.16),
  time('ingest-serve', 'µs per record, all threads', 1000, 1.3, 0.8),
  speed('replay', 'message', 8.5, 12),
  {
    profile: 'replay',
    what: 'MB resident at most',
    floor: 250,
    aim: 150,
    better: 'lower',
    gates: false,
    read: (result) => (result.residentBytesMax === null ? null : result.residentBytesMax / 1e6),
  },
  {
    profile: 'steady-state',
    what: 'bytes of heap growth per message',
    floor: 0.01,
    aim: 0.01,
    better: 'lower',
    gates: false,
    read: (result) => result.steady?.heapBytesPerUnit ?? null,
  },
  {
    profile: 'steady-state',
    what: 'scavenges',
    floor: 0,
    aim: 0,
    better: 'lower',
    gates: false,
    read: (result) => result.steady?.scavenges ?? null,
  },
];

/** How a result stands to the floors of its profile. */
export function verdictsOf(result: MeasuredResult): Verdict[] {
  return TARGETS.filter(({ profile }) => profile === result.name).flatMap(
    ({ what, floor, aim, better, gates, read }) => {
      const value = read(result as Result);
      if (value === null) return [];
      return [
        {
          what,
          value,
          floor,
          aim,
          better,
          gates,
          met: better === 'higher' ? value >= floor : value <= floor,
        },
      ];
    },
  );
}
