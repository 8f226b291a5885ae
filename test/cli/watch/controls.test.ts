import { expect, test } from 'vitest';
import { type Controls, foundBy, type Named, press } from '../../../src/cli/watch/controls.ts';

const START: Controls = { pace: 'run', depth: null, chosen: null, search: null, help: false, quit: false };
const NAMES: readonly Named[] = ['AAPL', 'BA', 'BABA', 'MSFT'].map((name, at) => ({ name, book: 10 + at }));

/** Presses one key after the other; the book that was chosen last is the one shown. */
function pressed(keys: readonly string[], from: Partial<Controls> = {}, names = NAMES): Controls {
  return keys.reduce<Controls>(
    (controls, key) => press(controls, key, { shown: controls.chosen ?? 11, room: 12, names: () => names }),
    { ...START, ...from },
  );
}

test.each([
  [' ', 'run', 'hold'],
  [' ', 'hold', 'run'],
  [' ', 'group', 'hold'],
  ['.', 'run', 'group'],
  ['right', 'hold', 'group'],
  ['e', 'hold', 'event'],
  ['t', 'hold', 'trade'],
  ['x', 'hold', 'hold'],
] as const)('%j makes the pace %s %s', (key, before, after) => {
  expect(pressed([key], { pace: before })).toEqual({ ...START, pace: after });
});

test.each([
  [['down'], 12],
  [['up'], 10],
  [['n', 'n', 'n'], 10],
  [['p', 'p'], 13],
  [['up', 'down'], 11],
])('%j chooses from the list of names, round its ends: %i', (keys, chosen) => {
  expect(pressed(keys).chosen).toBe(chosen);
});

test('without books nothing is chosen', () => {
  expect(pressed(['n', 'p', '/', 'A', 'enter'], {}, [])).toEqual(START);
});

test('the depth stays between one level and what there is room for', () => {
  expect(pressed(['-']).depth).toBe(11);
  expect(pressed(['-', '-', '+']).depth).toBe(11);
  expect(pressed(['+']).depth).toBe(12);
  expect(pressed(['-', '-', '-'], { depth: 2 }).depth).toBe(1);
});

test('a search takes every character, and no other key works meanwhile', () => {
  expect(pressed(['/', 'm', 'q', ' ', 'up', 'ctrl-d'])).toEqual({ ...START, search: 'mq ' });
  expect(pressed(['/', 'm', 'q', 'backspace', 'enter'])).toEqual({ ...START, chosen: 13 });
  expect(pressed(['/', 'z', 'enter'], { chosen: 12 })).toEqual({ ...START, chosen: 12 });
  expect(pressed(['/', 'm', 'escape'])).toEqual(START);
});

test('a search means the same name first, then one that begins so, then one with it inside', () => {
  expect(foundBy('ba', NAMES)?.name).toBe('BA');
  expect(foundBy('bab', NAMES)?.name).toBe('BABA');
  expect(foundBy('PL', NAMES)?.name).toBe('AAPL');
  expect([foundBy('', NAMES), foundBy('x', NAMES)]).toEqual([null, null]);
});

test('help comes and goes, q and Ctrl-D leave', () => {
  expect(pressed(['?']).help).toBe(true);
  expect([pressed(['?', '?']).help, pressed(['?', 'escape']).help]).toEqual([false, false]);
  expect([pressed(['q']).quit, pressed(['ctrl-d']).quit]).toEqual([true, true]);
});
