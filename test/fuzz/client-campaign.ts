import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { play } from '../core/simulate/session.ts';
import { freeUdpPort } from '../world/free-port.ts';
import { ServedEngine } from '../world/served-engine.ts';
import { payloadsOf } from '../world/two-lines.ts';
import type { DecentPlan, DecentReport, Protocol } from './decent-clients.ts';
import { closeCodeOf } from './hostile-websocket.ts';

const ROUND_MS = 4000;
const PRELOAD = 120_000;
const PRELOAD_RATE = 30_000;
const RATE = 1000;
/** Those who read late begin so many frames behind the oldest: what comes then is more than the system holds for them. */
const SOON_GONE = 10_000;
/** All that is kept for clients is full behind the preload, and every slot for packets was used: what grows then is a leak. */
const RETAINED_EVENTS = 100_000;
const POOL_SLOTS = 4096;
const MIB: number = 1024 ** 2;
/** A round lasts until who takes nothing has been closed, and this share of the memory before is what it may grow by. */
const GROWTH_MAX = 1.25;
const HEADER =
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';

/** How a bad client ended: by the code that the server closed with, its HTTP status, `gone` for the server, or `open`. */
type Ends = Record<'stopped' | 'crawling' | 'flooding' | 'malformed', string>;

/**
 * As docs/raw-v1.md, events.md and http.md say. Who takes nothing does not see its code (4002); a stream of server-sent
 * events waits for its reader, who begins anew with the books.
 */
const ENDS: Readonly<Record<Protocol, Ends>> = {
  'raw-v1': { stopped: 'gone', crawling: 'open', flooding: '1008', malformed: '1002' },
  events: { stopped: 'gone', crawling: 'open', flooding: '1008', malformed: '1002' },
  sse: { stopped: 'open', crawling: 'open', flooding: '400', malformed: '400' },
};

/**
 * Fifty clients of one engine, of which one takes nothing, one crawls, one floods and one sends what is no protocol; how the
 * other 46 are served in rounds with and without the four, those of one protocol in each. @returns what was wrong.
 * @param rounds how often each protocol has its turn.
 */
export async function clientCampaign(
  seed: number,
  rounds: number,
  say: (text: string) => void,
): Promise<string[]> {
  const protocols = Array<readonly Protocol[]>(rounds).fill(['raw-v1', 'events', 'sse']).flat();
  const messages = PRELOAD + ((protocols.length * 2 + 2) * ROUND_MS * RATE) / 1000;
  const packets = payloadsOf(play({ seed, profile: { messages } }).a);
  const ports = [await freeUdpPort(), await freeUdpPort()];
  const engine = await ServedEngine.start(
    `write_timeout = "1s"
[source]
feed = "itch-5.0"
[lines]
a = ["udp://127.0.0.1:${ports[0]}"]
b = ["udp://127.0.0.1:${ports[1]}"]
[receive]
pool_slots = ${POOL_SLOTS}
[merge]
pending_cap = ${POOL_SLOTS / 2}
[events]
send_timeout = "1s"
retained_events = ${RETAINED_EVENTS}
`,
  );
  const feed = new PacedFeed(packets, ports);
  // What is sent before the lines listen is lost; the feed goes on until it is heard.
  do await feed.send(RATE / 10, RATE);
  while (!(await engine.isReady()));
  const epoch = BigInt(`0x${(await engine.json<{ epoch: string }>('/api/v1/status')).epoch}`);
  // Events are made, and kept, while somebody wants them.
  const keeper = connect(engine.http, '127.0.0.1').resume();
  keeper.write(`GET /api/ws HTTP/1.1\r\nHost: localhost\r\n${HEADER}\r\n`);
  await feed.send(PRELOAD, PRELOAD_RATE);
  const child = fork(new URL('./decent-clients.ts', import.meta.url));
  const plan: DecentPlan = {
    http: engine.http,
    rawV1: engine.rawV1,
    each: { rawV1: 16, events: 15, sse: 15 },
  };
  child.send(plan);
  await once(child, 'message');
  const ask = async (): Promise<DecentReport> => {
    child.send('report');
    const [report] = (await once(child, 'message')) as [DecentReport];
    return report;
  };
  await feed.send(RATE, RATE);
  const faults: string[] = [];
  const memory: number[] = [];
  for (const protocol of protocols) {
    for (const isWith of [false, true]) {
      await ask();
      const bad = isWith ? await BadClients.join(protocol, engine, epoch.toString(32)) : null;
      await feed.send((ROUND_MS * RATE) / 1000, RATE);
      const report = await ask();
      const resident = residentMib(engine.pid);
      memory.push(resident);
      const ends = (await bad?.ends()) ?? null;
      for (const [name, { least, most, p50, p99 }] of Object.entries(report)) {
        say(
          `${(ends === null ? 'without' : `with four of ${protocol}`).padEnd(20)} ${name.padEnd(7)} ` +
            `${Math.round((least * 1000) / ROUND_MS)}–${Math.round((most * 1000) / ROUND_MS)} events/s each, ` +
            `delay p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms\n`,
        );
        if (least < most * 0.95) faults.push(`${name}: one got ${least} of ${most} events`);
      }
      for (const [name, end] of Object.entries(ends ?? {})) {
        const expected = ENDS[protocol][name as keyof Ends];
        if (end !== expected) faults.push(`${protocol}: who is ${name} ended ${end}, not ${expected}`);
      }
      say(`${' '.repeat(21)}memory ${resident} MiB${ends === null ? '' : `, ${JSON.stringify(ends)}`}\n`);
      if (ends !== null) say(`${' '.repeat(21)}heap of ${textOf(await engine.heaps())}\n`);
      bad?.leave();
    }
  }
  if (memory.at(-1)! > memory[1]! * GROWTH_MAX)
    faults.push(`memory grew from ${memory[1]} to ${memory.at(-1)} MiB`);
  keeper.destroy();
  child.disconnect();
  feed.close();
  await engine.alone();
  const code = await engine.stop();
  if (code !== 0) faults.push(`the engine ended with ${code}`);
  return faults;
}

