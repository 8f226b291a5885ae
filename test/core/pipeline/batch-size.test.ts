import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { reportOf } from '../../../src/core/pipeline/report.ts';
import { run } from '../../../src/core/pipeline/run.ts';
import type { RunOptions } from '../../../src/core/pipeline/run-options.ts';
import { runOptions } from '../../world/run-options.ts';
import { concat, headBytes, mboBytes } from '../feeds/dbn/stream.ts';
import { play } from '../simulate/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-batch-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function reportWithoutTiming(path: string, wanted: Partial<RunOptions>): Promise<object> {
  const result = await run(runOptions([path], wanted));
  const { timing: _, ...report } = reportOf(result, {
    command: 'replay',
    version: '',
    allInstruments: true,
    depth: { levels: 5, queues: true },
  });
  return report;
}

describe('the size of a batch', () => {
  it('changes nothing in the report', async () => {
    const wanted = fc.record({
      seed: fc.nat(0xffff),
      format: fc.constantFrom('pcap' as const, 'pcapng' as const, 'dbn' as const),
      messages: fc.integer({ min: 1, max: 500 }),
      loss: fc.constantFrom(0, 0.05),
      reorder: fc.constantFrom(0, 0.1),
      batchEvents: fc.constantFrom(4, 5, 7, 64, 65_536),
    });
    await fc.assert(
      fc.asyncProperty(wanted, async ({ seed, format, messages, loss, reorder, batchEvents }) => {
        const a = format === 'dbn' ? {} : { loss, reorder };
        const path = join(folder, `session.${format}`);
        writeFileSync(path, play({ seed, format, profile: { messages }, a }).a);
        expect(await reportWithoutTiming(path, { batchEvents })).toEqual(await reportWithoutTiming(path, {}));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a DBN record that warns of a gap', () => {
  it('makes its book stale, and no other, until that is cleared', async () => {
    const path = join(folder, 'suspect.dbn');
    const staleAfter = async (...records: Uint8Array[]): Promise<unknown> => {
      writeFileSync(path, concat(headBytes(), ...records));
      const report = (await reportWithoutTiming(path, { batchEvents: 4 })) as {
        instruments: { instrument: string; stale: boolean }[];
        events: Record<string, number>;
      };
      const stale = report.instruments.filter((book) => book.stale).map(({ instrument }) => instrument);
      return { stale, gaps: report.events['gap'] };
    };
    const add = mboBytes({ action: 'A', instrument: 7, id: 1n });
    const other = mboBytes({ action: 'A', instrument: 8, id: 2n });
    const warned = mboBytes({ action: 'T', instrument: 7, flags: 128 | 4 });
    const clear = mboBytes({ action: 'R', instrument: 7 });
    expect(await staleAfter(add, other)).toEqual({ stale: [], gaps: 0 });
    expect(await staleAfter(add, other, warned, warned)).toEqual({ stale: ['7'], gaps: 1 });
    expect(await staleAfter(add, other, warned, clear)).toEqual({ stale: [], gaps: 1 });
    expect(await staleAfter(add, other, warned, clear, add, warned)).toEqual({ stale: ['7'], gaps: 2 });
  });
});
