import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Random } from '../../../../src/core/binary/random.ts';
import * as record from '../../../../src/core/event/record.ts';
import { bitOf } from '../../../../src/core/publish/events/kinds.ts';
import { type SseRequest, SseServer } from '../../../../src/core/publish/sse/sse-server.ts';
import type { EventInput } from '../../../world/event-builder.ts';
import { wanting } from './event-log-reader.ts';
import { EventStage } from './event-stage.ts';

const ROUNDS = 60;
const EVERYTHING = { sources: null, instruments: null, lastEventId: null, address: '', token: null };
const REQUESTS: readonly SseRequest[] = [
  { ...EVERYTHING, kind: 'mbo' },
  { ...EVERYTHING, kind: 'mbo' },
  { ...EVERYTHING, kind: 'mbo' },
  { ...EVERYTHING, kind: 'mbo', instruments: new Set(['A']) },
  { ...EVERYTHING, kind: 'mbo', instruments: new Set(['A']) },
  { ...EVERYTHING, kind: 'mbo', sources: new Set(['t']) },
  { ...EVERYTHING, kind: 'trade' },
  { ...EVERYTHING, kind: 'trade' },
];

/** Takes what it is given only when it is told to, as a socket does. */
class LazySink {
  text = '';
  readonly pieces: Set<Uint8Array> = new Set();
  #waiting: { readonly bytes: Uint8Array; readonly taken: (() => void) | undefined }[] = [];

