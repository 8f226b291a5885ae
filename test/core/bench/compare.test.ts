import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compareReports, readReport } from '../../../src/core/bench/compare.ts';
import { type BenchReport, type Ratio, type Result, spreadOf } from '../../../src/core/bench/report.ts';
import { verdictsOf } from '../../../src/core/bench/targets.ts';

const MACHINE = { cpu: 'X', cores: 2, memory: 1, kernel: 'K', node: '24.1.0' };

function result(name: string, ns: number, ratio: Ratio | null = null): Result {
  return {
    name,
    title: name,
    unit: 'event',
    units: 1000,
    runs: 1,
    nsPerUnit: { min: ns, median: ns, max: ns },
    unitsPerSecond: 1e9 / ns,
    bytesPerSecond: null,
    latency: null,
    inTurn: null,
    heapBytesPerUnit: null,
    heldBytesPerUnit: null,
    ratio,
    residentBytesMax: null,
    steady: null,
    note: null,
    verdicts: [],
    change: null,
  };
}

function ratio(as: Ratio['as'], value: number): Ratio {
  return { against: 'other', as, min: value, median: value, max: value };
}

function report(results: readonly Result[], machine: BenchReport['machine'] = MACHINE): BenchReport {
  return {
    command: 'bench',
    version: '1',
    machine,
    commit: 'abc',
    load: { before: 0, after: 0 },
    rounds: 1,
    results,
    skipped: [],
    disagreements: [],
    comparison: null,
    timing: { elapsedNs: 1 },
  };
}

const folder = mkdtempSync(join(tmpdir(), 'mdx-compare-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('comparing reports', () => {
  it('times on the same kind of machine, failing past the limit', () => {
    const { results } = compareReports(
      report([result('a', 109), result('b', 112), result('c', 50)]),
      report([result('a', 100), result('b', 100), result('c', 100)]),
      0.1,
    );
    expect(results.map(({ change }) => change)).toEqual([
      {
        worse: expect.closeTo(0.09),
        of: 'nsPerUnit',
        nsPerUnit: expect.closeTo(0.09),
        ratio: null,
        failed: false,
      },
      {
        worse: expect.closeTo(0.12),
        of: 'nsPerUnit',
        nsPerUnit: expect.closeTo(0.12),
        ratio: null,
        failed: true,
      },
      { worse: -0.5, of: 'nsPerUnit', nsPerUnit: -0.5, ratio: null, failed: false },
    ]);
  });

  it('ratios first: a speed that fell and a cost that rose are worse, whatever the times', () => {
    const { results } = compareReports(
      report([result('a', 50, ratio('speed', 4)), result('b', 50, ratio('cost', 1.5))]),
      report([result('a', 100, ratio('speed', 8)), result('b', 100, ratio('cost', 1))]),
      0.1,
    );
    expect(results.map(({ change }) => change)).toEqual([
      { worse: 1, of: 'ratio', nsPerUnit: -0.5, ratio: 1, failed: true },
      { worse: 0.5, of: 'ratio', nsPerUnit: -0.5, ratio: 0.5, failed: true },
    ]);
  });

  it('another machine: ratios alone', () => {
    const compared = compareReports(
      report([result('a', 500), result('b', 500, ratio('speed', 8))]),
      report([result('a', 100), result('b', 100, ratio('speed', 8))], { ...MACHINE, cpu: 'Y' }),
      0.1,
    );
    expect(compared.comparison).toEqual({ commit: 'abc', sameMachine: false, missing: [] });
    expect(compared.results.map(({ change }) => change)).toEqual([
      { worse: null, of: null, nsPerUnit: null, ratio: null, failed: false },
      { worse: 0, of: 'ratio', nsPerUnit: null, ratio: 0, failed: false },
    ]);
  });

  it('another input under the same name is not compared', () => {
    const { results } = compareReports(
      report([{ ...result('a', 500), note: 'synthetic' }]),
      report([{ ...result('a', 100), note: 'real' }]),
      0.1,
    );
    expect(results[0]!.change).toMatchObject({ worse: null, failed: false });
  });

  it('profiles of one report only', () => {
    const compared = compareReports(report([result('new', 1)]), report([result('old', 1)]), 0.1);
    expect(compared.results[0]!.change).toBeNull();
    expect(compared.comparison!.missing).toEqual(['old']);
  });

  it('reads what was printed and refuses everything else', () => {
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const written = report([result('a', 1)]);
    expect(readReport(file('good.json', JSON.stringify(written)))).toEqual(written);
    for (const text of ['', 'null', '[]', '{}', '{"command":"replay"}', '{"command":"bench","results":[]}']) {
      expect(() => readReport(file('bad.json', text))).toThrow('it is no report of mdx bench --json');
    }
    expect(() => readReport(join(folder, 'none.json'))).toThrow('there is no such file');
  });
});

describe('what is reported', () => {
  it('median and bounds', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
    expect(spreadOf([4, 1, 3, 2])).toEqual({ min: 1, median: 2.5, max: 4 });
  });

  it('floors: ratios gate, times do not', () => {
    const fast = verdictsOf(
      result('apply-100k', 50, { ...ratio('speed', 4.9), against: 'object-book-100k' }),
    );
    expect(fast).toMatchObject([
      { what: 'million events/s', value: 20, floor: 11, met: true, gates: false },
      { value: 4.9, floor: 5, met: false, gates: true },
    ]);
    expect(verdictsOf(result('churn', 50, ratio('cost', 1.5)))).toMatchObject([{ met: true, gates: true }]);
    expect(verdictsOf(result('clusters', 50, ratio('cost', 1.6)))).toMatchObject([{ met: false }]);
    expect(verdictsOf(result('apply-10k', 50))).toEqual([]);
  });
});
