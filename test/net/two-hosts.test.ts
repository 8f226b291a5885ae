import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Played, play } from '../core/simulate/session.ts';
import { ADDRESS, DEVICE, Network, noNetwork } from '../world/network.ts';
import { type Finished, mdx } from '../world/real-process.ts';
import { Running } from '../world/running.ts';
import { bothLines, withoutNumbers } from '../world/two-lines.ts';

/*
 * An exchange and a desk, two hosts with two wires between them: real processes, real multicast, real loss.
 */

if (noNetwork !== null) process.stderr.write(`two hosts: skipped, ${noNetwork}\n`);

const GROUP = { a: '239.71.1.1', b: '239.71.2.1' } as const;
const PORT = 5071;
const on = (wire: 'a' | 'b'): string => `udp://${GROUP[wire]}:${PORT}?iface=${DEVICE[wire]}`;
const TO = ['--to-a', on('a'), '--to-b', on('b')];
const LINES = [on('a'), on('b')];
const FEED = ['--feed', 'itch-5.0'];
const BOTH_LISTEN = /listening A .*\n[\s\S]*listening B .*\n/;
const IDLE = ['--idle-timeout', '1500ms'];
/** Far above what two processes on a busy machine may be apart. */
const PATIENT = ['--gap-timeout', '500ms', ...IDLE];

const folder = mkdtempSync(join(tmpdir(), 'mdx-hosts-'));
const at = (name: string): string => join(folder, name);
let played: Played;
let last: number;
let trueHash: string;
let network: Network;

interface Gap {
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly by: string | null;
}

interface Report {
  readonly lines: Readonly<Record<string, { readonly missing: number }>>;
  readonly channels: readonly {
    readonly session: string | null;
    readonly first: string;
    readonly last: string;
    readonly gaps: readonly Gap[];
  }[];
  readonly delivered: { readonly messages: number; readonly lost: number; readonly conflicts: number };
  readonly recovery: { readonly rangeMaxNs: string } | null;
}

interface Books {
  readonly book: { readonly stateHash: string };
  readonly events: { readonly gap: number };
  readonly instruments: readonly { readonly stale: boolean }[];
}

