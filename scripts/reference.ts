/*
 * Makes docs/commands.md from the definitions that help is made from.
 *
 *     node scripts/reference.ts [--check]
 */
import { CommandSet } from '../src/cli/command-set.ts';
import type { CommandDefinition, FlagDefinition } from '../src/cli/definition.ts';
import { EXIT_CODES } from '../src/cli/exit-codes.ts';
import { argLabel, flagLabel, flagText, usageLine } from '../src/cli/help.ts';
import { settle } from './generated.ts';

const commands = await new CommandSet().definitions();
settle(new Map([['docs/commands.md', reference()]]), null);

function reference(): string {
  return `<!-- Made by scripts/reference.ts; do not edit. -->

# Commands

Data goes to standard output, everything said to people beside it to standard error. \`mdx COMMAND --help\` prints
the same as this page, and so does \`man mdx-COMMAND\`.

${commands.map(({ id, summary }) => `- [\`mdx ${id}\`](#mdx-${id}): ${summary}`).join('\n')}

## Global flags

${flagTable(commands[0]!.flags.filter((flag) => flag.global))}
Colours are also off where the environment has \`NO_COLOR\`, unless \`--color always\` is given.

## Exit codes

| code | meaning |
|---:|---|
${EXIT_CODES.map(({ code, meaning }) => `| ${code} | ${meaning} |`).join('\n')}

With \`--json\` an error is a document on standard output, \`{"error": {"code", "message", "hint", "exit"}}\`; its codes are
explained in [errors.md](errors.md).

${commands.map(commandSection).join('\n')}`;
}

function commandSection(command: CommandDefinition): string {
  const own = command.flags.filter((flag) => !flag.global);
  const args = command.args.map((arg) => `| \`${argLabel(arg)}\` | ${cell(arg.summary)} |`);
  const examples = command.examples.map((example) => `# ${example.description}\n${example.command}\n`);
  return `## mdx ${command.id}

${command.summary[0]!.toUpperCase()}${command.summary.slice(1)}.

    ${usageLine(command)}

${command.description.replaceAll('\n', '\n\n')}

${args.length === 0 ? '' : `| argument | |\n|---|---|\n${args.join('\n')}\n\n`}${own.length === 0 ? '' : `${flagTable(own)}\n`}\`\`\`sh
${examples.join('\n')}\`\`\`
`;
}

function flagTable(flags: readonly FlagDefinition[]): string {
  const rows = flags.map((flag) => `| \`${cell(flagLabel(flag))}\` | ${cell(flagText(flag))} |`);
  return `| flag | |\n|---|---|\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