  get pendingBytes(): number {
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  write(bytes: Uint8Array, taken?: () => void): void {
    this.#waiting.push({ bytes, taken });
    this.pieces.add(bytes);
  }

  take(writes: number): void {
    for (const { bytes, taken } of this.#waiting.splice(0, writes)) {
      this.text += Buffer.from(bytes).toString();
      taken?.();
    }
  }

  end(): void {}
}

/** Mostly small rounds, now and then one of more than a piece of memory. */
function eventsOf(random: Random, first: number): EventInput[] {
  const count = random.below(6) === 0 ? 1 + random.below(900) : random.below(8);
  return Array.from({ length: count }, (_, at) => ({
    kind: random.below(3) === 0 ? record.KIND_TRADE : record.KIND_ADD,
    book: random.below(2),
    id: BigInt(first + at),
    price: 100n,
    quantity: 5n,
    flags: record.FLAG_LAST,
  }));
}

/** Some clients of the same events, each taking what it has at its own times. */
function told(seed: number, clients: readonly number[]): LazySink[] {
  const stage = new EventStage();
  const streams = new SseServer(stage.hub, { keepAliveMs: 60_000, pendingBytes: 100_000 });
  const random = new Random(seed);
  const sinks = clients.map(() => new LazySink());
  const sessions = sinks.map((sink, at) => streams.open(REQUESTS[clients[at]!]!, sink));
  for (let round = 0; round < ROUNDS; round += 1) {
    const draws = REQUESTS.map(() => random.below(4));
    stage.play(eventsOf(random, 1 + round * 1000));
    for (const [at, sink] of sinks.entries()) {
      const draw = draws[clients[at]!]!;
      // Nothing, or not all: then it goes on with those that come next.
      if (draw < 3 && round < ROUNDS - 1) sink.take(draw);
      else {
        do {
          sink.take(Number.POSITIVE_INFINITY);
          sessions[at]!.drained();
        } while (sink.pendingBytes > 0);
      }
    }
  }
  streams.close();
  return sinks;
}

test('clients who want the same share what is made for one of them, and nobody has anything else than if alone', () => {
  for (const seed of [1, 2]) {
    const together = told(
      seed,
      REQUESTS.map((_, at) => at),
    );
    for (const [at, { text }] of together.entries()) {
      expect(text.length).toBeGreaterThan(10_000);
      expect(text === told(seed, [at])[0]!.text, `client ${at} of seed ${seed}`).toBe(true);
    }
    const [first, second] = together as [LazySink, LazySink];
    const shared = [...first.pieces].filter((piece) => second.pieces.has(piece));
    expect(shared.length).toBeGreaterThan(5);
  }
});

test('few events wait for what is under way and come as one piece, many do not', () => {
  const stage = new EventStage();
  const streams = new SseServer(stage.hub, { keepAliveMs: 60_000, pendingBytes: 100_000 });
  const sink = new LazySink();
  const session = streams.open(REQUESTS[0]!, sink);
  const add = (first: number, count: number): EventInput[] =>
    Array.from({ length: count }, (_, at) => ({
      kind: record.KIND_ADD,
      book: 0,
      id: BigInt(first + at),
      price: 100n,
      quantity: 5n,
      flags: record.FLAG_LAST,
    }));
  const numbers = (): number[] => [...sink.text.matchAll(/"seq":"(\d+)","/g)].map(([, seq]) => Number(seq));
  sink.take(1);
  for (let round = 0; round < 50; round += 1) stage.play(add(1 + round, 1));
  expect(sink.pieces.size).toBe(2);
  stage.play(add(51, 60));
  expect(sink.pieces.size).toBe(3);
  for (let round = 0; round < 9; round += 1) stage.play(add(111 + round, 1));
  sink.take(2);
  session.drained();
  sink.take(1);
  expect(sink.pieces.size).toBe(4);
  // Behind that of the books.
  expect(numbers()).toEqual(Array.from({ length: 120 }, (_, at) => at));
  streams.close();
});

test('clients that lose their place in the same moment are sent the same books, made once', () => {
  const stage = new EventStage({ retainedEvents: 100 });
  const streams = new SseServer(stage.hub, { keepAliveMs: 60_000, pendingBytes: 1 });
  const requests = [...Array.from({ length: 30 }, () => REQUESTS[0]!), REQUESTS[3]!, REQUESTS[4]!];
  const sinks = requests.map(() => new LazySink());
  const sessions = sinks.map((sink, at) => streams.open(requests[at]!, sink));
  const largest = ({ pieces }: LazySink): Uint8Array =>
    [...pieces].reduce((most, piece) => (piece.length > most.length ? piece : most));
  const books: Uint8Array[][] = [];
  for (let round = 0; round < 2; round += 1) {
    // More than is kept while nobody takes anything.
    for (let part = 0; part < 2; part += 1) {
      const first = round * 1000 + part * 500;
      stage.play(
        Array.from({ length: 500 }, (_, at) => ({
          kind: record.KIND_ADD,
          book: at % 2,
          id: BigInt(1 + first + at),
          price: 100n,
          quantity: 5n,
          flags: record.FLAG_LAST,
        })),
      );
    }
    for (const sink of sinks) {
      sink.pieces.clear();
      sink.take(Number.POSITIVE_INFINITY);
    }
    for (const session of sessions) session.drained();
    books.push(sinks.map(largest));
    for (const sink of sinks) sink.take(Number.POSITIVE_INFINITY);
  }
  const [before, behind] = books as [Uint8Array[], Uint8Array[]];
  expect(new Set(before).size).toBe(2);
  expect(new Set(behind).size).toBe(2);
  expect(new Set([...before, ...behind]).size).toBe(4);
  const orders = (bytes: Uint8Array): number =>
    Buffer.from(bytes).toString().split('"action":"A"').length - 1;
  expect([before[0]!, before[31]!, behind[0]!, behind[31]!].map(orders)).toEqual([1000, 500, 2000, 1000]);
  streams.close();
});

/** Takes all that it is given, before the event loop has its turn. */
class EagerSink {
  bytes = 0;
  drained: () => void = () => {};
  readonly pendingBytes = 0;

  write(bytes: Uint8Array, taken?: () => void): void {
    this.bytes += bytes.length;
    process.nextTick(() => {
      taken?.();
      this.drained();
    });
  }

  end(): void {}
}

test('clients that are far behind leave time for others in a turn of the event loop, however much they take', async () => {
  const stage = new EventStage();
  const streams = new SseServer(stage.hub, { keepAliveMs: 60_000, pendingBytes: 4 << 20 });
  stage.hub.join(wanting(stage.hub, bitOf('mbo')));
  stage.play(
    Array.from({ length: 10_000 }, (_, at) => ({
      kind: record.KIND_ADD,
      book: at % 2,
      id: BigInt(1 + at),
      price: 100n,
      quantity: 5n,
      flags: record.FLAG_LAST,
    })),
  );
  const sinks = Array.from({ length: 20 }, () => new EagerSink());
  for (const sink of sinks) {
    const session = streams.open({ ...REQUESTS[0]!, lastEventId: `${stage.hub.run}-0` }, sink);
    sink.drained = () => session.drained();
  }
  // Everything that is to be done before the event loop goes on.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  await Promise.resolve();
  const whole = 10_000 * 250;
  expect(sinks.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan((sinks.length * whole) / 2);
  while (streams.views().some(({ lag }) => lag > 0)) await nextTurn();
  expect(sinks[0]!.bytes).toBeGreaterThan(whole);
  expect(new Set(sinks.map(({ bytes }) => bytes)).size).toBe(1);
  streams.close();
});
