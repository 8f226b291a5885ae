import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import { FEEDS } from '../../../../src/core/feeds/registry.ts';
import { Books } from '../../../../src/core/pipeline/books.ts';
import { startHttp } from '../../../../src/core/serve/api/start.ts';
import type { HttpServer } from '../../../../src/core/serve/http/server.ts';
import { apiConfig, NOW, ServedBooks } from '../../../world/serve-context.ts';
import { play, Replays } from '../../simulate/session.ts';

const replays = new Replays();
afterAll(() => replays.remove());

const now = (): number => NOW;

describe('the books of a session', () => {
  const played = play({ seed: 4 });
  let server: HttpServer;
  let served: ServedBooks;

  const get = async (path: string): Promise<{ status: number; body: Record<string, never> }> => {
    const answer = await fetch(`${server.url}${path}`);
    return { status: answer.status, body: (await answer.json()) as Record<string, never> };
  };

  beforeAll(async () => {
    const { result } = await replays.replayPackets(played.a);
    served = ServedBooks.of(result);
    server = await startHttp(apiConfig(), served, { now });
  });
  afterAll(() => server.close(1000));

  it('are listed as the truth has them, numbers that may pass 2^53 as text', async () => {
    const { status, body } = await get('/api/v1/instruments');
    expect(status).toBe(200);
    const { instruments, next, event } = body as unknown as {
      instruments: object[];
      next: null;
      event: string;
    };
    expect(event).toBe(String(served.there!.event));
    expect(next).toBeNull();
    expect(instruments).toMatchObject(
      played.truth.books.map(({ instrument, symbol, orders, bid, ask }) => ({
        instrument,
        symbol,
        orders,
        bid,
        ask,
      })),
    );
  });

  it('come in pages that lead from one to the next', async () => {
    const symbols: string[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const { body } = await get(`/api/v1/instruments?limit=1&after=${after}`);
      const page = body as unknown as { instruments: { symbol: string }[]; next: number | null };
      symbols.push(...page.instruments.map(({ symbol }) => symbol));
      after = page.next;
    }
    expect(symbols).toEqual(played.truth.books.map(({ symbol }) => symbol));
  });

  it('are found by symbol and by number, with as many levels as asked for', async () => {
    for (const { symbol, instrument, bids, asks, bid, ask } of played.truth.books) {
      const { body } = await get(`/api/v1/book/${symbol}?depth=2`);
      expect((await get(`/api/v1/book/${instrument}?depth=2`)).body).toEqual(body);
      const book = body as unknown as { bids: { price: string }[]; asks: object[]; bidLevels: number };
      const prices = (orders: readonly { price: string }[]): string[] => [
        ...new Set(orders.map(({ price }) => price)),
      ];
      expect(book.bids.map(({ price }) => price)).toEqual(prices(bids).slice(0, 2));
      expect(book.bids[0] ?? null).toEqual(bid);
      expect(book.asks[0] ?? null).toEqual(ask);
      expect(book.asks.length).toBe(Math.min(2, prices(asks).length));
      expect(book.bidLevels).toBe(prices(bids).length);
    }
  });

  it.each([
    ['/api/v1/book/NOSUCH', 404, 'there is no book of "NOSUCH"'],
    ['/api/v1/book/%2e%2e%2fetc', 404, 'there is no book of "../etc"'],
    ['/api/v1/book/__proto__', 404, 'there is no book of "__proto__"'],
    ['/api/v1/book/', 404, 'there is nothing at "/api/v1/book/"'],
    ['/api/v1/book/A?depth=0', 400, 'depth is "0", expected an integer of 1 … 1000'],
    ['/api/v1/book/A?depth=1e3', 400, 'depth is "1e3", expected an integer of 1 … 1000'],
    ['/api/v1/book/A?deep=3', 400, 'there is no parameter "deep" here'],
    ['/api/v1/book/A?depth=3&depth=4', 400, 'depth is given twice'],
    ['/api/v1/book/A?instrument=B', 400, 'there is no parameter "instrument" here'],
    ['/api/v1/instruments?stale=yes', 400, 'stale is "yes", expected true or false'],
    ['/nothing', 404, 'there is nothing at "/nothing"'],
  ])('GET %s is refused with %i: %s', async (path, status, message) => {
    const answer = await get(path);
    expect(answer).toMatchObject({ status, body: { error: { message } } });
  });

  it('are not there before the feed is known', async () => {
    const server = await startHttp(apiConfig(), new ServedBooks(), { now });
    const answer = await fetch(`${server.url}/api/v1/book/A`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ error: { code: 'no-books' } });
    await server.close(1000);
  });
});

describe('books of one name', () => {
  const rules = {
    idScope: 'book',
    groupScope: 'book',
    modifyUnknown: 'add',
    replaceUnknown: 'ignore',
    modifyPriority: 'lost',
  } as const;
  const dictionary = new Dictionary();
  const book = (source: string, publisher: number, instrument: bigint, symbol: string | null): number =>
    dictionary.add({
      source,
      publisher,
      instrument,
      symbol,
      channel: 0,
      priceScale: 2,
      quantityScale: 0,
      tick: 5n,
    });
  book('X', 1, 7n, 'ABC');
  book('X', 2, 7n, 'ABC');
  book('Y', 1, 8n, '7');
  book('Y', 1, 9n, null);
  book('Y', 1, 10n, 'NOT NAMED BY AN EVENT');
  let server: HttpServer;

  beforeAll(async () => {
    const books = new Books(rules, dictionary, null, []);
    books.marketOf(0).restoreMarks([], [0, 1, 2, 3]);
    const served = new ServedBooks();
    served.there = { books, feed: FEEDS[0]!, event: 3 };
    server = await startHttp(apiConfig(), served, { now });
  });
  afterAll(() => server.close(1000));

  it.each([
    ['ABC', 409, ['1', '2']],
    ['ABC?publisher=2', 200, '7'],
    ['ABC?publisher=3', 404, null],
    ['ABC?source=Y', 404, null],
    ['ABC?channel=1', 404, null],
    ['7', 200, '8'],
    ['7?source=X&publisher=1', 200, '7'],
    ['9', 200, '9'],
    ['10', 404, null],
    ['18446744073709551616', 404, null],
  ])('%s: %i', async (path, status, expected) => {
    const answer = await fetch(`${server.url}/api/v1/book/${path}`);
    expect(answer.status).toBe(status);
    const { instrument, error } = (await answer.json()) as {
      instrument?: string;
      error?: { candidates?: { publisher: number }[] };
    };
    if (status === 200) expect(instrument).toBe(expected);
    if (status === 409) {
      expect(error!.candidates!.map(({ publisher }) => String(publisher))).toEqual(expected);
    }
  });

  it('have their step, and their mark of being stale', async () => {
    const answer = await fetch(`${server.url}/api/v1/instruments?stale=true&source=Y`);
    const { instruments, known } = (await answer.json()) as { instruments: object[]; known: number };
    expect(known).toBe(5);
    expect(instruments).toMatchObject([
      { instrument: '8', tick: '0.05', stale: true },
      { instrument: '9', symbol: null, bid: null },
    ]);
  });
});
