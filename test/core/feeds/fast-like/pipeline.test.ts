import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../src/core/binary/random.ts';
import { bigHigh, bigLow } from '../../../../src/core/binary/time.ts';
import type { Market } from '../../../../src/core/book/market.ts';
import { ordersOf } from '../../../../src/core/book/view.ts';
import { PcapWriter } from '../../../../src/core/capture/capture-writer.ts';
import { type RunReport, reportOf } from '../../../../src/core/pipeline/report.ts';
import { ROW_MAKERS, type RowKind, type RowOf } from '../../../../src/core/pipeline/rows/rows.ts';
import { type RunResult, run } from '../../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../../src/core/pipeline/run-options.ts';
import { runOptions } from '../../../world/run-options.ts';
import { encoded } from './harness.ts';
import type { SlowMessage } from './slow.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-fast-like-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

const OPEN = 1_692_712_800_000_000_000n;
/** Between packets, ns; five of them are the time that a hole may take to fill. */
const STEP = 1_000_000n;

/** A capture of payloads, a millisecond apart. */
function capture(payloads: readonly Uint8Array[]): string {
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(chunk.slice()));
  payloads.forEach((payload, index) => {
    const time = OPEN + BigInt(index) * STEP;
    const header = {
      timeHigh: bigHigh(time),
      timeLow: bigLow(time),
      ipVersion: 4,
      source: Int32Array.of(0, 0, 0, 0x0a000001),
      sourcePort: 1000,
      destination: Int32Array.of(0, 0, 0, 0xe9000001 | 0),
      destinationPort: 26_477,
    };
    writer.writeUdp(header, payload, 0, payload.length);
  });
  writer.flush();
  files += 1;
  const path = join(folder, `${files}.pcap`);
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

async function replayed(
  payloads: readonly Uint8Array[],
  wanted: Partial<RunOptions> = {},
): Promise<{ result: RunResult; report: RunReport }> {
  const result = await run(runOptions([capture(payloads)], { invariants: 'all', ...wanted }));
  return { result, report: reportOf(result, { command: 'replay', version: '0', allInstruments: false }) };
}

/** A market in messages: few prices, so that queues form; ids of every length. */
function session(messages: number): SlowMessage[] {
  const random = new Random(7);
  const live: bigint[] = [];
  const used = new Set<bigint>();
  const made: SlowMessage[] = [];
  const id = (): bigint => (BigInt(random.word() >>> 0) << 32n) >> BigInt(random.below(56));
  while (made.length < messages) {
    const draw = random.below(10);
    const instrument = BigInt(1 + random.below(3));
    const price = 1000n + BigInt(random.below(8)) * (random.below(2) === 0 ? 1n : -400n);
    const quantity = 1n + BigInt(random.below(500));
    const any = live.length === 0 ? null : live[random.below(live.length)]!;
    if (draw < 5 || any === null) {
      const added = id();
      if (used.has(added)) continue;
      used.add(added);
      live.push(added);
      made.push({ template: 1, id: added, instrument, side: random.below(2), price, quantity });
    } else if (draw < 7) made.push({ template: 2, id: any, quantity });
    else if (draw < 9) {
      live.splice(live.indexOf(any), 1);
      made.push({ template: 3, id: any });
    } else made.push({ template: 4, instrument, price, quantity, maker: any, taker: random.below(2) });
  }
  return made;
}

/** The books that messages leave: a Map keeps its orders in the order in which they came. */
function booksAfter(messages: readonly SlowMessage[]): string[] {
  const orders = new Map<bigint, Extract<SlowMessage, { template: 1 }>>();
  for (const message of messages) {
    if (message.template === 1) orders.set(message.id, message);
    else if (message.template === 3) orders.delete(message.id);
    else if (message.template === 2) {
      const order = orders.get(message.id);
      if (order !== undefined) orders.set(message.id, { ...order, quantity: message.quantity });
    }
  }
  return [...orders.values()]
    .toSorted(
      (a, b) =>
        Number(a.instrument - b.instrument) ||
        a.side - b.side ||
        Number(a.price - b.price) * (a.side === 0 ? -1 : 1),
    )
    .map(({ instrument, side, id, price, quantity }) => `${instrument} ${side} ${id} ${price} ${quantity}`);
}

function booksOf(market: Market): string[] {
  return market.dictionary.books
    .toSorted((a, b) => Number(a.instrument - b.instrument))
    .flatMap(({ instrument, number }) =>
      [0, 1].flatMap((side) =>
        [...ordersOf(market, number, side === 1)].map(
          ({ id, price, quantity }) => `${instrument} ${side} ${id} ${price} ${quantity}`,
        ),
      ),
    );
}

