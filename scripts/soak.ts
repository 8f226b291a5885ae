/*
 * An engine under steady load for a long time: a made-up exchange sends two sessions of the venue on two lossy lines, a
 * recovery server has what both lost, and many clients of every protocol read, one of them hardly. Memory, handles and
 * latency must stay what they are, nothing may be lost, and who reads must get everything.
 *
 *     npm run soak [-- --minutes 30] [-- --rate 20000] [-- --clients 100] [-- --report soak.json] [-- --overload]
 *
 * --rate is of the messages of the exchange in a second, --clients how many read raw-v1. The report has every sample. Exit
 * code 1 where something grew, or was lost.
 *
 * With --overload threads that publish have next to no room in front of them and are cut off, given enough load: then clients
 * must be told all that was left out, and the books of clients, of the engine and of the journal must be the same at the end.
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';
import type { FanoutRequest } from '../src/core/bench/fanout-clients.ts';
import { RawV1Client } from '../test/world/raw-v1-client.ts';
import { ROOT } from './generated.ts';

const SAMPLE_MS = 5000;
/** The first samples are of a process that is still warming up: its rings and logs fill. */
const WARM = 0.25;
const GROWTH_MAX = 1.1;
/** A file more is open for a moment while the journal turns to its next segment. */
const HANDLES_GROWTH_MAX = 1.02;
/** A tail moves by as much from minute to minute where all processors are in use. */
const LATENCY_GROWTH_MAX = 2.5;
const EVENT_CLIENTS = 3;
const STREAMS = ['bbo', 'trades', 'depth', 'mbo'];
const RAW_V1_PATH = '/ws?channel=obo&codec=raw-v1';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '20000' },
    clients: { type: 'string', default: '100' },
    report: { type: 'string', default: 'soak.json' },
    overload: { type: 'boolean', default: false },
  },
});

/** How the engine stood at a moment. Rates are of the stretch in front of it. */
interface Sample {
  readonly seconds: number;
  readonly residentMiB: number;
  readonly handles: number;
  readonly events: number;
  readonly sessions: number;
  readonly lost: number;
  readonly filled: number;
  readonly eventsPerSecond: number;
  /** Sent to all clients together. */
  readonly framesPerSecond: number;
  readonly jsonPerSecond: number;
  /** Processors that the engine used. */
  readonly cores: number;
  readonly connected: number;
  /** Frames and events that were left out for clients that read. */
  readonly skipped: number;
  /** How often threads that publish were cut off. */
  readonly cuts: number;
  /** So many of the events of this stretch had reached the books, and the sockets, within so many seconds of their packets. */
  readonly bookP50: number | null;
  readonly bookP99: number | null;
  readonly sentP50: number | null;
  readonly sentP99: number | null;
}

interface Verdict {
  readonly first: number;
  readonly last: number;
  readonly isGood: boolean;
}

interface ClientView {
  readonly protocol: string;
  readonly frames: number;
  readonly skipped: number;
}

const program = join(ROOT, 'bin/run.js');
const folder = mkdtempSync(join(tmpdir(), 'mdx-soak-'));
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

const rawV1Clients = Number(values.clients);
const messages = Math.round((Number(values.minutes) * 60 * Number(values.rate)) / 2);
for (const seed of [1, 2]) {
  const said = ['--seed', String(seed), '--messages', String(messages), '--rate', values.rate];
  spawnSync(process.execPath, [program, 'simulate', ...said, '-o', captureOf(seed), '-q']);
}
const [lineA, lineB, recovery] = [await freePort(), await freePort(), await freePort()];
writeFileSync(
  join(folder, 'mdx.toml'),
  `[source]
feed = "itch-5.0"
[lines]
a = ["udp://127.0.0.1:${lineA}"]
b = ["udp://127.0.0.1:${lineB}"]
[merge]
gap_timeout = "20ms"
[recovery]
endpoint = "tcp://127.0.0.1:${recovery}"
timeout = "10s"
request_timeout = "3s"
[journal]
directory = "journal"
segment_bytes = "32MB"
keep_bytes = "256MB"
[http]
listen = "127.0.0.1:0"
[raw_v1]
a = "127.0.0.1:0"
b = "127.0.0.1:0"
${values.overload ? '[publishers]\nwaiting_bytes = "1MiB"\n' : ''}`,
);
const serve = start('serve', '--config', join(folder, 'mdx.toml'));
const [url, a, b] = await listening(serve, 3);

