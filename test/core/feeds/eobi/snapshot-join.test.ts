import { describe, expect, test } from 'vitest';
import { ordersOf } from '../../../../src/core/book/view.ts';
import {
  add,
  EobiRun,
  heartbeat,
  instrumentSummary,
  packet,
  productSummary,
  remove,
  snapshotOrder,
  TIME,
} from './harness.ts';

const CHANGES = 0;
const SNAPSHOTS = 1;

/** Live orders as `side key` in queue order. */
function orders(run: EobiRun): string[] {
  run.lines.push(...run.events());
  const market = run.books.markets[0];
  if (market === undefined) return [];
  return run.dictionary.books.flatMap(({ number }) => {
    return [false, true].flatMap((ask) =>
      Array.from(ordersOf(market, number, ask), ({ id }) => `${ask ? 'ask' : 'bid'} ${id}`),
    );
  });
}

/** A cycle in one packet: the orders 101 … of one instrument. */
function cycle(number: number, first: number, last: number, keys: readonly bigint[]): Uint8Array {
  return packet(
    { number },
    productSummary(first, last),
    instrumentSummary(first + 1, keys.length),
    ...keys.map((key, index) => snapshotOrder(first + 2 + index, { key })),
  );
}

describe('a late joiner', () => {
  test('waits for a snapshot, leaves out what it contains, goes on behind it', () => {
    const run = new EobiRun('14.1', { expected: true, required: false });
    run.take(packet({ number: 50 }, add(10, { key: 10n })), CHANGES);
    run.take(packet({ number: 51 }, add(11, { key: 11n }), add(12, { key: 12n })), CHANGES);
    expect(run.events()).toEqual([]);
    run.take(cycle(1, 100, 11, [1n, 10n, 11n]), SNAPSHOTS);
    // Whole or not is known when the next one begins.
    expect(run.events()).toEqual([]);
    run.take(cycle(2, 105, 12, [1n, 10n, 11n, 12n]), SNAPSHOTS);
    expect(orders(run)).toEqual(['bid 1', 'bid 10', 'bid 11', 'bid 12']);
    run.take(packet({ number: 52 }, remove(13, { key: 1n })), CHANGES);
    run.take(cycle(3, 120, 13, [10n, 11n, 12n]), SNAPSHOTS);
    run.finish();
    expect(orders(run)).toEqual(['bid 10', 'bid 11', 'bid 12']);
    expect(run.byType).toEqual({ '13100': 3, '13102': 1, '13600': 3, '13601': 3, '13602': 10 });
    expect(run.notes('problems')).toEqual({});
    expect(run.notes('remarks')).toEqual({});
  });

  test('the events: snapshot orders with their flag, then what follows', () => {
    const run = new EobiRun('14.1', { expected: true, required: false });
    run.take(packet({ number: 50 }, add(10, { key: 10n })), CHANGES);
    run.take(cycle(1, 100, 9, [1n, 2n]), SNAPSHOTS);
    run.finish();
    expect(run.events()).toEqual([
      'venue bid b-1 #0 @0 x600 seq 100 snapshot',
      'venue bid b0 #0 @0 x601 seq 101 snapshot',
      'add bid b0 #1 @100 x10000 seq 102 snapshot',
      'add bid b0 #2 @100 x10000 seq 103 snapshot last',
      'add bid b0 #10 @100 x10000 seq 10 last',
    ]);
  });

  test('ends like one that saw everything, wherever it comes in', () => {
    const all = Array.from({ length: 12 }, (_, at) =>
      packet({ number: at + 1 }, add(at + 1, { key: BigInt(at + 1) })),
    );
    for (let from = 1; from <= 12; from += 1) {
      for (let last = 0; last <= 12; last += 1) {
        const run = new EobiRun('14.1', { expected: true, required: true });
        for (const each of all.slice(from - 1)) run.take(each, CHANGES);
        const keys = Array.from({ length: last }, (_, at) => BigInt(at + 1));
        run.take(cycle(1, 1, last, keys), SNAPSHOTS);
        run.finish();
        const isJoined = from === 1 || last >= from - 1;
        expect(orders(run).length, `from ${from}, snapshot of ${last}`).toBe(isJoined ? 12 : 0);
      }
    }
  });

  test('a product seen from its first number needs no snapshot, and ignores them', () => {
    const run = new EobiRun('14.1', { expected: true, required: true });
    run.take(packet({ number: 1 }, add(1, { key: 1n })), CHANGES);
    run.take(cycle(1, 1, 1, [1n]), SNAPSHOTS);
    run.take(cycle(2, 4, 1, [1n]), SNAPSHOTS);
    run.finish();
    expect(run.events()).toEqual(['add bid b0 #1 @100 x10000 seq 1 last']);
  });

  test('nobody expects a snapshot: changes are applied until one is seen, then the books begin anew with it', () => {
    const run = new EobiRun();
    run.take(packet({ number: 50 }, add(10, { key: 10n }), remove(11, { key: 1n })), CHANGES);
    expect(orders(run)).toEqual(['bid 10']);
    run.take(cycle(1, 100, 10, [1n, 2n, 10n]), SNAPSHOTS); // older than what was applied
    run.take(packet({ number: 51 }, add(12, { key: 12n })), CHANGES);
    expect(orders(run)).toEqual(['bid 10']);
    run.take(cycle(2, 105, 11, [2n, 10n]), SNAPSHOTS);
    run.take(productSummaryPacket(3, 109, 12), SNAPSHOTS);
    expect(orders(run)).toEqual(['bid 2', 'bid 10', 'bid 12']);
  });

  test('a snapshot ahead of the changes: those it contains are left out when they come', () => {
    const run = new EobiRun('14.1', { expected: true, required: true });
    run.take(packet({ number: 50 }, add(10, { key: 10n })), CHANGES);
    run.take(cycle(1, 100, 12, [12n]), SNAPSHOTS);
    run.take(productSummaryPacket(2, 103, 12), SNAPSHOTS);
    run.take(
      packet({ number: 51 }, add(11, { key: 11n }), add(12, { key: 12n }), add(13, { key: 13n })),
      CHANGES,
    );
    expect(orders(run)).toEqual(['bid 12', 'bid 13']);
  });

  test('a snapshot alone makes the books; the changes that follow need no other', () => {
    const run = new EobiRun();
    run.take(cycle(1, 100, 12, [12n]), SNAPSHOTS);
    run.take(productSummaryPacket(2, 103, 12), SNAPSHOTS);
    expect(orders(run)).toEqual(['bid 12']);
    run.take(packet({ number: 51 }, add(12, { key: 12n }), add(13, { key: 13n })), CHANGES);
    expect(orders(run)).toEqual(['bid 12', 'bid 13']);
    expect(run.dictionary.books[0]!.channel).toBe(CHANGES);
  });

  test.each([
    ['null', 0xffffffff],
    ['0', 0],
  ])('LastMsgSeqNumProcessed %s: nothing was sent yet', (_, last) => {
    const run = new EobiRun('14.1', { expected: true, required: true });
    run.take(cycle(1, 1, last, [5n]), SNAPSHOTS);
    run.take(productSummaryPacket(2, 4, last), SNAPSHOTS);
    run.take(packet({ number: 1 }, add(1, { key: 6n })), CHANGES);
    expect(orders(run)).toEqual(['bid 5', 'bid 6']);
  });
});

