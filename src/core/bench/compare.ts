import { readFileSync } from 'node:fs';
import { MdxError } from '../errors.ts';
import { sameMachine } from './machine.ts';
import type { BenchReport, Change, Result } from './report.ts';

/** Reads what an earlier `mdx bench --json` printed. Throws MdxError where the file is none of that. */
export function readReport(path: string): BenchReport {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new MdxError(
      code === 'ENOENT' ? 'input-missing' : 'input-unreadable',
      `reading ${path}: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
    );
  }
  const report = parse(text);
  if (report === null) {
    throw new MdxError('input-format', `reading ${path}: it is no report of mdx bench --json`);
  }
  return report;
}

function parse(text: string): BenchReport | null {
  try {
    const report = JSON.parse(text) as Partial<BenchReport> | null;
    const isReport =
      report?.command === 'bench' &&
      typeof report.machine?.cpu === 'string' &&
      Array.isArray(report.results) &&
      report.results.every(
        (result) => typeof result?.name === 'string' && typeof result.nsPerUnit?.median === 'number',
      );
    return isReport ? (report as BenchReport) : null;
  } catch {
    return null;
  }
}

/**
 * Sets the change of every result against an earlier report. Ratios count where both have one, because they mean
 * the same on every machine; times count only where both were taken on the same kind of machine.
 * @param failAbove 0.1: a result that got worse by more than ten per cent has failed.
 */
export function compareReports(report: BenchReport, earlier: BenchReport, failAbove: number): BenchReport {
  const comparable = sameMachine(report.machine, earlier.machine);
  const results = report.results.map((result) => {
    const before = earlier.results.find(({ name }) => name === result.name);
    return before === undefined
      ? result
      : { ...result, change: changeOf(result, before, comparable, failAbove) };
  });
  return {
    ...report,
    comparison: {
      commit: earlier.commit,
      sameMachine: comparable,
      missing: earlier.results
        .map(({ name }) => name)
        .filter((name) => !report.results.some((result) => result.name === name)),
    },
    results,
  };
}

function changeOf(result: Result, before: Result, comparable: boolean, failAbove: number): Change {
  // Another input is another profile of the same name.
  const sameInput = result.note === (before.note ?? null);
  const nsPerUnit = comparable && sameInput ? result.nsPerUnit.median / before.nsPerUnit.median - 1 : null;
  const ratio = sameInput ? ratioChange(result, before) : null;
  const worse = ratio ?? nsPerUnit;
  return {
    worse,
    of: ratio !== null ? 'ratio' : nsPerUnit !== null ? 'nsPerUnit' : null,
    nsPerUnit,
    ratio,
    failed: worse !== null && worse > failAbove,
  };
}

/** How much the standing against the other profile got worse: a speed fell, a cost rose. */
function ratioChange({ ratio }: Result, { ratio: before }: Result): number | null {
  if (ratio === null || !before || ratio.against !== before.against || ratio.as !== before.as) return null;
  return ratio.as === 'speed' ? before.median / ratio.median - 1 : ratio.median / before.median - 1;
}
