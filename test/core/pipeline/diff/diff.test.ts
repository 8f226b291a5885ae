import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { toBigInt } from '../../../../src/core/binary/time.ts';
import { DbnOutput } from '../../../../src/core/convert/dbn-output.ts';
import { EventStream } from '../../../../src/core/convert/event-stream.ts';
import { copyPackets } from '../../../../src/core/convert/packet-copy.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import * as record from '../../../../src/core/event/record.ts';
import { itch } from '../../../../src/core/feeds/itch/index.ts';
import { SegmentWriter } from '../../../../src/core/journal/segment-writer.ts';
import { KEPT_FIELDS, KEPT_NUMBER } from '../../../../src/core/pipeline/diff/pairs.ts';
import { changeOneOrder } from '../../../world/changed-order.ts';
import { DATA, dataPath } from '../../../world/data.ts';
import type { EventInput } from '../../../world/event-builder.ts';
import { ReferenceMarket } from '../../../world/reference-book.ts';
import { runOptions } from '../../../world/run-options.ts';
import { batchOf, EPOCH, type Event, framesOf, HEAD } from '../../journal/streams.ts';
import { play } from '../../simulate/session.ts';
import { compare, eventsIn, reportOf, Sides, type Wanted } from './sessions.ts';

const sides = new Sides();
afterAll(() => sides.remove());

const toEvents = (sink: (chunk: Uint8Array) => void): EventStream =>
  new EventStream(sink, { version: '0.0.0', commitMs: null });
const toDbn = (sink: (chunk: Uint8Array) => void): DbnOutput =>
  new DbnOutput(sink, { sizeScale: null, lossy: false, upgrade: false, compress: false });

describe('the same session in another form is the same market', () => {
  test.each([
    ['itch', 'symbol'],
    ['eobi', 'instrument'],
    ['fast-like', 'instrument'],
  ] as const)('%s as packets, events and DBN', async (feed, by) => {
    const { a } = play({ feed, seed: 5, profile: { messages: 1500 } });
    const path = sides.write(a);
    const copy: Uint8Array[] = [];
    await copyPackets(runOptions([path]), 'pcapng', (chunk) => copy.push(chunk.slice()));
    const others: [string, Wanted][] = [
      [path, {}],
      [sides.write(copy), {}],
      [await sides.convert(path, toEvents), {}],
      [await sides.convert(path, toDbn), { by }],
    ];
    for (const [other, wanted] of others) {
      const report = await reportOf(path, other, { withIds: true, ...wanted });
      expect(report.differences).toEqual([]);
      expect(report.verdict).toBe('equal');
      expect(report.instruments).toMatchObject({ compared: 3, equal: 3, onlyA: 0, onlyB: 0, notCompared: 0 });
      expect(report.comparisons).toBeGreaterThan(700);
      expect(report.tails).toEqual([]);
    }
  });

  test.skipIf(DATA === null)('a real DBN file and its events', async () => {
    const path = dataPath('dbn', 'CLX5_mbo.dbn');
    const events = await sides.convert(path, toEvents);
    const report = await reportOf(path, events, { withIds: true });
    expect(report.verdict).toBe('equal');
    expect(report.alignment).toEqual({ by: 'time', instruments: 'instrument', ids: true });
    expect(report.comparisons).toBeGreaterThan(5000);
  });
});

/** A session of ITCH whose message numbers are even, so that there is room between them. */
const SESSION = await (async () => {
  const { a } = play({ seed: 9, profile: { messages: 200, ordersLive: 40 } });
  const { events, dictionary } = await eventsIn(sides.write(a));
  return { events: events.map((event) => ({ ...event, sequence: event.sequence * 2 })), dictionary };
})();

function plain({ kind, flags, book, body, second }: Event): EventInput {
  return {
    kind,
    book,
    flags,
    ask: (flags & record.FLAG_ASK) !== 0,
    id: toBigInt(body[1]!, body[0]!) & 0xffff_ffff_ffff_ffffn,
    price: toBigInt(body[3]!, body[2]!),
    quantity: toBigInt(body[5]!, body[4]!),
    ...(second === null ? {} : { related: toBigInt(second[2]!, second[1]!) & 0xffff_ffff_ffff_ffffn }),
  };
}