const MESSAGES = session(1000);
const PER_PACKET = 10;
const GROUPS = Array.from({ length: MESSAGES.length / PER_PACKET }, (_, index) =>
  MESSAGES.slice(index * PER_PACKET, (index + 1) * PER_PACKET),
);
const PACKETS = GROUPS.map((messages, index) => encoded(index + 1, messages));

describe('a session through the whole way', () => {
  it('is recognised and ends with the books it says', async () => {
    const { result, report } = await replayed(PACKETS);
    expect(booksOf(result.books.markets[0]!)).toEqual(booksAfter(MESSAGES));
    expect(report.feed).toMatchObject({
      protocol: 'fast-like',
      framing: 'fast-like',
      messages: 1000,
      timeBase: 'utc',
      unknownMessages: 0,
      malformed: 0,
    });
    const count = (template: number): number =>
      MESSAGES.filter((message) => message.template === template).length;
    expect(report.feed.messagesByType).toEqual({ 1: count(1), 2: count(2), 3: count(3), 4: count(4) });
    expect(report.events).toMatchObject({
      add: count(1),
      modify: count(2),
      delete: count(3),
      trade: count(4),
      groups: 1000,
    });
    expect(report.anomalies).toMatchObject({ rejected: 0, duplicateOrder: 0 });
    expect(report.sequence?.channels).toMatchObject([
      { session: null, first: '1', last: '100', packets: 100, duplicates: 0, gaps: [] },
    ]);
    expect(report.instruments[0]).toMatchObject({ instrument: '1', priceScale: 0, quantityScale: 0 });
  });

  it('in any batches', async () => {
    const whole = await replayed(PACKETS);
    for (const batchEvents of [2, 7]) {
      const { report } = await replayed(PACKETS, { batchEvents });
      expect(report.book).toEqual(whole.report.book);
      expect(report.events).toEqual(whole.report.events);
    }
  });

  it('with packets out of order and twice', async () => {
    const mixed = PACKETS.flatMap((packet, index) => {
      if (index % 7 === 2) return [];
      if (index % 7 === 4) return [packet, PACKETS[index - 2]!];
      return index % 5 === 0 ? [packet, packet] : [packet];
    });
    const { result, report } = await replayed(mixed);
    expect(booksOf(result.books.markets[0]!)).toEqual(booksAfter(MESSAGES));
    const late = PACKETS.filter((_, index) => index % 7 === 2).length;
    expect(report.sequence?.channels).toMatchObject([
      { outOfOrder: late, duplicates: mixed.length - PACKETS.length, late: 0, gaps: [] },
    ]);
    expect(report.feed.messages).toBe(1000);
  });

  it('with lost packets: their numbers are lost, the books stale, and the rest is applied', async () => {
    const lost = (index: number): boolean => index === 20 || index === 21 || index === 60;
    const { result, report } = await replayed(PACKETS.filter((_, index) => !lost(index)));
    const rest = GROUPS.filter((_, index) => !lost(index)).flat();
    expect(report.sequence?.channels).toMatchObject([
      {
        packets: 97,
        gaps: [
          { from: '21', to: '22', state: 'lost' },
          { from: '61', to: '61', state: 'lost' },
        ],
      },
    ]);
    expect(booksOf(result.books.markets[0]!)).toEqual(booksAfter(rest));
    expect(report.instruments.every(({ stale }) => stale)).toBe(true);
    expect(report.anomalies.unknownOrder['delete']).toBeGreaterThan(0);
  });

  it('with a damaged packet: its messages are counted, and its number is missing', async () => {
    const cut = PACKETS.map((packet, index) => (index === 50 ? packet.slice(0, -1) : packet));
    const { result, report } = await replayed(cut);
    expect(report.feed).toMatchObject({ messages: 999, malformed: 1 });
    expect(report.sequence?.channels).toMatchObject([{ gaps: [{ from: '51', to: '51', state: 'lost' }] }]);
    expect(booksOf(result.books.markets[0]!)).toEqual(
      booksAfter(GROUPS.filter((_, index) => index !== 50).flat()),
    );
  });

  it('without numbers everything is applied as it comes', async () => {
    const payloads = GROUPS.map((messages) => encoded(0, messages));
    const { result, report } = await replayed(payloads);
    expect(booksOf(result.books.markets[0]!)).toEqual(booksAfter(MESSAGES));
    expect(report.sequence?.channels).toMatchObject([{ first: null, last: null, unsequenced: 100 }]);
  });

  it('packets of their number alone keep the count', async () => {
    const { report } = await replayed([PACKETS[0]!, encoded(2, []), PACKETS[2]!]);
    expect(report.sequence?.channels).toMatchObject([{ first: '1', last: '3', packets: 3, gaps: [] }]);
    expect(report.feed.messages).toBe(20);
  });
});

