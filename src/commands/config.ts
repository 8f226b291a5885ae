import * as Args from '@oclif/core/args';
import type { Arg, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import { setFlag, typedTexts } from '../cli/config-flags.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_PROBLEM } from '../cli/exit-codes.ts';
import type { Style } from '../cli/style.ts';
import type { ReadConfig } from '../core/config/load.ts';

/** Checks and prints configurations of `mdx serve`. */
export default class Config extends BaseCommand {
  static override summary: string = 'check a configuration of mdx serve, or print what it comes to';
  static override description: string =
    'With check, reads a file as mdx serve would and tells everything that is wrong with it, each with its line and column: names that nobody knows with the one that was meant, values out of their range, and keys that do not go together. With print, writes the value that each key has in the end, with its origin (flag, environment, file or default), as a file that mdx serve reads; tokens are hidden, and without FILE it is a file of all defaults. docs/configuration.md explains every key.';
  static override examples: Example[] = [
    { description: 'Before a restart', command: 'mdx config check mdx.toml' },
    { description: 'What each key has, and why', command: 'mdx config print mdx.toml' },
    { description: 'A file to begin with', command: 'mdx config print > mdx.toml' },
    {
      description: 'What a change would come to',
      command: 'mdx config check mdx.toml --set merge.pending_cap=65536',
    },
  ];
  static override args: { action: Arg<string>; file: Arg<string | undefined> } = {
    action: Args.string({
      description: 'check or print',
      options: ['check', 'print'],
      required: true,
      ignoreStdin: true,
    }),
    file: Args.string({ description: 'configuration, TOML', ignoreStdin: true }),
  };
  static override flags: { set: OptionFlag<string[] | undefined> } = { set: setFlag };

  async run(): Promise<void> {
    const parsed = await this.parse(Config);
    const { action, file = null } = parsed.args;
    const { MdxError } = await import('../core/errors.ts');
    if (action === 'check' && file === null) {
      throw new MdxError('usage', 'FILE is missing: the configuration to check');
    }
    const { readServeConfig } = await import('../core/config/load.ts');
    const { SERVE_CHECKS } = await import('../core/serve/config-checks.ts');
    const flags = new Map([['set', typedTexts(parsed).get('set') ?? []]]);
    const read = readServeConfig({ file, environment: process.env, flags, checks: SERVE_CHECKS });
    await (action === 'check' ? this.#check(read, file!) : this.#print(read, file));
  }

  async #check(read: ReadConfig, file: string): Promise<void> {
    const { problemText } = await import('../core/config/problems.ts');
    const { problems, settings } = read;
    const given = settings.filter(({ origin }) => origin.kind !== 'default').length;
    const report = {
      command: 'config',
      version: this.config.version,
      file,
      valid: problems.length === 0,
      given,
      problems,
    };
    await this.printReport(report, (style: Style) =>
      problems.length === 0
        ? `${file}: ${style.good('valid')}, ${given} of ${settings.length} keys given\n`
        : `${problems.map(problemText).join('\n')}\n${file}: ${style.bad(`${problems.length} problem${problems.length === 1 ? '' : 's'}`)}\n`,
    );
    if (problems.length > 0) this.exitWith(EXIT_PROBLEM);
  }

  async #print(read: ReadConfig, file: string | null): Promise<void> {
    const { configError } = await import('../core/config/problems.ts');
    if (read.config === null) throw configError(read.problems);
    const { configToml, printedKeys } = await import('../core/config/print.ts');
    const report = { command: 'config', version: this.config.version, file, keys: printedKeys(read, file) };
    await this.printReport(report, () => configToml(read, file));
  }
}
