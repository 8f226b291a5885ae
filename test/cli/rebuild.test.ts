import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finished, mdx, started } from '../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-rebuild-'));
const FULL = join(folder, 'full.pcap');
const LATE = join(folder, 'late.pcap');
const DEAD = 'tcp://127.0.0.1:9';
let server: ChildProcess;
let endpoints: string[] = [];
let truth: Report;

interface Report {
  readonly inputs: { readonly firstTime: string; readonly lastTime: string }[];
  readonly feed: { readonly messages: number };
  readonly book: { readonly stateHash: string };
  readonly sequence: { readonly channels: { first: string; last: string; gaps: unknown[] }[] };
  readonly recovery?: Record<string, unknown>;
}

async function replay(args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await mdx(['replay', ...args, '--json']);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Report;
}

beforeAll(async () => {
  await mdx(['simulate', '-o', FULL, '--messages', '4000', '--orders-live', '500']);
  truth = await replay([FULL]);
  const [{ firstTime, lastTime }] = truth.inputs as [Report['inputs'][0]];
  // The open is three seconds behind the first message: what is left begins among the orders.
  const from = BigInt(firstTime) + ((BigInt(lastTime) - BigInt(firstTime)) * 4n) / 10n;
  await mdx(['replay', FULL, '--from', String(from), '-o', LATE]);
  server = started([
    ...['recover-server', FULL],
    ...['--listen', 'tcp+listen://127.0.0.1:0', '--listen', 'mold+udp://127.0.0.1:0'],
  ]);
  let said = '';
  for await (const chunk of server.stderr!) {
    said += String(chunk);
    endpoints = [...said.matchAll(/^listening (\S+)\n/gm)].map((match) => match[1]!);
    if (endpoints.length === 2) break;
  }
}, 60_000);

afterAll(async () => {
  const end = finished(server, null);
  server.kill('SIGINT');
  await end;
  rmSync(folder, { recursive: true });
});

describe('--rebuild', () => {
  it.each([0, 1])(
    'fetches a session from its first message on: the books are those of the whole (%i)',
    async (at) => {
      const late = await replay([LATE]);
      expect(late.book.stateHash).not.toBe(truth.book.stateHash);
      const rebuilt = await replay([LATE, '--recovery', endpoints[at]!, '--rebuild']);
      expect(rebuilt.book.stateHash).toBe(truth.book.stateHash);
      expect(rebuilt.feed.messages).toBe(truth.feed.messages);
      expect(rebuilt.sequence.channels).toMatchObject([{ first: '1', gaps: [] }]);
      expect(rebuilt.recovery).toMatchObject({
        endpoint: endpoints[at],
        fetchedRanges: 1,
        unrecoverableGaps: 0,
      });
    },
  );

  it('takes no more than is wanted', async () => {
    const few = await replay([LATE, '--recovery', endpoints[0]!, '--rebuild', '--limit', '10']);
    expect(few.feed.messages).toBe(10);
  });

  it('goes on without a server, and tells that its books are not whole', async () => {
    const args = [LATE, '--recovery', DEAD, '--rebuild', '--retry-backoff', '1ms'];
    const without = await replay(args);
    expect(without.book.stateHash).toBe((await replay([LATE])).book.stateHash);
    expect(without.recovery).toMatchObject({ fetchedRanges: 0, unrecoverableGaps: 1, failures: 3 });
    const exits = await mdx(['replay', ...args, '--unrecoverable-policy', 'exit']);
    expect(exits.code).toBe(1);
    expect(exits.stderr).toContain('ECONNREFUSED');
  });

  it.each<[string, string[], string]>([
    ['a rebuild from nowhere', [LATE, '--rebuild'], 'none is named'],
    ['two captures', [LATE, FULL, '--recovery', DEAD], 'one capture'],
    ['no server', [LATE, '--recovery', 'udp://127.0.0.1:5'], 'expected a recovery server'],
    ['a copy of packets', [LATE, '--recovery', DEAD, '-o', join(folder, 'copy.pcap')], 'packets are copied'],
  ])('refuses %s', async (_name, args, problem) => {
    const { code, stderr } = await mdx(['replay', ...args]);
    expect(stderr).toContain(problem);
    expect(code).toBe(2);
  });
});
