import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, parse } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Command } from '@oclif/core/command';
import type { CommandDefinition } from './definition.ts';

/** The program's file for definitions, beside the built commands; sources have none. */
export const DEFINITIONS_FILE = 'commands.json';

/** A command that can be run. */
export type CommandClass = typeof Command & { run: (argv: string[], options: object) => Promise<unknown> };

/**
 * The commands of a folder: one module each, its name is the command. What they say about themselves comes from
 * one file where a build made it, so that help starts without loading them.
 */
export class CommandSet {
  readonly ids: readonly string[];
  readonly #folder: string;
  readonly #extension: string;

  /** @param folder of the commands; null = the program's own, beside this module. */
  constructor(folder: string | null = null) {
    const here = fileURLToPath(import.meta.url);
    this.#folder = folder ?? join(dirname(here), '../commands');
    this.#extension = extname(here);
    this.ids = readdirSync(this.#folder)
      .filter((name) => name.endsWith(this.#extension) && !name.endsWith(`.d${this.#extension}`))
      .map((name) => parse(name).name)
      .sort();
  }

  async load(id: string): Promise<CommandClass> {
    const file = join(this.#folder, id + this.#extension);
    const module = (await import(pathToFileURL(file).href)) as { default: CommandClass };
    return module.default;
  }

  async definition(id: string): Promise<CommandDefinition> {
    const built = this.#builtDefinitions()?.find((definition) => definition.id === id);
    if (built !== undefined) return built;
    const { definitionOf } = await import('./definition.ts');
    return definitionOf(id, await this.load(id));
  }

  async definitions(): Promise<readonly CommandDefinition[]> {
    return this.#builtDefinitions() ?? (await Promise.all(this.ids.map((id) => this.definition(id))));
  }

  #builtDefinitions(): readonly CommandDefinition[] | null {
    const file = join(this.#folder, '..', DEFINITIONS_FILE);
    if (!existsSync(file)) return null;
    return JSON.parse(readFileSync(file, 'utf8')) as CommandDefinition[];
  }
}
