import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { DbnConversion } from '../../../../src/core/convert/dbn-conversion.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import * as record from '../../../../src/core/event/record.ts';
import { FEEDS } from '../../../../src/core/feeds/registry.ts';
import { Books } from '../../../../src/core/pipeline/books.ts';
import { run } from '../../../../src/core/pipeline/run.ts';
import { WHOLE_RUN } from '../../../../src/core/pipeline/run-defaults.ts';
import { DBN_FORM } from '../../../../src/core/publish/events/dbn-form.ts';
import { EventHub, type EventHubOptions } from '../../../../src/core/publish/events/event-hub.ts';
import { bitOf } from '../../../../src/core/publish/events/kinds.ts';
import { DbnEvents } from '../../../../src/core/serve/events/dbn-events.ts';
import { EventPublisher } from '../../../../src/core/serve/events/event-publisher.ts';
import { DATA, dataPath } from '../../../world/data.ts';
import { batchOf, type EventInput } from '../../../world/event-builder.ts';
import { elementsOf, wanting } from './event-log-reader.ts';
import { EventClientProbe, EventStage } from './event-stage.ts';

const PROTOCOL = 'mdx.dbn.v1';
const MAPPING = 22;
const MBO = 160;
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function add(id: number, book = 0, price = 100n): EventInput {
  return {
    kind: record.KIND_ADD,
    book,
    id: BigInt(id),
    price,
    quantity: 5n,
    flags: record.FLAG_LAST,
  };
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
  const client = new EventClientProbe(url, [PROTOCOL]);
  await client.type('connected');
  return { stage, client, url };
}

/** Records of a client, by the lengths in their heads: words of four bytes. */
function recordsIn(frames: readonly { readonly bytes: Buffer }[]): Buffer[] {
  return frames.flatMap(({ bytes }) => split(bytes));
}

function split(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += records.at(-1)!.length) {
    expect(bytes[at]).toBeGreaterThan(0);
    records.push(bytes.subarray(at, at + bytes[at]! * 4));
  }
  return records;
}

/** What is said of an order, by the offsets of the sheet. */
function said(bytes: Buffer): object {
  return {
    instrument: bytes.readUInt32LE(4),
    id: bytes.readBigUInt64LE(16),
    price: bytes.readBigInt64LE(24),
    size: bytes.readUInt32LE(32),
    flags: bytes[36],
    action: String.fromCharCode(bytes[38]!),
    side: String.fromCharCode(bytes[39]!),
  };
}

function ordersIn(frames: readonly { readonly bytes: Buffer }[]): Buffer[] {
  return recordsIn(frames).filter((bytes) => bytes[1] === MBO);
}

