import { describe, expect, it } from 'vitest';
import { finished, mdx, started } from '../world/real-process.ts';

describe('mdx pool-soak', () => {
  it('proves a small pool and says so to people and machines', async () => {
    const small = ['--buffers', '256', '--size', '128', '--iterations', '500', '--burst', '32'];
    const { code, stdout } = await mdx(['pool-soak', ...small]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^verdict +pass\n/);
    expect(stdout).toMatch(/^packets +16000 of 500 × 32/m);
    const report = JSON.parse((await mdx(['pool-soak', ...small, '--json'])).stdout);
    expect(report).toMatchObject({
      command: 'pool-soak',
      verdict: 'pass',
      buffers: 256,
      size: 128,
      ops: 16_000,
      misses: 0,
      returnDrops: 0,
      leaked: 0,
      preallocatedBytes: 256 * (128 + 64),
    });
    expect(Object.keys(report).at(-1)).toBe('timing');
  });

  it('stops when asked and reports what it did', async () => {
    const child = started([
      'pool-soak',
      '--iterations',
      '30000000',
      '--buffers',
      '1024',
      '--progress',
      'always',
    ]);
    child.stderr!.once('data', () => child.kill('SIGINT'));
    const { code, stdout } = await finished(child, null);
    expect(code).toBe(130);
    expect(stdout).toMatch(/^verdict +pass\n/);
  });

  it.each([
    [['--size', '100'], 'expected a multiple of 64'],
    [['--buffers', '64', '--workers', '2'], 'more than each of 2 workers has'],
    [['--iterations', '100000000', '--burst', '64'], 'fit into one run'],
  ])('refuses %j', async (flags, message) => {
    const { code, stderr } = await mdx(['pool-soak', ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
