import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PseudoTerminal } from '../../world/pseudo-terminal.ts';
import { mdx } from '../../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-watch-'));
const session = join(folder, 'session.pcap');

beforeAll(async () => {
  const made = await mdx([
    ...['simulate', '--feed', 'eobi', '--messages', '3000', '--instrument-count', '4'],
    ...['--orders-live', '400', '-o', session, '-q'],
  ]);
  expect(made.code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

const has =
  (text: string) =>
  (lines: readonly string[]): boolean =>
    lines.some((line) => line.includes(text));

describe('mdx book --watch', () => {
  test('shows a book to the end, another one by key, and gives the terminal back', async () => {
    const terminal = new PseudoTerminal(['book', session, '--watch', '--symbol', 'AAA'], 100, 30);
    await terminal.until(has('the end'));
    expect(terminal.isOther).toBe(true);
    const first = await terminal.until(has('AAA  1 of 4'));
    expect(first.some((line) => /\d+ +[\d,]+ +[\d,]+ +\d+\.\d\d +│ +\d+\.\d\d/.test(line))).toBe(true);
    expect(has('trades')(first)).toBe(true);
    terminal.type('\u001b[A');
    const last = await terminal.until(has('AAD  4 of 4 · instrument 1099511627780'));
    // A spread with prices below zero.
    expect(last.some((line) => /-\d+\.\d\d +│ +-\d+\.\d\d/.test(line))).toBe(true);
    terminal.type('/aac');
    await terminal.until(has('find aac▏ AAC'));
    terminal.type('\r');
    await terminal.until(has('AAC  3 of 4'));
    terminal.type('?');
    await terminal.until(has('to the next trade of this book, then pause'));
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
    expect(terminal.isOther).toBe(false);
    expect(terminal.modes).toEqual(['echo', 'icanon']);
  });

  test('ends in order, exit 0, when it is interrupted', async () => {
    const terminal = new PseudoTerminal(['book', session, '--watch', '--speed', '0.001'], 80, 24);
    await terminal.until(has('× 0.001'));
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(0);
    expect(terminal.isOther).toBe(false);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('ends in order, exit 0, at the first %s', async (signal) => {
    const terminal = new PseudoTerminal(['book', session, '--watch'], 80, 24);
    await terminal.until(has('the end'));
    terminal.kill(signal);
    expect(await terminal.ended).toBe(0);
    expect(terminal.isOther).toBe(false);
    expect(terminal.modes).toEqual(['echo', 'icanon']);
  });

  test('fits the terminal again when that gets another size', async () => {
    const terminal = new PseudoTerminal(['book', session, '--watch'], 80, 24);
    await terminal.until(has('the end'));
    terminal.resize(120, 40);
    await terminal.until((lines) => lines.length === 40 && has('q leave')(lines.slice(39)));
    terminal.resize(50, 10);
    await terminal.until((lines) => lines.length === 10 && has('q leave')(lines.slice(9)));
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
  });

  test('of standard input reads keys from the terminal itself', async () => {
    const terminal = new PseudoTerminal(['book', '-', '--watch'], 80, 24, session);
    await terminal.until(has('the end'));
    terminal.type('?');
    await terminal.until(has('this help, and back'));
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
    expect(terminal.modes).toEqual(['echo', 'icanon']);
  });

  test('of a damaged file tells the damage where it stays, exit 3', async () => {
    const cut = join(folder, 'cut.pcap');
    writeFileSync(cut, readFileSync(session).subarray(0, -5));
    const terminal = new PseudoTerminal(['book', cut, '--watch'], 100, 30);
    await terminal.until(has('the end'));
    expect(has('damaged')(terminal.lines)).toBe(false);
    terminal.type('q');
    expect(await terminal.ended).toBe(3);
    expect(has('damaged at byte')(terminal.lines)).toBe(true);
  });

  test('pauses at a point in time, and goes on', async () => {
    const args = ['book', session, '--watch', '--at', '2026-01-05T14:30:00.005Z', '--symbol', 'AAC'];
    const terminal = new PseudoTerminal(args, 100, 30);
    const paused = await terminal.until(has('paused · 2026-01-05T14:30:00.00'));
    expect(has('AAC  3 of 4')(paused)).toBe(true);
    terminal.type(' ');
    await terminal.until(has('the end'));
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
  });
});

describe('mdx replay --step', () => {
  test('goes group by group, and says what happened', async () => {
    const terminal = new PseudoTerminal(['replay', session, '--step', '--symbol', 'AAA'], 100, 30);
    await terminal.until(has('paused · before the first event'));
    terminal.type('t');
    await terminal.until(has('what happened'));
    const traded = await terminal.until((lines) => lines.some((line) => /^trade .* × /.test(line)));
    expect(has('paused · 2026-01-05')(traded)).toBe(true);
    terminal.type('.');
    await terminal.until(
      (lines) => has('what happened')(lines) && !lines.some((line) => /^trade /.test(line)),
    );
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
  });
});

test('keys that come faster than the steps are all heard', async () => {
  const started = async (): Promise<PseudoTerminal> => {
    const terminal = new PseudoTerminal(['replay', session, '--step', '--instrument', '4128001'], 100, 30);
    await terminal.until(has('paused · before the first event'));
    return terminal;
  };
  const slow = await started();
  let place = '';
  for (let step = 0; step < 4; step += 1) {
    slow.type('.');
    const before = place;
    place = (await slow.until((lines) => /^paused · 2026/.test(lines[1]!) && lines[1] !== before))[1]!;
  }
  slow.type('q');
  const fast = await started();
  fast.type('....');
  await fast.until((lines) => lines[1] === place);
  fast.type('q');
  expect(await Promise.all([slow.ended, fast.ended])).toEqual([0, 0]);
});

test('a paced run that is paused goes on by keys, not by the clock', async () => {
  const args = ['replay', session, '--step', '--speed', '0.000001', '--symbol', 'AAA'];
  const terminal = new PseudoTerminal(args, 100, 30);
  await terminal.until(has('paused · before the first event'));
  terminal.type('t');
  await terminal.until((lines) => lines.some((line) => /^trade .* × /.test(line)));
  terminal.type(' ');
  await terminal.until(has('playing'));
  terminal.type('t');
  await terminal.until((lines) => has('paused')(lines) && lines.some((line) => /^trade .* × /.test(line)));
  terminal.type('q');
  expect(await terminal.ended).toBe(0);
});

test.each([
  [['book', 'x.pcap', '--watch'], '--watch needs a terminal'],
  [['replay', 'x.pcap', '--step'], '--step needs a terminal'],
  [['book', 'x.pcap', '--watch', '--json'], '--json is for what is printed'],
  [['replay', 'x.pcap', '--step', '--emit', 'bbo'], '--emit is for what is written'],
  [['book', 'x.pcap', '--speed', '2'], '--speed is about --watch'],
])('%j: exit 2', async (args, message) => {
  const { code, stdout, stderr } = await mdx(args);
  expect(code).toBe(2);
  expect(stdout + stderr).toContain(message);
});