/** Per book: its entries in order, without ids unless they count. */
function statesOf(market: ReferenceMarket, withIds: boolean): Map<string, string> {
  const states = new Map<string, string>();
  for (const line of market.state()) {
    const [book, side, price, id, quantity] = line.split(' ');
    const entry = [side, price, ...(withIds ? [id] : []), quantity].join(' ');
    states.set(book!, `${states.get(book!) ?? ''}${entry}\n`);
  }
  return states;
}

/** The number of the first message after which the books of each instrument are not the same: the plain way. */
function firstDifferences(
  a: readonly Event[],
  b: readonly Event[],
  withIds: boolean,
): Record<string, number> {
  const markets = [new ReferenceMarket(itch.rules), new ReferenceMarket(itch.rules)] as const;
  const found: Record<string, number> = {};
  const next = [0, 0];
  const both = [a, b] as const;
  // Tails are not compared.
  const end = Math.min(a.at(-1)!.sequence, b.at(-1)!.sequence);
  const begin = Math.max(a[0]!.sequence, b[0]!.sequence);
  let isSameUpTo = 0;
  const numbers = [...new Set([...a, ...b].map(({ sequence }) => sequence))].sort((x, y) => x - y);
  for (const number of numbers.filter((each) => each <= end)) {
    for (const side of [0, 1] as const) {
      for (; both[side][next[side]!]?.sequence === number; next[side]! += 1) {
        markets[side].apply(plain(both[side][next[side]!]!));
      }
    }
    if (number < begin) continue;
    // As long as both sides have had the same events there is nothing to look for.
    if (next[0] === next[1] && a[next[0]! - 1] === b[next[1]! - 1] && Object.keys(found).length === 0) {
      const upTo = next[0]!;
      if (isSameUpTo === upTo - 1 || a.slice(0, upTo).every((event, at) => event === b[at])) {
        isSameUpTo = upTo;
        continue;
      }
    }
    const [left, right] = [statesOf(markets[0], withIds), statesOf(markets[1], withIds)];
    for (const book of new Set([...left.keys(), ...right.keys()])) {
      if (left.get(book) !== right.get(book)) found[book] ??= number;
    }
  }
  return found;
}

async function foundDifferences(
  a: readonly Event[],
  b: readonly Event[],
  withIds: boolean,
): Promise<Record<string, number>> {
  const [left, right] = [a, b].map((events) => sides.write(framesOf(events, SESSION.dictionary)));
  const { differences, comparer } = await compare(left!, right!, { withIds, align: 'position' });
  expect(comparer.pairs.list.every(({ heads }) => heads.every((head) => head < 0))).toBe(true);
  return Object.fromEntries(
    differences.map(({ pair, shots }) => {
      const { kept, isOf, levels } = pair.found!;
      expect(shots).not.toBeNull();
      expect(levels).toBeGreaterThan(0);
      const numbers = [0, 1]
        .filter((side) => isOf[side])
        .map((side) => kept[side * KEPT_FIELDS + KEPT_NUMBER]!);
      expect(new Set(numbers).size).toBe(1);
      return [String(pair.books[0]!.number), numbers[0]!];
    }),
  );
}

type Change = (events: readonly Event[], place: number) => Event[];
const withBody = (event: Event, at: number, add: number): Event => ({
  ...event,
  body: event.body.map((word, index) => (index === at ? word + add : word)),
});
const replaced = (events: readonly Event[], place: number, event: Event): Event[] =>
  events.map((each, index) => (index === place ? event : each));

