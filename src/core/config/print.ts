import type { ReadConfig, Setting } from './load.ts';
import { originText } from './problems.ts';
import { KEYS, SCHEMA } from './schema/keys.ts';

/** Effective values as a file, each with its origin; secrets are not in it. @param file that was read. */
export function configToml({ settings }: ReadConfig, file: string | null): string {
  const byPath = new Map(settings.map((setting) => [setting.schema.path, setting]));
  return SCHEMA.map(({ name, keys }) => {
    const lines = keys.map(({ path }) => settingLine(byPath.get(path)!, name, file));
    return `${name === '' ? '' : `[${name}]\n`}${lines.join('\n')}\n`;
  }).join('\n');
}

/** A value as scripts read it. */
export interface PrintedKey {
  readonly key: string;
  /** As the file would have it; null = a secret. */
  readonly value: string | null;
  readonly origin: string;
}

export function printedKeys({ settings }: ReadConfig, file: string | null): readonly PrintedKey[] {
  return KEYS.map(({ path, key }) => {
    const { value, origin } = settings.find(({ schema }) => schema.path === path)!;
    const shown = key.traits.secret === true ? null : key.toToml(value);
    return { key: path, value: shown, origin: originText(origin, file) };
  });
}

const ORIGIN_COLUMN = 48;

function settingLine({ schema, value, origin }: Setting, section: string, file: string | null): string {
  const { path, key } = schema;
  const isHidden = key.traits.secret === true && origin.kind !== 'default';
  const name = section === '' ? path : path.slice(section.length + 1);
  const line = `${isHidden ? '# ' : ''}${name} = ${key.toToml(value)}`;
  return `${line.padEnd(ORIGIN_COLUMN)} # ${originText(origin, file)}${isHidden ? ', hidden' : ''}`;
}
