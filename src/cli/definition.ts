import type { Command } from '@oclif/core/command';
import type { Arg, Flag } from '@oclif/core/interfaces';

/** One flag as help, man page, reference and completion show it. */
export interface FlagDefinition {
  readonly name: string;
  readonly char: string | null;
  readonly summary: string;
  /** Placeholder of its value, null for a flag without one. */
  readonly value: string | null;
  /** The only values it takes, empty where it is not a closed list. */
  readonly options: readonly string[];
  readonly default: string | null;
  readonly multiple: boolean;
  readonly required: boolean;
  /** Every command has it. */
  readonly global: boolean;
}

export interface ArgDefinition {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
  readonly multiple: boolean;
  readonly options: readonly string[];
}

export interface Example {
  readonly description: string;
  readonly command: string;
}

/** What a command says about itself: everything that is printed about it is made from this. */
export interface CommandDefinition {
  readonly id: string;
  readonly summary: string;
  readonly description: string;
  readonly args: readonly ArgDefinition[];
  readonly flags: readonly FlagDefinition[];
  readonly examples: readonly Example[];
}

/** Reads the definition off a command's class. */
export async function definitionOf(id: string, command: typeof Command): Promise<CommandDefinition> {
  const own = Object.entries(command.flags ?? {}).map(([name, flag]) => flagDefinition(name, flag, false));
  const shared = Object.entries(command.baseFlags ?? {}).map(([name, flag]) =>
    flagDefinition(name, flag, true),
  );
  const examples = command.examples ?? [];
  return {
    id,
    summary: command.summary ?? '',
    description: command.description ?? '',
    args: Object.entries(command.args ?? {}).map(([name, arg]) => argDefinition(name, arg)),
    flags: await Promise.all([...own, ...shared]),
    examples: examples.map((example) =>
      typeof example === 'string' ? { description: '', command: example } : example,
    ),
  };
}

async function flagDefinition(name: string, flag: Flag<unknown>, global: boolean): Promise<FlagDefinition> {
  const option = flag.type === 'option' ? flag : null;
  const options = option?.options ?? [];
  const helpValue = typeof option?.helpValue === 'string' ? option.helpValue : null;
  return {
    name,
    char: flag.char ?? null,
    summary: flag.summary ?? flag.description ?? '',
    value: option === null ? null : (helpValue ?? (options.length > 0 ? options.join('|') : 'VALUE')),
    options,
    default: option === null ? null : await defaultText(option.defaultHelp ?? option.default),
    multiple: option?.multiple ?? false,
    required: flag.required ?? false,
    global,
  };
}

function argDefinition(name: string, arg: Partial<Arg<unknown>>): ArgDefinition {
  return {
    name: (arg.name ?? name).toUpperCase(),
    summary: arg.description ?? '',
    required: arg.required ?? false,
    multiple: arg.multiple ?? false,
    options: arg.options?.map(String) ?? [],
  };
}

async function defaultText(value: unknown): Promise<string | null> {
  const settled: unknown = typeof value === 'function' ? await value({}) : value;
  return settled === undefined || settled === null ? null : String(settled);
}