/** What can be another on the other side. */
const CHANGES: Readonly<Record<string, Change>> = {
  'another quantity': (events, place) => replaced(events, place, withBody(events[place]!, 4, 1)),
  'another price': (events, place) => replaced(events, place, withBody(events[place]!, 2, 100)),
  'another id': (events, place) => replaced(events, place, withBody(events[place]!, 0, 0x40000000)),
  'a message less': (events, place) => events.filter((_, index) => index !== place),
  'a message more': (events, place) => {
    const extra = { ...events[place]!, sequence: events[place]!.sequence + 1 };
    return [...events.slice(0, place + 1), withBody(extra, 0, 0x40000000), ...events.slice(place + 1)];
  },
  'an order that goes to the end of its queue': (events, place) => {
    const add = events[place]!;
    const at = Math.min(place + 30, events.length - 1);
    const moved = { ...add, kind: record.KIND_MODIFY, sequence: events[at]!.sequence + 1, second: null };
    return [...events.slice(0, at + 1), moved, ...events.slice(at + 1)];
  },
  'two orders of a queue in the other order': (events, place) => {
    const first = events[place]!;
    const isTwin = ({ kind, book, flags, body }: Event): boolean =>
      kind === first.kind &&
      book === first.book &&
      flags === first.flags &&
      body[2] === first.body[2] &&
      body[0] !== first.body[0];
    const second = events.findIndex((event, index) => index > place && isTwin(event));
    if (second < 0) return [...events];
    return replaced(replaced(events, place, { ...first, body: events[second]!.body }), second, {
      ...events[second]!,
      body: first.body,
    });
  },
};
const ADDS: readonly number[] = SESSION.events.flatMap(({ kind }, at) =>
  kind === record.KIND_ADD ? [at] : [],
);
const ORDERS: readonly number[] = SESSION.events.flatMap(({ kind }, at) =>
  kind >= record.KIND_ADD && kind <= record.KIND_EXECUTE ? [at] : [],
);

describe('one thing is another, and the groups after which books differ are named', () => {
  test.each(Object.entries(CHANGES))('%s', async (name, change) => {
    const places = /order|id/.test(name) ? ADDS : ORDERS;
    const differencesAt = (place: number, withIds: boolean): Record<string, number> =>
      firstDifferences(SESSION.events, change(SESSION.events, place), withIds);
    // Not every order is there long enough, or in company enough, for a change of it to be seen.
    const telling = places.find((place) => Object.keys(differencesAt(place, true)).length > 0)!;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.boolean(), async (place, withIds) => {
        const other = change(SESSION.events, place);
        const expected = differencesAt(place, withIds);
        expect(await foundDifferences(SESSION.events, other, withIds)).toEqual(expected);
        expect(await foundDifferences(other, SESSION.events, withIds)).toEqual(expected);
      }),
      { numRuns: 5, examples: [[telling, true]] },
    );
  });
});

