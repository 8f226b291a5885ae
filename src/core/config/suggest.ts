import { RULES } from './earlier/rules.ts';
import { allNearest, editDistance } from './nearest.ts';
import { KEYS, SCHEMA } from './schema/keys.ts';

const OURS: readonly string[] = KEYS.map(({ path }) => path);
const NAMES: readonly string[] = [...OURS, ...[...RULES.keys()].filter((name) => !OURS.includes(name))];
const SECTIONS: readonly string[] = [
  ...new Set([
    ...SCHEMA.map(({ name }) => name),
    ...NAMES.filter((name) => name.includes('.')).map(sectionOf),
  ]),
].filter((name) => name !== '');
/** Letters that a slip changes at most. */
const SLIP = 2;
/** Names that stand in front of others: `merge`, `http.tls`, `feeds.obo`. */
const PREFIXES: ReadonlySet<string> = new Set(NAMES.flatMap(prefixesOf));

export function isSection(name: string): boolean {
  return SECTIONS.includes(name);
}

/** Do keys stand below this path? */
export function isPrefix(path: string): boolean {
  return PREFIXES.has(path);
}

export function isKey(path: string): boolean {
  return NAMES.includes(path);
}

/** What a section that does not exist was most likely meant to be. */
export function suggestSection(name: string): string | null {
  return question(allNearest(name, SECTIONS).map((each) => `[${each}]`));
}

/** What a table in a section that does not exist was most likely meant to be. */
export function suggestTable(path: string): string | null {
  return question(allNearest(path, [...PREFIXES]).map((each) => `[${each}]`));
}

/** What a key that does not exist was most likely meant to be: a slip of the keys, or one of another section. */
export function suggestKey(path: string): string | null {
  const near = allNearest(path, NAMES);
  const ours = near.filter((each) => OURS.includes(each));
  const meant = ours.length > 0 ? ours : near;
  if (meant.length > 0 && editDistance(path, meant[0]!) <= SLIP) return question(meant);
  const last = path.slice(path.lastIndexOf('.') + 1);
  const elsewhere = OURS.filter((each) => each.endsWith(`.${last}`));
  return question(elsewhere.length > 0 ? elsewhere : meant);
}

/** What a variable of the environment was most likely meant to be. */
export function suggestVariable(name: string): string | null {
  return question(
    allNearest(
      name,
      KEYS.map(({ variable }) => variable),
    ),
  );
}

/** At most three, so that it stays a suggestion. */
function question(names: readonly string[]): string | null {
  return names.length === 0 || names.length > 3 ? null : `Did you mean ${names.join(' or ')}?`;
}

function sectionOf(path: string): string {
  return path.slice(0, Math.max(0, path.indexOf('.')));
}

function prefixesOf(path: string): string[] {
  const names = path.split('.');
  return names.slice(1).map((_, at) => names.slice(0, at + 1).join('.'));
}