function productSummaryPacket(number: number, sequence: number, last: number): Uint8Array {
  return packet({ number }, productSummary(sequence, last));
}

describe('cycles that are not whole', () => {
  const parts = (): Uint8Array[] => [
    packet({ number: 1, complete: 0 }, productSummary(100, 9)),
    packet({ number: 2, complete: 0 }, instrumentSummary(101, 2), snapshotOrder(102, { key: 1n })),
    packet({ number: 3, complete: 0 }, snapshotOrder(103, { key: 2n }), instrumentSummary(104, 1, 7n)),
    packet({ number: 4, complete: 1 }, snapshotOrder(105, { key: 3n })),
  ];
  const late = (): EobiRun => {
    const run = new EobiRun('14.1', { expected: true, required: true });
    run.take(packet({ number: 50 }, add(10, { key: 10n })), CHANGES);
    return run;
  };

  test('orders follow their instrument over packet borders', () => {
    const run = late();
    for (const part of parts()) run.take(part, SNAPSHOTS);
    run.finish();
    expect(orders(run)).toEqual(['bid 1', 'bid 2', 'bid 10', 'bid 3']);
  });

  test.each([0, 1, 2, 3])('without part %i nothing is loaded', (missing) => {
    const run = late();
    for (const [index, part] of parts().entries()) if (index !== missing) run.take(part, SNAPSHOTS);
    run.take(productSummaryPacket(5, 106, 9), SNAPSHOTS);
    run.events();
    expect(orders(run)).toEqual([]);
    run.finish();
    // The last one, of a summary alone, is whole: the product has no orders.
    expect(orders(run)).toEqual(['bid 10']);
  });

  test('a loss on their channel voids the running one', () => {
    const run = late();
    run.take(parts()[0]!, SNAPSHOTS);
    run.channel(SNAPSHOTS).lost!();
    for (const part of parts().slice(1)) run.take(part, SNAPSHOTS);
    run.finish();
    expect(run.notes('remarks')).toEqual({ 'no snapshot came: changes are left out': 1 });
    expect(orders(run)).toEqual([]);
  });

  test('a cut one: at the end of the input it is whole only if its last packet says so', () => {
    const run = late();
    for (const part of parts().slice(0, 2)) run.take(part, SNAPSHOTS);
    run.finish();
    expect(orders(run)).toEqual([]);
    const other = late();
    other.take(packet({ number: 1, complete: 0 }, productSummary(1, 9), instrumentSummary(2, 0)), SNAPSHOTS);
    other.finish();
    expect(orders(other)).toEqual([]);
  });

  test('a malformed message in it voids it', () => {
    const run = late();
    run.take(
      packet(
        { number: 1 },
        productSummary(100, 9),
        instrumentSummary(101, 1),
        snapshotOrder(102, { key: 1n, side: 9 }),
      ),
      SNAPSHOTS,
    );
    run.finish();
    expect(run.notes('problems')).toEqual({ '13602 without side': 1 });
    expect(orders(run)).toEqual([]);
  });

  test('more or fewer orders of an instrument than its summary says', () => {
    for (const orderKeys of [[1n, 2n, 3n], [1n]]) {
      const run = new EobiRun('14.1', { expected: true, required: false });
      run.take(
        packet(
          { number: 1 },
          productSummary(100, 9),
          instrumentSummary(101, 2),
          ...orderKeys.map((key, index) => snapshotOrder(102 + index, { key })),
          instrumentSummary(102 + orderKeys.length, 0, 5n),
        ),
        SNAPSHOTS,
      );
      run.finish();
      expect(orders(run)).toEqual([]);
    }
  });

  test('one that a loss of changes overtakes', () => {
    const run = new EobiRun('14.1', { expected: true, required: false });
    run.take(packet({ number: 50 }, add(10, { key: 10n })), CHANGES);
    run.take(
      packet({ number: 1, complete: 0 }, productSummary(100, 9), instrumentSummary(101, 1)),
      SNAPSHOTS,
    );
    run.take(packet({ number: 51 }, add(20, { key: 20n })), CHANGES);
    run.take(packet({ number: 2 }, snapshotOrder(102, { key: 1n })), SNAPSHOTS);
    run.finish();
    expect(orders(run)).toEqual(['bid 10', 'bid 20']);
  });

  test('orders without a summary are counted and make no book', () => {
    const run = new EobiRun();
    run.take(packet({ number: 1 }, snapshotOrder(5, { key: 1n })), SNAPSHOTS);
    run.finish();
    expect(run.byType).toEqual({ '13602': 1 });
    expect(run.events()).toEqual([]);
  });

  test('no snapshot comes and one is required: what waited is counted, damage included', () => {
    const run = new EobiRun('14.1', { expected: true, required: true });
    run.take(Buffer.concat([packet({ number: 50 }, add(10, { key: 10n })), Buffer.from([1, 2, 3])]), CHANGES);
    run.finish();
    expect(orders(run)).toEqual([]);
    expect([run.counts.messages, run.counts.malformed]).toEqual([1, 1]);
  });

  test('no snapshot comes: without one required the changes are applied as they are', () => {
    const run = new EobiRun('14.1', { expected: true, required: false });
    run.take(packet({ number: 50 }, add(10, { key: 10n })), CHANGES);
    run.take(packet({ number: 51 }, add(11, { key: 11n })), CHANGES);
    run.finish();
    expect(orders(run)).toEqual(['bid 10', 'bid 11']);
    expect(run.notes('remarks')).toEqual({ 'no snapshot came: changes are applied without': 1 });
  });
});

