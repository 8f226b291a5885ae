import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startHttp } from '../../../../src/core/serve/api/start.ts';
import type { HttpServer } from '../../../../src/core/serve/http/server.ts';
import type { ChannelView, EngineStatus, LineView, TapView } from '../../../../src/core/serve/status.ts';
import { apiConfig, NOW, ServedBooks } from '../../../world/serve-context.ts';
import { play, Replays } from '../../simulate/session.ts';

const LINE: LineView = {
  name: 'A',
  groups: ['239.0.0.1:5000'],
  backend: 'mmsg',
  clock: 'software',
  received: 10,
  bytes: 1000,
  poolFull: 0,
  truncated: 0,
  waiting: 0,
  slots: 1000,
  kernelDrops: {},
  skipped: {},
  silentMs: 3,
};
const CHANNEL: ChannelView = {
  channel: 0,
  session: 'S1',
  next: 100,
  delivered: 90,
  duplicates: 0,
  outOfOrder: 0,
  missing: 0,
  filled: 9,
  lost: 0,
  firstBy: { A: 90 },
};

const TAP: TapView = {
  name: 'raw-v1',
  waitingBytes: 0,
  capacityBytes: 100,
  stalls: 0,
  stalledMs: 0,
  cuts: 0,
  isCut: false,
  skippedEvents: 0,
};

