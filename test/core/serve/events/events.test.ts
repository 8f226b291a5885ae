import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import * as record from '../../../../src/core/event/record.ts';
import { EventHub, type EventHubOptions } from '../../../../src/core/publish/events/event-hub.ts';
import { runName } from '../../../../src/core/serve/events/event-publisher.ts';
import type { EventInput } from '../../../world/event-builder.ts';
import { EventClientProbe, EventStage, RUN } from './event-stage.ts';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const LAST = record.FLAG_LAST;

function add(id: number, book = 0, price = 100n): EventInput {
  return { kind: record.KIND_ADD, book, id: BigInt(id), price, quantity: 5n, flags: LAST };
}

function adds(first: number, count: number): EventInput[] {
  return Array.from({ length: count }, (_, at) => add(first + at));
}

async function staged(
  options: Partial<EventHubOptions> = {},
): Promise<{ stage: EventStage; client: EventClientProbe; url: string }> {
  const stage = new EventStage(options);
  closing.push(() => stage.close());
  const url = await stage.listen();
  const client = new EventClientProbe(url);
  await client.type('connected');
  return { stage, client, url };
}

const EVERYTHING = { type: 'Subscribe', filter: { type: 'All' } };

describe('events over a WebSocket', () => {
  test('have the form that the protocol says', async () => {
    const { stage, client } = await staged();
    const hello = client.messages[0]!;
    expect(hello.data).toEqual({ protocol: 1, run: RUN, sources: 0, batch_max: 100, lag_limit: 100_000 });
    expect(new Date(hello.timestamp).toISOString()).toBe(hello.timestamp);
    stage.play([add(9_007_199_254_740)]);
    const event = await client.type('event');
    expect(event.data).toEqual({
      seq: '1',
      source: 's',
      instrument: 77,
      symbol: 'A',
      kind: 'mbo',
      ts_event: '0',
      ts_recv: null,
      last: true,
      body: {
        action: 'A',
        side: 'B',
        price: '1000000000',
        size: 5,
        order_id: '9007199254740',
        flags: 136,
        channel_id: 0,
        sequence: 0,
      },
    });
    expect(Object.keys(event)).toEqual(['type', 'data', 'timestamp']);
  });

  test('are of a history that is known before its first event', () => {
    const limits = { retainedEvents: 1, retainedBytes: 1, batchMax: 1, recentEvents: 1 };
    const hub = new EventHub(limits, () => runName(0x66a294107ed6cd55n));
    expect(hub.run).toBe('6d8kk21vddjal');
    hub.begin(RUN);
    expect(hub.run).toBe(RUN);
    expect(new EventHub(limits, () => runName(0n)).run).toBe(null);
  });

  test('come in batches of those at hand, in their order, an event alone as itself', async () => {
    const { stage, client } = await staged();
    stage.play(adds(1, 250));
    await client.caughtUp();
    stage.play([add(251)]);
    await client.type('event');
    const sizes = client.messages.filter(({ type }) => type === 'batch').map(({ data }) => data.length);
    expect(sizes).toEqual([100, 100, 50]);
    expect(client.events.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 251 }, (_, at) => String(at + 1)),
    );
  });

  test('are one a frame where batches are switched off', async () => {
    const { stage, client } = await staged({ batchMax: 1 });
    stage.play(adds(1, 7));
    await client.caughtUp();
    expect(client.messages.filter(({ type }) => type === 'event')).toHaveLength(7);
  });

  test('say an execution as a trade and as the records that DBN has for it', async () => {
    const { stage, client } = await staged();
    stage.play([add(1), { kind: record.KIND_EXECUTE, book: 0, id: 1n, quantity: 2n, flags: LAST }]);
    await client.caughtUp();
    const said = client.events.map(({ seq, kind, body }) => [seq, kind, body.action ?? body.event]);
    expect(said).toEqual([
      ['1', 'mbo', 'A'],
      ['2', 'trade', 'execute'],
      ['2', 'mbo', 'F'],
      ['2', 'mbo', 'M'],
    ]);
    expect(client.events[1].body).toEqual({
      event: 'execute',
      price: '1.00',
      quantity: '2',
      aggressor: 'sell',
      orderId: '1',
      matchId: null,
      printable: true,
    });
  });

  test('are filtered by source, instrument and kind', async () => {
    const { stage, client, url } = await staged();
    const filters = [
      { type: 'Sources', sources: ['t'] },
      { type: 'Nodes', node_ids: ['s'] },
      { type: 'Sources', sources: ['*'], instruments: ['A'] },
      { type: 'All', instruments: [78] },
      { type: 'All', kinds: ['bbo'] },
      { type: 'All', kinds: ['gap'], instruments: ['A'] },
    ];
    const clients = filters.map(() => new EventClientProbe(url));
    for (const [at, each] of clients.entries()) {
      await each.type('connected');
      await each.answer({ type: 'Subscribe', filter: filters[at] }, 'subscribed');
    }
    const gap = { kind: record.KIND_GAP, book: record.NO_BOOK, id: 5n, price: 3n, quantity: 2n, flags: LAST };
    stage.play([add(1, 0), add(2, 1), add(3, 0, 90n), gap]);
    for (const each of [client, ...clients]) await each.caughtUp();
    const seqs = clients.map(({ events }) => [...new Set(events.map(({ seq }) => Number(seq)))]);
    // A book that has become stale says so in a record of its own.
    expect(seqs).toEqual([[2, 4], [1, 3, 4], [1, 3, 4], [2, 4], [1, 2, 4], [4]]);
    expect(clients[5]!.events[0]).toMatchObject({
      kind: 'gap',
      body: { reason: 'lost', first: '5', last: '6', count: '2' },
    });
    expect(clients[4]!.events[0].body).toEqual({
      bid: { price: '1.00', quantity: '5', orders: 1 },
      ask: null,
      stale: false,
    });
  });

  test('go on behind the event that a client had, of the same history', async () => {
    const { stage, client, url } = await staged();
    stage.play(adds(1, 20));
    await client.caughtUp();
    const late = new EventClientProbe(url);
    await late.type('connected');
    await late.answer({ ...EVERYTHING, from: { run: RUN, seq: '12' } }, 'subscribed');
    stage.play([add(21)]);
    await late.caughtUp();
    expect(late.events.map(({ seq }) => seq)).toEqual(['13', '14', '15', '16', '17', '18', '19', '20', '21']);
    const other = await late.answer({ ...EVERYTHING, from: { run: 'abc', seq: '1' } }, 'error');
    expect(other.data.code).toBe('other_run');
    const beyond = await late.answer({ ...EVERYTHING, from: { run: RUN, seq: '999' } }, 'error');
    expect(beyond.data.code).toBe('bad_request');
  });

  test('go on for one subscription without coming again for another', async () => {
    const { stage, client } = await staged();
    const of = (source: string) => ({ type: 'Sources', sources: [source] });
    await client.answer({ type: 'Subscribe', sub: 'live', filter: of('s') }, 'subscribed');
    stage.play([add(1, 0), add(2, 1), add(3, 0)]);
    await client.caughtUp();
    const from = { run: RUN, seq: '0' };
    await client.answer({ type: 'Subscribe', sub: 'late', filter: of('t'), from }, 'subscribed');
    stage.play([add(4, 0), add(5, 1)]);
    await client.caughtUp();
    expect(client.events.map(({ seq }) => seq)).toEqual(['1', '3', '2', '4', '5']);
  });

  test('that are no longer kept are told as lost, exactly, and the connection goes on', async () => {
    const { stage, client, url } = await staged({ retainedEvents: 50 });
    stage.play(adds(1, 200));
    await client.caughtUp();
    const late = new EventClientProbe(url);
    await late.type('connected');
    const resume = { run: RUN, seq: '3' };
    await late.answer({ ...EVERYTHING, sub: 's1', from: resume }, 'subscribed');
    await late.caughtUp();
    const lagged = await late.type('lagged');
    expect(lagged.data).toEqual({ sub: 's1', skipped: '147', skipped_total: '147', next_seq: '151' });
    expect(late.events[0].seq).toBe('151');
    expect(late.events).toHaveLength(50);
    const types = late.messages.map(({ type }) => type);
    expect(types.indexOf('lagged')).toBeLessThan(types.indexOf('batch'));
  });

  test('of many at once are not lost to who takes them at once, however few are kept', async () => {
    for (const few of [{ retainedEvents: 100 }, { retainedBytes: 1 << 16 }]) {
      const { stage, client } = await staged(few);
      stage.play(adds(1, 900));
      await client.caughtUp();
      expect(client.events.map(({ seq }) => Number(seq))).toEqual(
        Array.from({ length: 900 }, (_, at) => at + 1),
      );
    }
  });

  test('of a kind that nobody wanted are not there to go on with, which is told', async () => {
    const { stage, client } = await staged();
    stage.play(adds(1, 5));
    await client.caughtUp();
    const ofBests = { filter: { type: 'All', kinds: ['bbo'] }, from: { run: RUN, seq: '2' } };
    await client.answer({ type: 'Subscribe', ...ofBests }, 'subscribed');
    expect((await client.type('lagged')).data).toEqual({ skipped: '3', skipped_total: '3', next_seq: '6' });
    // The best is what it was; then it is another one.
    stage.play([add(6, 0, 50n), add(7, 0, 200n)]);
    await client.caughtUp();
    expect(client.events.slice(5).map(({ seq, kind }) => [seq, kind])).toEqual([['7', 'bbo']]);
  });

  test('begin with the books where that is asked for', async () => {
    const { stage, client } = await staged();
    stage.play([add(1), add(2, 0, 90n), add(3, 1)]);
    await client.caughtUp();
    const before = client.events.length;
    const filter = { type: 'All', instruments: ['A'], kinds: ['mbo', 'bbo'] };
    await client.answer({ type: 'Subscribe', sub: 'x', snapshot: true, filter }, 'subscribed');
    const snapshot = await client.type('snapshot');
    stage.play([add(4)]);
    await client.caughtUp();
    expect(snapshot.data).toEqual({ sub: 'x', seq: '3', books: 1, events: 4 });
    const events = client.events.slice(before);
    const said = events.map(({ seq, kind, body }) => [
      seq,
      kind,
      body.action ?? body.bid.price,
      body.order_id,
    ]);
    expect(said.slice(0, 5)).toEqual([
      ['3', 'mbo', 'R', '0'],
      ['3', 'mbo', 'A', '1'],
      ['3', 'mbo', 'A', '2'],
      ['3', 'bbo', '1.00', undefined],
      ['4', 'mbo', 'A', '4'],
    ]);
  });

  test('are conflated to the latest of each instrument', async () => {
    const { stage, client } = await staged();
    const filter = { type: 'All', kinds: ['bbo'] };
    await client.answer({ type: 'Subscribe', filter, conflate_ms: 20 }, 'subscribed');
    stage.play([add(1, 0, 100n), add(2, 0, 101n), add(3, 1, 50n), add(4, 0, 102n)]);
    await client.first(({ type }) => type === 'event' || type === 'batch');
    expect(client.events.map(({ seq, symbol, body }) => [seq, symbol, body.bid.price])).toEqual([
      ['3', 'B', '0.50'],
      ['4', 'A', '1.02'],
    ]);
    const refused = await client.answer({ ...EVERYTHING, conflate_ms: 20 }, 'error');
    expect(refused.data.code).toBe('bad_conflate');
  });

  test('are not made while nobody is there, but counted', async () => {
    const stage = new EventStage();
    closing.push(() => stage.close());
    stage.play(adds(1, 10));
    expect([stage.hub.log.next, stage.hub.log.lastSeq]).toEqual([0, 10]);
    const client = new EventClientProbe(await stage.listen());
    await client.type('connected');
    stage.play([add(11)]);
    expect((await client.type('event')).data.seq).toBe('11');
  });
});

