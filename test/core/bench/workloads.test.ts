import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Changes, EventSource } from '../../../src/core/bench/event-stream.ts';
import { writeItchCapture } from '../../../src/core/bench/itch-stream.ts';
import { ObjectBook } from '../../../src/core/bench/object-book.ts';
import { PROFILES, profileNamed } from '../../../src/core/bench/profiles.ts';
import { decodeDbn } from '../../../src/core/bench/workloads/dbn.ts';
import { decodePackets, EOBI, FAST_LIKE, ITCH } from '../../../src/core/bench/workloads/packets.ts';
import { sse500 } from '../../../src/core/bench/workloads/sse-500.ts';
import { INSTRUMENTS, LIVE, SEED } from '../../../src/core/bench/workloads/synthetic.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { KIND_EXTENSION, RECORD_WORDS, WORD_BOOK } from '../../../src/core/event/record.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { DATA } from '../../world/data.ts';
import { runOptions } from '../../world/run-options.ts';

const EVENTS = 5000;

/** What the events of the source leave in a book of objects; instrument = book number + 1, as the wire counts. */
function expected(changes: Changes): ReturnType<ObjectBook['checksum']> {
  const source = new EventSource({
    instruments: INSTRUMENTS,
    live: LIVE,
    seed: SEED,
    shape: 'touch',
    changes,
  });
  const book = new ObjectBook();
  const batch = new EventBatch();
  const apply = (made: number): number => {
    for (let record = 0; record < batch.count; record += 1) {
      const at = record * RECORD_WORDS;
      if ((batch.words[at]! & 255) !== KIND_EXTENSION) batch.words[at + WORD_BOOK]! += 1;
    }
    book.apply(batch);
    batch.count = 0;
    return made;
  };
  for (let left = LIVE; left > 0; ) left -= apply(source.fill(batch, left));
  for (let left = EVENTS; left > 0; ) left -= apply(source.steady(batch, left));
  return book.checksum();
}

describe('workloads', () => {
  it('ITCH packets leave the books that their events leave', () => {
    const workload = decodePackets(ITCH, { events: EVENTS, data: null, journal: null }, true);
    workload.reset();
    workload.run();
    expect(workload.units).toBe(EVENTS);
    expect(workload.checksum()).toEqual(expected('replace'));
  });

  it('EOBI packets leave the books that their events leave', () => {
    const workload = decodePackets(EOBI, { events: EVENTS, data: null, journal: null }, true);
    workload.reset();
    workload.run();
    const { orders, levels, crossed } = expected('replace');
    expect(workload.checksum()).toMatchObject({ orders, levels, crossed });
  });

  it('FAST-like packets leave the books that their events leave', () => {
    const workload = decodePackets(FAST_LIKE, { events: EVENTS, data: null, journal: null }, true);
    workload.reset();
    workload.run();
    const { orders, levels, hash } = expected('quantity');
    expect(workload.checksum()).toMatchObject({ orders, levels, hash });
  });

  it('DBN records leave the books that their events leave', () => {
    const workload = decodeDbn({ events: EVENTS, data: null, journal: null }, true);
    workload.reset();
    workload.run();
    expect(workload.units).toBe(EVENTS);
    expect(workload.note).toContain('synthetic');
    const { orders, levels, crossed } = expected('modify');
    expect(workload.checksum()).toMatchObject({ orders, levels, crossed });
  });

  it.skipIf(DATA === null)('the real session ends every pass with the same book', () => {
    const workload = decodeDbn({ events: 100_000, data: DATA, journal: null }, true);
    workload.reset();
    workload.run();
    expect(workload.units).toBe(3 * 38_213);
    // 172 events at which the book is crossed, in each of three passes.
    expect(workload.checksum()).toMatchObject({ orders: 147, levels: 113, crossed: 3 * 172 });
    expect(workload.checksum()!.hash).toBe(0x3a6702f376d242dfn);
  });

  it('a written capture is read whole', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mdx-bench-test-'));
    try {
      const { createWriteStream } = await import('node:fs');
      const path = join(folder, 'x.pcap');
      const file = createWriteStream(path);
      const source = new EventSource({
        instruments: INSTRUMENTS,
        live: LIVE,
        seed: SEED,
        shape: 'touch',
        changes: 'replace',
      });
      const messages = writeItchCapture(source, LIVE, SEED, 6_000_000, (chunk) => file.write(chunk.slice()));
      await new Promise<void>((resolve) => file.end(resolve));
      const { counts, books, channels, inputs } = await run(runOptions([path]));
      expect(counts.messages).toBe(messages);
      expect(counts.malformed).toBe(0);
      expect(inputs[0]!.bytes).toBeGreaterThanOrEqual(6_000_000);
      expect(channels).toHaveLength(1);
      expect(stateHash(books.markets[0]!).version).toBe(1);
      expect(books.markets[0]!.orders.live).toBeGreaterThan(LIVE * 0.99);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(['fanout-1', 'serve-json-drain'])('brings a client every unit of a run: %s', async (name) => {
    const workload = await profileNamed(name)!.make!({ events: 1000, data: null, journal: null });
    expect(await workload.measure!()).toBeGreaterThan(0);
    expect(workload.units).toBeGreaterThanOrEqual(1000);
    workload.close!();
  });

  it('brings every client of server-sent events what there is, one of them stopped or not', async () => {
    const workload = await sse500({ events: 50, data: null, journal: null }, 5);
    expect(await workload.measure!()).toBeGreaterThan(0);
    expect(workload.units).toBe(200);
    const { latency, inTurn } = workload.waited!();
    for (const { samples } of [latency, inTurn.latency]) expect(samples).toBeGreaterThanOrEqual(4);
    workload.close!();
  });

  it('notes every packet of a run that is handed over at a pace', async () => {
    const workload = await profileNamed('engine-latency')!.make!({ events: 1000, data: null, journal: null });
    expect(await workload.measure!()).toBeGreaterThan(0);
    const { latency, inTurn } = workload.waited!();
    expect(latency.samples).toBeGreaterThan(50);
    expect(inTurn.latency.samples).toBe(Math.floor(0.8 * Math.ceil(1000 / 10.5)));
    workload.close!();
  });

  it.each(
    // Those that receive are in processes of their own: they may enter a network namespace; those that send are only measured.
    PROFILES.filter(
      ({ name, make }) =>
        make !== null &&
        !name.endsWith('-1m') &&
        (name === 'rx-ring-walk' || !/^(rx|engine|serve|sse|idle|fanout)-/.test(name)),
    ).map(({ name, make }) => ({ name, make: make! })),
  )('$name runs again after a reset, with the same result', async ({ make }) => {
    const workload = await make({ events: 1000, data: null, journal: null });
    const once = (): unknown => {
      workload.reset();
      workload.run();
      return workload.checksum();
    };
    expect(once()).toEqual(once());
    expect(workload.units).toBeGreaterThan(0);
    workload.close?.();
    if (workload.one === undefined) return;
    // One by one they end like all at once.
    const whole = once();
    workload.reset();
    for (let unit = 0; unit < workload.units; unit += 1) workload.one();
    expect(workload.checksum()).toEqual(whole);
  });
});