describe('health', () => {
  const replays = new Replays();
  let server: HttpServer;
  let served: ServedBooks;
  let calm: EngineStatus;
  let books: ReturnType<ServedBooks['books']>;
  const config = apiConfig({ lines: { a: ['239.0.0.1:5000'] }, ready: { silentMs: 500, staleBooks: 1 } });

  beforeAll(async () => {
    const { result } = await replays.replayPackets(play({ seed: 2 }).a);
    served = ServedBooks.of(result);
    served.tell({ lines: [LINE], channels: [CHANNEL] });
    ({ said: calm, there: books } = served);
    server = await startHttp(config, served, { now: () => NOW });
  });
  afterAll(async () => {
    await server.close(1000);
    replays.remove();
  });
  beforeEach(() => {
    served.said = calm;
    served.there = books;
    for (const market of books!.books.markets) market.stale.fill(0);
  });

  const ready = async (): Promise<{ status: number; reasons: { code: string; subject: string }[] }> => {
    const answer = await fetch(`${server.url}/ready`);
    const { ready: isReady, reasons } = (await answer.json()) as never;
    expect(isReady).toBe(answer.status === 200);
    return { status: answer.status, reasons };
  };

  it('is ready where lines are seen, nothing is missing and the books are whole', async () => {
    expect(await ready()).toEqual({ status: 200, reasons: [] });
    served.tell({ books: { ...calm.books, stale: 1 } });
    expect(await ready(), 'as many stale books as allowed').toEqual({ status: 200, reasons: [] });
    served.tell({ state: 'ended', time: NOW - 60_000, lines: [{ ...LINE, silentMs: 60_000 }] });
    expect(await ready(), 'input that has ended').toEqual({ status: 200, reasons: [] });
  });

  it.each<[string, Partial<EngineStatus>, string, string, string]>([
    ['starts', { state: 'starting' }, 'starting', 'engine', 'by itself'],
    ['reads its journal', { state: 'recovering' }, 'recovering', 'engine', 'by itself'],
    ['stops', { state: 'stopping' }, 'stopping', 'engine', 'a new start'],
    ['failed', { state: 'failed', problem: 'its disk is gone' }, 'failed', 'engine', 'a new start'],
    ['is silent', { time: NOW - 2001 }, 'engine-silent', 'engine', 'going on'],
    ['has not seen a line', { lines: [] }, 'line-unseen', 'line A', 'a packet on line A'],
    [
      'never saw a line',
      { lines: [{ ...LINE, silentMs: null }] },
      'line-unseen',
      'line A',
      'a packet on line A',
    ],
    [
      'lost sight of a line',
      { lines: [{ ...LINE, silentMs: 501 }] },
      'line-silent',
      'line A',
      'a packet on line A',
    ],
    ['waits for numbers', { channels: [{ ...CHANNEL, missing: 2 }] }, 'gap', 'channel 0', 'the gap timeout'],
    [
      'knows no books',
      { books: { known: 0, orders: 0, levels: 0, stale: 0 } },
      'no-books',
      'books',
      'first messages',
    ],
    ['cannot keep up', { lines: [{ ...LINE, waiting: 901 }] }, 'overload', 'line A', 'catching up'],
    [
      'receives with all that a processor has',
      { threads: [{ name: 'receiver-A', cpuSeconds: 9, cpuLoad: 0.99, dropsAtFull: true }] },
      'overload',
      'thread receiver-A',
      'more threads',
    ],
    [
      'waits for a publisher',
      { taps: [{ ...TAP, waitingBytes: 95, stalls: 1, stalledMs: 1 }] },
      'overload',
      'publisher raw-v1',
      'catching up',
    ],
    [
      'has cut a publisher off',
      { taps: [{ ...TAP, cuts: 1, isCut: true, skippedEvents: 7 }] },
      'overload',
      'publisher raw-v1',
      'an image of the books',
    ],
    [
      'cannot write its journal',
      {
        journal: {
          lastEvent: 1,
          durableEvent: 1,
          segments: 1,
          bytes: 1,
          epoch: '',
          problem: 'the disk is full',
        },
      },
      'journal',
      'journal',
      'its disk being put right',
    ],
  ])('is not ready while the engine %s', async (_, status, code, subject, clearedBy) => {
    served.tell(status);
    const { status: answered, reasons } = await ready();
    expect(answered).toBe(503);
    expect(reasons).toEqual([
      { code, subject, found: expect.any(String), clearedBy: expect.stringContaining(clearedBy) },
    ]);
  });

  it('names the books that are stale, and what makes them whole', async () => {
    const { dictionary, markets } = books!.books;
    const named = dictionary.books.filter(({ symbol }) => symbol !== null).slice(0, 2);
    for (const { number } of named) markets[0]!.stale[number] = 1;
    served.tell({ books: { ...calm.books, stale: 2 } });
    const { reasons } = await ready();
    expect(reasons).toMatchObject([
      { code: 'books-stale', clearedBy: expect.stringContaining('recovery source') },
    ]);
    for (const { symbol } of named) expect(JSON.stringify(reasons)).toContain(symbol);
  });

  it('lists many gaps up to a bound', async () => {
    const channels = Array.from({ length: 100 }, (_, channel) => ({ ...CHANNEL, channel, missing: 1 }));
    served.tell({ channels });
    const { reasons } = await ready();
    expect(reasons.length).toBe(21);
    expect(reasons.at(-1)).toMatchObject({ code: 'gap', found: '80 more' });
  });

  it('tells several reasons at once', async () => {
    served.tell({ lines: [], channels: [{ ...CHANNEL, missing: 1 }] });
    expect((await ready()).reasons.map(({ code }) => code)).toEqual(['line-unseen', 'gap']);
  });

  it('is alive unless the engine failed or has been silent for long', async () => {
    const live = async (): Promise<number> => (await fetch(`${server.url}/live`)).status;
    expect(await live()).toBe(200);
    served.tell({ time: NOW - 10_000 });
    expect(await live()).toBe(200);
    served.tell({ time: NOW - 15_001 });
    expect(await live()).toBe(503);
    served.tell({ time: 0, state: 'starting' });
    expect(await live(), 'no first word for too long').toBe(503);
    served.startedAt = NOW - 15_000;
    expect(await live(), 'before its first word').toBe(200);
    served.tell({ time: NOW, state: 'failed' });
    expect(await live()).toBe(503);
    served.tell({ state: 'stopping' });
    expect(await live()).toBe(200);
    expect(await (await fetch(`${server.url}/healthz`)).json()).toMatchObject({
      live: true,
      ready: false,
      state: 'stopping',
      version: '0.0.0',
      upMs: 15_000,
    });
  });
});
