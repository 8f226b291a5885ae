import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import type { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import * as record from '../../../src/core/event/record.ts';
import { Books } from '../../../src/core/pipeline/books.ts';
import { joinLines, parseRawV1Endpoints } from '../../../src/core/pipeline/raw-v1/endpoint.ts';
import { type RunResult, run } from '../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { RawV1Publisher } from '../../../src/core/publish/raw-v1/publisher.ts';
import { RawV1Server } from '../../../src/core/publish/raw-v1/server.ts';
import { batchOf } from '../../world/event-builder.ts';
import { RawV1Client } from '../../world/raw-v1-client.ts';
import { runOptions } from '../../world/run-options.ts';
import * as frames from '../feeds/raw-v1/frames.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A run over servers, until `finish`: it ends behind the live frame of that number. */
class Reader {
  readonly result: Promise<RunResult>;
  /** Number of the last live frame. */
  last = 0;
  readonly told: string[] = [];
  readonly gaps: [first: number, count: number][] = [];
  #target = Number.POSITIVE_INFINITY;
  readonly #control: AbortController = new AbortController();

  constructor(paths: readonly string[], wanted: Partial<RunOptions> = {}) {
    const after = ({ sequenceBase, words }: EventBatch, at: number): void => {
      if (sequenceBase > 0) this.last = sequenceBase + (words[at]! >>> 16);
      if ((words[at]! & 255) === record.KIND_GAP && words[at + 1] === record.NO_BOOK)
        this.gaps.push([words[at + 2]!, words[at + 6]!]);
    };
    this.result = run(
      runOptions(paths, {
        signal: this.#control.signal,
        tell: (text) => this.told.push(text),
        observers: [{ after }],
        breathe: turn,
        stop: () => this.last >= this.#target,
        ...wanted,
      }),
    );
    this.result.catch(() => {});
  }

  async until(last: number): Promise<void> {
    while (this.last < last) await turn();
  }

  finish(last: number): Promise<RunResult> {
    this.#target = last;
    if (this.last >= last) this.#control.abort();
    return this.result;
  }
}

function hashOf({ books }: RunResult): bigint {
  return stateHash(books.marketOf(0)).hash;
}

function staleOf({ books }: RunResult): number[] {
  return Array.from(books.marketOf(0).stale.subarray(0, books.marketOf(0).books));
}

/** The programme's own server, over two instruments. */
class Stage {
  readonly books: Books;
  readonly server: RawV1Server;
  readonly servers: Server[] = [];
  urls: string[] = [];
  #id = 0n;
  readonly #sockets: Set<Socket>[] = [];

  constructor(epoch: number, token: string | null = null, publisherId = 0) {
    const dictionary = new Dictionary();
    const key = { source: 's', publisher: publisherId, channel: 0, symbol: null };
    dictionary.add({ ...key, instrument: 77n, priceScale: 2, quantityScale: 0 });
    dictionary.add({ ...key, instrument: 78n, priceScale: 2, quantityScale: 0 });
    const publisher = new RawV1Publisher({ price: 'native', retainedFrames: 10_000, retainedBytes: 1 << 23 });
    const rules = { idScope: 'source', groupScope: 'book', modifyUnknown: 'ignore' } as const;
    const all = { ...rules, replaceUnknown: 'ignore', modifyPriority: 'lost' } as const;
    this.books = new Books(all, dictionary, null, [publisher]);
    publisher.start(null, { books: this.books, epoch: { high: 0, low: epoch }, imageEvent: 0 });
    const limits = {
      heartbeatMs: 50,
      writeTimeoutMs: 60_000,
      handshakeTimeoutMs: 60_000,
      maxConnections: 8,
      noDelay: true,
    };
    const nameOf = (text: string | undefined): string | null => (text === `Bearer ${token}` ? 'a' : null);
    this.server = new RawV1Server(publisher, { some: token !== null, nameOf, origins: [] }, limits);
    for (let line = 0; line < 2; line += 1) {
      const http = createServer(RawV1Server.httpOptions(limits));
      this.server.attach(http);
      this.servers.push(http);
      const sockets = new Set<Socket>();
      http.on('connection', (socket: Socket) => sockets.add(socket));
      this.#sockets.push(sockets);
    }
    this.server.start();
    this.flush = (): void => publisher.flush();
    closing.push(() => this.server.close('the test is over', 1000));
  }

  readonly flush: () => void;

  async listen(): Promise<this> {
    const ports = await Promise.all(this.servers.map(portOf));
    this.urls = ports.map((port) => `ws://127.0.0.1:${port}/ws`);
    return this;
  }

  /** So many orders more, every third of them with a part executed, every fifth gone again. */
  trade(count: number): void {
    for (let done = 0; done < count; done += 1) {
      this.#id += 1n;
      const id = this.#id;
      const book = Number(id % 2n);
      const order = {
        book,
        id,
        ask: id % 4n < 2n,
        price: id % 4n < 2n ? 200n + (id % 7n) : 100n - (id % 7n),
        quantity: 5n,
      };
      const events = [{ kind: record.KIND_ADD, ...order }];
      if (id % 3n === 0n) events.push({ kind: record.KIND_EXECUTE, ...order, quantity: 2n });
      if (id % 5n === 0n) events.push({ kind: record.KIND_DELETE, ...order });
      this.books.accept(batchOf(events));
    }
    this.flush();
  }

  /** Cuts the connections of one endpoint. */
  cut(line: number): void {
    for (const socket of this.#sockets[line]!) socket.destroy();
  }

  get changes(): number {
    return this.books.marketOf(0).changes;
  }

  get hash(): bigint {
    return stateHash(this.books.marketOf(0)).hash;
  }
}

describe('the server of mdx serve', () => {
  test('makes the same books here, in a client of another hand, and with itself, over one line or two', async () => {
    const stage = await new Stage(7).listen();
    stage.trade(50);
    const before = stage.changes;
    const other = await RawV1Client.open(`${stage.urls[0]}?channel=obo&codec=raw-v1&snapshot=1`);
    await other.until(({ books }) => books.snapshots === 1);
    const one = new Reader([stage.urls[0]!]);
    const two = new Reader(stage.urls);
    while (stage.server.clients < 4) await turn();
    stage.trade(200);
    await other.until(({ books }) => books.next === BigInt(stage.changes));
    const results = [await one.finish(stage.changes), await two.finish(stage.changes)];
    expect(other.books.hash()).toBe(stage.hash);
    expect(other.books.skips).toEqual([]);
    for (const result of results) {
      expect(hashOf(result)).toBe(stage.hash);
      expect(staleOf(result)).toEqual([0, 0]);
      expect(result.books.dictionary.books[0]).toMatchObject({ instrument: 77n, priceScale: 2 });
      expect(result.streams[0]!.sequence).toMatchObject({ session: '0000000000000007', first: before + 1 });
    }
    expect(results[1]!.inputs[0]!.skipped.get('duplicates')).toBeGreaterThan(0);
    await other.close();
  });

  test('says whose books are those that nobody has named yet', async () => {
    const stage = await new Stage(7, null, 3).listen();
    stage.trade(2);
    const reader = new Reader([stage.urls[0]!]);
    while (stage.server.clients < 1) await turn();
    const later = { publisher: 3, channel: 0, symbol: null, priceScale: 2, quantityScale: 0 };
    const book = stage.books.dictionary.add({ ...later, source: 's', instrument: 79n });
    stage.books.accept(batchOf([{ kind: record.KIND_ADD, book, id: 99n, price: 100n, quantity: 5n }]));
    stage.flush();
    await reader.until(stage.changes);
    const result = await reader.finish(stage.changes);
    expect(result.books.dictionary.books[2]).toMatchObject(later);
    expect(hashOf(result)).toBe(stage.hash);
  });
});

describe('a line that is lost', () => {
  test('comes back where the stream stands', async () => {
    const stage = await new Stage(7).listen();
    stage.trade(20);
    const reader = new Reader([stage.urls[0]!]);
    while (stage.server.clients < 1) await turn();
    stage.trade(1);
    await reader.until(stage.changes);
    // Its connections are cut, the endpoint stays.
    stage.cut(0);
    stage.trade(100);
    await reader.until(stage.changes);
    const result = await reader.finish(stage.changes);
    expect(hashOf(result)).toBe(stage.hash);
    expect(result.inputs[0]!.skipped).toEqual(
      new Map([
        ['reconnects', 1],
        ['snapshots', 1],
      ]),
    );
    expect(reader.gaps).toEqual([]);
  });

  test('is not missed where the other one is there', async () => {
    const stage = await new Stage(7).listen();
    stage.trade(20);
    const reader = new Reader(stage.urls);
    while (stage.server.clients < 2) await turn();
    stage.cut(0);
    stage.trade(50);
    await reader.until(stage.changes);
    while (stage.server.clients < 2) await turn();
    stage.cut(1);
    stage.trade(50);
    await reader.until(stage.changes);
    const result = await reader.finish(stage.changes);
    expect(hashOf(result)).toBe(stage.hash);
    expect(result.inputs[0]!.skipped.get('snapshots')).toBe(1);
    expect(staleOf(result)).toEqual([0, 0]);
  });

  test('brings the books anew where its server has another history', async () => {
    const stage = await new Stage(7).listen();
    stage.trade(100);
    const reader = new Reader([stage.urls[0]!]);
    while (stage.server.clients < 1) await turn();
    stage.trade(1);
    await reader.until(stage.changes);
    const port = Number(new URL(stage.urls[0]!).port);
    await stage.server.close('it is started again', 0);
    const other = new Stage(8);
    other.trade(3);
    other.servers[0]!.listen(port, '127.0.0.1');
    while (other.server.clients < 1) await turn();
    while (reader.last !== other.changes) {
      other.trade(1);
      await turn();
    }
    const result = await reader.finish(other.changes);
    expect(hashOf(result)).toBe(other.hash);
    expect(result.streams[0]!.sequence).toMatchObject({ session: '0000000000000008' });
    expect(staleOf(result)).toEqual([0, 0]);
  });
});

interface Visit {
  readonly query: URLSearchParams;
  readonly socket: WebSocket;
}

/** A server that does what a test says with each of its visitors. */
async function scripted(
  script: (visit: Visit, number: number) => void,
  refuse?: () => string | null,
): Promise<string> {
  const http = createServer();
  const server = new WebSocketServer({ noServer: true });
  let visits = 0;
  http.on('upgrade', (request: IncomingMessage, socket, head) => {
    const why = refuse?.() ?? null;
    if (why !== null) {
      socket.end(`HTTP/1.1 ${why}\r\nconnection: close\r\n\r\nthe reason`);
      return;
    }
    server.handleUpgrade(request, socket, head, (client) => {
      visits += 1;
      script({ query: new URL(`ws://x${request.url}`).searchParams, socket: client }, visits);
    });
  });
  closing.push(() => {
    for (const client of server.clients) client.terminate();
    http.close();
  });
  return `ws://127.0.0.1:${await portOf(http)}/ws`;
}

const epoch = 9n;
const live = (cursor: bigint): Buffer =>
  frames.add({ instrument: 1n, sequence: cursor + 1n, cursor }, cursor + 1n, 100n, 1n);
const image = (next: bigint): Buffer[] => [
  frames.control(3, { epoch, next }),
  frames.snapshotHeader(Number(next), 1n, { sequence: next, venue: 1n }),
  ...Array.from({ length: Number(next) }, (_, at) =>
    frames.add({ instrument: 1n }, BigInt(at + 1), 100n, 1n),
  ),
  frames.control(4, { epoch, next }),
];
const send = (socket: WebSocket, sent: readonly Buffer[]): void => {
  for (const bytes of sent) socket.send(bytes);
};
const orders = ({ books }: RunResult): number => books.marketOf(0).orders.live;

describe('two lines', () => {
  test('bring each frame once and in order, whichever of them misses some', async () => {
    let first: WebSocket | null = null;
    const a = await scripted(({ query, socket }) => {
      first = socket;
      expect(query.get('snapshot')).toBe('1');
      send(socket, [...image(2n), ...[2n, 3n, 6n, 7n].map(live)]);
    });
    const b = await scripted(({ query, socket }) => {
      expect(query.has('from_seq')).toBe(true);
      // The other line is ahead, and was heard to be, before this one says anything.
      first?.send(live(9n));
      first?.ping();
      first?.once('pong', () => send(socket, [2n, 4n, 5n, 6n, 8n].map(live)));
    });
    const reader = new Reader([a, b]);
    await reader.until(10);
    const result = await reader.finish(10);
    expect(orders(result)).toBe(10);
    expect(result.streams[0]!.sequence).toMatchObject({ first: 3, last: 10, duplicates: 0 });
    expect(result.inputs[0]!.skipped.get('snapshots')).toBe(1);
  });

  test('that have both passed a frame have lost it: it is told, and the books begin anew', async () => {
    const visitor =
      (own: readonly bigint[]) =>
      ({ query, socket }: Visit, number: number): void => {
        if (query.has('snapshot')) send(socket, image(number === 1 ? 2n : 8n));
        if (number === 1) send(socket, own.map(live));
      };
    const a = await scripted(visitor([2n, 3n, 6n]));
    const b = await scripted(visitor([2n, 3n, 6n, 7n]));
    const reader = new Reader([a, b]);
    while (reader.gaps.length === 0) await turn();
    const result = await reader.finish(0);
    // Cursors 4 to 7 are messages 5 to 8; the snapshot has what came of them.
    expect(reader.gaps).toEqual([[5, 4]]);
    expect(result.inputs[0]!.skipped.get('lostFrames')).toBe(4);
  });

  test('of the older form are one line, and one that stands by', async () => {
    const old = (sequence: bigint): Buffer =>
      frames.add({ instrument: 1n, sequence, old: true }, sequence, 100n, 1n);
    const start = [frames.control(3, null, { old: true }), frames.control(4, null, { old: true })];
    const url = await scripted(({ socket, query }) =>
      send(socket, [...(query.has('snapshot') ? start : []), ...[1n, 2n, 3n].map(old)]),
    );
    const reader = new Reader([url, url]);
    await reader.until(3);
    const result = await reader.finish(3);
    expect(orders(result)).toBe(3);
    expect(reader.gaps).toEqual([]);
  });
});

describe('one line', () => {
  test('whose server no longer has what is missing begins anew', async () => {
    const url = await scripted(({ query, socket }, number) => {
      if (number === 1) {
        send(socket, [...image(1n), live(1n)]);
        socket.close(4002);
      } else if (query.has('from_seq')) {
        send(socket, [frames.gap(2n, 4n)]);
        socket.close(4001);
      } else send(socket, [...image(5n), live(5n)]);
    });
    const reader = new Reader([url]);
    await reader.until(6);
    const result = await reader.finish(6);
    expect(orders(result)).toBe(6);
    expect(reader.gaps).toEqual([[3, 3]]);
    expect(staleOf(result)).toEqual([0]);
  });

  test('of a server that names no history begins anew after each loss', async () => {
    const asked: string[] = [];
    const url = await scripted(({ query, socket }, number) => {
      asked.push(String(query));
      send(socket, [frames.control(3), frames.snapshotHeader(0), frames.control(4), live(0n)]);
      if (number === 1) socket.close(1011);
    });
    const reader = new Reader([url]);
    while (asked.length < 2) await turn();
    await reader.until(1);
    await reader.finish(1);
    expect(asked).toEqual(Array(2).fill('channel=obo&codec=raw-v1&snapshot=1'));
  });

  test('begins with what comes where that is asked for, and stays stale', async () => {
    const url = await scripted(({ query, socket }) => {
      expect(String(query)).toBe('channel=obo&codec=raw-v1');
      send(socket, [live(7n), live(8n)]);
    });
    const reader = new Reader([`${url}?snapshot=0`]);
    await reader.until(9);
    const result = await reader.finish(9);
    expect(staleOf(result)).toEqual([1]);
  });

  test('ends where its server has ended, and where nobody is there any longer', async () => {
    const ended = await scripted(({ socket }) => {
      send(socket, [...image(1n), live(1n)]);
      socket.close(1000);
    });
    expect(orders(await new Reader([ended]).result)).toBe(2);
    const gone = await scripted(({ socket }) => {
      send(socket, [...image(1n), live(1n)]);
      socket.close(1011);
    });
    const reader = new Reader([`${gone}?timeout=0`]);
    expect(orders(await reader.result)).toBe(2);
    expect(reader.told.at(-1)).toContain('nobody is there any longer');
  });
});

describe('what a server refuses', () => {
  test('is quoted; 503 is asked again', async () => {
    const busy = ['503 Service Unavailable', '503 Service Unavailable', null];
    const url = await scripted(
      ({ socket }) => send(socket, [...image(1n), live(1n)]),
      () => busy.shift() ?? null,
    );
    const reader = new Reader([url]);
    await reader.until(2);
    expect(orders(await reader.finish(2))).toBe(2);
    const other = await scripted(
      () => {},
      () => '400 Bad Request',
    );
    await expect(new Reader([other]).result).rejects.toMatchObject({
      code: 'socket-refused',
      message: `connecting to ${other}: the server answers 400: the reason`,
    });
  });

  test('a token lets in', async () => {
    const stage = await new Stage(7, 'secret').listen();
    stage.trade(5);
    await expect(new Reader([stage.urls[0]!]).result).rejects.toMatchObject({
      code: 'socket-refused',
      hint: expect.stringContaining('MDX_TOKEN'),
    });
    const reader = new Reader([stage.urls[0]!], { token: 'secret' });
    while (stage.server.clients < 1) await turn();
    stage.trade(5);
    await reader.until(stage.changes);
    expect(hashOf(await reader.finish(stage.changes))).toBe(stage.hash);
  });

  test('nobody there is an error', async () => {
    const http = createServer();
    const port = await portOf(http);
    await new Promise((resolve) => http.close(resolve));
    await expect(new Reader([`ws://127.0.0.1:${port}/?timeout=0`]).result).rejects.toMatchObject({
      code: 'socket-unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('addresses are checked', () => {
    const joined = ['a', 'ws://x:1 ws://y:2', 'b', 'ws://z:3'];
    expect(joinLines(['a', 'ws://x:1', 'ws://y:2', 'b', 'ws://z:3'])).toEqual(joined);
    for (const text of [
      'ws://x:1 ws://y:1 ws://z:1',
      'ws://x:1?symbols=A',
      'ws://x:1?codec=sbe',
      'ws://x:1?snapshot=1&from_seq=4',
      'ws://x:1?from_seq=-1',
      'ws://:1',
      'ws://me:secret@x:1',
    ]) {
      expect(() => parseRawV1Endpoints(text), text).toThrow(expect.objectContaining({ code: 'usage' }));
    }
  });
});
