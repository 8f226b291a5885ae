import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { DiffReport } from '../../src/core/pipeline/diff/diff-report.ts';
import { play } from '../core/simulate/session.ts';
import { changeOneOrder } from '../world/changed-order.ts';
import { mdx } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-diff-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const A = join(folder, 'a.pcap');
const B = join(folder, 'b.pcap');
/** The same with one share more in one order. */
const session = play({ seed: 4, profile: { messages: 2000 } }).a;
writeFileSync(A, session);
const other = Buffer.from(session);
const change = changeOneOrder(other, 1200);
writeFileSync(B, other);

describe('mdx diff', () => {
  test('says that a session is itself', async () => {
    const { code, stdout, stderr } = await mdx(['diff', A, A]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('verdict  equal: 3 instruments after ');
    expect(stdout).toContain('aligned  groups by position · instruments by number');
  });

  test('names the order that is another, shows both books, and exits with 1', async () => {
    const json = await mdx(['diff', A, B, '--json', '--depth', '1']);
    expect(json.code).toBe(1);
    const report = JSON.parse(json.stdout) as DiffReport;
    expect(Object.keys(report).at(0)).toBe('command');
    expect(Object.keys(report).at(-1)).toBe('timing');
    expect(report).toMatchObject({
      command: 'diff',
      verdict: 'different',
      alignment: { by: 'position', instruments: 'instrument', ids: false },
      instruments: { compared: 3, equal: 2, different: 1 },
    });
    const [difference, ...others] = report.differences;
    expect(others).toEqual([]);
    const { group, levels, levelsDiffering, symbol } = difference!;
    expect(levelsDiffering).toBe(1);
    expect(group.a).toEqual(group.b);
    expect(group.a!.sequence).toBe(String(change.number));
    expect(difference!.instrument).toBe(String(change.instrument));
    const level = levels!.find(({ differs }) => differs)!;
    const [a, b] = [level.a!.queue!, level.b!.queue!];
    expect([a.at(-1)!.quantity, b.at(-1)!.quantity].map(Number)).toEqual([change.shares - 1, change.shares]);
    expect(b.at(-1)!.orderId).toBe(a.at(-1)!.orderId);
    expect(levels!.length).toBeLessThanOrEqual(3);

    const { code, stdout } = await mdx(['diff', A, B, '--depth', '1']);
    expect(code).toBe(1);
    expect(stdout).toContain('verdict  different: 1 of 3 instruments · 2 equal');
    expect(stdout).toContain(`#0/${group.a!.sequence} `);
    expect(stdout).toMatch(new RegExp(`^${symbol} +A after #0/${group.a!.sequence} `, 'm'));
    expect(stdout.match(/≠/g)).toHaveLength(1);
    // What is chosen besides it is the same.
    const equal = ['AAA', 'AAB', 'AAC'].find((each) => each !== symbol)!;
    expect((await mdx(['diff', A, B, '--symbol', equal])).code).toBe(0);
  });

  test('reads one side from standard input, without showing books', async () => {
    const { code, stdout, stderr } = await mdx(['diff', '-', B], readFileSync(A));
    expect(code).toBe(1);
    expect(stdout).toContain('different: 1 of 3');
    expect(stdout).not.toContain('≠');
    expect(stderr).toBe('A stream can be read once, so the books are not shown.\n');
    expect((await mdx(['diff', '-', '-'])).code).toBe(2);
  });

  test('exits with 3 for a damaged side, 2 where nothing is in common, 1 with --strict for what is only in one', async () => {
    const cut = join(folder, 'cut.pcap');
    writeFileSync(cut, session.subarray(0, session.length / 2));
    const damaged = await mdx(['diff', A, cut, '--json']);
    expect(damaged.code).toBe(3);
    const report = JSON.parse(damaged.stdout) as DiffReport;
    expect(report).toMatchObject({ verdict: 'equal', tails: [{ side: 'A', part: 'after' }] });
    expect(report.b.damage).toHaveLength(1);
    const nothing = await mdx(['diff', A, A, '--symbol', 'NONE', '--json']);
    expect([nothing.code, JSON.parse(nothing.stdout)]).toMatchObject([
      2,
      { error: { code: 'not-comparable' } },
    ]);
    const part = join(folder, 'part.mdxj');
    expect((await mdx(['replay', A, '--symbol', 'AAA', '--symbol', 'AAB', '-o', part])).code).toBe(0);
    const only = await mdx(['diff', A, part]);
    expect(only.code).toBe(0);
    expect(only.stdout).toContain('apart    1 instrument only in A');
    expect((await mdx(['diff', A, part, '--strict'])).code).toBe(1);
  });
});