// The clients are there first; what they are to get begins with the first packet.
await readAll(a!, RAW_V1_PATH, Math.ceil(rawV1Clients / 2));
await readAll(b!, RAW_V1_PATH, Math.floor(rawV1Clients / 2));
await readAll(url!, '/api/ws', EVENT_CLIENTS);
readSlowly(`${url!.replace('http', 'ws')}/api/ws`);
for (const kind of STREAMS) void readStream(kind);
const wanted = rawV1Clients + EVENT_CLIENTS + 1 + STREAMS.length;

const started = performance.now();
const samples: Sample[] = [];
let isOver = false;
const exchange = play();
void exchange.finally(() => {
  isOver = true;
});
let before: Look | null = null;
while (!isOver) {
  await Promise.race([sleep(SAMPLE_MS), exchange]);
  const now = await look();
  if (before !== null && now.at - before.at > 1000) {
    samples.push(sampleOf(now, before));
    process.stdout.write(`${JSON.stringify(samples.at(-1))}\n`);
  }
  before = now;
}
const verdicts: Record<string, Verdict> = { ...judge(samples) };
const hash = values.overload ? await judgeOverload(verdicts) : null;
const setting = { messages, rate: Number(values.rate), clients: rawV1Clients, cores: cpus().length };
writeFileSync(values.report, `${JSON.stringify({ ...setting, verdicts, samples }, null, 2)}\n`);
serve.kill('SIGINT');
const [code] = (await once(serve, 'close')) as [number | null];
if (hash !== null) {
  const { status } = spawnSync(
    process.execPath,
    [program, 'verify-journal', 'journal', '--expect-hash', hash],
    { cwd: folder },
  );
  verdicts['journal with the books of a client, exit code'] = {
    first: 0,
    last: status ?? -1,
    isGood: status === 0,
  };
}
for (const [what, { first, last, isGood }] of Object.entries(verdicts)) {
  process.stdout.write(`${isGood ? 'good' : 'BAD '}  ${what}: ${first} → ${last}\n`);
}
process.stdout.write(`the engine ended with ${code}\n`);
process.exit(code === 0 && Object.values(verdicts).every(({ isGood }) => isGood) ? 0 : 1);

function captureOf(seed: number): string {
  return join(folder, `${seed}.pcap`);
}

function start(...words: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...words], { cwd: folder });
  children.add(child);
  child.once('close', () => children.delete(child));
  child.stdout!.resume();
  return child;
}

/** Both sessions, one behind the other, at their own speed; each has a recovery server of its own, at the same place. */
async function play(): Promise<void> {
  for (const seed of [1, 2]) {
    const server = start('recover-server', captureOf(seed), '--listen', `tcp+listen://127.0.0.1:${recovery}`);
    await listening(server, 1);
    const to = [lineA, lineB].flatMap((port) => ['--to', `udp://127.0.0.1:${port}`]);
    const lossy = ['--loss', '0.1%', '--seed', String(seed), '--speed', '1', '-q'];
    const sender = start('replay', captureOf(seed), ...to, ...lossy);
    sender.stderr!.pipe(process.stderr);
    await once(sender, 'close');
    await settled();
    server.kill();
  }
}

/** Resolves when the engine has all that was sent: nothing more comes, and nothing is missing. */
async function settled(): Promise<void> {
  for (let before = -1; ; await sleep(1000)) {
    const { delivered, missing } = await look();
    if (delivered === before && missing === 0) return;
    before = delivered;
  }
}

/** Clients in a process of their own that read all and count bytes. */
async function readAll(endpoint: string, path: string, clients: number): Promise<void> {
  const readers = fork(join(ROOT, 'src/core/bench/fanout-clients.ts'));
  children.add(readers);
  readers.send({ port: Number(new URL(endpoint).port), path, clients } satisfies FanoutRequest);
  await once(readers, 'message');
}

/** A client that reads a little every second. */
function readSlowly(endpoint: string): void {
  const socket = new WebSocket(endpoint);
  socket.on('error', () => {});
  socket.on('open', () => socket.pause());
  setInterval(() => {
    socket.resume();
    setTimeout(() => socket.pause(), 50);
  }, 1000).unref();
}

