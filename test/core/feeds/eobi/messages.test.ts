import { describe, expect, test } from 'vitest';
import {
  add,
  EobiRun,
  execution,
  heartbeat,
  massDelete,
  message,
  modify,
  NULL_64,
  packet,
  remove,
  samePriority,
  TIME,
} from './harness.ts';

const SYNTHETIC = `
20 00 ca 32 ff ff ff ff e9 03 00 00 b0 02 00 00
02 01 00 00 00 00 00 00 f4 01 fa ed 51 72 86 18
38 00 2c 33 4d 00 00 00 64 00 fa ed 51 72 86 18
47 00 3f 00 00 00 00 00 c8 00 fa ed 51 72 86 18
90 d0 03 00 00 00 00 00 01 ff 80 00 00 00 00 00
40 63 c5 6b 03 00 00 00`;

describe('messages of 14.1', () => {
  test('the packet of the specification sheet', () => {
    const run = new EobiRun();
    const bytes = Uint8Array.from(SYNTHETIC.trim().split(/\s+/), (hex) => Number.parseInt(hex, 16));
    expect(run.take(bytes)).toBe(0);
    expect(run.channel(0).first).toBe(1001);
    expect(run.events()).toEqual(['add bid b0 #1767225600000000200 @14693000000 x250000 seq 77 last']);
    expect(run.dictionary.books[0]).toMatchObject({
      instrument: 4128839n,
      publisher: 0,
      priceScale: 8,
      quantityScale: 4,
      source: 'eobi-14.1',
    });
  });

  test('every change of orders, its flags, sides, null and negative prices', () => {
    const run = new EobiRun();
    run.take(
      packet(
        { number: 1 },
        add(1, { key: 10n, quantity: 70000n, side: 2, price: -18000000n }),
        add(2, { key: 11n, market: true }),
        modify(3, 10n, { key: 12n, side: 2, price: -19000000n }),
        samePriority(4, { key: 12n, quantity: 5n, side: 2, price: -19000000n }),
        execution(5, false, { key: 12n, quantity: 2n, side: 2, price: -19500000n }),
        execution(6, true, { key: 12n, quantity: 3n, side: 2, price: 7n }),
        remove(7, { key: 11n, market: true, quantity: 9n }),
        massDelete(8),
      ),
    );
    expect(run.events()).toEqual([
      'add ask b0 #10 @-18000000 x70000 seq 1',
      'add bid b0 #11 @-9223372036854775808 x10000 seq 2',
      'replace ask b0 #12 @-19000000 x10000 seq 3 of #10 done @0 match 0 aggressor 0 condition 0',
      'modify ask b0 #12 @0 x5 seq 4 keep by-kind',
      'execute ask b0 #12 @0 x2 seq 5 of #0 done @-19500000 match 77 aggressor 1 condition 65534',
      'execute ask b0 #12 @0 x3 seq 6 of #0 done @7 match 77 aggressor 1 condition 65534 by-kind',
      'delete bid b0 #11 @-9223372036854775808 x9 seq 7',
      'clear bid b0 #0 @0 x0 seq 8 last',
    ]);
    expect(run.byType).toEqual({
      '13100': 2,
      '13101': 1,
      '13102': 1,
      '13103': 1,
      '13104': 1,
      '13105': 1,
      '13106': 1,
    });
    expect(run.counts.messages).toBe(8);
  });

  test('a 64-bit SecurityID is one instrument, and both halves tell it', () => {
    const run = new EobiRun();
    run.take(
      packet(
        { number: 1 },
        add(1, { key: 1n, security: 1n << 40n }),
        add(2, { key: 1n, security: 1n << 41n }),
        add(3, { key: 1n, security: (1n << 40n) | 1n }),
        add(4, { key: 2n, security: 1n << 40n }),
      ),
    );
    expect(run.events().map((line) => line.split(' ')[2])).toEqual(['b0', 'b1', 'b2', 'b0']);
    expect(run.dictionary.books.map((book) => book.instrument)).toEqual([
      1n << 40n,
      1n << 41n,
      (1n << 40n) | 1n,
    ]);
  });

  test('trades: the match step with its aggressor, reports, reversals', () => {
    const run = new EobiRun();
    const security = 5n;
    const none = [
      [56, 'u64', (1n << 64n) - 1n],
      [64, 'i64', NULL_64],
      [72, 'i64', NULL_64],
    ] as const;
    run.take(
      packet(
        { number: 1 },
        message(
          13202,
          1,
          104,
          [8, 'i64', security],
          [24, 'u64', 1700000000000000001n],
          [32, 'i64', 30n],
          [40, 'u8', 2],
          [42, 'u16', 0xffff],
          [48, 'i64', 101n],
          ...none,
        ),
        message(
          13202,
          2,
          104,
          [8, 'i64', security],
          [24, 'u64', 4n],
          [32, 'i64', 31n],
          [40, 'u8', 1],
          [42, 'u16', 1],
          [48, 'i64', 102n],
          ...none,
        ),
        message(
          13201,
          3,
          56,
          [8, 'i64', security],
          [24, 'i64', 32n],
          [32, 'i64', 103n],
          [40, 'u32', 0xfffffffe],
          [48, 'u16', 596],
        ),
        message(
          13203,
          4,
          80,
          [8, 'i64', security],
          [24, 'i64', 33n],
          [32, 'i64', 104n],
          [40, 'u32', 8],
          [46, 'u16', 155],
        ),
        message(
          13200,
          5,
          416,
          [8, 'i64', security],
          [24, 'i64', 34n],
          [32, 'i64', 105n],
          [48, 'u32', 9],
          [52, 'u16', 3],
          [55, 'u8', 15],
        ),
        message(
          13201,
          6,
          56,
          [8, 'i64', security],
          [24, 'i64', NULL_64],
          [32, 'i64', NULL_64],
          [40, 'u32', 1],
          [48, 'u16', 0xffff],
        ),
      ),
    );
    expect(run.events()).toEqual([
      'trade bid b0 #0 @101 x30 seq 1 of #0 done @0 match 1700000000000000001 aggressor 2 condition 0',
      'trade bid b0 #0 @102 x31 seq 2 of #0 done @0 match 4 aggressor 1 condition 1',
      'trade bid b0 #0 @103 x32 seq 3 of #0 done @0 match 4294967294 aggressor 0 condition 596',
      'trade bid b0 #0 @104 x33 seq 4 of #0 done @0 match 8 aggressor 0 condition 155',
      'trade bid b0 #0 @105 x34 seq 5 of #0 done @0 match 9 aggressor 0 condition 65534',
      'trade bid b0 #0 @-9223372036854775808 x0 seq 6 of #0 done @0 match 1 aggressor 0 condition 0 last',
    ]);
  });

  test('states, definitions with their names, and what only printing needs', () => {
    const run = new EobiRun();
    const name = (text: string): [number, 'u8', number][] =>
      Array.from({ length: 40 }, (_, at) => [
        24 + at,
        'u8',
        text.charCodeAt(at) || (at === text.length ? 0 : 0x20),
      ]);
    run.take(
      packet(
        { number: 1 },
        message(13300, 1, 24, [10, 'u8', 2]),
        message(13301, 2, 56, [8, 'i64', 6n], [17, 'u8', 203]),
        message(
          13302,
          3,
          800,
          [10, 'u8', 202],
          [25, 'u8', 2],
          [32, 'i64', 7n],
          [57, 'u8', 200],
          [64, 'i64', 6n],
          [89, 'u8', 201],
        ),
        message(13400, 4, 880, [8, 'i64', 8n], [76, 'u8', 20], ...name('FUTURES SPREAD')),
        message(13401, 5, 96, [8, 'i64', 9n], ...name('FLEX')),
        message(13402, 6, 80, [8, 'i64', 10n], ...name('SCALED')),
        message(13500, 7, 64, [16, 'i64', 6n]),
        message(13501, 8, 56, [16, 'i64', 6n]),
        message(13502, 9, 48, [8, 'i64', 6n]),
        message(13503, 10, 40, [8, 'i64', 6n]),
        message(13504, 11, 64, [16, 'i64', 6n]),
      ),
    );
    expect(run.events().map((line) => line.replace(/ #0/, ''))).toEqual([
      'status bid b-1 @2 x300 seq 1',
      'status bid b0 @203 x301 seq 2',
      'status bid b-1 @202 x302 seq 3',
      'status bid b1 @200 x302 seq 3',
      'status bid b0 @201 x302 seq 3',
      'definition bid b2 @0 x400 seq 4',
      'definition bid b3 @0 x401 seq 5',
      'definition bid b4 @0 x402 seq 6',
      'venue bid b0 @0 x500 seq 7',
      'venue bid b0 @0 x501 seq 8',
      'venue bid b0 @0 x502 seq 9',
      'venue bid b0 @0 x503 seq 10',
      'venue bid b0 @0 x504 seq 11 last',
    ]);
    expect(run.dictionary.books.map(({ symbol }) => symbol)).toEqual([
      null,
      null,
      'FUTURES SPREAD',
      'FLEX',
      'SCALED',
    ]);
  });

  test('the group ends with the last event of a complete packet', () => {
    const run = new EobiRun();
    run.take(packet({ number: 1, complete: 0 }, add(1, { key: 1n })));
    run.take(packet({ number: 2, complete: 1 }, add(2, { key: 2n }), heartbeat(2)));
    expect(run.events().map((line) => line.endsWith('last'))).toEqual([false, true]);
  });

  test('also where messages behind it become no event, whatever their numbers and the size of batches', () => {
    const unknown = (sequence: number): Uint8Array => message(13999, sequence, 16);
    for (const capacity of [2, 3, 64]) {
      for (const sequence of [1, 3, 0xffffffff]) {
        const run = new EobiRun('14.1', undefined, capacity);
        run.take(packet({ number: 1 }, add(1, { key: 1n }), add(2, { key: 2n }), unknown(sequence)));
        expect(run.events().map((line) => line.endsWith('last'))).toEqual([false, true]);
      }
    }
  });

  test('the numbers of two products do not meet', () => {
    const run = new EobiRun();
    run.take(packet({ number: 1, segment: 1 }, add(1, { key: 1n, security: 1n })));
    run.take(packet({ number: 2, segment: 2 }, add(1, { key: 1n, security: 2n })));
    run.take(packet({ number: 3, segment: 1 }, add(2, { key: 2n, security: 1n })));
    expect(run.events().map((line) => /seq \d+/.exec(line)?.[0])).toEqual(['seq 1', 'seq 1', 'seq 2']);
    expect(run.notes('problems')).toEqual({});
  });

  test('batches of any size hold the same events', () => {
    const all = (capacity: number): string[] => {
      const run = new EobiRun('14.1', undefined, capacity);
      for (let number = 0; number < 20; number += 1) {
        run.take(
          packet(
            { number: number + 1, time: TIME + BigInt(number) * 3_000_000_000n },
            modify(number * 2 + 1, BigInt(number), { key: BigInt(number + 1) }),
            execution(number * 2 + 2, number % 2 === 0, { key: BigInt(number + 1) }),
          ),
        );
      }
      return run.events();
    };
    expect(all(2)).toEqual(all(1024));
    expect(all(3)).toEqual(all(1024));
  });

  test('a message whose number is null has no number', () => {
    const run = new EobiRun();
    run.take(packet({ number: 1 }, add(5, { key: 1n }), add(0xffffffff, { key: 2n }), add(6, { key: 3n })));
    run.take(packet({ number: 2 }, add(0xffffffff, { key: 4n })));
    expect(run.events().map((line) => /#\d+|seq \d+/g[Symbol.match](line)?.join(' '))).toEqual([
      '#1 seq 5',
      '#2 seq 0',
      '#3 seq 6',
      '#4 seq 0',
    ]);
  });
});

describe('what cannot be read, and what is worth a look', () => {
  test('unknown templates are skipped by their length and use their number', () => {
    const run = new EobiRun();
    run.take(
      packet(
        { number: 1 },
        message(13999, 1, 24),
        add(2, { key: 1n }),
        message(9, 3, 8),
        message(20000, 4, 8),
      ),
    );
    expect(run.events()).toEqual(['add bid b0 #1 @100 x10000 seq 2 last']);
    expect(run.notes('problems')).toEqual({ 'template 13999': 1, 'template 9': 1, 'template 20000': 1 });
    expect([run.counts.messages, run.counts.unknown, run.counts.malformed]).toEqual([1, 3, 0]);
  });

  test('messages shorter than their type, longer ones, groups that do not fit, no side', () => {
    const run = new EobiRun();
    const long = add(4, { key: 4n });
    const longer = Buffer.concat([long, new Uint8Array(8)]);
    longer.writeUInt16LE(64, 0);
    run.take(
      packet(
        { number: 1 },
        message(13100, 1, 48),
        add(2, { key: 2n, side: 3 }),
        message(13200, 3, 408, [55, 'u8', 15]),
        longer,
        execution(5, true, { key: 4n, side: 0 }),
        add(6, { key: 6n }),
      ),
    );
    expect(run.events().map((line) => line.split(' ')[3])).toEqual(['#4', '#6']);
    expect(run.notes('problems')).toEqual({
      '13100 shorter than 56 bytes': 1,
      '13100 without side': 1,
      '13200 shorter than its group': 1,
      '13104 without side': 1,
    });
    expect(run.counts.malformed).toBe(4);
  });

  test('a group of other size than the table is read by what it uses', () => {
    const run = new EobiRun();
    run.take(packet({ number: 1 }, message(13200, 1, 80, [55, 'u8', 1], [8, 'i64', 5n])));
    expect(run.events()).toHaveLength(1);
    expect(run.counts.malformed).toBe(0);
    expect(run.notes('remarks')).toEqual({ 'a group has room for more or fewer entries': 1 });
  });

  test('a rest that is announced should enter, an order that took and was filled should leave: else it is remarked', () => {
    const summary = (sequence: number, key: bigint, quantity: bigint, price: bigint): Uint8Array =>
      message(
        13202,
        sequence,
        104,
        [8, 'i64', 4128839n],
        [32, 'i64', 5n],
        [40, 'u8', 1],
        [56, 'u64', key],
        [64, 'i64', quantity],
        [72, 'i64', price],
      );
    const noKey = (1n << 64n) - 1n;
    const run = new EobiRun();
    run.take(packet({ number: 1 }, summary(1, noKey, 10000n, 100n), add(2, { key: 1n })));
    run.take(packet({ number: 2 }, summary(3, noKey, NULL_64, NULL_64)));
    run.take(packet({ number: 3, complete: 0 }, summary(4, 1n, 0n, NULL_64)));
    run.take(packet({ number: 4 }, remove(5, { key: 1n })));
    expect(run.notes('remarks')).toEqual({});
    run.take(packet({ number: 5 }, summary(6, noKey, 10000n, 100n), add(7, { key: 2n, price: 101n })));
    run.take(packet({ number: 6 }, summary(8, 2n, NULL_64, NULL_64), add(9, { key: 3n })));
    expect(run.notes('remarks')).toEqual({
      'a rest of the incoming order is announced and does not enter the book': 1,
      'an order of the book took, is filled, and is not told to leave': 1,
    });
  });

  test.each([
    ['a length below 8', message(13100, 2, 8).fill(0, 0, 2)],
    ['a length past the end', add(2, { key: 2n }).subarray(0, 48)],
    ['three bytes behind the last message', new Uint8Array(3)],
  ])('%s ends the packet: what stands in front of it is applied, the rest counts once', (_, damage) => {
    const run = new EobiRun();
    expect(run.take(packet({ number: 9 }, add(1, { key: 1n }), damage))).toBe(0);
    expect(run.events()).toHaveLength(1);
    expect(run.notes('problems')).toEqual({ 'damaged datagram': 1 });
    // What was lost shows in the numbers of the product.
    run.take(packet({ number: 10 }, add(3, { key: 3n })));
    expect(run.events().map((line) => line.split(' ')[0])).toEqual(['gap', 'add']);
  });

  test('no PacketHeader: the datagram is damaged and uses no number', () => {
    const run = new EobiRun();
    expect(run.take(packet({ number: 1 }).subarray(0, 31))).toBe(3);
    expect(run.take(add(1, { key: 1n }))).toBe(3);
    expect(run.take(new Uint8Array(0))).toBe(3);
    expect(run.channel(0).first).toBe(0);
    expect(run.take(packet({ number: 1, template: 13000 }, add(1, { key: 1n })))).toBe(0);
    expect(run.take(packet({ number: 1, template: 13006 }, add(1, { key: 1n })))).toBe(3);
  });
});