/** Packets on both lines at so many messages a second. */
class PacedFeed {
  readonly #packets: readonly Buffer[];
  readonly #ports: readonly number[];
  readonly #socket = createSocket('udp4');
  #at = 0;

  constructor(packets: readonly Buffer[], ports: readonly number[]) {
    this.#packets = packets;
    this.#ports = ports;
  }

  async send(messages: number, rate: number): Promise<void> {
    const started = performance.now();
    for (let sent = 0; sent < messages && this.#at < this.#packets.length; ) {
      const due = Math.min(messages, ((performance.now() - started) * rate) / 1000);
      for (; sent < due && this.#at < this.#packets.length; this.#at += 1) {
        const packet = this.#packets[this.#at]!;
        for (const port of this.#ports) this.#socket.send(packet, port, '127.0.0.1');
        sent += packet.readUInt16BE(18);
      }
      await sleep(1);
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** The four, all of one protocol. Those that read late want what is long past, too. */
class BadClients {
  readonly #heard: Map<keyof Ends, Buffer[]> = new Map();
  readonly #sockets: Map<keyof Ends, Socket> = new Map();
  readonly #timers: NodeJS.Timeout[] = [];

  readonly #engine: ServedEngine;

  static async join(protocol: Protocol, engine: ServedEngine, run: string): Promise<BadClients> {
    const isRawV1 = protocol === 'raw-v1';
    const oldest = isRawV1
      ? await engine.metric('mdx_raw_v1_cursor{position="oldest"}')
      : (await engine.metric('mdx_event_number')) - RETAINED_EVENTS;
    return new BadClients(protocol, engine, run, oldest + SOON_GONE);
  }

  private constructor(protocol: Protocol, engine: ServedEngine, run: string, from: number) {
    const { http, rawV1 } = engine;
    this.#engine = engine;
    const port = protocol === 'raw-v1' ? rawV1[0]! : http;
    const past = protocol === 'raw-v1' ? `?from_seq=${from}` : '';
    const path = protocol === 'raw-v1' ? '/ws' : protocol === 'events' ? '/api/ws' : '/api/v1/stream/mbo';
    const header = protocol === 'sse' ? '' : HEADER;
    const last = protocol === 'sse' ? `Last-Event-ID: ${run}-${from}\r\n` : '';
    const requestOf = (query: string, more: string): string =>
      `GET ${path}${query} HTTP/1.1\r\nHost: localhost\r\n${header}${more}\r\n`;
    const subscribe = `{"type":"Subscribe","filter":{"type":"All"},"from":{"run":"${run}","seq":"${from}"}}`;
    const late = (socket: Socket): void => {
      socket.write(requestOf(past, last));
      if (protocol === 'events') socket.write(textFrame(subscribe));
    };
    late(this.#open('stopped', port).pause());
    const crawling = this.#open('crawling', port);
    late(crawling);
    crawling.on('data', () => crawling.pause());
    this.#timers.push(setInterval(() => crawling.resume(), 20));
    const flooding = this.#open('flooding', port);
    flooding.write(requestOf('', ''));
    const flood =
      protocol === 'sse' ? Buffer.alloc(20_000, 'GET / ') : Buffer.concat(Array<Buffer>(500).fill(PING));
    flooding.write(flood);
    const malformed = this.#open('malformed', port);
    malformed.write(protocol === 'sse' ? 'GET \0 HTTP/9\r\n\r\n' : requestOf('', ''));
    if (protocol !== 'sse') malformed.write(Buffer.from([0xf3, 0x05, 1, 2, 3, 4, 5]));
  }

  async ends(): Promise<Ends> {
    const { clients } = await this.#engine.json<{ clients: readonly { readonly address: string }[] }>(
      '/api/v1/clients',
    );
    const there = new Set(clients.map(({ address }) => address));
    return Object.fromEntries(
      Array.from(this.#sockets, ([name, socket]) => {
        const isThere = there.has(`127.0.0.1:${socket.localPort}`);
        return [name, isThere ? 'open' : this.#end(name)];
      }),
    ) as Ends;
  }

  leave(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  /** Of one that the server no longer has. */
  #end(name: keyof Ends): string {
    const heard = Buffer.concat(this.#heard.get(name)!);
    const status = /^HTTP\/1\.1 (\d{3})/.exec(heard.toString('latin1', 0, 16))?.[1];
    if (status === '101') return String(closeCodeOf(heard.subarray(heard.indexOf('\r\n\r\n') + 4)) ?? 'gone');
    return status === undefined || status === '200' ? 'gone' : status;
  }

  #open(name: keyof Ends, port: number): Socket {
    const socket = connect(port, '127.0.0.1');
    const heard: Buffer[] = [];
    this.#heard.set(name, heard);
    this.#sockets.set(name, socket);
    socket.on('error', () => {});
    if (name !== 'stopped') socket.on('data', (piece) => heard.push(piece));
    return socket;
  }
}

const PING: Buffer = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);

/** A text message of a client, masked with zeros. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

function residentMib(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Math.round((Number(kib) * 1024) / MIB);
}

function textOf(heaps: ReadonlyMap<string, number>): string {
  return Array.from(heaps, ([thread, bytes]) => `${thread} ${(bytes / MIB).toFixed(1)} MiB`).join(', ');
}
