import { formatDuration, parseDuration } from '../duration.ts';
import { Fault, type Kind, key, quoted, textOf } from '../key.ts';
import {
  boolean,
  choice,
  duration,
  group,
  input,
  integer,
  list,
  optional,
  path,
  size,
  snapshotGroup,
  text,
} from '../kinds.ts';
import type { ServeConfig } from '../serve-config.ts';
import { parseSize } from '../size.ts';
import type { Section } from './shape.ts';

/* What comes in, and what is kept of it. */

const LARGEST = Number.MAX_SAFE_INTEGER;

const SPEED = 'a number above 0, or "max" for as fast as it can be read';
const speed: Kind<number | null> = {
  type: 'number',
  expected: SPEED,
  ofToml: (value) =>
    (value.kind === 'integer' || value.kind === 'decimal') && value.value > 0 && Number.isFinite(value.value)
      ? value.value
      : textOf(value) === 'max'
        ? null
        : new Fault(SPEED),
  ofText: (given) =>
    given === 'max'
      ? null
      : /^\d{1,9}(\.\d{1,9})?$/.test(given) && Number(given) > 0
        ? Number(given)
        : new Fault(SPEED),
  toToml: (value) => (value === null ? quoted('max') : String(value)),
};

const DAY = 'a day such as "2025-09-24"';
const day: Kind<string> = text('day', DAY, (given) => {
  const time = /^\d{4}-\d\d-\d\d$/.test(given) ? Date.parse(`${given}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(given) ? null : DAY;
});

const START = '"first-seen", "snapshot", or the first number expected';
const startOf = (given: string | number | null): ServeConfig['merge']['start'] | Fault => {
  if (given === 'first-seen' || given === 'snapshot') return given;
  const number = typeof given === 'string' && /^\d{1,16}$/.test(given) ? Number(given) : given;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 1
    ? number
    : new Fault(START);
};
const start: Kind<ServeConfig['merge']['start']> = {
  type: 'word or integer',
  expected: START,
  ofToml: (value) => startOf(value.kind === 'integer' ? value.value : textOf(value)),
  ofText: startOf,
  toToml: (value) => (typeof value === 'number' ? String(value) : quoted(value)),
};

const FSYNC = '"never", "batch", or an interval such as "100ms"';
const fsyncOf = (given: string | null): ServeConfig['journal']['fsync'] | Fault => {
  if (given === 'never' || given === 'batch') return given;
  // The flag counts ms without saying so.
  const interval = /^interval=(\d{1,9})$/.exec(given ?? '');
  const ns = interval === null ? parseDuration(given ?? '') : Number(interval[1]) * 1e6;
  return ns !== null && ns >= 1e6 && ns <= 60e9 ? { intervalMs: ns / 1e6 } : new Fault(FSYNC);
};
const fsync: Kind<ServeConfig['journal']['fsync']> = {
  type: 'word or duration',
  expected: FSYNC,
  ofToml: (value) => fsyncOf(textOf(value)),
  ofText: fsyncOf,
  toToml: (value) => quoted(typeof value === 'string' ? value : formatDuration(value.intervalMs * 1e6)),
};

const RECOVERY = 'tcp://HOST:PORT or mold+udp://HOST:PORT';
/** HOST:PORT alone is the older way to say tcp://. */
const recoveryText: Kind<string> = text('URI', RECOVERY, (given) =>
  /^(tcp:\/\/|mold\+udp:\/\/)?(\[[\da-fA-F:.]+\]|[^\s:/?]+):\d{1,5}(\?.*)?$/.test(given) ? null : RECOVERY,
);
const withScheme = (found: string | Fault): string | Fault =>
  found instanceof Fault || found.includes('://') ? found : `tcp://${found}`;
const recoveryServer: Kind<string> = {
  ...recoveryText,
  ofToml: (value, folder) => withScheme(recoveryText.ofToml(value, folder)),
  ofText: (given) => withScheme(recoveryText.ofText(given)),
};

const partOf =
  (line: string) =>
  (given: string): string | null =>
    given.startsWith(`${line}=`) ? given.slice(2) : null;

export const source: Section<'source'> = {
  inputs: key(list(input, 1024), [], {
    summary: 'what is read: captures, DBN, journals, sockets; left out where lines are received',
    flag: 'INPUT',
    example: '["session.pcap"]',
  }),
  speed: key(speed, null, {
    summary: 'pace of a recording: a factor of its own speed, or "max"',
    flag: 'speed',
  }),
  feed: key(optional(text('word', 'the name of a feed', (given) => (given === '' ? 'a name' : null))), null, {
    summary: 'wire format of the messages (mdx feeds lists them); found by content unless given',
    flag: 'feed',
    example: '"itch-5.0"',
  }),
  date: key(optional(day), null, {
    summary: 'trading day of feeds whose times count from midnight; that of the first packet unless given',
    flag: 'date',
    example: '"2025-09-24"',
  }),
  instruments: key(optional(path), null, {
    summary: 'CSV file with names, ticks and scales of instruments',
    flag: 'instruments',
    example: '"instruments.csv"',
  }),
  tokenFile: key(optional(path), null, {
    summary: 'file with the token that a ws:// server asks for; MDX_TOKEN is another place for it',
    flag: 'token-file',
    example: '"upstream-token"',
  }),
};

export const lines: Section<'lines'> = {
  a: key(list(group, 64), [], {
    summary: 'groups of line A; options such as iface stand behind each',
    flag: 'line',
    flagPart: partOf('A'),
    flagForm: 'A=udp://GROUP:PORT or B=udp://GROUP:PORT',
    example: '["udp://239.10.10.1:5001?iface=eth0"]',
  }),
  b: key(list(group, 64), [], {
    summary: 'groups of line B, each carrying the same as the one of A in its place',
    flag: 'line',
    flagPart: partOf('B'),
    example: '["udp://239.10.20.1:5001?iface=eth1"]',
  }),
  snapshot: key(list(snapshotGroup, 64), [], {
    summary: 'groups of snapshot channels, received with line A unless they say B=udp://…',
    flag: 'snapshot',
    example: '["udp://239.10.30.1:5001?iface=eth0"]',
  }),
};

export const receive: Section<'receive'> = {
  backend: key(choice('auto', 'dgram', 'mmsg', 'ring', 'xdp'), 'auto', {
    summary: 'how to receive; auto = mmsg where it works, else dgram',
    flag: 'backend',
  }),
  workers: key(integer(1, 64), 1, { summary: 'receiving threads per line', flag: 'workers' }),
  batch: key(integer(1, 1024), 64, { summary: 'most packets taken by one call', flag: 'batch' }),
  slotBytes: key(size('64', '128KiB'), 2048, {
    summary: 'bytes of a packet that are kept; longer ones are cut and counted',
    flag: 'slot-bytes',
  }),
  poolSlots: key(integer(64, 1 << 22), 65_536, {
    summary: 'packets of a line that may wait for the engine',
    flag: 'pool',
  }),
  receiveBufferBytes: key(size('4KiB', '2047MiB'), 8 << 20, {
    summary: 'receive buffer to ask the kernel for; what it grants is reported',
    flag: 'rcvbuf',
  }),
  busyPollUs: key(optional(duration('us', '1us', '1s')), null, {
    summary: 'how long the kernel looks for packets before it sleeps (SO_BUSY_POLL)',
    flag: 'busy-poll',
    example: '"50us"',
  }),
  enginePollUs: key(optional(duration('us', '1us', '1ms')), 200, {
    summary:
      'how long the engine looks for packets before it sleeps, while they come that close and a processor is free for it',
  }),
  timestamps: key(choice('off', 'software', 'hardware'), 'software', {
    summary: 'whose receive times to ask for',
    flag: 'timestamps',
  }),
  cpus: key(list(integer(0, 4095), 128), [], {
    summary: 'processors of the receiving threads, those of line A first',
    flag: 'cpu',
    example: '[2, 3]',
  }),
  realtime: key(optional(integer(1, 99)), null, {
    summary: 'priority (SCHED_FIFO) with which the receiving threads go before others',
    flag: 'realtime',
    example: '80',
  }),
};

export const merge: Section<'merge'> = {
  start: key(start, 'first-seen', {
    summary: 'where numbering starts: first-seen, snapshot, or the first number expected',
    flag: 'start',
  }),
  gapTimeout: key(duration('ns', '0', '1h'), 50_000_000, {
    summary: 'how long a missing range is waited for before it is reported',
    flag: 'gap-timeout',
  }),
  window: key(optional(integer(1, LARGEST)), null, {
    summary: 'a hole is reported at once when a number more than this above it was seen',
    flag: 'window',
    example: '512',
  }),
  pendingCap: key(integer(1, 1_048_576), 32_768, {
    summary: 'most packets that wait behind holes; at most half of receive.pool_slots',
    flag: 'pending-cap',
  }),
};

export const recovery: Section<'recovery'> = {
  endpoint: key(optional(recoveryServer), null, {
    summary: 'server of what both lines lost; without it that is lost',
    flag: 'recovery',
    example: '"tcp://10.0.0.9:9001"',
  }),
  backlog: key(optional(path), null, {
    summary: 'file that every step of every recovery is appended to',
    flag: 'backlog',
    example: '"recovery.log"',
  }),
  timeout: key(duration('ns', '1ms', '1h'), 100_000_000, {
    summary: 'how long a reported hole waits for recovery before it is lost',
    flag: 'recovery-timeout',
  }),
  requestTimeout: key(duration('ns', '0', '1h'), 250_000_000, {
    summary: 'how long an answer, or a connection, may keep still; 0 = for ever',
    flag: 'request-timeout',
  }),
  attempts: key(integer(1, 1000), 3, {
    summary: 'how often a range is asked for',
    flag: 'retry-attempts',
  }),
  backoff: key(duration('ns', '0', '1min'), 10_000_000, {
    summary: 'pause before attempt n + 1: n times this',
    flag: 'retry-backoff',
  }),
  minInterval: key(duration('ns', '0', '1min'), 0, {
    summary: 'least time between two requests',
    flag: 'min-request-interval',
  }),
  slo: key(duration('ns', '0', '1h'), 100_000_000, {
    summary: 'a range that takes longer is counted; 0 = none is',
    flag: 'slo',
  }),
  unrecoverable: key(choice('log', 'stale', 'exit'), 'log', {
    summary: 'where recovery fails: go on (log, stale: books say so), or end with 1 (exit)',
    flag: 'unrecoverable-policy',
  }),
};

const isSize = (given: string): boolean => parseSize(given) !== null;

export const journal: Section<'journal'> = {
  directory: key(optional(path), null, {
    summary: 'directory of the journal, gone on with where there is one; nothing is kept on disk without',
    flag: 'journal',
    example: '"journal"',
  }),
  fsync: key(
    fsync,
    { intervalMs: 100 },
    {
      summary: 'when it is synced: never (but at its ends), after each batch, or so long after the last time',
      flag: 'fsync',
    },
  ),
  segmentBytes: key(size('4KiB', '64GiB'), 256_000_000, {
    summary: 'a new segment begins after as many bytes',
    flag: 'segment-size',
  }),
  segmentEvents: key(integer(1, LARGEST), 5_000_000, {
    summary: 'a new segment begins after as many events',
    flag: 'segment-events',
  }),
  keepBytes: key(optional(size('4KiB', '1024TiB')), null, {
    summary: 'the oldest segments are removed beyond this size',
    flag: 'keep',
    flagPart: (given) => (isSize(given) ? given : null),
    example: '"50GB"',
  }),
  keepNs: key(optional(duration('ns', '1s', '36500d')), null, {
    name: 'keep_age',
    summary: 'segments are removed when their last event was written longer ago',
    flag: 'keep',
    flagPart: (given) => (isSize(given) ? null : given),
    example: '"7d"',
  }),
  minFreeBytes: key(size('0', '1024TiB'), 0, {
    summary: 'room that stays free on the disk; with less, the journal stops',
    flag: 'min-free',
  }),
  compress: key(boolean, false, { summary: 'closed segments are compressed', flag: 'compress' }),
};
