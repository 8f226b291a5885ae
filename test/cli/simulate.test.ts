import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environment, MDX, mdx, shell } from '../world/real-process.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mdx-simulate-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const json = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'));
const inFolder = (line: string) => shell(`cd ${folder} && ${line}`);

describe('mdx simulate in a pipe', () => {
  it('is a session that mdx replay reads, with the books that the truth tells', async () => {
    const { code, stdout, stderr } = await inFolder(
      '$MDX simulate --truth truth.json -o - | $MDX replay - --json',
    );
    const report = JSON.parse(stdout);
    const truth = json('truth.json');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^100030 messages · \d+ orders in 8 books · line A \d+ packets\n$/);
    expect(report.feed).toMatchObject({ protocol: 'itch-5.0', framing: 'moldudp64', messages: 100_030 });
    expect(report.book).toEqual(truth.book);
    expect(report.feed.messagesByType).toEqual(truth.messagesByType);
    expect(readdirSync(folder)).toEqual(['truth.json']);
  });

  // Check values of the public engine that the fixture is from.
  it.each([
    ['fixture-64x64', { instruments: 64, orders: 3511, stateHash: '0x381d719caac19e8a' }],
    ['fixture-64x128', { instruments: 64, orders: 7022, stateHash: '0x18315304470daaec' }],
  ])('%s is DBN of publisher 0 with its public hash', async (profile, book) => {
    const { code, stdout } = await shell(`$MDX simulate --profile ${profile} -q | $MDX replay - --json`);
    const report = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(report.feed.protocol).toBe('dbn-mbo');
    expect(report.book).toMatchObject({ ...book, stateHashVersion: 1 });
    expect(report.instruments.map(({ publisher }: { publisher: number }) => publisher)).toEqual(
      Array(64).fill(0),
    );
  });

  it('ends early and without a failure when the reader leaves', async () => {
    const { code, stdout, stderr } = await shell('$MDX simulate --messages 500000000 | head -c 100 | wc -c');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '100\n' });
    expect(Number(/^(\d+) messages/.exec(stderr)![1])).toBeLessThan(1_000_000);
  });

  it('closes the day at the first SIGINT, so that session and truth agree', async () => {
    const args = ['simulate', '--messages', '4000000000', '--truth', at('truth.json'), '-q'];
    const child = spawn(process.execPath, [MDX, ...args], { env: environment() });
    const chunks: Buffer[] = [];
    const ended = once(child, 'close');
    child.stdout.once('data', () => child.kill('SIGINT'));
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    expect(await ended).toEqual([130, null]);
    const { stdout } = await mdx(['replay', '-', '--json'], Buffer.concat(chunks));
    const report = JSON.parse(stdout);
    expect(report.book).toEqual(json('truth.json').book);
    expect(report.sequence.channels[0].gaps).toEqual([]);
  });

  it('says that a disk is full: exit 4', async () => {
    const { code, stderr } = await shell('$MDX simulate --messages 1000 -q > /dev/full');
    expect(code).toBe(4);
    expect(stderr).toMatch(/^error: writing stdout: ENOSPC/);
  });
});

