import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';

/** Where something stands in a file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A value as the file has it. */
export type TomlValue = { readonly place: Place; readonly text: string } & (
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'integer' | 'decimal'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'time' }
  | { readonly kind: 'list'; readonly items: readonly TomlValue[] }
  | { readonly kind: 'table'; readonly leaves: readonly TomlLeaf[] }
);

/** A key with a value. */
export interface TomlLeaf {
  /** Names from the top of the file: `['merge', 'gap_timeout']`. */
  readonly path: readonly string[];
  /** Where each of the names stands. */
  readonly places: readonly Place[];
  readonly value: TomlValue;
}

/** A table without a value of its own: `[merge]`. */
export type TomlHeader = Omit<TomlLeaf, 'value'>;

/** All that a file says, in its order; tables are dissolved into the paths of their keys. */
export interface TomlFile {
  readonly leaves: readonly TomlLeaf[];
  readonly headers: readonly TomlHeader[];
}

/** Why a text is not TOML. */
export class TomlFault {
  readonly place: Place;
  readonly message: string;

  constructor(place: Place, message: string) {
    this.place = place;
    this.message = message;
  }
}

/** Longer than any configuration. */
const CHARACTERS_MAX = 1 << 20;
/** Lists and tables in each other; nothing here has more than three. */
const DEPTH_MAX = 16;
/** What stands in messages of a long value. */
const SHOWN_MAX = 60;

export function readToml(text: string): TomlFile | TomlFault {
  const start = { line: 1, column: 1 };
  if (text.length > CHARACTERS_MAX) return new TomlFault(start, 'the file is longer than 1 MiB');
  const marked = text.startsWith('\uFEFF');
  try {
    // A byte order mark is a blank like others.
    return new Reader(marked ? ` ${text.slice(1)}` : text).read();
  } catch (error) {
    if (error instanceof ParseError) return new TomlFault(parsePlace(error), lowerFirst(error.message));
    if (error instanceof TooDeep || error instanceof RangeError) {
      return new TomlFault(start, 'lists or tables stand too deep in each other');
    }
    throw error;
  }
}

class TooDeep extends Error {}

class Reader {
  readonly #text: string;
  readonly #leaves: TomlLeaf[] = [];
  readonly #headers: TomlHeader[] = [];
  /** Lists of tables (`[[x.y]]`) by their path. */
  readonly #lists: Map<string, { place: Place; items: TomlValue[] }> = new Map();

  constructor(text: string) {
    this.#text = text;
  }

  read(): TomlFile {
    const { body } = parseTOML(this.#text, { tomlVersion: '1.0' }).body[0];
    for (const node of body) {
      if (node.type === 'TOMLKeyValue') this.#pair([], [], node, this.#leaves, 0);
      else if (node.kind === 'array') this.#listed(node);
      else this.#table(node);
    }
    return { leaves: this.#leaves, headers: this.#headers };
  }

  #table(node: AST.TOMLTable): void {
    const { path, places } = namesOf(node.key);
    this.#headers.push({ path, places });
    for (const pair of node.body) this.#pair(path, places, pair, this.#leaves, 0);
  }

  /** One table of `[[x.y]]`: an item of the list x.y. */
  #listed(node: AST.TOMLTable): void {
    const { path, places } = namesOf(node.key);
    const id = JSON.stringify(path);
    const place = placeOf(node);
    let list = this.#lists.get(id);
    if (list === undefined) {
      list = { place, items: [] };
      this.#lists.set(id, list);
      this.#leaves.push({
        path,
        places,
        value: { kind: 'list', place, text: this.#shown(node), items: list.items },
      });
    }
    const leaves: TomlLeaf[] = [];
    for (const pair of node.body) this.#pair([], [], pair, leaves, 0);
    list.items.push({ kind: 'table', place, text: this.#shown(node), leaves });
  }

  #pair(
    path: readonly string[],
    places: readonly Place[],
    node: AST.TOMLKeyValue,
    into: TomlLeaf[],
    depth: number,
  ): void {
    if (depth > DEPTH_MAX) throw new TooDeep();
    const names = namesOf(node.key);
    const whole = { path: [...path, ...names.path], places: [...places, ...names.places] };
    if (node.value.type !== 'TOMLInlineTable') {
      into.push({ ...whole, value: this.#value(node.value, depth) });
      return;
    }
    if (into === this.#leaves) this.#headers.push(whole);
    for (const pair of node.value.body) this.#pair(whole.path, whole.places, pair, into, depth + 1);
  }

  #value(node: AST.TOMLContentNode, depth: number): TomlValue {
    if (depth > DEPTH_MAX) throw new TooDeep();
    const said = { place: placeOf(node), text: this.#shown(node) };
    if (node.type === 'TOMLArray') {
      return { ...said, kind: 'list', items: node.elements.map((each) => this.#value(each, depth + 1)) };
    }
    if (node.type === 'TOMLInlineTable') {
      const leaves: TomlLeaf[] = [];
      for (const pair of node.body) this.#pair([], [], pair, leaves, depth + 1);
      return { ...said, kind: 'table', leaves };
    }
    switch (node.kind) {
      case 'string':
        return { ...said, kind: 'text', value: node.value };
      case 'integer':
        return { ...said, kind: 'integer', value: node.value };
      case 'float':
        return { ...said, kind: 'decimal', value: node.value };
      case 'boolean':
        return { ...said, kind: 'boolean', value: node.value };
      default:
        return { ...said, kind: 'time' };
    }
  }

  #shown({ range }: { readonly range: readonly [number, number] }): string {
    const text = this.#text.slice(range[0], range[1]).replace(/\s+/g, ' ');
    return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
  }
}

function namesOf(key: AST.TOMLKey): { path: string[]; places: Place[] } {
  return {
    path: key.keys.map((each) => (each.type === 'TOMLBare' ? each.name : each.value)),
    places: key.keys.map(placeOf),
  };
}

function placeOf({ loc }: { readonly loc: AST.SourceLocation }): Place {
  return { line: loc.start.line, column: loc.start.column + 1 };
}

function parsePlace({ lineNumber, column }: ParseError): Place {
  return { line: lineNumber, column: column + 1 };
}

function lowerFirst(text: string): string {
  return `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;
}
