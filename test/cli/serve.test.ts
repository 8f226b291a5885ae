import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Market } from '../../src/core/book/market.ts';
import { stateHash } from '../../src/core/book/state-hash.ts';
import { run } from '../../src/core/pipeline/run.ts';
import { PENDING_BYTES } from '../../src/core/publish/events/event-client.ts';
import { EVENT_KINDS } from '../../src/core/publish/events/kinds.ts';
import { play } from '../core/simulate/session.ts';
import { LastingEvents, LastingStream } from '../world/event-clients.ts';
import { HistoryEvents } from '../world/event-history.ts';
import { freeUdpPort } from '../world/free-port.ts';
import { RawV1Books, RawV1Client } from '../world/raw-v1-client.ts';
import { started } from '../world/real-process.ts';
import { runOptions } from '../world/run-options.ts';
import { Running } from '../world/running.ts';
import { listening } from '../world/sockets.ts';
import { payloadsOf } from '../world/two-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-serve-'));
const capture = join(folder, 'session.pcap');
const journal = join(folder, 'journal');
const config = join(folder, 'mdx.toml');
let packets: readonly Buffer[] = [];
let truth: Market;
let socket: Socket;
let recovery: Running;

beforeAll(async () => {
  const { a } = play({ seed: 8, profile: { messages: 3000 } });
  writeFileSync(capture, a);
  packets = payloadsOf(a);
  truth = (await run(runOptions([capture]))).books.markets[0]!;
  socket = createSocket('udp4');
});

afterAll(async () => {
  socket.close();
  recovery.child.kill();
  await recovery.end;
  rmSync(folder, { recursive: true });
});

async function tcpPort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  return port;
}

interface Ports {
  readonly lineA: number;
  readonly lineB: number;
  readonly http: number;
  readonly a: number;
  readonly b: number;
}

/** A client that has books of its own for as long as the feed goes on, over several connections. */
class LastingClient {
  readonly books: RawV1Books = new RawV1Books();
  readonly #url: string;
  #client: RawV1Client | null = null;
  #taken = 0;

  constructor(port: number) {
    this.#url = `ws://127.0.0.1:${port}/ws?channel=obo&codec=raw-v1`;
  }

