import { afterAll, describe, expect, it } from 'vitest';
import { formatHash } from '../../../src/core/binary/fnv64.ts';
import { Market } from '../../../src/core/book/market.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_MODIFY,
} from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { type FixtureEvent, fixtureEvents, fixtureOrderId } from '../../../src/core/simulate/fixture.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';
import { play, Replays } from './session.ts';

const replays = new Replays();
afterAll(() => replays.remove());

const RULES: BookRules = {
  idScope: 'source',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};
const KINDS: Readonly<Record<FixtureEvent['kind'], { readonly kind: number; readonly flags: number }>> = {
  add: { kind: KIND_ADD, flags: FLAG_LAST },
  set: { kind: KIND_MODIFY, flags: FLAG_LAST | FLAG_KEEP_PRIORITY },
  execute: { kind: KIND_EXECUTE, flags: FLAG_LAST },
  delete: { kind: KIND_DELETE, flags: FLAG_LAST },
};

// Hashes of the public engine that the fixture is from.
describe.each([
  { ordersEach: 64, events: 6524, live: 3511, hash: '0x381d719caac19e8a' },
  { ordersEach: 128, events: 13_049, live: 7022, hash: '0x18315304470daaec' },
])('the public event fixture of 64 × $ordersEach orders', ({ ordersEach, events, live, hash }) => {
  it('as event records', () => {
    const dictionary = new Dictionary();
    for (let instrument = 1n; instrument <= 64n; instrument += 1n) {
      const scales = { priceScale: 0, quantityScale: 0, symbol: null };
      dictionary.add({ source: 'fixture', publisher: 0, instrument, channel: 0, ...scales });
    }
    const inputs = [...fixtureEvents(64, ordersEach)].map(
      (event): EventInput => ({
        ...KINDS[event.kind],
        book: event.instrument - 1,
        ask: event.ask,
        id: fixtureOrderId(event, 64),
        price: BigInt(event.price),
        quantity: event.kind === 'delete' ? 0n : BigInt(event.quantity),
      }),
    );
    expect(inputs).toHaveLength(events);
    const market = new Market(RULES, dictionary);
    market.apply(batchOf(inputs));
    const state = stateHash(market);
    expect([state.version, formatHash(state.hash)]).toEqual([1, hash]);
  });

  it('as a DBN file', async () => {
    const { a } = play({ format: 'dbn', fixture: { instruments: 64, ordersEach } });
    const { report } = await replays.replay(a);
    expect(report.book).toMatchObject({
      instruments: 64,
      orders: live,
      stateHash: hash,
      stateHashVersion: 1,
    });
    expect(report.anomalies.unknownOrder).toMatchObject({ modify: 0, reduce: 0, informs: 0 });
  });
});

describe('the first events of the fixture', () => {
  it('are those of its description, worked by hand', () => {
    const events = [...fixtureEvents(64, 64)];
    // 0x9e3779b97f4a7c15 mod 900 = 385.
    expect(events[0]).toEqual({
      kind: 'add',
      order: 0,
      instrument: 1,
      ask: false,
      price: 1_000_050,
      quantity: 485,
    });
    expect(events[1]).toMatchObject({ order: 1, instrument: 2, ask: true, price: 1_000_250 });
    expect(events[64]).toMatchObject({ order: 64, instrument: 1, ask: true, price: 1_000_149 });
    expect(events[4096]).toMatchObject({ kind: 'set', order: 0, quantity: 502 });
    expect(fixtureOrderId(events[64]!, 64)).toBe(0x100_0000_0002n);
  });
});
