import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareLoss, type ReplayReport, type Truth } from '../../scripts/proof.ts';
import { environment, type Finished, finished, ROOT } from '../world/real-process.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-prove-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function prove(...args: string[]): Promise<Finished> {
  const env = { ...environment(), TMPDIR: folder };
  return finished(spawn(process.execPath, [join(ROOT, 'scripts/prove.ts'), ...args], { env }), null);
}

/** What is left in the temporary folder, but for the cache of Node. */
const left = (): string[] => readdirSync(folder).filter((name) => name.startsWith('mdx'));

describe('npm run prove', () => {
  it('proves the books of a session and of a late joiner, names what a line lost, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await prove();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/^state hash +(0x[0-9a-f]{16}) +\1 +equal$/gm)).toHaveLength(2);
    expect(stdout).toMatch(/^orders, in their queues +([1-9]\d{3,}) +\1 +equal$/m);
    expect(stdout).toMatch(/^lost ranges +[1-9]\d* +[1-9]\d* +equal$/m);
    expect(stdout).not.toContain('DIFFERENT');
    expect(stdout.match(/^\$ mdx (simulate|replay|book) /gm)!.length).toBeGreaterThanOrEqual(5);
    expect(left()).toEqual([]);
  });

  it('ends with 1 when the replay is wrong', async () => {
    const { code, stdout } = await prove(join(ROOT, 'test/world/forgetful-mdx.js'));
    expect(code).toBe(1);
    expect(stdout).toMatch(/^state hash +0x[0-9a-f]{16} +0x[0-9a-f]{16} +DIFFERENT$/m);
    expect(stdout).toContain('this is a fault of mdx');
    expect(left()).toEqual([]);
  });

  it('ends with 1 when there is no such program', async () => {
    const { code, stdout } = await prove(join(folder, 'nothing.js'));
    expect(code).toBe(1);
    expect(stdout).toContain('mdx ended with exit code 1');
  });
});

describe('the proof of a loss', () => {
  const range = (from: number, to: number) => ({ from: String(from), to: String(to) });
  const truth = { lines: { A: { messages: 5, missing: [range(2, 3), range(7, 7)] } } };
  const report = (...gaps: object[]) => ({ feed: { messages: 5 }, sequence: { channels: [{ gaps }] } });
  const lostRanges = (...gaps: object[]): boolean =>
    compareLoss(truth as unknown as Truth, report(...gaps) as unknown as ReplayReport)[1].equal;

  it('asks for every range', () => {
    expect(lostRanges(range(2, 3), range(7, 7))).toBe(true);
    expect(lostRanges(range(2, 3), range(8, 8))).toBe(false);
    expect(lostRanges(range(2, 3))).toBe(false);
  });
});