describe('events as records of DBN', () => {
  test('are whole records, names in front of them, behind a handshake that asks for them', async () => {
    const { stage, client } = await staged();
    expect(client.socket.protocol).toBe(PROTOCOL);
    stage.play([add(9_007_199_254_740)]);
    await client.caughtUp();
    const [name, order, ...others] = recordsIn(client.frames);
    expect(others).toEqual([]);
    expect([name![1], name!.readUInt32LE(4), name!.toString('latin1').includes('\x01A\0')]).toEqual([
      MAPPING,
      77,
      true,
    ]);
    // Length, type, publisher, instrument; time; order; price 1.00; size, flags last and no receive time, channel, A, B; …
    const words = [
      '0ea0',
      '0100',
      '4d000000',
      '0000000000000000',
      'd478e92631080000',
      '00ca9a3b00000000',
      '05000000',
      '88',
      '00',
      '41',
      '42',
      '0000000000000000',
      '00000000',
      '00000000',
    ];
    expect(order!.toString('hex')).toBe(words.join(''));
  });

  test('come as many in a frame as are at hand, and only those that were asked for', async () => {
    const { stage, client } = await staged();
    await client.answer(
      { type: 'Subscribe', filter: { type: 'Sources', sources: ['s'], kinds: ['*'] } },
      'subscribed',
    );
    stage.play(adds(1, 250).map((event, at) => ({ ...event, book: at % 5 === 0 ? 1 : 0 })));
    await client.caughtUp();
    expect(client.frames.map(({ bytes }) => split(bytes).length)).toEqual([100, 100, 1]);
    expect(new Set(ordersIn(client.frames).map((bytes) => bytes.readUInt32LE(4)))).toEqual(new Set([77]));
  });

  test('begin with the books where that is asked for', async () => {
    const { stage, url } = await staged();
    stage.play([add(1), add(2, 0, 99n), { ...add(3, 1), ask: true }]);
    const late = new EventClientProbe(url, [PROTOCOL]);
    await late.type('connected');
    late.ask({ type: 'Subscribe', filter: { type: 'All', instruments: ['A'] }, snapshot: true });
    const snapshot = await late.type('snapshot');
    expect(snapshot.data).toEqual({ seq: '3', books: 1, events: 3 });
    stage.play([{ kind: record.KIND_DELETE, book: 0, id: 2n, flags: record.FLAG_LAST }]);
    await late.caughtUp();
    const behind = late.frames.filter((frame) => frame.behind > late.messages.indexOf(snapshot));
    const price = (cents: bigint) => cents * 10_000_000n;
    const of = { instrument: 77, size: 5, side: 'B' };
    expect(ordersIn(behind).map(said)).toEqual([
      { instrument: 77, id: 0n, price: (1n << 63n) - 1n, size: 0, flags: 40, action: 'R', side: 'N' },
      { ...of, id: 1n, price: price(100n), flags: 40, action: 'A' },
      { ...of, id: 2n, price: price(99n), flags: 168, action: 'A' },
      { ...of, id: 2n, price: price(99n), flags: 136, action: 'C' },
    ]);
  });

  test('that are no longer kept are told as lost, exactly, and names come again', async () => {
    const { stage, client } = await staged({ retainedEvents: 10 });
    stage.play(adds(1, 5000));
    await client.caughtUp();
    const told = client.messages.filter(({ type }) => type === 'lagged');
    const lost = told.reduce((sum, { data }) => sum + Number(data.skipped), 0);
    expect(told.length).toBeGreaterThan(0);
    expect(ordersIn(client.frames).length + lost).toBe(5000);
    for (const each of told) {
      const next = client.frames.find(({ behind }) => behind > client.messages.indexOf(each))!;
      expect(split(next.bytes)[0]![1]).toBe(MAPPING);
    }
  });

  test('are asked for as text, and what has no form is refused', async () => {
    const { stage, client } = await staged();
    const all = { type: 'Subscribe', filter: { type: 'All' } };
    const cases: readonly (readonly [object, string])[] = [
      [{ type: 'Subscribe', filter: { type: 'All', kinds: ['trade'] } }, 'bad_filter'],
      [{ ...all, conflate_ms: 100 }, 'bad_conflate'],
      [{ ...all, from: { run: '40g2080000005', seq: '0' } }, 'bad_request'],
      [{ type: 'Recent' }, 'bad_request'],
    ];
    for (const [request, code] of cases) expect((await client.answer(request, 'error')).data.code).toBe(code);
    const { data } = await client.answer({ ...all, sub: 'x' }, 'subscribed');
    expect(data.filter).toEqual({ type: 'All', kinds: ['mbo'] });
    const large = 0xffff_ffffn;
    stage.play([add(1), { ...add(2), quantity: large }, { ...add(3), quantity: large - 1n }]);
    await client.caughtUp();
    expect(ordersIn(client.frames).map((bytes) => bytes.readUInt32LE(32))).toEqual([5, 0xffff_fffe]);
    expect(stage.records.formless).toBe(1);
    expect(stage.server.views()).toMatchObject([{ protocol: 'dbn', frames: 3, lag: 0, skipped: 0 }]);
  });

  test('are not made while nobody wants them', async () => {
    const { stage, client, url } = await staged();
    const text = new EventClientProbe(url);
    await text.type('connected');
    client.socket.close();
    await once(client.socket, 'close');
    stage.play([add(1)]);
    await text.type('event');
    expect(stage.hub.log.next).toBe(1);
    // Whoever has left may come back within a minute.
    expect(stage.records.log.next).toBe(2);
  });
});

