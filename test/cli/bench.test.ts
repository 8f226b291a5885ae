import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { environment, finished, MDX, mdx } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-bench-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SMALL = ['--rounds', '1', '--events', '2000', '--json'];

describe('mdx bench', () => {
  it('measures a profile and what it is compared with', async () => {
    const { code, stdout } = await mdx(['bench', 'apply-10k', ...SMALL]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      command: 'bench',
      machine: { node: process.versions.node, cores: expect.any(Number), memory: expect.any(Number) },
      rounds: 1,
      disagreements: [],
      comparison: null,
    });
    expect(Object.keys(report).at(-1)).toBe('timing');
    const spread = { min: expect.any(Number), median: expect.any(Number), max: expect.any(Number) };
    expect(report.results).toMatchObject([
      {
        name: 'apply-10k',
        unit: 'event',
        units: 2000,
        runs: 1,
        nsPerUnit: spread,
        unitsPerSecond: expect.any(Number),
        latency: { samples: 2000, p50Ns: expect.any(Number), maxNs: expect.any(Number) },
        heapBytesPerUnit: expect.any(Number),
        ratio: { against: 'object-book-10k', as: 'speed', ...spread },
        change: null,
      },
      { name: 'object-book-10k', ratio: null },
    ]);
  });

  it('measures receiving, merging and handing over, and names what cannot be done here', async () => {
    const { code, stdout } = await mdx([
      'bench',
      'rx',
      'merge',
      'ring',
      '--rounds',
      '1',
      '--events',
      '20000',
      '--json',
    ]);
    expect(code).toBe(0);
    const { results, skipped } = JSON.parse(stdout);
    const names = new Set([...results, ...skipped].map(({ name }: { name: string }) => name));
    const rx = ['rx-dgram', 'rx-mmsg', 'rx-ring-v2', 'rx-ring-v3', 'rx-ring-walk', 'rx-xdp'];
    expect(names).toEqual(new Set(['merge', 'ring', ...rx]));
    for (const { reason } of skipped) expect(reason).not.toBe('');
    for (const { name, unitsPerSecond, ratio } of results) {
      expect(unitsPerSecond).toBeGreaterThan(0);
      if (name.startsWith('rx-') && name !== 'rx-dgram') expect(ratio.against).toBe('rx-dgram');
    }
  });

  it('starts whole replays, checks their books and leaves nothing behind', async () => {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    const child = spawn(
      process.execPath,
      [MDX, 'bench', 'replay', '--rounds', '2', '--replay-bytes', '1MB', '--json'],
      { env: { ...environment(), TMPDIR: temporary } },
    );
    const { code, stdout } = await finished(child, null);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.disagreements).toEqual([]);
    expect(report.results).toMatchObject([
      { name: 'replay', unit: 'message', runs: 2, residentBytesMax: expect.any(Number), latency: null },
    ]);
    expect(report.results[0].residentBytesMax).toBeGreaterThan(20e6);
    expect(readdirSync(temporary).filter((name) => name.startsWith('mdx-'))).toEqual([]);
  });

  it('prints tables for people, with the input of a profile that had to make its own', async () => {
    const { code, stdout } = await mdx([
      'bench',
      'decode-dbn',
      '--rounds',
      '1',
      '--events',
      '1000',
      '--data',
      folder,
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^machine .*\nsystem .*Node/);
    expect(stdout).toMatch(/^decode-dbn +[\d.]+/m);
    expect(stdout).toContain('decode-dbn: a synthetic stream');
  });

  it('--compare: exit 1 where a ratio got worse, the change in the report', async () => {
    const earlier = (median: number): string => {
      const path = join(folder, `earlier-${median}.json`);
      const ratio = { against: 'object-book-10k', as: 'speed', min: median, median, max: median };
      const machine = { cpu: 'other', cores: 1, memory: 1, kernel: '', node: '24.0.0' };
      const result = { name: 'apply-10k', nsPerUnit: { min: 1, median: 1, max: 1 }, ratio, note: null };
      writeFileSync(path, JSON.stringify({ command: 'bench', machine, commit: null, results: [result] }));
      return path;
    };
    const better = await mdx(['bench', 'apply-10k', ...SMALL, '--compare', earlier(1e-6)]);
    expect(better.code).toBe(0);
    const worse = await mdx([
      'bench',
      'apply-10k',
      ...SMALL,
      '--compare',
      earlier(1e6),
      '--fail-above',
      '50%',
    ]);
    expect(worse.code).toBe(1);
    const report = JSON.parse(worse.stdout);
    expect(report.comparison).toEqual({ commit: null, sameMachine: false, missing: [] });
    expect(report.results[0].change).toMatchObject({ of: 'ratio', nsPerUnit: null, failed: true });
    expect(report.results[1].change).toBeNull();
  });

  it('--list names every profile', async () => {
    const { code, stdout } = await mdx(['bench', '--list', '--json']);
    expect(code).toBe(0);
    const names = JSON.parse(stdout).profiles.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'apply-100k',
        'churn',
        'clusters',
        'itch-apply',
        'dbn-apply',
        'replay',
        'state-hash',
      ]),
    );
  });

  it.each([
    [['bench', 'aply-10k'], 'aply-10k: no such profile', 'Did you mean apply-10k?'],
    [['bench', '--replay-bytes', '5'], '--replay-bytes 5: expected a size from 1MB', ''],
    [['bench', '--fail-above', 'x'], '--fail-above x: expected a percentage', ''],
    [['bench', '--compare', '/nowhere/x.json'], 'reading /nowhere/x.json: there is no such file', ''],
  ])('%s: exit 2', async (args, message, hint) => {
    const { code, stdout, stderr } = await mdx(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });
});