async function readStream(kind: string): Promise<void> {
  const { body } = await fetch(`${url}/api/v1/stream/${kind}`);
  try {
    for await (const _ of body!);
  } catch {
    // The engine has ended.
  }
}

/** What there is to see of the engine at a moment. */
interface Look {
  readonly at: number;
  readonly metrics: ReadonlyMap<string, number>;
  readonly clients: readonly ClientView[];
  readonly delivered: number;
  readonly missing: number;
  /** Seconds of processor time that it has used. */
  readonly cpu: number;
}

async function look(): Promise<Look> {
  const metrics = valuesOf(await (await fetch(`${url}/metrics`)).text());
  const { clients } = (await (await fetch(`${url}/api/v1/clients`)).json()) as { clients: ClientView[] };
  const { channels } = (await (await fetch(`${url}/api/v1/lines`)).json()) as {
    channels: { delivered: number; missing: number }[];
  };
  const stat = readFileSync(`/proc/${serve.pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  let delivered = 0;
  let missing = 0;
  for (const channel of channels) {
    delivered += channel.delivered;
    missing += channel.missing;
  }
  const cpu = (Number(stat[11]) + Number(stat[12])) / 100;
  return { at: performance.now(), metrics, clients, delivered, missing, cpu };
}

function sampleOf(now: Look, then: Look): Sample {
  const { metrics } = now;
  const pid = serve.pid!;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const seconds = (now.at - then.at) / 1000;
  const sent = ({ clients }: Look, protocol: string): number =>
    clients.filter((client) => client.protocol === protocol).reduce((sum, { frames }) => sum + frames, 0);
  const perSecond = (protocol: string): number =>
    Math.round((sent(now, protocol) - sent(then, protocol)) / seconds);
  const number = (look: Look): number => look.metrics.get('mdx_event_number') ?? 0;
  // The slow one is told what it loses; who reads loses nothing.
  const skipped = now.clients.map((client) => client.skipped).toSorted((x, y) => y - x);
  return {
    seconds: Math.round((now.at - started) / 1000),
    residentMiB: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024),
    handles: readdirSync(`/proc/${pid}/fd`).length,
    events: number(now),
    sessions: metrics.get('mdx_sessions_total') ?? 0,
    lost: sumOf(metrics, 'mdx_merge_lost_total'),
    filled: sumOf(metrics, 'mdx_merge_filled_total'),
    eventsPerSecond: Math.round((number(now) - number(then)) / seconds),
    framesPerSecond: perSecond('raw-v1'),
    jsonPerSecond: perSecond('events'),
    cores: Math.round(((now.cpu - then.cpu) / seconds) * 100) / 100,
    connected: now.clients.length,
    skipped: skipped.slice(1).reduce((sum, each) => sum + each, 0),
    cuts: sumOf(metrics, 'mdx_tap_cuts_total'),
    bookP50: quantileOf(metrics, then.metrics, 'book', 0.5),
    bookP99: quantileOf(metrics, then.metrics, 'book', 0.99),
    sentP50: quantileOf(metrics, then.metrics, 'sent', 0.5),
    sentP99: quantileOf(metrics, then.metrics, 'sent', 0.99),
  };
}

/** What this share of the observations since then are within, s: within a bucket by its part, as Prometheus reckons. */
function quantileOf(
  now: ReadonlyMap<string, number>,
  then: ReadonlyMap<string, number>,
  stage: string,
  share: number,
): number | null {
  const edges = new Map<number, number>();
  for (const [name, value] of now) {
    const edge = new RegExp(`^mdx_latency_seconds_bucket\\{stage="${stage}",.*le="([^"]+)"`).exec(name)?.[1];
    if (edge === undefined || edge === '+Inf') continue;
    edges.set(Number(edge), (edges.get(Number(edge)) ?? 0) + value - (then.get(name) ?? 0));
  }
  const sorted = [...edges].sort(([x], [y]) => x - y);
  const wantedCount = (sorted.at(-1)?.[1] ?? 0) * share;
  const at = sorted.findIndex(([, count]) => wantedCount > 0 && count >= wantedCount);
  if (at < 0) return null;
  const [edge, count] = sorted[at]!;
  const [edgeBefore, countBefore] = sorted[at - 1] ?? [0, 0];
  const within = edgeBefore + ((edge - edgeBefore) * (wantedCount - countBefore)) / (count - countBefore);
  return Math.round(within * 1e6) / 1e6;
}

