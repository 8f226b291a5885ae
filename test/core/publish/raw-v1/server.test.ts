import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { Random } from '../../../../src/core/binary/random.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import * as record from '../../../../src/core/event/record.ts';
import { Books } from '../../../../src/core/pipeline/books.ts';
import { RawV1Publisher } from '../../../../src/core/publish/raw-v1/publisher.ts';
import {
  type Authorizer,
  type RawV1Limits,
  RawV1Server,
} from '../../../../src/core/publish/raw-v1/server.ts';
import { batchOf } from '../../../world/event-builder.ts';
import { ClientBooks, type Frame, frameOf, framesOf } from './frames.ts';

const LIMITS: RawV1Limits = {
  heartbeatMs: 60_000,
  writeTimeoutMs: 60_000,
  handshakeTimeoutMs: 60_000,
  maxConnections: 8,
  noDelay: true,
};
const BATCH = 500;
const OPEN: Authorizer = { some: false, nameOf: () => null, origins: [] };
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Stage {
  readonly publisher: RawV1Publisher;
  readonly server: RawV1Server;
  readonly urls: readonly string[];
  readonly ports: readonly number[];
  /** Adds so many orders, the first with this id. */
  add(first: number, count: number): void;
  /** Goes on with other books, behind so many order changes. */
  beginAnew(changes: number): void;
}

interface Wanted {
  readonly limits?: Partial<RawV1Limits>;
  readonly retainedFrames?: number;
  readonly retainedBytes?: number;
  readonly authorizer?: Authorizer;
  readonly price?: 'native' | 'e8';
  /** Order changes in the history that a restart goes on with. */
  readonly changes?: number;
}

