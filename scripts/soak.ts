/*
 * An engine under steady load for a long time: a made-up exchange sends two sessions of the venue on two lossy lines, clients
 * of every protocol read, one of them hardly, and memory, handles and latency must stay what they are.
 *
 *     npm run soak [-- --minutes 30] [-- --rate 2000] [-- --report soak.json]
 *
 * Exit code 1 where something grew, or was lost. The report has every sample.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';
import { ROOT } from './generated.ts';

const SAMPLE_MS = 5000;
/** The first samples are of a process that is still warming up. */
const WARM = 0.25;
const GROWTH_MAX = 1.25;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '2000' },
    report: { type: 'string', default: 'soak.json' },
  },
});

/** How the engine stood at a moment. */
interface Sample {
  readonly seconds: number;
  readonly residentMiB: number;
  readonly handles: number;
  readonly events: number;
  readonly lost: number;
  readonly sessions: number;
  /** Half of the events of this stretch had reached the books, and the sockets, within so many seconds of their packets. */
  readonly bookP50: number | null;
  readonly sentP50: number | null;
}

const program = join(ROOT, 'bin/run.js');
const folder = mkdtempSync(join(tmpdir(), 'mdx-soak-'));
const children: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

const messages = Math.round((Number(values.minutes) * 60 * Number(values.rate)) / 2);
for (const seed of [1, 2]) {
  spawnSync(process.execPath, [
    ...[program, 'simulate', '--seed', String(seed), '--messages', String(messages), '--rate', values.rate],
    ...['-o', join(folder, `${seed}.pcap`), '-q'],
  ]);
}
const lines = [await freePort(), await freePort()];
writeFileSync(
  join(folder, 'mdx.toml'),
  `[source]
feed = "itch-5.0"
[lines]
a = ["udp://127.0.0.1:${lines[0]}"]
b = ["udp://127.0.0.1:${lines[1]}"]
[journal]
directory = "journal"
segment_bytes = "32MB"
keep_bytes = "256MB"
[http]
listen = "127.0.0.1:0"
[raw_v1]
a = "127.0.0.1:0"
b = "127.0.0.1:0"
`,
);
const serve = spawn(process.execPath, [program, 'serve', '--config', 'mdx.toml'], { cwd: folder });
children.push(serve);
const [url, a, b] = await listening(serve, 3);
await sleep(1000);

const exchange = play();
for (const endpoint of [a!, b!, a!, b!]) readRawV1(endpoint);
for (let client = 0; client < 3; client += 1) readEvents(client === 2);
const streams = ['bbo', 'trades', 'depth'].map((kind) => readStream(kind));

const samples: Sample[] = [];
const started = performance.now();
let before = new Map<string, number>();
let isOver = false;
void exchange.then(() => {
  isOver = true;
});
while (!isOver) {
  await sleep(SAMPLE_MS);
  const text = await (await fetch(`${url}/metrics`)).text();
  const now = valuesOf(text);
  samples.push(sampleOf(now, before));
  before = now;
  const last = samples.at(-1)!;
  process.stdout.write(`${JSON.stringify(last)}\n`);
}
const verdicts = judge(samples);
writeFileSync(
  values.report,
  `${JSON.stringify({ messages, rate: Number(values.rate), verdicts, samples }, null, 2)}\n`,
);
for (const [what, { first, last, isGood }] of Object.entries(verdicts)) {
  process.stdout.write(`${isGood ? 'good' : 'BAD '}  ${what}: ${first} → ${last}\n`);
}
serve.kill('SIGINT');
const [code] = (await once(serve, 'close')) as [number | null];
process.stdout.write(`the engine ended with ${code}\n`);
void streams;
process.exit(code === 0 && Object.values(verdicts).every(({ isGood }) => isGood) ? 0 : 1);

/** Both sessions, one behind the other, at their own speed. */
async function play(): Promise<void> {
  for (const seed of [1, 2]) {
    const to = lines.flatMap((port) => ['--to', `udp://127.0.0.1:${port}`]);
    const child = spawn(process.execPath, [
      ...[program, 'replay', join(folder, `${seed}.pcap`), ...to, '--loss', '0.1%', '--speed', '1', '-q'],
    ]);
    children.push(child);
    child.stdout.resume();
    await once(child, 'close');
  }
}

function readRawV1(endpoint: string): void {
  const socket = new WebSocket(`${endpoint}/ws?channel=obo&codec=raw-v1`);
  socket.on('error', () => {});
}

/** @param isSlow reads a little every second. */
function readEvents(isSlow: boolean): void {
  const socket = new WebSocket(`${url!.replace('http', 'ws')}/api/ws`);
  socket.on('error', () => {});
  if (!isSlow) return;
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

function sampleOf(now: ReadonlyMap<string, number>, then: ReadonlyMap<string, number>): Sample {
  const pid = serve.pid!;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    seconds: Math.round((performance.now() - started) / 1000),
    residentMiB: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024),
    handles: readdirSync(`/proc/${pid}/fd`).length,
    events: now.get('mdx_event_number') ?? 0,
    lost: sumOf(now, 'mdx_merge_lost_total'),
    sessions: now.get('mdx_sessions_total') ?? 0,
    bookP50: medianOf(now, then, 'book'),
    sentP50: medianOf(now, then, 'sent'),
  };
}

/** Upper edge of the bucket that half of the observations since then are within. */
function medianOf(
  now: ReadonlyMap<string, number>,
  then: ReadonlyMap<string, number>,
  stage: string,
): number | null {
  const edges = new Map<number, number>();
  for (const [name, value] of now) {
    const edge = new RegExp(`^mdx_latency_seconds_bucket\\{stage="${stage}",.*le="([^"]+)"`).exec(name)?.[1];
    if (edge === undefined || edge === '+Inf') continue;
    edges.set(Number(edge), (edges.get(Number(edge)) ?? 0) + value - (then.get(name) ?? 0));
  }
  const sorted = [...edges].sort(([x], [y]) => x - y);
  const half = (sorted.at(-1)?.[1] ?? 0) / 2;
  return sorted.find(([, count]) => half > 0 && count >= half)?.[0] ?? null;
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
  const compared = (what: (sample: Sample) => number | null, growthMax: number) => {
    const first = of(warm.slice(0, third), what);
    const last = of(warm.slice(-third), what);
    return { first, last, isGood: last <= first * growthMax };
  };
  const last = all.at(-1)!;
  return {
    'resident MiB': compared(({ residentMiB }) => residentMiB, GROWTH_MAX),
    handles: compared(({ handles }) => handles, 1),
    'packet to book, half within s': compared(({ bookP50 }) => bookP50, 2.5),
    'packet to socket, half within s': compared(({ sentP50 }) => sentP50, 2.5),
    'sessions behind the first': { first: 0, last: last.sessions, isGood: last.sessions === 1 },
  };
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
