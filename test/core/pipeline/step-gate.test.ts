import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { toBigUint } from '../../../src/core/binary/time.ts';
import type { EventBatch } from '../../../src/core/event/batch.ts';
import {
  CONDITION_NON_PRINTABLE,
  FLAG_EXTENDED,
  FLAG_INFORMS,
  FLAG_LAST,
  KIND_EXECUTE,
  KIND_TRADE,
  RECORD_WORDS,
} from '../../../src/core/event/record.ts';

import { reportOf } from '../../../src/core/pipeline/report.ts';
import { type RunResult, run } from '../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { type Pace, StepGate } from '../../../src/core/pipeline/step-gate.ts';
import type { Until } from '../../../src/core/pipeline/until.ts';
import { runOptions } from '../../world/run-options.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-steps-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Seen {
  readonly kind: number;
  readonly flags: number;
  readonly book: number;
  readonly id: bigint;
  readonly sequence: number;
  readonly quantity: number;
  /** Of its second record; 0 where it has none. */
  readonly condition: number;
}

function sessionOf(seed: number, format: 'pcap' | 'dbn', messages: number): string {
  const bytes = play({ seed, format, profile: { messages, instruments: 3, ordersLive: 60 } }).a;
  const path = join(folder, `session.${format}`);
  writeFileSync(path, bytes);
  return path;
}

function seenBy(seen: Seen[]): RunOptions['observers'] {
  const after = ({ words, sequenceBase }: EventBatch, at: number): void => {
    seen.push({
      kind: words[at]! & 255,
      flags: (words[at]! >> 8) & 255,
      book: words[at + 1]!,
      id: toBigUint(words[at + 3]!, words[at + 2]!),
      sequence: sequenceBase + (words[at]! >>> 16),
      quantity: words[at + 6]!,
      condition: (words[at]! & (FLAG_EXTENDED << 8)) === 0 ? 0 : words[at + RECORD_WORDS]! >>> 16,
    });
  };
  return [{ after }];
}

function hashOf(result: RunResult): string | null {
  return reportOf(result, { command: 'replay', version: '0', allInstruments: false }).book.stateHash;
}

interface Stop {
  /** Events that had gone through. */
  readonly at: number;
  /** What the step that ended here was; null for the start. */
  readonly pace: Pace | null;
}

/** Runs a file through a gate that is told one pace after the other whenever it holds, and to run when they are used up. */
async function stepped(
  path: string,
  first: Pace,
  paces: readonly Pace[],
  options: { isStep?: (book: number) => boolean; point?: Until; batchEvents?: number } = {},
): Promise<{ seen: Seen[]; stops: Stop[]; result: RunResult }> {
  const seen: Seen[] = [];
  const stops: Stop[] = [];
  const gate = new StepGate(first, options.point ?? null);
  const left = [...paces];
  let pace: Pace | null = null;
  if (options.isStep !== undefined) gate.isStep = options.isStep;
  gate.onHold = () => {
    stops.push({ at: seen.length, pace });
    pace = left.shift() ?? 'run';
    gate.go(pace);
  };
  const result = await run(
    runOptions([path], {
      steps: gate,
      observers: seenBy(seen),
      breathe: () => gate.settle(),
      batchEvents: options.batchEvents ?? 1024,
    }),
  );
  await gate.settle();
  return { seen, stops, result };
}

async function whole(path: string): Promise<{ seen: Seen[]; result: RunResult }> {
  const seen: Seen[] = [];
  const result = await run(runOptions([path], { observers: seenBy(seen) }));
  return { seen, result };
}

const isLast = (event: Seen): boolean => (event.flags & FLAG_LAST) !== 0;
const isTrade = ({ kind, flags, quantity, condition }: Seen): boolean =>
  condition !== CONDITION_NON_PRINTABLE &&
  ((kind === KIND_TRADE && quantity > 0) || (kind === KIND_EXECUTE && (flags & FLAG_INFORMS) === 0));

describe('a run in steps', () => {
  const wanted = fc.record({
    seed: fc.nat(0xffff),
    format: fc.constantFrom('pcap' as const, 'dbn' as const),
    messages: fc.integer({ min: 1, max: 300 }),
    first: fc.constantFrom<Pace>('hold', 'run'),
    paces: fc.array(fc.constantFrom<Pace>('event', 'group', 'trade'), { maxLength: 60 }),
    book: fc.constantFrom(null, 0, 1, 2),
    batchEvents: fc.constantFrom(4, 17, 1024),
  });

  it('passes the same events on, stops where each step ends, and comes to the same books', async () => {
    await fc.assert(
      fc.asyncProperty(wanted, async ({ seed, format, messages, first, paces, book, batchEvents }) => {
        const path = sessionOf(seed, format, messages);
        const plain = await whole(path);
        const isStep = (each: number): boolean => book === null || each === book;
        const { seen, stops, result } = await stepped(path, first, paces, { isStep, batchEvents });
        expect(seen).toEqual(plain.seen);
        expect(hashOf(result)).toBe(hashOf(plain.result));
        if (first === 'run') expect(stops).toEqual([]);

        let from = 0;
        for (const { at, pace } of stops) {
          const ends: Readonly<Record<string, (event: Seen, index: number) => boolean>> = {
            event: (event) => event.book >= 0 && isStep(event.book),
            group: (event) => event.book >= 0 && isStep(event.book) && isLast(event),
          };
          const trade = seen.findIndex(
            (event, index) => index >= from && isStep(event.book) && isTrade(event),
          );
          const start = pace === 'trade' ? trade : from;
          const wantedEnd =
            pace === null
              ? 0
              : seen.findIndex(
                  (event, index) => index >= start && ends[pace === 'event' ? pace : 'group']!(event, index),
                ) + 1;
          expect(at).toBe(wantedEnd);
          from = at;
        }
      }),
      { numRuns: 100 },
    );
  });

  it('stops in front of the first event later than the point, once', async () => {
    const path = sessionOf(5, 'dbn', 300);
    const { seen, stops } = await stepped(path, 'run', [], {
      point: { kind: 'sequence', channel: 0, sequence: 120 },
    });
    expect(stops).toHaveLength(1);
    expect(seen[stops[0]!.at - 1]!.sequence).toBeLessThanOrEqual(120);
    expect(seen[stops[0]!.at]!.sequence).toBeGreaterThan(120);
  });

  it('that is closed while it holds lets nothing more through, and ends', async () => {
    const path = sessionOf(5, 'pcap', 300);
    const seen: Seen[] = [];
    const gate = new StepGate('hold', null);
    let closed = false;
    gate.onHold = () => {
      closed = true;
      gate.close();
    };
    const result = await run(
      runOptions([path], {
        steps: gate,
        observers: seenBy(seen),
        breathe: () => gate.settle(),
        stop: () => closed,
      }),
    );
    expect({ seen, stopped: result.stopped }).toEqual({ seen: [], stopped: 'request' });
  });
});