describe('losses', () => {
  test('a jump of the numbers is told, once, and without snapshots what follows is applied', () => {
    const run = new EobiRun();
    run.take(packet({ number: 1 }, add(1, { key: 1n })));
    run.take(packet({ number: 2 }, add(5, { key: 5n }), add(6, { key: 6n })));
    expect(run.events()).toEqual([
      'add bid b0 #1 @100 x10000 seq 1 last',
      'gap bid b-1 #2 @3 x3 seq 2',
      'add bid b0 #5 @100 x10000 seq 5',
      'add bid b0 #6 @100 x10000 seq 6 last',
    ]);
  });

  test('a heartbeat that names a later number shows that the last ones are lost', () => {
    const run = new EobiRun();
    run.take(packet({ number: 1 }, add(1, { key: 1n })));
    run.take(packet({ number: 2 }, heartbeat(1)));
    run.take(packet({ number: 3 }, heartbeat(3)));
    run.take(packet({ number: 4 }, heartbeat(3)));
    run.take(packet({ number: 5 }, add(4, { key: 4n })));
    expect(run.events().map((line) => line.replace(/ b.*seq/, ''))).toEqual([
      'add 1 last',
      'gap 2',
      'add 4 last',
    ]);
    expect(run.byType).toEqual({ '13001': 3, '13100': 2 });
  });

  test('a loss of packets explains the next jump, and no other one', () => {
    const run = new EobiRun();
    run.take(packet({ number: 1 }, add(1, { key: 1n })));
    run.channel(0).lost!();
    run.take(packet({ number: 3 }, add(3, { key: 3n })));
    run.take(packet({ number: 4 }, add(5, { key: 5n })));
    expect(run.events().map((line) => line.split(' ')[0])).toEqual(['add', 'add', 'gap', 'add']);
  });

  test('with snapshots, what comes behind a loss waits; the one that reaches far enough makes all right', () => {
    const run = new EobiRun('14.1', { expected: true, required: false });
    run.take(packet({ number: 1 }, add(1, { key: 1n }), add(2, { key: 2n, security: 9n })), CHANGES);
    run.channel(CHANGES).lost!();
    run.take(packet({ number: 3 }, add(5, { key: 5n })), CHANGES);
    run.take(cycle(1, 100, 3, [1n, 3n]), SNAPSHOTS); // does not reach
    expect(orders(run)).toEqual(['bid 1', 'bid 2']);
    run.take(cycle(2, 104, 4, [1n, 4n]), SNAPSHOTS);
    run.take(productSummaryPacket(3, 108, 5), SNAPSHOTS);
    expect(orders(run)).toEqual(['bid 1', 'bid 4', 'bid 5']);
    const market = run.books.markets[0]!;
    expect([market.stale[0], market.stale[1]]).toEqual([0, 0]);
  });

  test('a number that comes again without a reset is applied and remarked', () => {
    const run = new EobiRun();
    run.take(packet({ number: 1 }, add(5, { key: 1n })));
    run.take(packet({ number: 2 }, add(5, { key: 2n })));
    run.take(packet({ number: 3 }, add(6, { key: 3n })));
    expect(run.events()).toHaveLength(3);
    expect(run.notes('remarks')).toEqual({ 'MsgSeqNum below the expected one': 1 });
  });
});