describe('requests', () => {
  test('get recent events, counts and pongs', async () => {
    const { stage, client } = await staged();
    stage.play([...adds(1, 10), add(11, 1)]);
    const recent = await client.answer({ type: 'Recent', limit: 3 }, 'recent');
    expect(recent.data.map(({ seq }: { seq: string }) => seq)).toEqual(['9', '10', '11']);
    const ofB = { type: 'Recent', filter: { type: 'Sources', sources: ['t'] } };
    expect((await client.answer(ofB, 'recent')).data).toHaveLength(1);
    expect((await client.answer({ type: 'GetRecentEvents', limit: 2 }, 'recent_events')).data).toHaveLength(
      2,
    );
    const stats = await client.answer({ type: 'Stats' }, 'stats');
    expect(stats.data).toMatchObject({ clients: 1, sources: 2, events_in: '11', lagged_total: '0' });
    const pong = await client.answer({ type: 'Ping', t: '17' }, 'pong');
    expect(pong.data).toEqual({ t: '17', seq: '11' });
  });

  test('that say nothing known are answered with what is wrong, and change nothing', async () => {
    const { stage, client } = await staged();
    const node = { type: 'Subscribe', filter: { type: 'Node', node_id: 'a' } };
    const cases: [object | string, string][] = [
      ['{', 'bad_json'],
      ['[]', 'bad_filter'],
      [{ type: 'Nothing' }, 'unknown_type'],
      [{ type: '__proto__' }, 'unknown_type'],
      [node, 'bad_filter'],
      [{ type: 'Subscribe' }, 'bad_request'],
      [{ ...EVERYTHING, snapshots: true }, 'bad_request'],
      [{ type: 'Subscribe', filter: { type: 'All', kinds: ['bar'] } }, 'bad_filter'],
      [{ type: 'Subscribe', filter: { type: 'EventType', event_type: 11 } }, 'bad_filter'],
      [{ type: 'Subscribe', filter: { type: 'Sources' } }, 'bad_filter'],
      [{ type: 'Unsubscribe', sub: 'z' }, 'unknown_sub'],
      [{ type: 'Stats', interval_ms: 'x' }, 'bad_request'],
    ];
    for (const [request, code] of cases) expect((await client.answer(request, 'error')).data.code).toBe(code);
    const refused = await client.answer(node, 'error');
    expect(refused.data).toEqual({
      code: 'bad_filter',
      message: 'filter type Node was replaced by Sources/Nodes: {"type":"Sources","sources":["…"]}',
      request: 'Subscribe',
    });
    stage.play([add(1)]);
    await client.type('event');
  });

  test('name subscriptions, which add up and end one by one', async () => {
    const { stage, client } = await staged();
    const of = (source: string) => ({ type: 'Sources', sources: [source] });
    await client.answer({ type: 'Subscribe', sub: 'a', filter: of('s') }, 'subscribed');
    await client.answer({ type: 'Subscribe', sub: 'b', filter: of('t') }, 'subscribed');
    stage.play([add(1, 0), add(2, 1)]);
    await client.answer({ type: 'Unsubscribe', sub: 'a' }, 'unsubscribed');
    stage.play([add(3, 0), add(4, 1)]);
    await client.answer({ type: 'Unsubscribe' }, 'unsubscribed');
    stage.play([add(5, 0), add(6, 1)]);
    await client.caughtUp();
    expect(client.events.map(({ seq }) => seq)).toEqual(['1', '2', '4', '5', '6']);
  });

  test('are served a sub-protocol that there is, or told of those before the upgrade', async () => {
    const { url } = await staged();
    const asked = new WebSocket(url, ['mdx.dbn.v2', 'mdx.json.v1']);
    await once(asked, 'open');
    expect(asked.protocol).toBe('mdx.json.v1');
    asked.terminate();
    const refused = new WebSocket(url, 'mdx.dbn.v2');
    const [, response] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
    expect([response.statusCode, await text(response)]).toEqual([
      400,
      'the sub-protocol is mdx.json.v1 or mdx.dbn.v1; offer one of these, or none for JSON\n',
    ]);
  });

  test('that ask for more than they take are closed', async () => {
    const { stage, client } = await staged({ recentEvents: 10_000 });
    for (let first = 1; first < 5000; first += 500) stage.play(adds(first, 500));
    await client.caughtUp();
    const closed = once(client.socket, 'close');
    // All of them are there before the first answer is taken.
    for (let count = 0; count < 12; count += 1)
      client.ask({ type: 'Recent', limit: 10_000, filter: { type: 'All' } });
    const [code] = (await closed) as [number];
    expect(code).toBe(1008);
    expect(client.messages.filter(({ type }) => type === 'recent_events').length).toBeLessThan(12);
  });
});
