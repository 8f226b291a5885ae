import * as Args from '@oclif/core/args';
import type { Arg } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import { CommandSet } from '../cli/command-set.ts';
import { completionScript, SHELLS, type Shell } from '../cli/completion.ts';
import type { Example } from '../cli/definition.ts';

/** Prints the script that completes mdx's command line in a shell. */
export default class Completion extends BaseCommand {
  static override summary: string = 'print a completion script for a shell';
  static override description: string =
    'Completes commands, flags, the values of flags that take one of a few, and file names. The script is made from the same definitions as the help, so it fits the mdx that printed it.';
  static override examples: Example[] = [
    { description: 'bash, for this session', command: 'source <(mdx completion bash)' },
    {
      description: 'zsh, for good (the folder must be in $fpath)',
      command: 'mdx completion zsh > ~/.zfunc/_mdx',
    },
    {
      description: 'fish, for good',
      command: 'mdx completion fish > ~/.config/fish/completions/mdx.fish',
    },
  ];
  static override args: { shell: Arg<string> } = {
    shell: Args.string({
      description: `shell to complete in: ${SHELLS.join(', ')}`,
      options: SHELLS,
      required: true,
      ignoreStdin: true,
    }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    const definitions = await new CommandSet().definitions();
    const script = completionScript(args.shell as Shell, definitions);
    await this.printReport(
      { command: 'completion', version: this.config.version, shell: args.shell, script },
      () => script,
    );
  }
}