describe('the numbers begin anew', () => {
  test('of packets alone: another session, the books stay', () => {
    const run = new EobiRun();
    run.take(packet({ number: 9 }, add(1, { key: 1n })));
    expect(run.channel(0).session).toBe(1);
    run.take(packet({ number: 1, reset: 1, time: TIME + 1n }, add(2, { key: 2n })));
    expect(run.channel(0).session).toBe(2);
    run.take(packet({ number: 2, reset: 1, time: TIME + 2n }, add(3, { key: 3n })));
    run.take(packet({ number: 3, time: TIME + 3n }, add(4, { key: 4n })));
    expect(run.channel(0).session).toBe(2);
    expect(orders(run)).toEqual(['bid 1', 'bid 2', 'bid 3', 'bid 4']);
  });

  test('not with a packet that comes late or again', () => {
    const run = new EobiRun();
    run.take(packet({ number: 2, time: TIME + 1n }, add(2, { key: 2n })));
    for (const time of [TIME, TIME + 1n, TIME]) {
      run.take(packet({ number: 1, reset: 1, time }, add(1, { key: 1n })));
      expect(run.channel(0).session).toBe(1);
    }
    run.take(packet({ number: 3, time: TIME + 2n }, add(3, { key: 3n })));
    // The numbers of the next session may begin behind its first packets, too.
    run.take(packet({ number: 2, time: TIME + 4n }, add(5, { key: 5n })));
    run.take(packet({ number: 1, reset: 1, time: TIME + 3n }, add(4, { key: 4n })));
    expect(run.channel(0).session).toBe(2);
  });

  test('of messages, too: the books of the product are dropped', () => {
    const run = new EobiRun();
    run.take(packet({ number: 8, segment: 2 }, add(1, { key: 9n, security: 9n })));
    run.take(packet({ number: 9 }, add(7, { key: 1n })));
    run.take(packet({ number: 1, reset: 1 }, add(1, { key: 2n })));
    expect(orders(run)).toEqual(['bid 9', 'bid 2']);
    expect(run.notes('remarks')).toEqual({ 'MsgSeqNum begins anew with a reset': 1 });
  });

  test('once in a packet: a packet cannot empty the books again and again', () => {
    const run = new EobiRun();
    run.take(packet({ number: 9 }, add(7, { key: 1n })));
    const falling = [1, 1, 1, 1].map((sequence, at) => add(sequence, { key: BigInt(2 + at) }));
    run.take(packet({ number: 1, reset: 1 }, ...falling));
    expect(orders(run)).toEqual(['bid 2', 'bid 3', 'bid 4', 'bid 5']);
    expect(run.notes('remarks')).toEqual({
      'MsgSeqNum begins anew with a reset': 1,
      'MsgSeqNum below the expected one': 3,
    });
  });

  test('while something waits: what waited is void', () => {
    const run = new EobiRun('14.1', { expected: true, required: false });
    run.take(packet({ number: 9 }, add(7, { key: 1n })));
    run.take(packet({ number: 1, reset: 1 }, add(1, { key: 2n })));
    run.take(packet({ number: 2 }, add(2, { key: 3n })));
    expect(orders(run)).toEqual(['bid 2', 'bid 3']);
  });

  test('inside a packet that waits: what is in front of it is void, and nothing is read twice', () => {
    const run = new EobiRun('14.1', { expected: true, required: false });
    run.take(packet({ number: 9 }, add(7, { key: 1n })));
    run.take(packet({ number: 1, reset: 1 }, add(20, { key: 2n }), add(1, { key: 3n }), add(2, { key: 4n })));
    expect(orders(run)).toEqual(['bid 3', 'bid 4']);
    expect(run.counts.messages).toBe(4);
  });

  test('inside a packet whose rest waits, again and again', () => {
    const run = new EobiRun('14.1', { expected: true, required: false });
    run.take(packet({ number: 9 }, add(1, { key: 1n })));
    run.take(
      packet(
        { number: 1, reset: 1 },
        add(2, { key: 2n }),
        ...Array.from({ length: 500 }, () => [add(9, { key: 3n }), add(1, { key: 4n })]).flat(),
        add(2, { key: 5n }),
      ),
    );
    // What falls again in the same packet is no beginning; it waits with the rest.
    expect(orders(run)).toEqual(['bid 4']);
    run.finish();
    expect(orders(run)).toEqual(['bid 3', 'bid 4', 'bid 5']);
    expect(run.counts.messages).toBe(1003);
  });

  test('in the middle: the books wait for a snapshot of the new numbers', () => {
    const run = new EobiRun('14.1', { expected: true, required: false });
    run.take(packet({ number: 9 }, add(700, { key: 1n })));
    run.take(packet({ number: 1, reset: 1 }, add(20, { key: 2n })));
    run.take(cycle(1, 100, 19, [4n]), SNAPSHOTS);
    run.finish();
    expect(orders(run)).toEqual(['bid 4', 'bid 2']);
  });
});