function hubOf(): { readonly hub: EventHub; readonly publisher: EventPublisher } {
  const options = { retainedEvents: 1 << 20, retainedBytes: 64 << 20, batchMax: 1, recentEvents: 1 };
  const hub = new EventHub(options, undefined, DBN_FORM);
  hub.join(wanting(hub, bitOf('mbo')));
  return { hub, publisher: new EventPublisher(hub, 'none', (desk) => new DbnEvents(desk)) };
}

function conversionTo(chunks: Uint8Array[]): DbnConversion {
  const options = { sizeScale: 0, lossy: true, compress: false };
  return new DbnConversion((chunk) => chunks.push(chunk.slice()), options);
}

/** Records of a file, and those of a log without the numbers in front of them. */
function bothOf(chunks: readonly Uint8Array[], hub: EventHub): readonly [string[], string[]] {
  const file = Buffer.concat(chunks);
  const metadata = 8 + file.readUInt32LE(4);
  const theirs = split(file.subarray(metadata)).map((bytes) => bytes.toString('hex'));
  return [elementsOf(hub).map((bytes) => bytes.toString('hex', 8)), theirs];
}

const event: fc.Arbitrary<EventInput> = fc.record({
  // All but price levels, which have no form.
  kind: fc.constantFrom(1, 1, 1, 1, 2, 2, 3, 4, 5, 5, 6, 6, 7, 9, 12),
  book: fc.nat({ max: 1 }),
  flags: fc.nat({ max: 255 }).map((bits) => (bits & 0b1011_1010) | record.FLAG_LAST),
  ask: fc.boolean(),
  id: fc.bigInt(1n, 8n),
  price: fc.bigInt(-3n, 12n),
  quantity: fc.bigInt(0n, 9n),
  related: fc.option(fc.bigInt(1n, 8n), { nil: undefined, freq: 2 }),
}) as fc.Arbitrary<EventInput>;

test('what is sent as records is what a conversion writes into a file', () => {
  const property = fc.property(
    fc.constantFrom('dbn', 'itch-5.0'),
    fc.array(fc.array(event, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
    (name, batches) => {
      const feed = FEEDS.find((each) => each.name === name)!;
      const { hub, publisher } = hubOf();
      const chunks: Uint8Array[] = [];
      const conversion = conversionTo(chunks);
      const dictionary = new Dictionary();
      const key = { source: 's', publisher: 1, channel: 0, quantityScale: 0 };
      dictionary.add({ ...key, priceScale: 2, instrument: 1n << 40n, symbol: null });
      dictionary.add({ ...key, priceScale: 9, instrument: 2n, symbol: 'B' });
      const books = new Books(feed.rules, dictionary, null, [publisher, conversion]);
      publisher.start(feed, {
        books,
        epoch: { high: 0, low: 1 },
        imageEvent: 0,
        places: () => [],
        timeBase: 'utc',
        framing: null,
      });
      conversion.start(feed);
      for (const events of batches) {
        const batch = batchOf(events);
        batch.sequenceBase = 77;
        batch.venueBaseHigh = 409_000_000;
        batch.receiveBaseHigh = events.length % 2 === 0 ? 409_000_001 : 0;
        books.accept(batch);
      }
      conversion.finish();
      const [ours, theirs] = bothOf(chunks, hub);
      // Times of names are those of the record behind them there, and of the venue here.
      const orders = (records: string[]) => records.filter((each) => each.startsWith('0ea0'));
      expect(orders(ours)).toEqual(orders(theirs));
      expect(ours.length).toBe(theirs.length);
    },
  );
  fc.assert(property, { numRuns: 60 });
});

test.skipIf(DATA === null)('the same of a real session', async () => {
  const { hub, publisher } = hubOf();
  const chunks: Uint8Array[] = [];
  const conversion = conversionTo(chunks);
  await run({
    ...WHOLE_RUN,
    paths: [dataPath('dbn/CLX5_mbo.dbn')],
    messagesMax: 5000,
    observers: [publisher, conversion],
  });
  conversion.finish();
  const [ours, theirs] = bothOf(chunks, hub);
  expect(ours.length).toBeGreaterThan(4000);
  expect(ours.filter((each) => each.startsWith('0ea0'))).toEqual(
    theirs.filter((each) => each.startsWith('0ea0')),
  );
});
