import type { Pace } from '../../core/pipeline/step-gate.ts';
import type { BackTo } from '../../core/pipeline/step-history.ts';

const SEARCH_LENGTH_MAX = 64;

/** What whoever watches has chosen so far. */
export interface Controls {
  readonly pace: Pace;
  /** Price levels of each side; null: as many as there is room for. */
  readonly depth: number | null;
  /** The book that was chosen by hand; null: the busiest. */
  readonly chosen: number | null;
  /** What was typed behind `/`; null: nobody searches. */
  readonly search: string | null;
  readonly help: boolean;
  readonly quit: boolean;
}

/** A book that can be chosen. */
export interface Named {
  readonly book: number;
  readonly name: string;
}

/** What the meaning of a key depends on besides. */
export interface Surroundings {
  readonly shown: number | null;
  /** Price levels that there is room for. */
  readonly room: number;
  /** All books in the order they are walked through; asked for only by keys that choose. */
  readonly names: () => readonly Named[];
}

/** The keys as help tells them; the first ones are in the foot line, too, as far as it reaches. */
export const KEYS: readonly (readonly [keys: string, short: string, meaning: string])[] = [
  ['q', 'leave', 'leave, with exit code 0'],
  ['?', 'help', 'this help, and back'],
  ['space', 'pause', 'pause, and on again'],
  ['←→', 'step', 'one group of events of this book back or on, then pause (also b and .)'],
  ['↑↓', 'book', 'the book before this one, or behind it, by name (also p and n)'],
  ['/', 'find', 'a book by its symbol: type, then Enter; Esc gives up'],
  ['e', 'event', 'one event of this book, then pause'],
  ['t', 'trade', 'to the next trade of this book, then pause'],
  ['+-', 'depth', 'more or fewer price levels'],
  ['T', 'trade back', 'back to the trade of this book before, then pause (also B)'],
];

/** Keys that let one thing happen. */
export const STEPS: Readonly<Record<string, Pace>> = {
  '.': 'group',
  right: 'group',
  e: 'event',
  t: 'trade',
};

/** Keys that go back. */
export const BACKS: Readonly<Record<string, BackTo>> = {
  b: 'group',
  left: 'group',
  B: 'trade',
  T: 'trade',
};

/** What a key changes. */
export function press(controls: Controls, key: string, around: Surroundings): Controls {
  if (controls.search !== null) return typed(controls, controls.search, key, around);
  switch (key) {
    case 'q':
    case 'ctrl-d':
      return { ...controls, quit: true };
    case '?':
    case 'h':
      return { ...controls, help: !controls.help };
    case 'escape':
      return { ...controls, help: false };
    case ' ':
      return { ...controls, pace: controls.pace === 'hold' ? 'run' : 'hold' };
    case '+':
    case '=':
      return { ...controls, depth: depthBy(controls, around, 1) };
    case '-':
      return { ...controls, depth: depthBy(controls, around, -1) };
    case '/':
      return { ...controls, search: '', help: false };
    case 'down':
    case 'n':
    case 'j':
      return { ...controls, chosen: neighbour(around, 1) };
    case 'up':
    case 'p':
    case 'k':
      return { ...controls, chosen: neighbour(around, -1) };
    default:
      return { ...controls, pace: STEPS[key] ?? controls.pace };
  }
}

/** The book whose name a search means: the same, else one that begins so, else one that has it inside; null = none. */
export function foundBy(search: string, names: readonly Named[]): Named | null {
  const wanted = search.toLowerCase();
  if (wanted === '') return null;
  const fits = (test: (name: string) => boolean): Named | undefined =>
    names.find(({ name }) => test(name.toLowerCase()));
  return (
    fits((name) => name === wanted) ??
    fits((name) => name.startsWith(wanted)) ??
    fits((name) => name.includes(wanted)) ??
    null
  );
}

function typed(controls: Controls, search: string, key: string, around: Surroundings): Controls {
  switch (key) {
    case 'escape':
      return { ...controls, search: null };
    case 'enter': {
      const found = foundBy(search, around.names());
      return { ...controls, search: null, chosen: found?.book ?? controls.chosen };
    }
    case 'backspace':
      return { ...controls, search: [...search].slice(0, -1).join('') };
    default:
      if ([...key].length > 1 || search.length >= SEARCH_LENGTH_MAX) return controls;
      return { ...controls, search: search + key };
  }
}

/** Once changed, the depth is a number and no longer what there is room for. */
function depthBy({ depth }: Controls, { room }: Surroundings, step: number): number {
  return Math.max(1, Math.min(room, (depth ?? room) + step));
}

/** The book so many places further in the list, round its ends. */
function neighbour({ shown, names }: Surroundings, step: number): number | null {
  const list = names();
  if (list.length === 0) return null;
  const at = list.findIndex(({ book }) => book === shown);
  if (at < 0) return list[0]!.book;
  return list[(at + step + list.length) % list.length]!.book;
}