describe('a modify', () => {
  const add: SlowMessage = { template: 1, id: 5n, instrument: 1n, side: 1, price: 10n, quantity: 3n };
  const modified = async (...quantities: bigint[]): Promise<RunReport> => {
    const modifies = quantities.map((quantity): SlowMessage => ({ template: 2, id: 5n, quantity }));
    return (await replayed([encoded(1, [add, ...modifies])])).report;
  };

  it('to more keeps the place', async () => {
    const behind: SlowMessage = { ...add, id: 6n };
    const more: SlowMessage = { template: 2, id: 5n, quantity: 9n };
    const { result } = await replayed([encoded(1, [add, behind, more])]);
    expect(booksOf(result.books.markets[0]!)).toEqual(['1 1 5 10 9', '1 1 6 10 3']);
  });

  it('to 0 removes, below 0 is rejected', async () => {
    expect(await modified(0n)).toMatchObject({ book: { orders: 0 }, anomalies: { rejected: 0 } });
    expect(await modified(-1n)).toMatchObject({
      book: { orders: 1 },
      anomalies: { rejected: 1, rejectedBy: { quantity: 1 } },
    });
  });

  it('of an unknown order is counted, and nothing else', async () => {
    expect(await modified(0n, 4n)).toMatchObject({
      book: { orders: 0 },
      anomalies: { rejected: 0, unknownOrder: { modify: 1 } },
    });
  });
});

describe('changes that name no instrument', () => {
  async function rows<K extends RowKind>(
    kind: K,
    messages: readonly SlowMessage[],
    wanted: Partial<RunOptions> = {},
  ): Promise<RowOf[K][]> {
    const made: RowOf[K][] = [];
    const observers = [ROW_MAKERS[kind]((row) => made.push(row), 5)];
    await replayed([encoded(1, messages)], { observers, ...wanted });
    return made;
  }

  const SHORT: readonly SlowMessage[] = [
    { template: 1, id: 1n, instrument: 7n, side: 1, price: 20n, quantity: 3n },
    { template: 1, id: 2n, instrument: 8n, side: 0, price: 10n, quantity: 4n },
    { template: 2, id: 1n, quantity: 2n },
    { template: 3, id: 2n },
    { template: 3, id: 1n },
    { template: 3, id: 9n },
  ];

  it('make rows of the book that their order is in', async () => {
    const bbo = await rows('bbo', SHORT);
    expect(
      bbo.map(({ instrument, bid, ask }) => [instrument, bid?.quantity ?? null, ask?.quantity ?? null]),
    ).toEqual([
      ['7', null, '3'],
      ['8', '4', null],
      ['7', null, '2'],
      ['8', null, null],
      ['7', null, null],
    ]);
    expect((await rows('depth', SHORT)).map(({ instrument }) => instrument)).toEqual([
      '7',
      '8',
      '7',
      '8',
      '7',
    ]);
    const events = await rows('events', SHORT);
    expect(
      events.map(({ kind, instrument, side, price, quantity, orderId }) => [
        kind,
        instrument,
        side,
        price,
        quantity,
        orderId,
      ]),
    ).toEqual([
      ['add', '7', 'ask', '20', '3', '1'],
      ['add', '8', 'bid', '10', '4', '2'],
      ['modify', '7', 'ask', '20', '2', '1'],
      ['delete', '8', 'bid', '10', null, '2'],
      ['delete', '7', 'ask', '20', null, '1'],
      ['delete', null, null, null, null, '9'],
    ]);
  });

  it('are chosen with the instrument', async () => {
    for (const observers of [[], [{}]]) {
      const { result, report } = await replayed(PACKETS, {
        books: ({ instrument }) => instrument === 2n,
        observers,
        invariants: 'off',
      });
      const wanted = new Set<bigint>();
      for (const message of MESSAGES) {
        if (message.template === 1 && message.instrument === 2n) wanted.add(message.id);
      }
      const chosen = MESSAGES.filter((message) =>
        'instrument' in message ? message.instrument === 2n : wanted.has(message.id),
      );
      expect(booksOf(result.books.markets[0]!)).toEqual(booksAfter(chosen));
      expect(report.events['total']).toBe(chosen.length);
      expect(report.anomalies.unknownOrder).toMatchObject({ modify: 0, delete: 0 });
    }
  });

  it('count the same whether somebody watches or not', async () => {
    const counted = await replayed(PACKETS, { invariants: 'off' });
    const watched = await replayed(PACKETS, { invariants: 'off', observers: [{}] });
    expect(watched.report.anomalies).toEqual(counted.report.anomalies);
    expect(watched.report.events).toEqual(counted.report.events);
  });
});
