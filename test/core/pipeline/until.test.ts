import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import type { Market } from '../../../src/core/book/market.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { FLAG_LAST, KIND_ADD, KIND_GAP, KIND_SESSION, RECORD_WORDS } from '../../../src/core/event/record.ts';
import { dbn } from '../../../src/core/feeds/dbn/index.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { HELD_RECORDS_MAX, type Until, UntilGate } from '../../../src/core/pipeline/until.ts';
import { EventRecorder, type Seen, stateOf } from '../../world/event-recorder.ts';
import { ReferenceMarket } from '../../world/reference-book.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-until-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is in the books after the last whole groups among these events. */
function referenceState(seen: readonly Seen[], rules: Market['rules']): string[] {
  const lastOf = new Map<number, number>();
  for (const [index, { event }] of seen.entries()) {
    if ((event.flags! & FLAG_LAST) !== 0) lastOf.set(event.book, index);
  }
  const reference = new ReferenceMarket(rules);
  for (const [index, { event }] of seen.entries()) {
    if (index <= (lastOf.get(event.book) ?? -1)) reference.apply(event);
  }
  return reference.state();
}

describe('a run that stops at a point', () => {
  const wanted = fc.record({
    seed: fc.nat(0xffff),
    format: fc.constantFrom('pcap' as const, 'dbn' as const),
    messages: fc.integer({ min: 1, max: 400 }),
    loss: fc.constantFrom(0, 0.02),
    kind: fc.constantFrom('time' as const, 'venue' as const, 'sequence' as const),
    /** Where in the session, in thousandths, and how far beside an event. */
    where: fc.integer({ min: -50, max: 1050 }),
    beside: fc.integer({ min: -1, max: 1 }),
    batchEvents: fc.constantFrom(4, 5, 17, 1024),
  });

  it('has the books of the reference after the last whole group up to there', async () => {
    await fc.assert(
      fc.asyncProperty(wanted, async (choice) => {
        const { seed, format, messages, loss, kind, where, beside, batchEvents } = choice;
        const a = format === 'dbn' ? {} : { loss };
        const bytes = play({ seed, format, profile: { messages, instruments: 3, ordersLive: 60 }, a }).a;
        const path = join(folder, `session.${format}`);
        writeFileSync(path, bytes);
        const recorder = new EventRecorder();
        const whole = await run(runOptions([path], { observers: [recorder] }));
        const { seen } = recorder;
        const numbered = seen.filter(({ event }) => event.kind !== KIND_GAP && event.kind !== KIND_SESSION);
        const index = Math.max(
          0,
          Math.min(Math.floor((where * numbered.length) / 1000), numbered.length - 1),
        );
        const shift = where < 0 ? -1_000_000_000n : where > 1000 ? 1_000_000_000n : BigInt(beside);
        const time = (kind === 'venue' ? numbered[index]!.venue : numbered[index]!.time) + shift;
        const sequence = Math.max(0, numbered[index]!.sequence + Number(shift));
        const stopAt: Until =
          kind === 'sequence'
            ? { kind, channel: 0, sequence }
            : { kind, high: bigHigh(time), low: bigLow(time) };
        const stopped = await run(runOptions([path], { stopAt, batchEvents }));

        // A loss stands where it was found out: what waited for the missing numbers comes behind it.
        const beyond = seen.findIndex((event) =>
          kind === 'sequence'
            ? event.sequence > sequence
            : (kind === 'venue' ? event.venue : event.time) > time,
        );
        const upTo = beyond < 0 ? seen : seen.slice(0, beyond);
        expect(stateOf(stopped.books.markets[0])).toEqual(
          referenceState(upTo, whole.books.markets[0]!.rules),
        );
        expect(stopped.stopped).toBe(beyond < 0 ? null : 'until');
      }),
      { numRuns: 120 },
    );
  });

  it('has marked its books stale when something was lost before it', async () => {
    const { a } = play({
      seed: 5,
      format: 'pcap',
      profile: { messages: 400, instruments: 3 },
      a: { loss: 0.05 },
    });
    const path = join(folder, 'lossy.pcap');
    writeFileSync(path, a);
    const recorder = new EventRecorder();
    await run(runOptions([path], { observers: [recorder] }));
    const gap = recorder.seen.findIndex(({ event }) => event.kind === KIND_GAP);
    const at = recorder.seen[gap + 20]!;
    const before = recorder.seen[gap - 1]!;
    const staleAt = async (sequence: number): Promise<boolean> => {
      const { books } = await run(runOptions([path], { stopAt: { kind: 'sequence', channel: 0, sequence } }));
      return books.markets[0]!.stale.includes(1);
    };
    expect(await staleAt(at.sequence)).toBe(true);
    expect(await staleAt(before.sequence - 1)).toBe(false);
  });
});

it('gives up a group that does not end, before it fills the memory', () => {
  const gate = new UntilGate({ kind: 'time', high: 0x7fffffff, low: 0 }, dbn.rules, { accept: () => {} });
  const batch = new EventBatch(1024);
  batch.words.fill(0);
  for (let at = 0; at < batch.words.length; at += RECORD_WORDS) batch.words[at] = KIND_ADD;
  batch.count = batch.capacity;
  const whole = HELD_RECORDS_MAX / batch.count;
  for (let each = 0; each < whole; each += 1) gate.accept(batch);
  expect(() => gate.accept(batch)).toThrow(`it has not come within ${HELD_RECORDS_MAX} records`);
});
