import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PcapngWriter } from '../../src/core/capture/capture-writer.ts';
import { moldPacket } from '../core/feeds/itch/harness.ts';
import { type Played, play } from '../core/simulate/session.ts';
import { mdx, shell, started } from '../world/real-process.ts';
import { bothLines } from '../world/two-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-merge-'));
const at = (name: string): string => join(folder, name);
let played: Played;

beforeAll(() => {
  played = play({
    profile: { messages: 3000 },
    a: { loss: 0.04, reorder: 0.02 },
    b: { loss: 0.04, duplicates: 0.02 },
  });
  writeFileSync(at('a.pcap'), played.a);
  writeFileSync(at('b.pcap'), played.b);
  writeFileSync(at('full.pcap'), play({ profile: { messages: 3000 } }).a);
  writeFileSync(at('plain.pcapng'), bothLines(played.a, played.b, { named: false }));
  writeFileSync(at('both.pcapng'), bothLines(played.a, played.b));
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Line {
  readonly packets: number;
  readonly messages: number;
  readonly deliveredFirst: number;
  readonly duplicates: number;
  readonly late: number;
  readonly missing: number;
  readonly heartbeats: number;
}

interface Report {
  readonly command: string;
  readonly lines: Readonly<Record<'A' | 'B', Line>>;
  readonly channels: readonly {
    readonly first: string;
    readonly last: string;
    readonly delivered: number;
    readonly gaps: readonly {
      readonly from: string;
      readonly to: string;
      readonly state: string;
      readonly by: string | null;
    }[];
  }[];
  readonly delivered: { readonly packets: number; readonly messages: number; readonly lost: number };
}

const reportOf = (text: string): Report => JSON.parse(text) as Report;
const flags = ['--start', '1', '--gap-timeout', '1s'];

/** Numbers that neither line carried, from what the simulator knows. */
function missingOnBoth(): number {
  const { A, B } = played.truth.lines;
  const missing = (line: typeof A, number: number): boolean =>
    line!.missing.some(({ from, to }) => number >= Number(from) && number <= Number(to));
  let count = 0;
  for (let number = 1; number <= Number(A!.last); number += 1) {
    if (missing(A, number) && missing(B, number)) count += 1;
  }
  return count;
}

describe('merge', () => {
  test('reports what each line had and what both lost, as the simulator knows it', async () => {
    const { code, stdout, stderr } = await mdx(['merge', at('a.pcap'), at('b.pcap'), ...flags, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    const report = reportOf(stdout);
    expect(report.command).toBe('merge');
    for (const name of ['A', 'B'] as const) {
      const line = report.lines[name];
      const truth = played.truth.lines[name]!;
      expect(line.packets).toBe(truth.written);
      expect(line.messages).toBe(truth.messages + truth.duplicateNumbers);
      expect(line.missing).toBe(truth.missing.reduce((sum, r) => sum + Number(r.to) - Number(r.from) + 1, 0));
      expect(line.deliveredFirst + line.duplicates + line.late).toBe(line.messages);
    }
    expect(report.delivered.lost).toBe(missingOnBoth());
    const [channel] = report.channels;
    expect(report.delivered.messages + report.delivered.lost).toBe(
      Number(channel!.last) - Number(channel!.first) + 1,
    );
  });

  test('one capture with both lines is the same two lines, also where nothing names them', async () => {
    const two = reportOf((await mdx(['merge', at('a.pcap'), at('b.pcap'), ...flags, '--json'])).stdout);
    for (const name of ['both.pcapng', 'plain.pcapng']) {
      const one = reportOf((await mdx(['merge', at(name), ...flags, '--json'])).stdout);
      expect(one.lines).toEqual(two.lines);
      expect(one.delivered).toEqual(two.delivered);
    }
  });

  test('what it writes is read by tcpdump with our count, and merges to itself', async () => {
    const merged = at('merged.pcapng');
    const first = await mdx(['merge', at('a.pcap'), at('b.pcap'), ...flags, '-o', merged, '--json']);
    const { delivered, lines } = reportOf(first.stdout);
    const again = reportOf((await mdx(['merge', merged, ...flags, '--json'])).stdout);
    expect(again.delivered.messages).toBe(delivered.messages);
    expect(again.delivered.lost).toBe(delivered.lost);
    expect(again.lines.A.late + again.lines.B.late + again.lines.A.duplicates).toBe(0);
    // Those of one line at a time.
    const heartbeats = again.lines.A.heartbeats + again.lines.B.heartbeats;
    expect(heartbeats).toBeGreaterThan(0);
    expect(heartbeats).toBeLessThanOrEqual(Math.max(lines.A.heartbeats, lines.B.heartbeats));
    const tcpdump = await shell(
      `command -v tcpdump >/dev/null || exit 9; tcpdump -r ${merged} 2>/dev/null | wc -l`,
    );
    if (tcpdump.code !== 9) expect(Number(tcpdump.stdout)).toBe(delivered.packets);
  });

  test('without -o the packets go to a pipe, and one line tells of them', async () => {
    const { code, stdout, stderr } = await shell(
      `$MDX merge ${at('a.pcap')} ${at('b.pcap')} ${flags.join(' ')} | $MDX merge - ${flags.join(' ')} --json`,
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/packets in · .* out · .* numbers · A first .* · B first .* lost/);
    expect(reportOf(stdout).delivered.lost).toBe(missingOnBoth());
  });

  test('exit codes: lost with --strict 1, usage 2, damage 3, a reader that leaves 0', async () => {
    const strict = await mdx(['merge', at('a.pcap'), at('b.pcap'), ...flags, '--strict', '--json']);
    expect(strict.code).toBe(missingOnBoth() > 0 ? 1 : 0);
    const same = await mdx(['merge', at('a.pcap'), at('a.pcap'), '-o', at('x.pcap')]);
    expect([same.code, same.stderr]).toEqual([2, expect.stringContaining('is both lines')]);
    writeFileSync(at('cut.pcap'), readFileSync(at('a.pcap')).subarray(0, -3));
    const cut = await mdx(['merge', at('cut.pcap'), at('b.pcap'), '--json']);
    expect([cut.code, cut.stderr]).toEqual([3, expect.stringContaining('damaged at byte')]);
    const left = await shell(`$MDX merge ${at('a.pcap')} ${at('b.pcap')} | head -c 10 | wc -c`);
    expect([left.code, left.stdout.trim()]).toEqual([0, '10']);
  });

  test.each(['tcp+listen', 'mold+udp'])('what both lines lost comes from a server by %s', async (scheme) => {
    const server = started(['recover-server', at('full.pcap'), '--listen', `${scheme}://127.0.0.1:0`]);
    const closed = new Promise<number | null>((resolve) => server.on('close', resolve));
    const endpoint = await new Promise<string>((resolve) => {
      let text = '';
      server.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        const found = /listening (\S+)/.exec(text);
        if (found !== null && text.includes('\n')) resolve(found[1]!);
      });
    });
    const lines = [at('a.pcap'), at('b.pcap')];
    const { stdout } = await mdx(['merge', ...lines, ...flags, '--recovery', endpoint, '--json']);
    server.kill('SIGINT');
    expect(await closed).toBe(0);
    const { delivered, channels } = reportOf(stdout);
    expect(delivered.lost).toBe(0);
    expect(delivered.messages).toBe(Number(played.truth.lines['A']!.last));
    const filled = channels.flatMap(({ gaps }) => gaps.filter(({ by }) => by === 'R'));
    const numbers = filled.reduce((sum, { from, to }) => sum + Number(to) - Number(from) + 1, 0);
    expect(numbers).toBe(missingOnBoth());
  });

  test('a replay takes a loss at its word that is told behind the last packet', async () => {
    writeFileSync(at('tail.pcapng'), liveStream([1, 2], 4));
    const { stdout } = await shell(
      `$MDX merge - --start 1 < ${at('tail.pcapng')} | $MDX replay - --start 1 --json`,
    );
    expect(JSON.parse(stdout).sequence.channels).toMatchObject([
      { last: '3', gaps: [{ from: '3', to: '3', state: 'lost' }] },
    ]);
  });

  test('a live pipe reports a hole while nothing comes, and says that its upstream ended', async () => {
    const child = started(['merge', '-', '--feed', 'itch-5.0', '--start', '1']);
    let stdout = '';
    let stderr = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    const hole = new Promise<void>((resolve) => {
      child.stdout!.setEncoding('latin1').on('data', (text: string) => {
        stdout += text;
        if (stdout.includes('state=lost')) resolve();
      });
    });
    child.stdin!.write(liveStream([1, 3]));
    await hole;
    child.stdin!.end();
    expect(await closed).toBe(0);
    expect(stderr).toContain('upstream ended');
    expect(stderr).toContain('1 lost');
  });
});

/** A live stream of packets with one message each, and of a heartbeat that names the next number. */
function liveStream(numbers: readonly number[], named: number | null = null): Buffer {
  const chunks: Buffer[] = [];
  const writer = new PcapngWriter((chunk) => chunks.push(Buffer.from(chunk)));
  const source = 'udp://239.10.10.1:5001';
  writer.addInterface({ name: 'A', description: `mdx/1 line=A clock=software source=${source} pair=0` });
  const destination = Int32Array.of(0, 0, 0, 0xef0a0a01 | 0);
  for (const number of [...numbers, ...(named === null ? [] : [named])]) {
    const messages = number === named ? [] : [Buffer.from('S\0\0\0\0\0\0\0\0\0\0O')];
    const payload = moldPacket(messages, { sequence: BigInt(number) });
    const header = { timeHigh: 0, timeLow: number, ipVersion: 4, source: new Int32Array(4), sourcePort: 1 };
    writer.writeUdp({ ...header, destination, destinationPort: 5001 }, payload, 0, payload.length);
  }
  writer.flush();
  return Buffer.concat(chunks);
}