function judge(all: readonly Sample[]) {
  const warm = all.slice(Math.floor(all.length * WARM));
  const third = Math.max(1, Math.floor(warm.length / 3));
  const of = (list: readonly Sample[], what: (sample: Sample) => number | null): number => {
    const known = list
      .map(what)
      .filter((value) => value !== null)
      .sort((x, y) => x - y);
    return known[known.length >> 1] ?? 0;
  };
  const flat = (what: (sample: Sample) => number | null, growthMax: number) => {
    const first = of(warm.slice(0, third), what);
    const last = of(warm.slice(-third), what);
    return { first, last, isGood: last <= first * growthMax };
  };
  const exact = (what: (sample: Sample) => number, expected: number) => {
    const last = all.at(-1)!;
    return { first: expected, last: what(last), isGood: what(last) === expected };
  };
  return {
    'resident MiB': flat(({ residentMiB }) => residentMiB, GROWTH_MAX),
    handles: flat(({ handles }) => handles, HANDLES_GROWTH_MAX),
    'packet to book, half within s': flat(({ bookP50 }) => bookP50, LATENCY_GROWTH_MAX),
    'packet to book, 99 % within s': flat(({ bookP99 }) => bookP99, LATENCY_GROWTH_MAX),
    'packet to socket, half within s': flat(({ sentP50 }) => sentP50, LATENCY_GROWTH_MAX),
    'packet to socket, 99 % within s': flat(({ sentP99 }) => sentP99, LATENCY_GROWTH_MAX),
    'sessions behind the first': exact(({ sessions }) => sessions, 1),
    'messages lost': exact(({ lost }) => lost, 0),
    // Who reads raw-v1 is closed at a hole, and comes back in earnest.
    ...(values.overload
      ? {}
      : {
          'clients still there': exact(({ connected }) => connected, wanted),
          'left out for clients that read': exact(({ skipped }) => skipped, 0),
        }),
  };
}

/** Were threads cut off, and their clients told of it? @returns the hash of the books that a new client of raw-v1 has. */
async function judgeOverload(all: Record<string, Verdict>): Promise<string> {
  const { metrics, clients } = await look();
  const cuts = sumOf(metrics, 'mdx_tap_cuts_total');
  all['cuts of threads that publish'] = { first: 1, last: cuts, isGood: cuts > 0 };
  const skipped = metrics.get('mdx_tap_skipped_events_total{tap="main"}') ?? 0;
  const told = clients.filter(({ protocol }) => protocol === 'events').map((client) => client.skipped);
  const least = Math.min(...told);
  all['events left out for all, told to each'] = { first: skipped, last: least, isGood: least >= skipped };
  const client = await RawV1Client.open(`${a}${RAW_V1_PATH}&snapshot=1`);
  const frames = metrics.get('mdx_raw_v1_cursor{position="next"}') ?? 0;
  await client.until(({ books }) => books.snapshots > 0);
  const books = `0x${client.books.hash().toString(16).padStart(16, '0')}`;
  await client.close();
  process.stdout.write(`books of a client behind ${frames} frames: ${books}\n`);
  return books;
}

function valuesOf(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const at = line.lastIndexOf(' ');
    if (line !== '' && !line.startsWith('#')) found.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return found;
}

function sumOf(found: ReadonlyMap<string, number>, name: string): number {
  let sum = 0;
  for (const [each, value] of found) if (each === name || each.startsWith(`${name}{`)) sum += value;
  return sum;
}

/** The addresses that it says it listens on. */
async function listening(child: ChildProcess, count: number): Promise<string[]> {
  let text = '';
  child.stderr!.setEncoding('utf8');
  for (;;) {
    const [chunk] = (await once(child.stderr!, 'data')) as [string];
    text += chunk;
    const found = [...text.matchAll(/listening (\S+:\/\/\S+)$/gm)].map(([, address]) => address!);
    if (found.length < count) continue;
    child.stderr!.resume();
    return found;
  }
}

async function freePort(): Promise<number> {
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}
