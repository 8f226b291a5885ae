import type { Origin, Problem } from './problems.ts';
import { KEYS, type SchemaKey } from './schema/keys.ts';
import { suggestKey, suggestVariable } from './suggest.ts';

/** Something that a flag or the environment says about a key. */
export interface TextValue {
  readonly schema: SchemaKey;
  readonly text: string;
  /** Where each argument is an item, whatever is in it. */
  readonly items: readonly string[] | null;
  readonly origin: Origin;
  readonly where: string;
}

export interface TextValues {
  readonly said: readonly TextValue[];
  readonly problems: readonly Problem[];
}

/** Variables with our prefix that are no keys: of other commands, and what clusters set for a service named mdx. */
const OTHER_VARIABLES = /^MDX_(TOKEN|DATA|FROM_SOURCES|SERVICE_\w+|PORT|PORT_\d+_\w+)$/;

/** What the environment says: MDX_ and the path of the key. */
export function variableTexts(environment: Readonly<Record<string, string | undefined>>): TextValues {
  const said: TextValue[] = [];
  const problems: Problem[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || !variable.startsWith('MDX_') || OTHER_VARIABLES.test(variable)) continue;
    const schema = KEYS.find((each) => each.variable === variable);
    if (schema !== undefined) {
      const origin: Origin = { kind: 'environment', variable };
      said.push({ schema, text, items: null, origin, where: variable });
      continue;
    }
    const hint = suggestVariable(variable);
    problems.push({ where: variable, key: null, message: 'there is no key of this name', hint });
  }
  return { said, problems };
}

/** What flags say; a flag that is given several times is a list. */
export function flagTexts(flags: ReadonlyMap<string, readonly string[]>): TextValues {
  const said: TextValue[] = [];
  const problems: Problem[] = [];
  for (const schema of KEYS) {
    const { flag, flagPart, flagForm } = schema.key.traits;
    const texts = flag === undefined ? [] : (flags.get(flag) ?? []);
    const isArgument = flag === 'INPUT';
    const where = isArgument ? 'arguments' : `--${flag}`;
    const meant = texts.flatMap((text) => {
      const part = flagPart === undefined ? text : flagPart(text);
      if (part === null && flagForm !== undefined && isForNobody(flag!, text)) {
        problems.push({ where: `${where} ${text}`, key: null, message: `expected ${flagForm}`, hint: null });
      }
      return part ?? [];
    });
    if (meant.length === 0) continue;
    const items = isArgument ? meant : null;
    said.push({ schema, text: meant.join(','), items, origin: { kind: 'flag', flag: where }, where });
  }
  for (const text of flags.get('set') ?? []) setText(text, said, problems);
  return { said, problems };
}

function isForNobody(flag: string, text: string): boolean {
  return KEYS.every(({ key: { traits } }) => traits.flag !== flag || traits.flagPart?.(text) === null);
}

/** One KEY=VALUE of `--set`. */
function setText(text: string, said: TextValue[], problems: Problem[]): void {
  const [, path = text, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const where = `--set ${path}`;
  const schema = KEYS.find((each) => each.path === path);
  const tell = (message: string, hint: string | null): void => {
    problems.push({ where, key: path, message, hint });
  };
  if (value === undefined) tell('expected KEY=VALUE such as merge.window=512', null);
  else if (schema === undefined)
    tell('there is no such key', suggestKey(path) ?? 'mdx config print lists them all.');
  else if (schema.key.traits.secret === true) {
    const hint = `Set ${schema.variable}.`;
    tell('secrets stand in a file or in the environment, where others do not see them', hint);
  } else if (said.some((each) => each.schema === schema)) tell('it is said twice', 'Say it once.');
  else said.push({ schema, text: value, items: null, origin: { kind: 'flag', flag: where }, where });
}