  async join(query: string): Promise<void> {
    for (;;) {
      try {
        this.#client = await RawV1Client.open(`${this.#url}${query}`);
        break;
      } catch (error) {
        // There is nothing to serve yet.
        if (!(error as Error).message.startsWith('503')) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    this.#taken = 0;
  }

  /** Goes on behind the last frame that it has. */
  rejoin(): Promise<void> {
    return this.join(`&from_seq=${this.books.next}`);
  }

  async until(isSo: () => boolean): Promise<void> {
    await this.#client!.until(({ bytes }) => {
      for (; this.#taken < bytes.length; this.#taken += 1) this.books.apply(bytes[this.#taken]!);
      return isSo();
    });
  }

  async close(): Promise<void> {
    await this.#client!.close();
  }
}

async function serve({ http }: Ports): Promise<Running> {
  const running = new Running(started(['serve', '--config', config, '--json']));
  await running.said(/listening ws:\/\/\S+\n(.*\n)*.*listening ws:/);
  for (;;) {
    const answer = (await (await fetch(`http://127.0.0.1:${http}/api/v1/lines`)).json()) as {
      lines: object[];
    };
    if (answer.lines.length === 2) return running;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Both lines lose packets, now and then both the same; the last one reaches somebody. */
async function send({ lineA, lineB }: Ports, from: number, to: number): Promise<void> {
  const one = (packet: Buffer, port: number): Promise<void> =>
    new Promise((resolve) => socket.send(packet, port, '127.0.0.1', () => resolve()));
  for (let at = from; at < to; at += 1) {
    const isLostByBoth = at % 40 === 20 && at < packets.length - 1;
    if (!isLostByBoth && at % 10 !== 3) await one(packets[at]!, lineA);
    if (!isLostByBoth && at % 10 !== 7) await one(packets[at]!, lineB);
    if (at % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Of the messages in a packet; each of them leads to an event at least. */
function firstNumberOf(packet: Buffer): number {
  return Number(packet.readBigUInt64BE(10));
}

/** A client that takes nothing asks for so much that events have to wait for it, whatever the system holds for it. */
async function stuff(client: LastingEvents, { http }: Ports): Promise<void> {
  const filter = { type: 'Sources', sources: ['*'], kinds: EVENT_KINDS };
  for (let asked = 0; asked < 90; asked += 1) {
    client.ask({ type: 'Recent', limit: 1000, filter });
    const answer = (await (
      await fetch(`http://127.0.0.1:${http}/api/v1/clients?protocol=events`)
    ).json()) as {
      clients: { pendingBytes: number }[];
    };
    if (answer.clients.some(({ pendingBytes }) => pendingBytes >= PENDING_BYTES)) return;
  }
  throw new Error('nothing waits for it');
}

test('clients of a lossy exchange have its books to the last order, over a kill in the middle', async () => {
  recovery = new Running(started(['recover-server', capture, '--listen', 'tcp+listen://127.0.0.1:0']));
  const endpoint = await listening(recovery.child);
  const ports = {
    lineA: await freeUdpPort(),
    lineB: await freeUdpPort(),
    http: await tcpPort(),
    a: await tcpPort(),
    b: await tcpPort(),
  };
  const configured = `[source]
feed = "itch-5.0"
[lines]
a = ["udp://127.0.0.1:${ports.lineA}"]
b = ["udp://127.0.0.1:${ports.lineB}"]
[merge]
start = 1
gap_timeout = "1ms"
[recovery]
endpoint = "${endpoint}"
timeout = "30s"
request_timeout = "10s"
[journal]
directory = "${journal}"
[http]
listen = "127.0.0.1:${ports.http}"
[raw_v1]
a = "127.0.0.1:${ports.a}"
b = "127.0.0.1:${ports.b}"
write_timeout = "60s"
`;
  writeFileSync(config, `${configured}[events]\nretained_bytes = "256KiB"\n`);
  const third = Math.floor(packets.length / 3);
  const clients = [new LastingClient(ports.a), new LastingClient(ports.b), new LastingClient(ports.a)];

  const first = await serve(ports);
  await send(ports, 0, Math.floor(third / 3));
  const events = new LastingEvents(ports.http);
  const slow = new LastingEvents(ports.http, EVENT_KINDS);
  const stream = new LastingStream(ports.http);
  const [early, middle, late] = clients as [LastingClient, LastingClient, LastingClient];
  await early.join('&from_seq=0');
  await early.until(() => early.books.live > 100);
  await middle.join('&snapshot=1');
  for (const client of [events, slow, stream]) await client.join();
  slow.pause();
  await send(ports, Math.floor(third / 3), Math.floor(third / 2));
  await events.until(() => events.events.length > 100);
  await stuff(slow, ports);
  await send(ports, Math.floor(third / 2), third);
  await late.join('&snapshot=1');
  await middle.until(() => middle.books.live > 50);
  await late.until(() => late.books.next !== null);
  await events.until(() => events.last >= firstNumberOf(packets[third - 1]!));
  slow.resume();
  await slow.until(() => slow.skipped > 0);
  first.child.kill('SIGKILL');
  await first.end;
  // What was on its way to them is theirs.
  for (const client of [...clients, events, slow, stream]) await client.until(() => false);

  writeFileSync(config, configured);
  await send(ports, third, 2 * third);
  const second = await serve(ports);
  for (const client of clients) await client.rejoin();
  for (const client of [events, slow, stream]) await client.join();
  await send(ports, 2 * third, packets.length);
  for (const client of clients) {
    await client.until(() => client.books.next === BigInt(truth.changes));
    expect(client.books.hash()).toBe(stateHash(truth).hash);
    expect([client.books.holes, client.books.skips, client.books.unknown]).toEqual([[], [], 0]);
    await client.close();
  }
  const ready = await fetch(`http://127.0.0.1:${ports.http}/ready`);
  expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true }]);

  await events.caughtUp();
  second.child.kill('SIGTERM');
  const { code, stdout, stderr } = await second.end;
  expect(code).toBe(0);
  expect(stderr).toMatch(/^stopped: [\d,]+ messages, [\d,]+ events · 3 books with [\d,]+ orders · journal/m);
  expect(JSON.parse(stdout)).toMatchObject({
    command: 'serve',
    feed: 'itch-5.0',
    books: { orders: clients[0]!.books.orders.length, stale: 0 },
    lines: [{ name: 'A', notRead: 0, dropped: 0 }, { name: 'B' }],
    channels: [{ lost: 0 }],
  });
  for (const client of [events, slow, stream]) await client.until(() => false);

  const history = new HistoryEvents();
  const { books } = await run(runOptions([`${journal}/`], { observers: [history.observer] }));
  expect(stateHash(books.markets[0]!).hash).toBe(stateHash(truth).hash);
  expect(slow.skipped).toBeGreaterThan(0);
  expect(events.against(history.events, () => true)).toEqual([]);
  expect(events.last).toBe(Number(history.events.at(-1)!.seq));
  // Views of books begin anew with each engine.
  expect(slow.against(history.events, (kind) => kind !== 'bbo' && kind !== 'depth')).toEqual([]);
  expect(stream.against(history.events, (kind) => kind === 'mbo')).toEqual([]);
  expect(stream.runs.size).toBe(1);
  const orders = clients[0]!.books.orders.map(({ id, ask, price, quantity }) => [
    String(id),
    { side: ask ? 'A' : 'B', price: String(price * 100_000n), size: Number(quantity) },
  ]);
  expect(stream.orders.size).toBe(orders.length);
  for (const [id, order] of orders) expect(stream.orders.get(id as string)).toMatchObject(order as object);
});
