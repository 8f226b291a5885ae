import { spawn } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { NetworkNamespace } from '../world/network-namespace.ts';
import { environment, finished, MDX, mdx, started } from '../world/real-process.ts';

const SMALL = ['--packets', '2000', '--rate', '10000', '--timeout', '60s', '--json'];
const CHECKS = ['sent', 'received', 'order', 'kernel drops', 'pool', 'latency'];

/** In a namespace of its own, where nobody else has the loopback interface in hand. */
const namespace = NetworkNamespace.create();
afterAll(() => namespace?.remove());

function inside(words: readonly string[]): ReturnType<typeof finished> {
  const command = ['netns', 'exec', namespace!.name, process.execPath, MDX, ...words];
  return finished(spawn('ip', command, { env: environment() }), null);
}

function expectPass(stdout: string, backend: string): void {
  const report = JSON.parse(stdout);
  // First, since it says what was found.
  expect(report.checks.filter(({ pass }: { pass: boolean }) => !pass)).toEqual([]);
  expect(report).toMatchObject({
    command: 'rx-probe',
    verdict: 'pass',
    backend,
    sent: 2000,
    received: 2000,
    missing: 0,
    sendErrors: 0,
    gaps: 0,
    outOfOrder: 0,
    kernelDrops: 0,
    clock: backend === 'dgram' ? 'process' : 'CLOCK_REALTIME',
    latency: { samples: 2000 },
  });
  const { p50Ns, p90Ns, p99Ns, p999Ns, maxNs } = report.latency;
  const times = [p50Ns, p90Ns, p99Ns, p999Ns, maxNs];
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(p50Ns).toBeGreaterThan(0);
  expect(report.checks.map(({ name }: { name: string }) => name)).toEqual(CHECKS);
  expect(report.pool - report.poolAvailable).toBeLessThanOrEqual(64);
  expect(Object.keys(report).at(-1)).toBe('timing');
}

describe('mdx rx-probe', () => {
  it.each([
    ['unicast', []],
    ['multicast', ['--multicast']],
  ])('dgram receives what it sends by %s, everywhere', async (_, flags) => {
    const { code, stdout } = await mdx(['rx-probe', '--backend', 'dgram', ...flags, ...SMALL]);
    expectPass(stdout, 'dgram');
    expect(code).toBe(0);
  });

  it.skipIf(process.platform !== 'linux')('auto takes mmsg on Linux', async () => {
    const { code, stdout } = await mdx(['rx-probe', ...SMALL]);
    expectPass(stdout, 'mmsg');
    expect(code).toBe(0);
  });

  it.skipIf(namespace === null).each([
    ['mmsg', ['--multicast']],
    ['ring', []],
    ['ring', ['--multicast']],
    ['xdp', []],
    ['xdp', ['--multicast']],
  ])('%s receives what it sends %j (needs root)', async (backend, flags) => {
    const { code, stdout, stderr } = await inside(['rx-probe', '--backend', backend, ...flags, ...SMALL]);
    expect(stderr).toBe('');
    expectPass(stdout, backend);
    expect(code).toBe(0);
  });

  it('says where packets were lost, and ends with exit code 1', async () => {
    const flags = ['--backend', 'dgram', '--rate', '0', '--rcvbuf', '4kB', '--packets', '20000'];
    const { code, stdout } = await mdx(['rx-probe', ...flags, '--timeout', '60s', '--json']);
    expect(code).toBe(1);
    const { verdict, missing, kernelDrops, sent, received, checks, latency } = JSON.parse(stdout);
    expect(verdict).toBe('fail');
    expect(sent).toBe(20_000);
    expect(missing).toBeGreaterThan(0);
    expect(missing).toBe(sent - received);
    if (process.platform === 'linux') expect(kernelDrops).toBe(missing);
    expect(latency.samples).toBe(received);
    const failed = checks.filter(({ pass }: { pass: boolean }) => !pass);
    expect(failed.map(({ name }: { name: string }) => name)).toContain('received');
  });

  it('prints a table for people', async () => {
    const { code, stdout } = await mdx(['rx-probe', '--packets', '500', '--rate', '5000']);
    expect(stdout).toMatch(/^verdict +pass\n/);
    expect(stdout).toMatch(/^latency +p50 [\d.]+ · p90/m);
    expect(stdout).toMatch(/^received +pass +500 of 500, 0 missing$/m);
    expect(code).toBe(0);
  });

  it('stops when asked and reports what it did', async () => {
    const child = started(['rx-probe', '--rate', '1000', '--timeout', '60s', '--progress', 'always']);
    child.stderr!.once('data', () => child.kill('SIGINT'));
    const { code, stdout } = await finished(child, null);
    expect(code).toBe(130);
    expect(stdout).toMatch(/^verdict +fail\n/);
  });

  it('refuses a payload without room for number and time', async () => {
    const { code, stderr } = await mdx(['rx-probe', '--payload', '15']);
    expect(code).toBe(2);
    expect(stderr).toContain('16');
  });
});
