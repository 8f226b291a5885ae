import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { environment, finished, MDX, mdx } from '../world/real-process.ts';

interface Report {
  readonly counts: Readonly<Record<string, number>>;
  readonly checks: readonly { name: string; state: string; found: string; advice: string | null }[];
}

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** Runs the real program as a user without rights. */
function mdxAsNobody(...args: string[]) {
  return finished(
    spawn(process.execPath, [MDX, ...args], { env: environment(), uid: NOBODY, gid: NOBODY }),
    null,
  );
}

describe('mdx doctor', () => {
  it('tells what there is, with what to do where something is not', async () => {
    const { code, stdout, stderr } = await mdx(['doctor', '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const { checks, counts } = JSON.parse(stdout) as Report;
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['dgram', 'mmsg', 'ring, version 2', 'ring, version 3', 'xdp, generic', 'Node']),
    );
    for (const { state, advice } of checks) {
      expect(['ok', 'warn', 'missing']).toContain(state);
      if (state === 'ok') expect(advice).toBeNull();
    }
    expect(checks.length).toBe(Object.values(counts).reduce((sum, count) => sum + count, 0));
    expect(checks.find(({ name }) => name === 'dgram')!.state).toBe('ok');
  });

  it.runIf(isRoot)('names the right that is missing, and --strict exits with 1', async () => {
    const { code, stdout } = await mdxAsNobody('doctor', '--json', '--strict');
    expect(code).toBe(1);
    const { checks } = JSON.parse(stdout) as Report;
    const found = Object.fromEntries(checks.map(({ name, found }) => [name, found]));
    expect(found['ring, version 3']).toBe('packet ring on lo: EPERM opening AF_PACKET; needs CAP_NET_RAW');
    expect(found['xdp, generic']).toMatch(
      /^xdp on lo: EPERM making a BPF map; needs CAP_BPF and CAP_NET_ADMIN/,
    );
    expect(checks.find(({ name }) => name === 'ring, version 3')!.advice).toMatch(/setcap cap_net_raw\+ep/);
    const without = await mdxAsNobody('doctor');
    expect(without.code).toBe(0);
    expect(without.stdout).toMatch(/missing\s+CAP_NET_RAW/);
  });

  it('says that there is no such interface', async () => {
    const { code, stdout } = await mdx(['doctor', '--json', '--iface', 'nosuch0']);
    expect(code).toBe(0);
    const { checks } = JSON.parse(stdout) as Report;
    expect(checks.find(({ name }) => name === 'mmsg')!.found).toMatch(/no interface nosuch0|native calls/);
  });
});
