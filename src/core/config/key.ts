import type { Place, TomlValue } from './toml.ts';

/** What a value should have been; `place` where only part of it is wrong. */
export class Fault {
  readonly expected: string;
  readonly place: Place | null;

  constructor(expected: string, place: Place | null = null) {
    this.expected = expected;
    this.place = place;
  }
}

/** What is said about a key beside its values. */
export interface KeyTraits {
  /** One line, lower-case, without a full stop. */
  readonly summary: string;
  /** A running engine takes another value with SIGHUP. */
  readonly reload?: boolean;
  /** Is never printed. */
  readonly secret?: boolean;
  /** Name in the file, where it is not made of that in the code. */
  readonly name?: string;
  /** Flag of `mdx serve` that says the same. */
  readonly flag?: string;
  /** What of the flag's text is meant for this key; null = nothing. */
  readonly flagPart?: (text: string) => string | null;
  /** The forms that `flagPart` knows; said where it takes none of a text. */
  readonly flagForm?: string;
  /** Value in the example file where there is no default, as TOML. */
  readonly example?: string;
}

/** One key of a configuration: what it takes, and from where. */
export interface Key<T> {
  readonly traits: KeyTraits;
  /** `duration`, `size`, `integer`, `text`, … */
  readonly type: string;
  /** What is taken, behind `expected`. */
  readonly expected: string;
  readonly fallback: T;
  /** @param folder that paths in the file are relative to. */
  ofToml(value: TomlValue, folder: string): T | Fault;
  /** Of a flag or the environment. */
  ofText(text: string): T | Fault;
  /** Of arguments, one item each; only lists have it. */
  ofItems?(texts: readonly string[]): T | Fault;
  /** As the file would have it; empty = no value stands for it there. */
  toToml(value: T): string;
}

/** A kind of value, without what a certain key says about it. */
export type Kind<T> = Omit<Key<T>, 'traits' | 'fallback'>;

export function key<T>(kind: Kind<T>, fallback: T, traits: KeyTraits): Key<T> {
  return { ...kind, fallback, traits };
}

/** The text in a value of the file, null where it is something else. */
export function textOf(value: TomlValue): string | null {
  return value.kind === 'text' ? value.value : null;
}

export function quoted(text: string): string {
  return JSON.stringify(text);
}