async function stageOf(wanted: Wanted = {}): Promise<Stage> {
  const { retainedFrames = 100_000, retainedBytes = 1 << 23, authorizer = OPEN } = wanted;
  const { price = 'native', changes = 0 } = wanted;
  const dictionary = new Dictionary();
  const key = { publisher: 1, instrument: 77n, channel: 0, priceScale: 2, quantityScale: 0, symbol: 'TEST' };
  dictionary.add({ source: 's', ...key });
  const publisher = new RawV1Publisher({ price, retainedFrames, retainedBytes });
  const rules = { idScope: 'source', groupScope: 'book', modifyUnknown: 'ignore' } as const;
  let books: Books;
  const beginAnew = (behind: number): void => {
    books = new Books({ ...rules, replaceUnknown: 'ignore', modifyPriority: 'lost' }, dictionary, null, [
      publisher,
    ]);
    if (behind > 0) books.marketOf(0).restoreChanges(0, behind);
    publisher.start(null, { books, epoch: { high: 0x01020304, low: 5 }, imageEvent: behind });
    publisher.flush();
  };
  beginAnew(changes);
  const limits = { ...LIMITS, ...wanted.limits };
  const server = new RawV1Server(publisher, authorizer, limits);
  const servers = [0, 1].map(() => createServer(RawV1Server.httpOptions(limits)));
  for (const http of servers) server.attach(http);
  const ports = await Promise.all(servers.map(portOf));
  server.start();
  closing.push(() => server.close('the test is over', 1000));
  const add = (first: number, count: number): void => {
    for (let from = first; from < first + count; from += BATCH) {
      const ids = Array.from({ length: Math.min(BATCH, first + count - from) }, (_, at) => from + at);
      books.accept(
        batchOf(
          ids.map((id) => ({
            kind: record.KIND_ADD,
            book: 0,
            id: BigInt(id),
            price: BigInt(id % 7),
            quantity: 5n,
          })),
        ),
      );
    }
    publisher.flush();
  };
  return { publisher, server, ports, urls: ports.map((port) => `ws://127.0.0.1:${port}/ws`), add, beginAnew };
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

class Client {
  readonly frames: Frame[] = [];
  readonly raw: Buffer[] = [];
  readonly socket: WebSocket;
  readonly opened: Promise<Readonly<Record<string, unknown>>>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #arrived: () => void = () => {};

  constructor(url: string, options: ConstructorParameters<typeof WebSocket>[2] = {}) {
    this.socket = new WebSocket(url, ['obo.raw.v1'], options);
    this.socket.on('error', () => {});
    this.socket.on('message', (data: RawData) => {
      this.raw.push(data as Buffer);
      this.frames.push(frameOf(data as Buffer));
      this.#arrived();
    });
    this.opened = Promise.all([once(this.socket, 'upgrade'), once(this.socket, 'open')]).then(
      ([[response]]) => response.headers,
    );
    this.opened.catch(() => {});
    this.closed = once(this.socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
  }

  /** Resolves when so many frames have come. */
  async has(count: number): Promise<void> {
    while (this.frames.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }
}

async function refusal(
  url: string,
  headers: Record<string, string> = {},
): Promise<readonly [number, string]> {
  const client = new WebSocket(url, { headers });
  client.on('error', () => {});
  const response = await Promise.race([
    once(client, 'unexpected-response').then(([, refused]) => refused),
    once(client, 'open').then(() => null),
  ]);
  if (response === null) {
    client.terminate();
    return [101, 'it was let in'];
  }
  const text = (await response.toArray()).map(String).join('');
  return [response.statusCode, text];
}

describe('raw-v1 clients', () => {
  test('get the same frames at both endpoints, from where they come', async () => {
    const { urls, add } = await stageOf();
    add(1, 10);
    const clients = urls.map((url) => new Client(url));
    for (const client of clients) {
      const headers = await client.opened;
      expect(headers['x-mdx-epoch']).toBe('0102030400000005');
      expect(client.socket.protocol).toBe('obo.raw.v1');
    }
    add(11, 2000);
    for (const client of clients) await client.has(2000);
    const [a, b] = clients as [Client, Client];
    expect(Buffer.concat(a.raw).equals(Buffer.concat(b.raw))).toBe(true);
    expect([a.frames[0]!.cursor, a.frames.at(-1)!.cursor]).toEqual([10n, 2009n]);
  });

  test('get the books first and then what comes behind them, or frames from a cursor on', async () => {
    const { urls, add } = await stageOf();
    add(1, 100);
    const late = new Client(`${urls[0]}?channel=obo&codec=raw-v1&snapshot=1`);
    const resumed = new Client(`${urls[1]}?from_seq=40`);
    await late.opened;
    await resumed.opened;
    add(101, 100);
    await late.has(203);
    await resumed.has(160);
    expect(resumed.frames.map(({ cursor }) => Number(cursor))).toEqual(
      Array.from({ length: 160 }, (_, at) => at + 40),
    );
    const types = late.frames.map(({ type }) => type);
    expect([types[0], types[1], types[102]]).toEqual([3, 104, 4]);
    const start = late.frames[0]!.payload;
    expect(start.getBigUint64(0, true)).toBe(0x01020304_00000005n);
    expect(start.getBigUint64(8, true)).toBe(100n);
    const header = late.frames[1]!;
    expect(header.instrument).toBe(77n);
    expect([header.payload.getUint32(0, true), header.payload.getUint32(4, true)]).toEqual([7, 100]);
    expect(header.payload.getBigUint64(8, true)).toBe(100n);
    const snapshot = late.frames.slice(2, 102);
    expect(snapshot.every(({ sequence, cursor }) => sequence === 0n && cursor === 0n)).toBe(true);
    expect(late.frames[103]!.cursor).toBe(100n);
    expect(late.frames[103]!.sequence).toBe(101n);
    const whole = new ClientBooks();
    const early = new Client(`${urls[0]}?from_seq=0`);
    await early.has(200);
    for (const frame of early.frames) whole.take(frame);
    const joined = new ClientBooks();
    for (const frame of late.frames) joined.take(frame);
    expect(joined.lines()).toEqual(whole.lines());
  });

  test('get many orders over several turns, as they were at the cursor, whatever comes meanwhile', async () => {
    const { urls, add, server, publisher } = await stageOf();
    add(1, 10_000);
    const late = new Client(`${urls[0]}?snapshot=1`);
    while (server.clients < 1) await new Promise(setImmediate);
    for (let first = 10_001; first < 11_000; first += 100) {
      add(first, 100);
      await new Promise(setImmediate);
    }
    await late.has(10_003 + 1000);
    expect(server.frames).toBe(10_003 + 1000);
    const joined = new ClientBooks();
    for (const frame of late.frames) joined.take(frame);
    const whole = new ClientBooks();
    expect(late.frames.slice(10_003).map(({ cursor }) => Number(cursor))).toEqual(
      Array.from({ length: 1000 }, (_, at) => 10_000 + at),
    );
    const again = publisher.image()!;
    again.encode(Number.POSITIVE_INFINITY);
    for (const frame of framesOf(Buffer.concat(again.pieces))) whole.take(frame);
    expect(joined.lines()).toEqual(whole.lines());
  });

  test('are refused in front of the upgrade, with a status and a reason', async () => {
    const names: Record<string, string> = { 'Bearer good': 'one' };
    const nameOf = (text: string | undefined): string | null => names[text ?? ''] ?? null;
    const { urls, add, server } = await stageOf({
      authorizer: { some: true, nameOf, origins: ['https://desk.example'] },
      limits: { maxConnections: 1 },
    });
    const url = urls[0]!;
    const good = { authorization: 'Bearer good' };
    expect((await refusal(url))[0]).toBe(401);
    expect((await refusal(url, { authorization: 'Bearer bad' }))[0]).toBe(401);
    expect((await refusal(url, { ...good, origin: 'https://evil.example' }))[0]).toBe(403);
    expect(await refusal(`${url}?snapshot=1`, good)).toEqual([503, 'there are no books yet: try again\n']);
    add(1, 10);
    const wrong: readonly (readonly [string, string])[] = [
      ['channel=l2', 'channel=l2: only channel=obo is served here\n'],
      ['codec=sbe', 'codec=sbe: only codec=raw-v1 is served here\n'],
      ['symbols=A', 'symbols: raw-v1 has no filter, all instruments are sent\n'],
      ['snapshot=1&snapshot=1', 'snapshot is given twice\n'],
      ['snapshot=yes', 'snapshot=yes: expected 1, true, 0 or false\n'],
      ['snapshot=1&from_seq=1', 'snapshot=1 and from_seq exclude each other\n'],
      ['from_seq=-1', 'from_seq=-1: expected a whole number of 64 bits\n'],
      ['from_seq=11', 'from_seq=11: the next frame is 10\n'],
      ['__proto__=1', '__proto__: known are channel, codec, snapshot and from_seq\n'],
    ];
    for (const [query, reason] of wrong)
      expect(await refusal(`${url}?${query}`, good)).toEqual([400, reason]);
    const client = new Client(`${url}?from_seq=10`, { headers: { ...good, origin: 'https://desk.example' } });
    await client.opened;
    expect(server.views().map(({ token }) => token)).toEqual(['one']);
    expect(await refusal(urls[1]!, good)).toEqual([503, '1 clients are connected, no more are taken\n']);
    expect(server.counts).toMatchObject({ auth: 3, query: wrong.length, snapshot: 1, cap: 1 });
  });

  test('go on behind a restart, but not where prices are converted: which books were refused is not kept', async () => {
    const native = await stageOf({ changes: 5 });
    await new Client(`${native.urls[0]}?from_seq=5`).opened;
    const e8 = await stageOf({ changes: 5, price: 'e8' });
    const url = `${e8.urls[0]}?from_seq=`;
    expect((await refusal(`${url}5`))[0]).toBe(400);
    e8.add(1, 2);
    await new Client(`${url}6`).opened;
  });

  test('that are overtaken are told which frames they lost, and closed', async () => {
    const { urls, add, server } = await stageOf({ retainedFrames: 50 });
    add(1, 200);
    const client = new Client(`${urls[0]}?from_seq=100`);
    expect(await client.closed).toEqual({ code: 4001, reason: 'cursors 100 to 149 are no longer kept' });
    const { type, payload } = client.frames[0]!;
    expect([type, payload.getBigUint64(0, true), payload.getBigUint64(8, true)]).toEqual([2, 100n, 149n]);
    while (server.clients > 0) await new Promise(setImmediate);
    expect(server.counts.gap).toBe(1);
  });

  test('get what there is in front of frames that were never made, and are told which those are', async () => {
    const { urls, add, beginAnew, server } = await stageOf();
    add(1, 100);
    const behind = new Client(`${urls[0]}?from_seq=40`);
    const image = new Client(`${urls[1]}?snapshot=1`);
    await behind.has(60);
    await image.has(103);
    beginAnew(150);
    const lost = { code: 4001, reason: 'cursors 100 to 149 are no longer kept' };
    for (const client of [behind, image]) {
      expect(await client.closed).toEqual(lost);
      const { type, payload } = client.frames.at(-1)!;
      expect([type, payload.getBigUint64(0, true), payload.getBigUint64(8, true)]).toEqual([2, 100n, 149n]);
    }
    add(1, 10);
    // Whoever comes later is told the same, begins behind it, or gets it from elsewhere.
    const again = new Client(`${urls[0]}?from_seq=90`);
    expect(await again.closed).toEqual(lost);
    expect(again.frames.slice(0, 10).map(({ cursor }) => cursor)).toEqual(
      Array.from({ length: 10 }, (_, at) => BigInt(90 + at)),
    );
    const late = new Client(`${urls[0]}?snapshot=1`);
    await late.has(13);
    expect(late.frames[0]!.payload.getBigUint64(8, true)).toBe(160n);
    const asked: number[][] = [];
    server.history = {
      async replay(from, to) {
        asked.push([from, to]);
        return true;
      },
    };
    const resumed = new Client(`${urls[0]}?from_seq=120`);
    await resumed.has(10);
    expect(resumed.frames[0]!.cursor).toBe(150n);
    expect(resumed.frames[0]!.sequence).toBe(151n);
    expect(asked).toEqual([[120, 150]]);
  });

  test('that take nothing do not hold up the others, and are closed', async () => {
    const { urls, ports, add, server, publisher } = await stageOf({
      retainedFrames: 400_000,
      retainedBytes: 1 << 25,
    });
    const stopped = connect(ports[0]!, '127.0.0.1');
    stopped.pause();
    stopped.on('error', () => {});
    stopped.write(
      'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
        'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    while (server.clients < 1) await new Promise(setImmediate);
    const quick = new Client(urls[1]!);
    await quick.opened;
    for (let part = 0; part < 12; part += 1) {
      add(1 + part * 10_000, 10_000);
      await quick.has((part + 1) * 10_000);
    }
    expect(server.views().map(({ lag }) => lag > 0)).toEqual([true, false]);
    const start = performance.now();
    for (let ms = 0; server.clients > 1; ms += 5000) {
      server.sweep(start + ms);
      await new Promise(setImmediate);
    }
    expect(server.counts.write).toBe(1);
    expect(publisher.bus.pinnedBytes).toBe(0);
    stopped.destroy();
  });

  test('with a snapshot that is long under way keep what follows it, as far as memory allows', async () => {
    const { ports, add, server, publisher } = await stageOf({ retainedFrames: 100, retainedBytes: 1 << 23 });
    add(1, 60_000);
    const slow = connect(ports[0]!, '127.0.0.1');
    slow.pause();
    slow.on('error', () => {});
    slow.write(
      'GET /?snapshot=1 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
        'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    while (server.clients < 1) await new Promise(setImmediate);
    add(60_001, 10_000);
    expect(publisher.bus.oldest).toBe(60_000);
    add(70_001, 100_000);
    expect(publisher.bus.oldest).toBeGreaterThan(60_000);
    expect(publisher.bus.bytes).toBeLessThanOrEqual(1 << 23);
    slow.destroy();
    while (server.clients > 0) await new Promise(setImmediate);
    add(170_001, 10);
    expect(publisher.bus.next - publisher.bus.oldest).toBe(100);
  });

  test('get a heartbeat in silence, answers to pings, and the reason when the server stops', async () => {
    const { urls, add, server } = await stageOf();
    add(1, 10);
    const client = new Client(urls[0]!);
    await client.opened;
    client.socket.ping('x');
    await once(client.socket, 'pong');
    server.sweep(performance.now() + LIMITS.heartbeatMs + 1);
    await client.has(1);
    expect(client.frames[0]!.type).toBe(1);
    expect(client.frames[0]!.payload.getBigUint64(8, true)).toBe(10n);
    add(11, 5000);
    await server.close('the test says so', 1000);
    expect(await client.closed).toEqual({ code: 1001, reason: 'the test says so' });
    expect(client.frames).toHaveLength(5001);
  });

  test('that send messages, or no request at all, are sent away', async () => {
    const { urls, ports, server } = await stageOf({ limits: { handshakeTimeoutMs: 100 } });
    const talker = new Client(urls[0]!);
    await talker.opened;
    talker.socket.send('hello');
    expect(await talker.closed).toEqual({ code: 1008, reason: 'nothing is taken from clients here' });
    const silent = connect(ports[1]!, '127.0.0.1');
    let answer = '';
    silent.on('data', (bytes) => {
      answer += String(bytes);
    });
    await once(silent, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    const [response] = await once(get({ port: ports[0]!, agent: false }), 'response');
    expect(response.statusCode).toBe(426);
    response.resume();
    expect(server.counts).toMatchObject({ policy: 1, handshake: 2 });
  });

  test('that ping without end are told why they are sent away, however many pings come at once', async () => {
    const { urls } = await stageOf();
    const client = new Client(urls[0]!);
    await client.opened;
    for (let pings = 0; pings < 500; pings += 1) client.socket.ping();
    expect(await client.closed).toEqual({ code: 1008, reason: 'more than 100 messages in a second' });
  });

  test('of which some are hostile are served all the same', async () => {
    const { ports, urls, add, server } = await stageOf({ limits: { handshakeTimeoutMs: 2000 } });
    add(1, 10);
    const random = new Random(7);
    const good =
      'GET /ws?snapshot=1 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
      'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    const attack = async (): Promise<void> => {
      const bytes = Buffer.concat([Buffer.from(good), Buffer.from([0x82, 0x85, 1, 2, 3, 4, 1, 2, 3, 4, 5])]);
      for (let change = 0; change < 4; change += 1) bytes[random.below(bytes.length)] = random.below(256);
      const socket = connect(ports[random.below(2)]!, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      socket.write(bytes.subarray(0, random.below(bytes.length + 1)));
      if (random.below(2) === 0) socket.end();
      else await once(socket, 'connect').then(() => setImmediate(() => socket.destroy()));
      if (!socket.destroyed) await once(socket, 'close');
    };
    for (let round = 0; round < 30; round += 1) await Promise.all(Array.from({ length: 10 }, attack));
    while (server.clients > 0) await new Promise(setImmediate);
    const client = new Client(`${urls[0]}?snapshot=1`);
    await client.has(13);
    expect(client.frames.map(({ type }) => type).at(-1)).toBe(4);
  });
});
