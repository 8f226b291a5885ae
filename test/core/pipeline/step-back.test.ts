import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import type { EventBatch } from '../../../src/core/event/batch.ts';
import { FLAG_EXTENDED, FLAG_LAST } from '../../../src/core/event/record.ts';
import type { Books, EventObserver } from '../../../src/core/pipeline/books.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import { StepGate } from '../../../src/core/pipeline/step-gate.ts';
import { isTrade } from '../../../src/core/pipeline/tape.ts';
import { buildJournal } from '../../world/journals.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-back-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Key = 'event' | 'group' | 'trade' | 'back' | 'tradeBack';

/** What is known of every event: the records up to it, and what it ends. */
interface Passed {
  readonly at: number;
  readonly isEnd: boolean;
  readonly hasTrade: boolean;
}

/** Where groups of a book end in a session, and whether they had trades. */
class Ends implements EventObserver {
  readonly ends: Passed[] = [];
  #at = 0;
  #hasTrade = false;
  readonly #book: number;

  constructor(book: number) {
    this.#book = book;
  }

  after({ words }: EventBatch, at: number): void {
    const flags = (words[at]! >> 8) & 255;
    this.#at += (flags & FLAG_EXTENDED) !== 0 ? 2 : 1;
    if (words[at + 1] !== this.#book) return;
    if (isTrade(words, at)) this.#hasTrade = true;
    if ((flags & FLAG_LAST) === 0) return;
    this.ends.push({ at: this.#at, isEnd: true, hasTrade: this.#hasTrade });
    this.#hasTrade = false;
  }
}

/** Counts records as they go through. */
class Counter implements EventObserver {
  passed = 0;

  after({ words }: EventBatch, at: number): void {
    this.passed += ((words[at]! >> 8) & FLAG_EXTENDED) !== 0 ? 2 : 1;
  }
}

it('going back comes to the books of the end of the group before', async () => {
  const keys = fc.array(fc.constantFrom<Key>('event', 'group', 'trade', 'back', 'tradeBack'), {
    minLength: 1,
    maxLength: 25,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(99),
      fc.nat(2),
      keys,
      fc.constantFrom(5, 64, 1024),
      fc.boolean(),
      async (seed, book, pressed, batchEvents, isJournal) => {
        const path = join(folder, 'session.pcap');
        writeFileSync(path, play({ seed, profile: { messages: 250, instruments: 3, ordersLive: 40 } }).a);
        const all = new Ends(book);
        await run(runOptions([path], { observers: [all] }));
        const journal = join(folder, 'journal');
        rmSync(journal, { recursive: true, force: true });
        if (isJournal) await buildJournal(journal, [path], { segmentEvents: 40 });
        const gate = new StepGate('hold', null, isJournal);
        gate.isStep = (each) => each === book;
        const left = [...pressed];
        let counter = new Counter();
        let books: Books | null = null;
        gate.onAttach = (attached) => {
          books = attached;
        };
        let expected: number | null = null;
        const stops: (readonly [records: number, hash: string])[] = [];
        gate.onHold = () => {
          if (expected !== null) expect(counter.passed).toBe(expected);
          expected = null;
          stops.push([counter.passed, hashOf(books!)]);
          const key = left.shift();
          if (key === 'back' || key === 'tradeBack') {
            const before = all.ends.filter(
              ({ at, hasTrade }) => at < counter.passed && (key === 'back' || hasTrade),
            );
            expected = before.at(-1)?.at ?? 0;
            gate.goBack(key === 'back' ? 'group' : 'trade');
          } else if (key === undefined) gate.close();
          else gate.go(key);
        };
        for (;;) {
          const observers = [counter];
          await run(
            runOptions([isJournal ? journal : path], {
              steps: gate,
              ...(gate.beginAt === undefined ? {} : { beginAt: gate.beginAt }),
              observers,
              batchEvents,
              stop: () => gate.isClosed,
              breathe: () => gate.settle(),
            }),
          );
          await gate.settle();
          if (!gate.isRewinding) break;
          gate.restart();
          counter = new Counter();
        }
        // Wherever it stood twice, the books were the same.
        const hashes = new Map<number, string>();
        for (const [records, hash] of stops) {
          expect(hashes.get(records) ?? hash).toBe(hash);
          hashes.set(records, hash);
        }
      },
    ),
    { numRuns: 25 },
  );
});

function hashOf({ markets }: Books): string {
  return markets.map((market) => stateHash(market).hash.toString(16)).join();
}
