import { describe, expect, it } from 'vitest';
import { CommandSet } from '../../src/cli/command-set.ts';
import type { CommandDefinition } from '../../src/cli/definition.ts';

const SET = new CommandSet();
const DEFINITIONS = await SET.definitions();
const LOADED = await Promise.all(SET.ids.map(async (id) => [id, await SET.load(id)] as const));
const byId = new Map(DEFINITIONS.map((definition) => [definition.id, definition]));

/** The parts of a line of shell that call mdx, as words without quotes. */
function callsIn(line: string): string[][] {
  return line
    .split(/[|<>()&;]/)
    .map((part) => part.trim().split(/\s+/))
    .filter((words) => words[0] === 'mdx');
}

/** What is wrong with one call in an example, null if nothing is. */
function faultOf(words: readonly string[]): string | null {
  const command = byId.get(words[1]!);
  if (command === undefined) return `no command ${words[1]}`;
  for (const word of words.slice(2)) {
    if (!word.startsWith('-') || word === '-') continue;
    const name = word.replace(/=.*$/s, '');
    const known = command.flags.some((flag) => name === `--${flag.name}` || name === `-${flag.char}`);
    if (!known) return `mdx ${command.id} has no flag ${name}`;
  }
  return null;
}

describe.each(LOADED)('mdx %s', (id, command) => {
  const definition = byId.get(id) as CommandDefinition;

  it('takes no argument from standard input', () => {
    for (const arg of Object.values(command.args ?? {})) expect(arg.ignoreStdin).toBe(true);
    for (const flag of Object.values(command.flags ?? {})) {
      if (flag.type === 'option') expect(flag.allowStdin ?? false).toBe(false);
    }
  });

  it('says what it, its arguments and its flags are for', () => {
    expect(definition.summary).toMatch(/^[a-z].*[^.]$/);
    expect(definition.description).toMatch(/^[A-Z].*\.$/s);
    for (const { summary } of [...definition.args, ...definition.flags])
      expect(summary).toMatch(/^[^A-Z ].*[^.]$/);
  });

  it('has three worked examples, of flags that exist', () => {
    expect(definition.examples.length).toBeGreaterThanOrEqual(3);
    for (const { description, command: line } of definition.examples) {
      expect(description).toMatch(/^\S.*[^.:]$/);
      const calls = callsIn(line);
      expect(calls.length).toBeGreaterThan(0);
      expect(calls.map(faultOf).filter((fault) => fault !== null)).toEqual([]);
    }
  });
});

/**
 * One name for one thing, of which each command has its own choice: forms to write or print, feeds to read or write, what
 * is counted up to a limit, what threads do, where a snapshot channel is, what is random, what is a fault, how much is
 * sent how fast, what a journal is for, how long a hole is waited for by default, and whom
 * tokens are for.
 */
const OWN_CHOICES: readonly string[] = [
  'format',
  'feed',
  'limit',
  'workers',
  'snapshot',
  'seed',
  'strict',
  'packets',
  'rate',
  'batch',
  'journal',
  'gap-timeout',
  'token-file',
];

it('a flag of several commands is one definition', () => {
  const seen = new Map<string, unknown>();
  const twice: string[] = [];
  for (const [id, command] of LOADED) {
    for (const [name, flag] of Object.entries(command.flags ?? {})) {
      if (seen.has(name) && seen.get(name) !== flag && !OWN_CHOICES.includes(name))
        twice.push(`--${name} of mdx ${id}`);
      seen.set(name, flag);
    }
  }
  expect(twice).toEqual([]);
});