describe('what is no difference, and what cannot be compared', () => {
  const { events, dictionary } = SESSION;
  const file = (part: readonly Event[], books = dictionary): string => sides.write(framesOf(part, books));

  test('what one side has behind the end of the other is a tail', async () => {
    const whole = file(events);
    const part = file(events.slice(0, 150));
    const report = await reportOf(whole, part);
    expect(report.verdict).toBe('equal');
    const [tail, ...others] = report.tails;
    expect(others).toEqual([]);
    expect(tail).toMatchObject({ side: 'A', part: 'after' });
    // Groups that change nothing are not counted.
    const rest = events.slice(150).filter(({ kind }) => kind <= record.KIND_EXECUTE && kind !== 0).length;
    expect(tail!.groups).toBe(rest);
    expect((await reportOf(part, whole, { align: 'time' })).tails).toMatchObject([
      { side: 'B', part: 'after', groups: rest },
    ]);
  });

  test('what one side has in front of the beginning of the other is one, too', async () => {
    // An order that comes and goes before the other side begins.
    const [first] = ADDS;
    const add = events[first!]!;
    const gone: Event = { ...add, kind: record.KIND_DELETE, sequence: add.sequence + 1 };
    const shifted = events.map((event) => ({ ...event, sequence: event.sequence + 1000 }));
    const report = await reportOf(file([add, gone, ...shifted]), file(shifted));
    expect(report.verdict).toBe('equal');
    expect(report.tails).toEqual([{ side: 'A', part: 'before', groups: 2, instruments: 1 }]);
  });

  test('another scale is another way to write the same', async () => {
    const wide = new Dictionary();
    for (const book of dictionary.books) wide.add({ ...book, priceScale: 9, quantityScale: 3 });
    const times = (event: Event, at: number, factor: bigint): number[] => {
      const value = toBigInt(event.body[at + 1]!, event.body[at]!) * factor;
      return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
    };
    const scaled = events.map((event) => ({
      ...event,
      body: [...event.body.slice(0, 2), ...times(event, 2, 100_000n), ...times(event, 4, 1000n)],
    }));
    expect((await reportOf(file(events), file(scaled, wide))).verdict).toBe('equal');
    const place = ADDS[7]!;
    const other = replaced(scaled, place, withBody(scaled[place]!, 4, 1));
    const report = await reportOf(file(events), file(other, wide));
    expect(report.verdict).toBe('different');
    expect(report.differences[0]!.group).toMatchObject({
      a: { sequence: String(events[place]!.sequence), atPlace: true },
      b: { sequence: String(events[place]!.sequence), atPlace: true },
    });
    const [level, ...more] = report.differences[0]!.levels!.filter(({ differs }) => differs);
    expect(more).toEqual([]);
    expect(level!.b!.quantity.endsWith('001')).toBe(true);
    expect(level!.a!.price).toBe(level!.price!.slice(0, -5));
  });

  test('what is another inside of a group only is no difference', async () => {
    const [first] = ADDS;
    const add = (sequence: number, id: number, price: number, isLast: boolean): Event => ({
      ...events[first!]!,
      sequence,
      flags: isLast ? record.FLAG_LAST : 0,
      body: [id, 0, price, 0, 100, 0],
    });
    const a = [add(1, 1, 500, false), add(2, 2, 600, true)];
    const b = [add(1, 2, 600, false), add(2, 1, 500, true)];
    expect(await reportOf(file(a), file(b))).toMatchObject({ verdict: 'equal', comparisons: 1 });
    const whole = a.map((event) => ({ ...event, flags: record.FLAG_LAST }));
    expect((await reportOf(file(whole), file(b))).differences[0]!.group.a?.sequence).toBe('1');
  });

  test('price levels without orders are compared by what is in them', async () => {
    const [first] = ADDS;
    const { book, body } = events[first!]!;
    const price = body.slice(2, 4);
    const event = (kind: number, at: number, id: number, quantity: number): Event => ({
      ...events[first!]!,
      kind,
      sequence: at,
      body: [id, 0, ...price, quantity, 0],
    });
    const orders = [1, 2, 3].map((at) => event(record.KIND_ADD, at, at, 10 * at));
    const levels = [10, 30, 60].map((total, at) => event(record.KIND_LEVEL, at + 1, 0, total));
    expect((await reportOf(file(orders), file(levels))).verdict).toBe('equal');
    const other = [...levels.slice(0, 2), event(record.KIND_LEVEL, 3, 0, 61)];
    for (const side of [orders, levels]) {
      const { differences } = await reportOf(file(side), file(other));
      expect(differences.map(({ group, levelsDiffering }) => [group.a?.sequence, levelsDiffering])).toEqual([
        ['3', 1],
      ]);
      expect(differences[0]!.instrument).toBe(String(dictionary.books[book]!.instrument));
      expect(differences[0]!.levels).toMatchObject([
        { differs: true, a: { quantity: '60' }, b: { quantity: '61' } },
      ]);
    }
  });

  test('an instrument that one side names late is compared by its symbol from then on', async () => {
    const late = new Dictionary();
    for (const book of dictionary.books) late.add({ ...book, symbol: null });
    const fileOf = (part: readonly Event[], named: Dictionary): string => {
      const frames: Uint8Array[] = [];
      const writer = new SegmentWriter((frame) => frames.push(frame.slice()), EPOCH);
      writer.open(HEAD);
      for (const [at, event] of part.entries()) {
        if (at === 120) for (const { number, symbol } of dictionary.books) named.name(number, symbol!);
        const batch = batchOf(event);
        writer.append(batch, 0, batch.count, named);
      }
      writer.close();
      return sides.write(frames);
    };
    const unnamed = fileOf(events, late);
    const report = await reportOf(file(events), unnamed, { by: 'symbol' });
    expect(report).toMatchObject({ verdict: 'equal', instruments: { compared: 3, onlyA: 0, onlyB: 0 } });
    expect(report.comparisons).toBeLessThan(events.length - 110);
    expect(report.comparisons).toBeGreaterThan(events.length - 220);
    // What was another before it had a name is found when it has one.
    const isLast = ({ body: [id] }: Event, at: number): boolean =>
      !events.slice(at + 1).some(({ body, second }) => body[0] === id || second?.[1] === id);
    const place = ADDS.findLast((at) => at < 110 && isLast(events[at]!, at))!;
    const other = replaced(events, place, withBody(events[place]!, 4, 1));
    const [first] = (await reportOf(file(other), unnamed, { by: 'symbol' })).differences;
    expect(Number(first!.group.b!.sequence)).toBeGreaterThan(events[120]!.sequence);
  });

  test('an instrument that only one side has is listed', async () => {
    const only = events.filter(({ book }) => book !== 1);
    const report = await reportOf(file(events), file(only));
    expect(report).toMatchObject({ verdict: 'equal', instruments: { compared: 2, onlyA: 1, onlyB: 0 } });
    expect(report.onlyA).toEqual([
      {
        source: 'itch-5.0',
        publisher: 0,
        instrument: String(dictionary.books[1]!.instrument),
        symbol: 'AAB',
      },
    ]);
  });

  test('days, instruments and feeds that have nothing in common', async () => {
    const later = events.map((event) => ({ ...event, venue: event.venue + 86_400_000_000_000n }));
    await expect(reportOf(file(events), file(later), { align: 'time' })).rejects.toThrow(
      'never at the same place',
    );
    const others = new Dictionary();
    for (const book of dictionary.books)
      others.add({ ...book, instrument: book.instrument + 9n, symbol: 'X' });
    await expect(reportOf(file(events), file(events, others))).rejects.toThrow('none of them is of the same');
    await expect(reportOf(file(events), file(events, others), { by: 'symbol' })).rejects.toThrow(
      'cannot be told apart',
    );
    const { a } = play({ format: 'dbn', profile: { messages: 50 } });
    await expect(reportOf(file(events), sides.write(a), { align: 'position' })).rejects.toThrow(
      'each in its way',
    );
  });

  test('a line that lost something is compared, and its books are said to be stale', async () => {
    const { a, b } = play({ seed: 3, profile: { messages: 3000 }, a: { loss: 0.01, lossBurst: 3 } });
    const report = await reportOf(sides.write(a), sides.write(b));
    expect(report.a.lostRanges).toBeGreaterThan(0);
    expect(report.b.lostRanges).toBe(0);
    expect(report.verdict).toBe('different');
    expect(report.instruments.stale).toBe(3);
    for (const { group } of report.differences) {
      expect(group.b!.stale).toBe(false);
    }
  });
});

test('books are the same however the two sides take turns', async () => {
  const { a } = play({ seed: 2, profile: { messages: 20_000, instruments: 12 } });
  const path = sides.write(a);
  const events = await sides.convert(path, toEvents);
  const report = await reportOf(path, events);
  expect(report).toMatchObject({ verdict: 'equal', instruments: { compared: 12 } });
  expect(report.comparisons).toBeGreaterThan(19_000);
});

test('one share more in 60,000 events is found and named', async () => {
  const { a } = play({ seed: 6, profile: { messages: 60_000, instruments: 8, ordersLive: 3000 } });
  const path = sides.write(a);
  const change = changeOneOrder(a, 55_000);
  const report = await reportOf(path, sides.write(a));
  expect(
    report.differences.map(({ instrument, group }) => [instrument, group.a?.sequence, group.b?.sequence]),
  ).toEqual([[String(change.instrument), String(change.number), String(change.number)]]);
});
