import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { ordersOf } from '../../../src/core/book/view.ts';
import type { ServeConfig } from '../../../src/core/config/serve-config.ts';
import { SERVE_DEFAULTS } from '../../../src/core/config/serve-defaults.ts';
import { Serve } from '../../../src/core/serve/server.ts';
import { ClientBooks, frameOf } from '../publish/raw-v1/frames.ts';
import { play } from '../simulate/session.ts';

const SNAPSHOT_END = 4;
const DIRECTORY = mkdtempSync(join(tmpdir(), 'mdx-raw-v1-'));
afterAll(() => rmSync(DIRECTORY, { recursive: true }));

function serveOf(path: string, wanted: Partial<ServeConfig> = {}, token?: string): Promise<Serve> {
  return Serve.start({
    version: 'test',
    config: {
      ...SERVE_DEFAULTS,
      source: { ...SERVE_DEFAULTS.source, inputs: [path] },
      journal: { ...SERVE_DEFAULTS.journal, directory: join(DIRECTORY, 'journal') },
      http: { ...SERVE_DEFAULTS.http, listen: '127.0.0.1:0' },
      rawV1: { ...SERVE_DEFAULTS.rawV1, a: '127.0.0.1:0', b: '127.0.0.1:0', retainedFrames: 100 },
      ...wanted,
    },
    token: token ?? null,
    tell: () => {},
  });
}

/** The books that a client has once it has the frame in front of this cursor; null where it was not let in. */
function booksAt(url: string, until: number): Promise<ClientBooks | null> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const books = new ClientBooks();
    socket.on('error', () => resolve(null));
    socket.on('message', (data: RawData) => {
      const frame = frameOf(data as Buffer);
      books.take(frame);
      const isEnd = frame.type === SNAPSHOT_END && Number(frame.payload.getBigUint64(8, true)) === until;
      if (!isEnd && (frame.sequence === 0n || Number(frame.cursor) + 1 !== until)) return;
      socket.close();
      resolve(books);
    });
  });
}

test('clients of the thread that serves raw-v1 have the books of the engine, also behind a restart', async () => {
  const { a } = play({ seed: 5, profile: { messages: 1500 } });
  const path = join(DIRECTORY, 'session.pcap');
  writeFileSync(path, a);
  const cursors: number[] = [];
  for (const run of ['first', 'second']) {
    const serve = await serveOf(path);
    const isThere = (): boolean => {
      const { state, lastEvent } = serve.status;
      return state === 'ended' && lastEvent > 0 && serve.context.books()?.event === lastEvent;
    };
    while (!isThere()) await Promise.race([serve.ended, pause(5)]);
    const market = serve.context.books()!.books.markets[0]!;
    while (serve.rawV1!.next !== market.changes) await Promise.race([serve.ended, pause(5)]);
    const expected: string[] = [];
    for (let book = 0; book < market.books; book += 1) {
      for (const ask of [false, true]) {
        const { instrument } = market.dictionary.books[book]!;
        for (const { id, price, quantity } of ordersOf(market, book, ask)) {
          expected.push(`${instrument} ${ask ? 'ask' : 'bid'} ${price} #${id} ${quantity}`);
        }
      }
    }
    const [a, b] = serve.rawV1Addresses;
    // The second has every frame from the first on, which only the journal still has.
    for (const url of [`ws://${a}/?snapshot=1`, `ws://${b}/?from_seq=0`]) {
      const books = await booksAt(url, market.changes);
      expect(new Set(books!.lines()), run).toEqual(new Set(expected));
    }
    cursors.push(serve.rawV1!.next);
    serve.stop();
    await serve.ended;
    expect(serve.rawV1!.drops.snapshot, run).toBe(0);
  }
  expect(cursors[0]).toBe(cursors[1]);
});

test('an engine follows another one that lets in only who has a token', async () => {
  const { a } = play({ seed: 5, profile: { messages: 300 } });
  const path = join(DIRECTORY, 'short.pcap');
  writeFileSync(path, a);
  const token = '0123456789abcdef';
  const security = { tokens: [{ name: 'below', token }], insecure: false };
  const journal = { ...SERVE_DEFAULTS.journal, directory: null };
  const above = await serveOf(path, { security, journal });
  while (above.status.state !== 'ended' || above.rawV1?.isReady !== true)
    await Promise.race([above.ended, pause(5)]);
  const hashOf = (serve: Serve): string => String(stateHash(serve.context.books()!.books.markets[0]!).hash);
  const rawV1 = { ...SERVE_DEFAULTS.rawV1, a: null, b: null };
  const below = await serveOf(`ws://${above.rawV1Addresses[0]}`, { journal, rawV1 }, token);
  const orders = above.context.books()!.books.markets[0]!.orders.live;
  while (below.context.books()?.books.markets[0]?.orders.live !== orders)
    await Promise.race([below.ended, pause(5)]);
  expect(hashOf(below)).toBe(hashOf(above));
  for (const serve of [below, above]) {
    serve.stop();
    await serve.ended;
  }
});