describe('the highest numbers', () => {
  const TOP = 0xffff_fffe;

  for (const expected of [false, true]) {
    test(`are numbers like others, and 0 follows them (${expected ? '' : 'no '}snapshots expected)`, () => {
      for (let first = TOP - 3; first <= TOP; first += 1) {
        const run = new EobiRun('14.1', { expected, required: false });
        const numbers = Array.from({ length: TOP - first + 1 }, (_, at) => first + at);
        const messages = numbers.map((number) => add(number, { key: BigInt(number) }));
        run.take(packet({ number: 1 }, ...messages, add(0, { key: 5n }), add(1, { key: 6n })));
        run.finish();
        expect(orders(run)).toEqual([...numbers.map((number) => `bid ${number}`), 'bid 5', 'bid 6']);
        expect(run.counts.messages).toBe(numbers.length + 2);
      }
    });

    test(`come behind a heartbeat, or in a jump (${expected ? '' : 'no '}snapshots expected)`, () => {
      const run = new EobiRun('14.1', { expected, required: false });
      run.take(packet({ number: 1 }, add(1, { key: 1n })));
      run.take(packet({ number: 2 }, heartbeat(TOP - 1)));
      run.take(packet({ number: 3 }, add(TOP, { key: 2n })));
      run.take(packet({ number: 4 }, add(5, { key: 3n }), add(TOP, { key: 4n })));
      run.finish();
      expect(orders(run)).toEqual(['bid 1', 'bid 2', 'bid 3', 'bid 4']);
    });
  }
});
