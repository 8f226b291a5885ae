import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { MdxError } from '../errors.ts';
import { type Check, CROSS_CHECKS } from './cross-checks.ts';
import { fileValues, leafText, pathOf } from './file-values.ts';
import { Fault } from './key.ts';
import { configError, type Origin, originText, type Problem, placeText } from './problems.ts';
import { assemble, KEYS, type SchemaKey, TOGETHER } from './schema/keys.ts';
import type { ServeConfig } from './serve-config.ts';
import { flagTexts, variableTexts } from './text-values.ts';
import { type NamedToken, readTokenFile } from './tokens.ts';

/** Where a configuration comes from, weakest first: defaults, the file, the environment, flags. */
export interface ConfigSources {
  /** Path of the file, null = there is none. */
  readonly file: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What was typed behind each flag, by its name without dashes; `set` has KEY=VALUE, `INPUT` the arguments. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** What else has to fit, known further up. */
  readonly checks?: readonly Check[];
}

/** What a key has in the end, and who said so. */
export interface Setting {
  readonly schema: SchemaKey;
  readonly value: unknown;
  readonly origin: Origin;
}

/** A configuration as it was read. */
export interface ReadConfig {
  /** Null where there are problems. */
  readonly config: ServeConfig | null;
  /** All keys, in the order of the file. */
  readonly settings: readonly Setting[];
  readonly problems: readonly Problem[];
}

export interface LoadedConfig extends ReadConfig {
  readonly config: ServeConfig;
}

/** Throws one MdxError with all that is wrong, each with its place. */
export function loadServeConfig(sources: ConfigSources): LoadedConfig {
  const read = readServeConfig(sources);
  if (read.config === null) throw configError(read.problems);
  return { ...read, config: read.config };
}

/** Throws MdxError only where the file cannot be read. */
export function readServeConfig(sources: ConfigSources): ReadConfig {
  const text = sources.file === null ? null : readText(sources.file, 'the configuration');
  const reading = new Reading(sources);
  if (text !== null) reading.file(text);
  reading.texts(variableTexts(sources.environment));
  reading.texts(flagTexts(sources.flags));
  return reading.end();
}

class Reading {
  readonly #sources: ConfigSources;
  readonly #problems: Problem[] = [];
  readonly #settings: Map<string, Setting> = new Map();

  constructor(sources: ConfigSources) {
    this.#sources = sources;
    for (const schema of KEYS) {
      this.#settings.set(schema.path, { schema, value: schema.key.fallback, origin: { kind: 'default' } });
    }
  }

  file(text: string): void {
    const path = this.#sources.file!;
    const folder = dirname(resolve(path));
    const { said, problems } = fileValues(path, text);
    const found = [...problems];
    for (const { key, leaf, value } of said) {
      const { schema } = this.#settings.get(key)!;
      const { place } = leaf.value;
      const meant = schema.key.ofToml(value, folder);
      if (meant instanceof Fault) {
        const message = `${leafText(leaf)}: expected ${meant.expected}`;
        const where = placeText(path, meant.place ?? place);
        found.push({ where, key: pathOf(leaf), message, hint: null });
      } else {
        const origin: Origin = { kind: 'file', place, name: pathOf(leaf) };
        this.#settings.set(key, { schema, value: meant, origin });
      }
    }
    // From the top down, as people go through a file.
    const lineOf = ({ where }: Problem): number => Number(where.split(':').at(-2));
    this.#problems.push(...found.sort((a, b) => lineOf(a) - lineOf(b)));
  }

  texts({ said, problems }: ReturnType<typeof flagTexts>): void {
    this.#problems.push(...problems);
    for (const { schema, text, items, origin, where } of said) {
      const { key } = schema;
      const found = items === null ? key.ofText(text) : key.ofItems!(items);
      if (found instanceof Fault) {
        const shown = key.traits.secret === true ? '' : `${schema.path} = ${JSON.stringify(text)}: `;
        const message = `${shown}expected ${found.expected}`;
        this.#problems.push({ where, key: schema.path, message, hint: null });
      } else this.#settings.set(schema.path, { schema, value: found, origin });
    }
  }

  end(): ReadConfig {
    const tokens = this.#tokens();
    const settings = [...this.#settings.values()];
    if (this.#problems.length > 0) return { config: null, settings, problems: this.#problems };
    const config = assemble((path) =>
      path === 'security.tokens' ? tokens : this.#settings.get(path)!.value,
    );
    for (const check of [...CROSS_CHECKS, ...(this.#sources.checks ?? [])]) this.#check(check, config);
    for (const paths of TOGETHER) this.#together(paths.map((path) => this.#settings.get(path)!));
    const { length } = this.#problems;
    return { config: length === 0 ? config : null, settings, problems: this.#problems };
  }

  #check({ keys, problem }: Check, config: ServeConfig): void {
    const found = problem(config);
    if (found === null) return;
    const given = keys.map((key) => this.#settings.get(key)!);
    const told = given.find(({ origin }) => origin.kind !== 'default') ?? given[0]!;
    this.#problems.push({ where: this.#where(told), key: told.schema.path, ...found });
  }

  #together(settings: readonly Setting[]): void {
    const given = settings.find(({ value }) => value !== null);
    const missing = settings.find(({ value }) => value === null);
    if (given === undefined || missing === undefined) return;
    const { path } = given.schema;
    const message = `${missing.schema.path} is missing beside ${path}`;
    this.#problems.push({ where: this.#where(given), key: path, message, hint: 'Give both, or none.' });
  }

  #where({ origin }: Setting): string {
    const { file } = this.#sources;
    if (origin.kind === 'file') return placeText(file!, origin.place);
    return origin.kind === 'default' ? (file ?? 'configuration') : originText(origin, file);
  }

  /** Those that are given, and those of the file for them. */
  #tokens(): readonly NamedToken[] {
    const given = this.#settings.get('security.tokens')!.value as readonly NamedToken[];
    const from = this.#settings.get('security.token_file')!;
    const path = from.value as string | null;
    if (path === null) return given;
    const tell = (message: string): void => {
      this.#problems.push({ where: this.#where(from), key: from.schema.path, message, hint: null });
    };
    try {
      const found = readTokenFile(readText(path, 'the tokens'));
      if (typeof found !== 'number') return [...given, ...found];
      const { expected } = this.#settings.get('security.tokens')!.schema.key;
      tell(`${path}:${found}: ${expected.replace(/^a list, each /, 'expected ')}`);
    } catch (error) {
      tell((error as Error).message);
    }
    return given;
  }
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const doing = `reading ${what} from ${path}`;
    if (code === 'ENOENT') {
      throw new MdxError('input-missing', `${doing}: there is no such file`, {
        hint: `mdx config print writes one: mdx config print > ${basename(path)}`,
        cause: error,
      });
    }
    if (code === 'EISDIR')
      throw new MdxError('input-directory', `${doing}: it is a directory`, { cause: error });
    throw new MdxError('input-unreadable', `${doing}: ${(error as Error).message}`, { cause: error });
  }
}