function parsed<T>({ stdout, stderr, code }: Finished): T {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

/** A merge on the desk that hears both lines. */
async function listening(args: readonly string[]): Promise<Running> {
  const merge = new Running(network.mdx('desk', ['merge', ...LINES, ...FEED, ...args, '--json']));
  await merge.said(BOTH_LISTEN);
  return merge;
}

/** Sends a capture with both lines, at a multiple of its own speed. */
async function send(capture: string, speed: string): Promise<void> {
  const sender = new Running(network.mdx('exchange', ['replay', at(capture), ...TO, '--speed', speed]));
  const { code, stderr } = await sender.end;
  expect(code, stderr).toBe(0);
}

async function books(path: string): Promise<Books> {
  return parsed<Books>(await mdx(['replay', path, ...FEED, '--start', '1', '--json']));
}

describe.skipIf(noNetwork !== null)('two hosts, two lines', () => {
  beforeAll(async () => {
    played = play({ seed: 71, profile: { messages: 30_000, rate: 15_000, ordersLive: 500 } });
    last = Number(played.truth.lines['A']!.last);
    const both = bothLines(played.a, played.b);
    writeFileSync(at('full.pcap'), played.a);
    writeFileSync(at('both.pcapng'), both);
    writeFileSync(at('hole.pcapng'), withoutNumbers(both, 9_001, 10_000));
    writeFileSync(at('next.pcapng'), renamed(both));
    trueHash = (await books(at('full.pcap'))).book.stateHash;
  });

  beforeEach(() => {
    network = new Network();
  });

  afterEach(() => network[Symbol.dispose]());

  afterAll(() => rmSync(folder, { recursive: true }));

  test('a line that is cut for 200 ms is carried by the other one, with no gap and nothing twice', async () => {
    const out = at('cut.pcapng');
    const merge = await listening([...PATIENT, '--start', '1', '-o', out]);
    const sent = send('both.pcapng', '1');
    await merge.delivered(5_000);
    network.cut('a');
    await new Promise((resolve) => setTimeout(resolve, 200));
    network.mend('a');
    await sent;
    const report = parsed<Report>(await merge.end);
    expect(report.lines['A']!.missing).toBeGreaterThan(0);
    expect(report.lines['B']!.missing).toBe(0);
    expect(report.delivered).toMatchObject({ messages: last, lost: 0, conflicts: 0 });
    expect(report.channels.flatMap(({ gaps }) => gaps)).toEqual([]);
    expect((await books(out)).book.stateHash).toBe(trueHash);
  });

  test.each([
    ['len_seq_payload over TCP', 'tcp+listen', 'tcp'],
    ['MoldUDP64 requests', 'mold+udp', 'mold+udp'],
  ])('a hole of 1,000 messages on both lines is filled by %s', async (_, listen, scheme) => {
    const out = at(`filled-${listen}.pcapng`);
    const host = ADDRESS.exchange.a;
    const serve = ['recover-server', at('full.pcap'), '--listen', `${listen}://${host}:0`];
    const server = new Running(network.mdx('exchange', serve));
    const [, port] = await server.said(/listening \S+:(\d+)/);
    const recovery = ['--recovery', `${scheme}://${host}:${port}`, '--recovery-timeout', '5s'];
    const merge = await listening(['--gap-timeout', '20ms', ...IDLE, ...recovery, '--start', '1', '-o', out]);
    await send('hole.pcapng', '2');
    const report = parsed<Report>(await merge.end);
    server.child.kill('SIGINT');
    expect((await server.end).code).toBe(0);
    const filled = report.channels
      .flatMap(({ gaps }) => gaps)
      .find(({ from, to }) => Number(from) <= 9_001 && Number(to) >= 10_000);
    expect(filled).toMatchObject({ state: 'filled', by: 'R' });
    expect(report.delivered).toMatchObject({ messages: last, lost: 0 });
    expect((await books(out)).book.stateHash).toBe(trueHash);
    const numbers = Number(filled!.to) - Number(filled!.from) + 1;
    const ms = Number(report.recovery!.rangeMaxNs) / 1e6;
    process.stdout.write(`a hole of ${numbers} numbers filled by ${scheme} in ${ms.toFixed(1)} ms\n`);
  });

  test('with the server down the hole is lost, the books are stale, and the stream goes on', async () => {
    const out = at('down.pcapng');
    const recovery = ['--recovery', `tcp://${ADDRESS.exchange.a}:9`, '--recovery-timeout', '200ms'];
    const merge = await listening([...PATIENT, ...recovery, '--start', '1', '-o', out]);
    await send('hole.pcapng', '2');
    const report = parsed<Report>(await merge.end);
    expect(report.delivered.lost).toBeGreaterThanOrEqual(1_000);
    expect(report.delivered.messages + report.delivered.lost).toBe(last);
    const lost = report.channels.flatMap(({ gaps }) => gaps).filter(({ state }) => state === 'lost');
    const after = await books(out);
    expect(after.events.gap).toBe(lost.length);
    expect(after.instruments.every(({ stale }) => stale)).toBe(true);
  });

  test('a new session begins when both lines have shown it', async () => {
    const out = at('sessions.pcapng');
    // However long the second sender takes to start: nobody ends it for being idle.
    const merge = await listening(['--gap-timeout', '500ms', '--start', '1', '-o', out]);
    await send('both.pcapng', '2');
    await send('next.pcapng', '2');
    await merge.delivered(2 * last);
    merge.child.kill('SIGINT');
    const report = parsed<Report>(await merge.end);
    expect(report.channels.map(({ session }) => session)).toEqual(['0000000071', '0000000072']);
    expect(report.delivered).toMatchObject({ messages: 2 * last, lost: 0 });
    expect((await books(out)).book.stateHash).toBe(trueHash);
  });

  test('who joins late begins where it joined, and loses nothing from there on', async () => {
    const early = await listening([...PATIENT, '-o', at('early.pcapng')]);
    const sent = send('both.pcapng', '1');
    await early.delivered(2_000);
    const late = await listening([...PATIENT, '-o', at('late.pcapng')]);
    await sent;
    expect(parsed<Report>(await early.end).delivered).toMatchObject({ messages: last, lost: 0 });
    const report = parsed<Report>(await late.end);
    const [channel] = report.channels;
    expect(Number(channel!.first)).toBeGreaterThan(1);
    expect(channel!.last).toBe(String(last));
    expect(report.delivered).toMatchObject({ messages: last - Number(channel!.first) + 1, lost: 0 });
  });

  test('rx | merge | book as three processes ends with the hash of the loss-free capture', async () => {
    const packets = played.truth.lines['A']!.written + played.truth.lines['B']!.written;
    const line = [
      `$MDX rx --line 'A=${on('a')}' --line 'B=${on('b')}' --limit ${packets}`,
      `$MDX merge - ${FEED.join(' ')} --start 1 --gap-timeout 500ms`,
      `$MDX book - ${FEED.join(' ')} --start 1 --json`,
    ].join(' | ');
    const chain = new Running(network.shell('desk', line));
    await chain.said(BOTH_LISTEN);
    await send('both.pcapng', '2');
    expect(parsed<Books>(await chain.end).book.stateHash).toBe(trueHash);
  });
});

/** The same packets in a session of another name. */
function renamed(capture: Buffer): Buffer {
  return Buffer.from(capture.toString('latin1').replaceAll('0000000071', '0000000072'), 'latin1');
}
