import { RULES } from './earlier/rules.ts';
import { type Said, translate } from './earlier/translate.ts';
import { type Problem, placeText } from './problems.ts';
import { KEYS } from './schema/keys.ts';
import { isKey, isPrefix, isSection, suggestKey, suggestSection, suggestTable } from './suggest.ts';
import { readToml, TomlFault, type TomlHeader, type TomlLeaf } from './toml.ts';

/** What a file says, by the keys that it is about. */
export interface FileValues {
  readonly said: readonly Said[];
  readonly problems: readonly Problem[];
}

const OURS: ReadonlySet<string> = new Set(KEYS.map(({ path }) => path));
const SECRET: ReadonlySet<string> = new Set([
  ...KEYS.filter(({ key }) => key.traits.secret === true).map(({ path }) => path),
  'feeds.auth_token',
]);

/** Reads a file; names that nobody knows and keys that are said twice are problems. @param name of the file. */
export function fileValues(name: string, text: string): FileValues {
  const file = readToml(text);
  if (file instanceof TomlFault) {
    const where = placeText(name, file.place);
    return {
      said: [],
      problems: [{ where, key: null, message: `this is not TOML: ${file.message}`, hint: null }],
    };
  }
  const names = new Names(name);
  for (const header of file.headers) names.header(header);
  const known = file.leaves.filter((leaf) => names.leaf(leaf));
  const isEarlier = (leaf: TomlLeaf): boolean => !OURS.has(pathOf(leaf)) && RULES.has(pathOf(leaf));
  const { said: translated, wrong } = translate(known.filter(isEarlier));
  const own = known.filter((leaf) => !isEarlier(leaf));
  const said = [...own.map((leaf) => ({ key: pathOf(leaf), leaf, value: leaf.value })), ...translated];
  const refused = wrong.map(({ leaf, problem, hint, value }) => {
    const where = placeText(name, value ? leaf.value.place : leaf.places.at(-1)!);
    return {
      where,
      key: pathOf(leaf),
      message: `${value ? leafText(leaf) : pathOf(leaf)}: ${problem}`,
      hint,
    };
  });
  return { said, problems: [...names.problems, ...refused, ...twice(name, said)] };
}

/** A key and its value as the file has it; secrets are not shown. */
export function leafText(leaf: TomlLeaf): string {
  const path = pathOf(leaf);
  return SECRET.has(path) ? path : `${path} = ${leaf.value.text}`;
}

export function pathOf({ path }: TomlHeader): string {
  return path.join('.');
}

/** Judges names: each that is unknown is told once, and what stands below it is passed over. */
class Names {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #told: Set<string> = new Set();

  constructor(file: string) {
    this.#file = file;
  }

  header(header: TomlHeader): void {
    const path = pathOf(header);
    if (this.#isPassedOver(header) || isPrefix(path)) return;
    if (isKey(path)) this.#tell(header, header.path.length, `${path} is one value, not a section`, null);
    else this.#unknown(header, true);
  }

  /** @returns whether it is a known key. */
  leaf(leaf: TomlLeaf): boolean {
    if (this.#isPassedOver(leaf)) return false;
    const path = pathOf(leaf);
    if (isKey(path)) return true;
    if (isPrefix(path))
      this.#tell(leaf, leaf.path.length, `${path} is a section, not one value`, `Write [${path}].`);
    else this.#unknown(leaf, false);
    return false;
  }

  #unknown(header: TomlHeader, isTable: boolean): void {
    const { path } = header;
    const key = path.slice(0, -1).join('.');
    if (OURS.has(key)) this.#tell(header, path.length - 1, `${key} is one value, not a section`, null);
    else if ((isTable || path.length > 1) && !isSection(path[0]!)) {
      this.#tell(header, 1, `there is no section [${path[0]}]`, suggestSection(path[0]!));
    } else {
      const name = pathOf(header);
      const what = isTable ? `section [${name}]` : `key ${name}`;
      this.#tell(header, path.length, `there is no ${what}`, isTable ? suggestTable(name) : suggestKey(name));
    }
  }

  #tell(header: TomlHeader, length: number, message: string, hint: string | null): void {
    const key = header.path.slice(0, length).join('.');
    this.#told.add(key);
    this.problems.push({ where: placeText(this.#file, header.places[length - 1]!), key, message, hint });
  }

  #isPassedOver({ path }: TomlHeader): boolean {
    return path.some((_, at) => this.#told.has(path.slice(0, at + 1).join('.')));
  }
}

/** Keys that the file says by two names. */
function twice(file: string, said: readonly Said[]): Problem[] {
  const first = new Map<string, TomlLeaf>();
  return said.flatMap(({ key, leaf }) => {
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, leaf);
      return [];
    }
    const message = `${pathOf(leaf)} says what ${pathOf(before)} says in line ${before.places.at(-1)!.line}`;
    const where = placeText(file, leaf.places.at(-1)!);
    return [{ where, key: pathOf(leaf), message, hint: `Keep ${key}.` }];
  });
}