describe('the files of mdx simulate', () => {
  const SMALL = '--messages 500 --orders-live 50';

  it('are those that were named', async () => {
    await inFolder(`$MDX simulate ${SMALL} -o one.pcap`);
    expect(readdirSync(folder)).toEqual(['one.pcap']);
    await inFolder(`$MDX simulate ${SMALL} -o a.pcap --line-b b.pcapng --truth t.json`);
    expect(readdirSync(folder).sort()).toEqual(['a.pcap', 'b.pcapng', 'one.pcap', 't.json']);
    const reports = await Promise.all(
      ['a.pcap', 'b.pcapng'].map((name) => mdx(['replay', at(name), '--json'])),
    );
    const [a, b] = reports.map(({ stdout }) => JSON.parse(stdout));
    expect([a.inputs[0].format, b.inputs[0].format]).toEqual(['pcap', 'pcapng']);
    expect([a.book, b.book]).toEqual([json('t.json').book, json('t.json').book]);
    expect(a.inputs[0].packets).not.toBe(b.inputs[0].packets);
  });

  it.each(['a.pcap', 'b.pcap', 't.json'])('are never replaced unasked: %s', async (name) => {
    const line = `$MDX simulate ${SMALL} -o a.pcap --line-b b.pcap --truth t.json`;
    writeFileSync(at(name), 'precious');
    const refused = await inFolder(line);
    expect(refused).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `error: writing ${name}: the file exists\nhint: Use --force to replace it, or another name.\n`,
    });
    expect(readdirSync(folder)).toEqual([name]);
    expect(readFileSync(at(name), 'utf8')).toBe('precious');
    expect((await inFolder(`${line} --force`)).code).toBe(0);
    expect(readFileSync(at(name), 'utf8')).not.toBe('precious');
  });

  it('are the same bytes for the same flags, and others for another seed', async () => {
    const line = (name: string, seed: number): string =>
      `$MDX simulate ${SMALL} --seed ${seed} --loss 0.1 --dup 5% -o ${name}.pcap --truth ${name}.json`;
    await inFolder(`${line('x', 7)} && ${line('y', 7)} && ${line('z', 8)}`);
    const bytes = (name: string): Buffer => readFileSync(at(name));
    expect(bytes('x.pcap').equals(bytes('y.pcap'))).toBe(true);
    expect(bytes('x.json').equals(bytes('y.json'))).toBe(true);
    expect(bytes('x.pcap').equals(bytes('z.pcap'))).toBe(false);
  });

  it('are told in a report', async () => {
    const { stdout } = await inFolder(`$MDX simulate ${SMALL} -o a.pcap --line-b b.pcap --loss B=0.2 --json`);
    const report = JSON.parse(stdout);
    expect([Object.keys(report).at(0), Object.keys(report).at(-1)]).toEqual(['command', 'timing']);
    expect(report.outputs).toEqual(
      ['a.pcap', 'b.pcap'].map((path) => ({ path, bytes: String(readFileSync(at(path)).length) })),
    );
    expect(report.lines[0]).toMatchObject({ name: 'A', lost: 0, messages: report.messages });
    expect(report.lines[1].lost).toBeGreaterThan(0);
    expect(report.lines[1].written).toBe(report.lines[1].sent - report.lines[1].lost);
  });
});

describe('what mdx simulate refuses', () => {
  it.each([
    ['-o a.foo', 'writing a.foo: its extension names no format'],
    ['-o a.pcap --messages 1e5', '--messages 1e5: expected an integer from 0 to 1000000000000'],
    ['-o a.pcap --seed -1', '--seed -1: expected an integer from 0 to 4294967295'],
    ['-o a.pcap --loss 2', '--loss 2: expected a share from 0 to 1, such as 0.01 or 1%'],
    ['-o a.pcap --loss C=0.1', '--loss C=0.1: expected a share from 0 to 1, such as 0.01 or 1%'],
    ['-o a.pcap --loss B=0.1', '--loss B=…: there is no line B'],
    ['-o a.pcap --skew 5', '--skew 5: expected a duration with its unit such as 5ms, 250us or 1s'],
    ['-o a.pcap --zipf 9', '--zipf 9: expected a number from 0 to 4'],
    ['-o a.pcap --mix foo', '--mix foo: expected weights such as add=45,delete=40'],
    ['-o a.pcap --mesages 3', 'unknown flag: --mesages\nhint: Did you mean --messages?'],
    ['-o a.dbn --loss 0.1', '--loss is about lines of packets, and DBN has none'],
    ['-o a.pcap --line-b b.dbn', '--line-b b.dbn: a line of packets is pcap or pcapng'],
    ['-o a.pcap --profile fixture-64x64', '--profile fixture-64x64: ITCH cannot say it, DBN and EOBI can'],
    ['-o a.pcap --truth ./a.pcap', 'the two lines and the truth each need a file of their own'],
    ['-o a.pcap --messages 9999999999', '--messages 9999999999 --rate 100000: the day would last 100000 s'],
    ['--json', '--json prints a report where -o - writes the session'],
    ['a.pcap', 'unexpected argument: a.pcap'],
  ])('%s: exit 2, and no file', async (flags, message) => {
    const { code, stdout, stderr } = await inFolder(`$MDX simulate ${flags}`);
    expect(code).toBe(2);
    expect(stdout + stderr).toContain(message);
    expect(stdout === '' || flags === '--json').toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a terminal', async () => {
    const { code, stdout } = await shell('script -qec "$MDX simulate" /dev/null < /dev/null');
    expect(code).toBe(2);
    expect(stdout).toContain('writing a session to a terminal: it is binary');
  });
});
