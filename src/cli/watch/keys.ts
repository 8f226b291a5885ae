/** What a key asks for. */
export type Key =
  | 'next'
  | 'previous'
  | 'pause'
  | 'more'
  | 'less'
  | 'group'
  | 'event'
  | 'trade'
  | 'help'
  | 'quit';

const KEYS: Readonly<Record<string, Key>> = {
  '\u001b[A': 'previous',
  '\u001bOA': 'previous',
  '\u001b[B': 'next',
  '\u001bOB': 'next',
  '\u001b[C': 'group',
  '\u001bOC': 'group',
  p: 'previous',
  k: 'previous',
  n: 'next',
  j: 'next',
  ' ': 'pause',
  '+': 'more',
  '=': 'more',
  '-': 'less',
  '.': 'group',
  e: 'event',
  t: 'trade',
  '?': 'help',
  h: 'help',
  q: 'quit',
  '\u0003': 'quit',
  '\u0004': 'quit',
};

const ESCAPE = '\u001b';
/** What follows an escape: a sequence that means nothing here is skipped as a whole. */
const SEQUENCE = /^(?:\[[0-9;]*[ -/]*[@-~]|O.|.)?/;

/** What is said in the help, key by key. */
export const KEY_HELP: readonly (readonly [keys: string, what: string])[] = [
  ['↑ ↓ or p n', 'another instrument'],
  ['space', 'pause, and on again'],
  ['→ or .', 'one group of events, then pause'],
  ['e', 'one event, then pause'],
  ['t', 'to the next trade, then pause'],
  ['+ -', 'more or fewer price levels'],
  ['?', 'this help'],
  ['q', 'leave'],
];

/** Reads the keys in what a terminal sent; several may come at once. */
export function keysIn(text: string): Key[] {
  const keys: Key[] = [];
  for (let at = 0; at < text.length; ) {
    const first = text[at]!;
    const sequence = first === ESCAPE ? first + SEQUENCE.exec(text.slice(at + 1))![0] : first;
    const key = KEYS[sequence];
    if (key !== undefined) keys.push(key);
    at += sequence.length;
  }
  return keys;
}
