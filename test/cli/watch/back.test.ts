import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PseudoTerminal } from '../../world/pseudo-terminal.ts';
import { mdx } from '../../world/real-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'mdx-back-'));
const session = join(folder, 'session.pcap');
const LEFT = '\u001b[D';

beforeAll(async () => {
  const made = await mdx([
    ...['simulate', '--feed', 'eobi', '--messages', '2000', '--instrument-count', '3'],
    ...['--orders-live', '200', '-o', session, '-q'],
  ]);
  expect(made.code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

const has =
  (text: string) =>
  (lines: readonly string[]): boolean =>
    lines.some((line) => line.includes(text));
/** Where it stands: time and place of the last event. */
const factOf = (lines: readonly string[]): string => lines[1]!;
const isPaused = (lines: readonly string[]): boolean => /^paused · 2026/.test(factOf(lines));

const isScreen =
  (screen: readonly string[]) =>
  (lines: readonly string[]): boolean =>
    isDeepStrictEqual(lines.map(squeezed), screen.map(squeezed));
/** Columns become as wide as what was in them once, and bars as long as there is room. */
const squeezed = (line: string): string => line.replace(/[\s\u2580-\u259f]+/g, ' ');

/** Presses a key and waits until the screen is another one, of a paused book. */
async function pressed(terminal: PseudoTerminal, key: string, before: string): Promise<string[]> {
  terminal.type(key);
  return terminal.until((lines) => isPaused(lines) && factOf(lines) !== before);
}

test('steps back show what steps forward did', async () => {
  const terminal = new PseudoTerminal(['replay', session, '--step', '--symbol', 'AAA'], 100, 30);
  await terminal.until(has('paused · before the first event'));
  const screens: string[][] = [];
  for (const key of ['t', '.', '.', '.', 't', '.']) {
    screens.push(await pressed(terminal, key, factOf(screens.at(-1) ?? ['', ''])));
  }
  for (let at = screens.length - 2; at >= 2; at -= 1) {
    // In front of the second trade there are groups that one key went over.
    if (at === 3) break;
    terminal.type(at % 2 === 0 ? LEFT : 'b');
    await terminal.until(isScreen(screens[at]!));
  }
  terminal.type('T');
  await terminal.until(isScreen(screens[0]!));
  terminal.type('T');
  await terminal.until(has('before the first event'));
  terminal.type(LEFT);
  await terminal.until(has('this is the beginning'));
  terminal.type('.');
  await terminal.until(isPaused);
  terminal.type('q');
  expect(await terminal.ended).toBe(0);
  expect(terminal.modes).toEqual(['echo', 'icanon']);
});

test('goes back from the end, and on to it again', async () => {
  const terminal = new PseudoTerminal(['book', session, '--watch', '--symbol', 'AAB'], 100, 30);
  const end = await terminal.until(has('the end'));
  terminal.type(LEFT.repeat(3));
  const back = await terminal.until(isPaused);
  expect(has('AAB')(back)).toBe(true);
  terminal.type(' ');
  await terminal.until((lines) => has('the end')(lines) && isDeepStrictEqual(lines.slice(3), end.slice(3)));
  terminal.type('q');
  expect(await terminal.ended).toBe(0);
});

test('says that standard input cannot be read again', async () => {
  const terminal = new PseudoTerminal(['book', '-', '--watch'], 80, 24, session);
  await terminal.until(has('the end'));
  terminal.type(LEFT);
  await terminal.until(has('no way back: standard input can be read once'));
  terminal.type('q');
  expect(await terminal.ended).toBe(0);
});
